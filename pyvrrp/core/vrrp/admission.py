"""May this datagram be believed? (RFC 3768 §7.1, RFC 9568 §7.1)

Each reason for a refusal has its counter and its sentence for the operator (`reasons`). What is refused changes
nothing in the machine: no timer moves, no state, so nobody can silence a master with rubbish
(keepalived re-arms its advertisement timer even then).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyvrrp.core.vrrp.advertiser import padded
from pyvrrp.core.vrrp.credentials import Credentials, Opened
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.reasons import Reason, Rejected
from pyvrrp.errors import WireError, WireReason
from pyvrrp.model.vrrp import AuthType, UnicastChecksum, VrrpInstance
from pyvrrp.net import IPPROTO_VRRP, VRRP_GROUP4, VRRP_TTL, Address
from pyvrrp.units import CENTISECOND, SECOND, Micros, format_seconds
from pyvrrp.wire.vrrp import AdvertV2, AdvertV3, decode_v2, decode_v3, expected_length

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
_TRAILER_LENGTH: Final = 28
"""Of auth_hmac, whose code is loaded only where it is configured."""

_OLD: Final = (VRRP_GROUP4,)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An advertisement in terms that both versions share."""

    source: Address
    priority: int
    """0..255."""
    advert_int: Micros
    addresses: tuple[Address, ...]
    old_checksum: bool = False
    """Its checksum is that of a keepalived before 1.3.6 (`model.vrrp.UnicastChecksum`)."""
    doubt: str | None = None
    """What is wrong all the same, for people."""


def admit(
    instance: VrrpInstance, datagram: DatagramReceived, credentials: Credentials | None = None
) -> Accepted | Rejected:
    """Judge a datagram that carries the instance's virtual router id.

    `credentials`: those of the instance (`credentials.credentials`), which remember what they have seen.
    """
    if not instance.unicast_peer and datagram.ttl != VRRP_TTL:
        return Rejected(Reason.TTL, f"TTL {datagram.ttl}")
    family = datagram.source.version
    if credentials is not None:
        opened = credentials.open(datagram, family)
        if isinstance(opened, Rejected):
            return opened
    elif datagram.protocol != IPPROTO_VRRP:
        return Rejected(Reason.AUTH_TYPE, f"AH, ours is {_AUTH_NAME[_wanted(instance)]}")
    else:
        opened = Opened(datagram.payload)
    try:
        advert, old_checksum = _decode(instance, datagram, opened)
    except WireError as error:
        detail = error.detail or _DAMAGED
        if error.reason is WireReason.LENGTH and _is_signed(datagram.payload, family):
            detail += ": the sender signs (auth_hmac), we do not"
        return Rejected(_WIRE[error.reason], detail)
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
    refusal = _check_peer(instance, datagram)
    if refusal is not None:
        return refusal
    return Accepted(datagram.source, advert.priority, interval, advert.addresses, old_checksum, opened.doubt)


def _decode(instance: VrrpInstance, datagram: DatagramReceived, opened: Opened) -> tuple[AdvertV2 | AdvertV3, bool]:
    """The advertisement, and whether its checksum is of the old way; WireError."""
    source, destination = datagram.source, datagram.destination
    if instance.version == 2:
        return decode_v2(opened.message, source, destination, opened.tail), False
    coverages = _coverages(instance, destination)
    for covered in coverages:
        try:
            advert = decode_v3(opened.message, source.version, source, covered, opened.tail)
        except WireError as error:
            if error.reason is not WireReason.CHECKSUM:
                raise
        else:
            return advert, covered is VRRP_GROUP4 and destination != VRRP_GROUP4
    raise WireError(WireReason.CHECKSUM, _why_not(opened.message, datagram, coverages))


def _coverages(instance: VrrpInstance, destination: Address) -> tuple[Address | None, ...]:
    """As whose destination's the checksum may be computed; None: it may leave source and destination out.

    With v3_checksum_as_v2 both ways are sound, so that directors can be changed one after the other (keepalived
    checks nothing then).
    """
    if destination.version == 6:
        return (destination,)
    if instance.v3_checksum_as_v2:
        return None, destination
    if not instance.unicast_peer or instance.old_unicast_checksum is UnicastChecksum.NEVER:
        return (destination,)
    return _OLD if instance.old_unicast_checksum is UnicastChecksum.OLD else (destination, VRRP_GROUP4)


def _why_not(message: bytes, datagram: DatagramReceived, tried: tuple[Address | None, ...]) -> str:
    """A checksum that is computed another way is no damage."""
    ways: tuple[tuple[Address | None, str], ...] = (
        (None, "it covers the message alone: v3_checksum_as_v2 there, and not here"),
        (VRRP_GROUP4, "it is that of an old keepalived (old_unicast_checksum)"),
        (datagram.destination, "it is the present way, ours is old_unicast_checksum"),
    )
    for covered, text in ways:
        if covered in tried or datagram.source.version == 6:
            continue
        try:
            decode_v3(message, 4, datagram.source, covered)
        except WireError:
            continue
        return text
    return _DAMAGED


def _is_signed(payload: bytes, family: int) -> bool:
    """As long as with a trailer of auth_hmac."""
    return len(payload) >= 8 and len(payload) == expected_length(payload[0] >> 4, family, payload[3]) + _TRAILER_LENGTH


def _check_peer(instance: VrrpInstance, datagram: DatagramReceived) -> Rejected | None:
    """check_unicast_src, min_ttl and max_ttl."""
    if not instance.unicast_peer:
        return None
    if instance.check_unicast_src and datagram.source not in instance.unicast_peer:
        return Rejected(Reason.NOT_A_PEER, f"from {datagram.source}")
    for limit in instance.peer_ttl:
        if limit.peer == datagram.source and not limit.min_ttl <= datagram.ttl <= limit.max_ttl:
            return Rejected(Reason.TTL_RANGE, f"TTL {datagram.ttl}, not {limit.min_ttl} to {limit.max_ttl}")
    return None


def _wanted(instance: VrrpInstance) -> AuthType:
    return AuthType.NONE if instance.authentication is None else instance.authentication.type


def _authenticate(instance: VrrpInstance, advert: AdvertV2) -> Rejected | None:
    """RFC 2338 §5.3.6, §7.1."""
    ours = instance.authentication
    wanted = _wanted(instance)
    if advert.auth_type != wanted:
        detail = f"{_AUTH_NAME[advert.auth_type]}, ours is {_AUTH_NAME[wanted]}"
        return Rejected(Reason.AUTH_TYPE, detail)
    # No constant-time comparison: the password is in clear text in every advertisement.
    if ours is not None and wanted is AuthType.PASS and advert.auth_data != padded(ours.password):
        return Rejected(Reason.PASSWORD, "auth_pass is not the same on both directors")
    return None
