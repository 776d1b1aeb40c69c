"""May this datagram be believed? (RFC 3768 §7.1, RFC 9568 §7.1)

Each reason for a refusal has its counter and its sentence for the operator. What is refused changes
nothing in the machine: no timer moves, no state, so nobody can silence a master with rubbish
(keepalived re-arms its advertisement timer even then).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pyvrrp.core.vrrp.advertiser import padded
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.errors import WireError, WireReason
from pyvrrp.model.vrrp import AuthType, VrrpInstance
from pyvrrp.net import VRRP_TTL, Address
from pyvrrp.units import CENTISECOND, SECOND, Micros, format_seconds
from pyvrrp.wire.vrrp import AdvertV2, AdvertV3, decode_v2, decode_v3


class Reason(StrEnum):
    """Why an advertisement is refused."""

    LENGTH = "wrong length"
    TTL = "TTL is not 255"
    VERSION = "wrong VRRP version"
    TYPE = "invalid packet type"
    INVALID_AUTH_TYPE = "invalid authentication type"
    CHECKSUM = "invalid checksum"
    AUTH_TYPE = "authentication type differs"
    PASSWORD = "password differs"
    INTERVAL = "advertisement interval differs"
    DESTINATION = "sent to the wrong destination"
    OWNER = "we are the address owner"
    NOT_A_PEER = "not a unicast peer"


COUNTER: Final[dict[Reason, str | None]] = {
    Reason.LENGTH: "packet_len_err",
    Reason.TTL: "ip_ttl_err",
    Reason.VERSION: "vers_err",
    Reason.TYPE: "invalid_type_rcvd",
    Reason.INVALID_AUTH_TYPE: "invalid_authtype",
    Reason.CHECKSUM: "chk_err",
    Reason.AUTH_TYPE: "authtype_mismatch",
    Reason.PASSWORD: "auth_failure",
    Reason.INTERVAL: "advert_interval_err",
    Reason.DESTINATION: "addr_list_err",
    Reason.OWNER: None,
    Reason.NOT_A_PEER: None,
}
"""The field of `Stats` that each reason counts in; None: keepalived has no counter for it."""

_WIRE: Final = {
    WireReason.TOO_SHORT: Reason.LENGTH,
    WireReason.LENGTH: Reason.LENGTH,
    WireReason.VERSION: Reason.VERSION,
    WireReason.TYPE: Reason.TYPE,
    WireReason.AUTH_TYPE: Reason.INVALID_AUTH_TYPE,
    WireReason.CHECKSUM: Reason.CHECKSUM,
}

_DAMAGED: Final = "the message is damaged"
_AUTH_NAME: Final = {0: "none", 1: "PASS", 2: "AH"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """An advertisement in terms that both versions share."""

    source: Address
    priority: int
    """0..255."""
    advert_int: Micros
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    reason: Reason
    detail: str
    """What differs, theirs against ours; never a password."""


def admit(instance: VrrpInstance, datagram: DatagramReceived) -> Accepted | Rejected:
    """Judge a datagram that carries the instance's virtual router id."""
    if not instance.unicast_peer and datagram.ttl != VRRP_TTL:
        return Rejected(Reason.TTL, f"TTL {datagram.ttl}")
    try:
        advert: AdvertV2 | AdvertV3
        if instance.version == 2:
            advert = decode_v2(datagram.payload)
        else:
            advert = decode_v3(datagram.payload, instance.family, datagram.source, datagram.destination)
    except WireError as error:
        return Rejected(_WIRE[error.reason], error.detail or _DAMAGED)
    if isinstance(advert, AdvertV2):
        interval = advert.advert_int * SECOND
        refusal = _authenticate(instance, advert)
        if refusal is not None:
            return refusal
        if interval != instance.advert_int:
            detail = f"{format_seconds(interval)} s, ours is {format_seconds(instance.advert_int)} s"
            return Rejected(Reason.INTERVAL, detail)
    else:
        interval = advert.advert_int * CENTISECOND
    if datagram.destination.is_multicast == bool(instance.unicast_peer):
        return Rejected(Reason.DESTINATION, f"to {datagram.destination}")
    if instance.priority == 255 and instance.owner_ignore_adverts:
        return Rejected(Reason.OWNER, f"priority {advert.priority}")
    if instance.check_unicast_src and instance.unicast_peer and datagram.source not in instance.unicast_peer:
        return Rejected(Reason.NOT_A_PEER, f"from {datagram.source}")
    return Accepted(datagram.source, advert.priority, interval, advert.addresses)


def _authenticate(instance: VrrpInstance, advert: AdvertV2) -> Rejected | None:
    """RFC 2338 §5.3.6, §7.1."""
    ours = instance.authentication
    wanted = AuthType.NONE if ours is None else ours.type
    if advert.auth_type != wanted:
        detail = f"{_AUTH_NAME[advert.auth_type]}, ours is {_AUTH_NAME[wanted]}"
        return Rejected(Reason.AUTH_TYPE, detail)
    # No constant-time comparison: the password is in clear text in every advertisement.
    if ours is not None and advert.auth_data != padded(ours.password):
        return Rejected(Reason.PASSWORD, "auth_pass is not the same on both directors")
    return None
