"""VRRP advertisements: version 2 (RFC 2338 with its authentication, RFC 3768) and version 3 (RFC 9568).

The two versions are separate types on purpose: what bytes 4 and 5 mean, in which unit the interval is and what
the checksum covers all differ. Decoding never looks at our configuration; whether a sound advertisement may be
believed is `core.vrrp.admission`'s question.

A message is decoded only if it has exactly the length its header announces. An authentication trailer may follow:
the caller cuts to `expected_length`, judges the rest, and hands it over as `tail` where a checksum is meant, since
IPv6's covers all that IPv6 carries. IPv4's does not cover the tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import Final

from pyvrrp.errors import WireError, WireReason
from pyvrrp.net import IPPROTO_VRRP, Address
from pyvrrp.wire.checksum import checksum, pseudo_header4, pseudo_header6, verify

ADVERTISEMENT: Final = 1
"""The only packet type there is."""
MINIMUM_LENGTH: Final = 8
"""Bytes that both versions have in common."""
AUTH_DATA_LENGTH: Final = 8
NO_AUTH_DATA: Final = bytes(AUTH_DATA_LENGTH)
AUTH_TYPES: Final = frozenset((0, 1, 2))
"""None, simple text password, IP authentication header (RFC 2338 §5.3.6)."""
MAXIMUM_ADVERT_INT_V3: Final = 0xFFF
"""Centiseconds."""

_V2 = Struct("!BBBBBBH")
_V3 = Struct("!BBBBHH")
_CHECKSUM_OFFSET: Final = 6
_ADDRESS_LENGTH: Final = {4: 4, 6: 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvertV2:
    """RFC 3768 §5.1; the authentication fields have RFC 2338's meaning::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |   Auth Type   |   Adver Int   |          Checksum             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                      IPv4 Address(es) ...                     |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                     Authentication Data (1)                   |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                     Authentication Data (2)                   |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    """

    virtual_router_id: int
    """1..255."""
    priority: int
    """0..255; 0: the master stops."""
    auth_type: int = 0
    """0 none, 1 simple text password, 2 IP authentication header."""
    advert_int: int
    """Whole seconds, 0..255."""
    addresses: tuple[Address, ...]
    """At most 255, all of one family."""
    auth_data: bytes = NO_AUTH_DATA
    """8 bytes: the zero-padded password, or zeros. Always on the wire over IPv4, never over IPv6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvertV3:
    """RFC 9568 §5.1; the checksum covers a pseudo header too, for IPv4 as for IPv6::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Version| Type  | Virtual Rtr ID|   Priority    |  IPvX Addr Cnt|
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |Rsvd(0)| Max Advertise Interval|          Checksum             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                     IPv4 or IPv6 Address(es) ...              |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    """

    virtual_router_id: int
    """1..255."""
    priority: int
    """0..255; 0: the master stops."""
    advert_int: int
    """Centiseconds, 0..4095."""
    addresses: tuple[Address, ...]
    """At most 255, all of one family."""


def expected_length(version: int, family: int, count: int) -> int:
    """Bytes of a message with `count` addresses; `family` is 4 or 6.

    Version 2 over IPv6 is keepalived's own: like version 2, but without authentication data.
    """
    auth = AUTH_DATA_LENGTH if version == 2 and family == 4 else 0
    return MINIMUM_LENGTH + count * _ADDRESS_LENGTH[family] + auth


def peek(data: bytes) -> tuple[int, int, int]:
    """Version, type and virtual router id, unverified; WireError(TOO_SHORT) below 8 bytes."""
    if len(data) < MINIMUM_LENGTH:
        raise WireError(WireReason.TOO_SHORT, f"{len(data)} bytes")
    first = data[0]
    return first >> 4, first & 15, data[1]


def _require(data: bytes, version: int, family: int) -> None:
    """What both versions ask of a header: version, length."""
    found, _, _ = peek(data)
    if found != version:
        raise WireError(WireReason.VERSION, f"{found}, not {version}")
    expected = expected_length(version, family, data[3])
    if len(data) != expected:
        raise WireError(WireReason.LENGTH, f"{len(data)} bytes, {expected} expected")


def _require_advertisement(data: bytes) -> None:
    kind = data[0] & 15
    if kind != ADVERTISEMENT:
        raise WireError(WireReason.TYPE, str(kind))


def without_checksum(message: bytes) -> bytes:
    """With zeros in its place."""
    return message[:_CHECKSUM_OFFSET] + b"\0\0" + message[_CHECKSUM_OFFSET + 2 :]


def _with_checksum(message: bytes, covered: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    """`message` has zeros in its checksum's place; `covered` goes before and behind it."""
    before, behind = covered
    value = checksum(b"".join((before, message, behind))).to_bytes(2, "big")
    return message[:_CHECKSUM_OFFSET] + value + message[_CHECKSUM_OFFSET + 2 :]


def _covered(length: int, source: Address, destination: Address | None, tail: bytes) -> tuple[bytes, bytes]:
    """What the checksum covers before and behind a message; no destination: nothing, as in version 2 over IPv4."""
    if destination is None:
        return b"", b""
    if isinstance(source, IPv4Address) and isinstance(destination, IPv4Address):
        return pseudo_header4(source, destination, IPPROTO_VRRP, length), b""
    if isinstance(source, IPv6Address) and isinstance(destination, IPv6Address):
        return pseudo_header6(source, destination, IPPROTO_VRRP, length + len(tail)), tail
    raise ValueError(f"{source} and {destination} are of different families")


def with_tail(message: bytes, source: Address, destination: Address | None, tail: bytes) -> bytes:
    """The message with its trailer behind it and, over IPv6, a checksum that covers both."""
    if source.version == 4:
        return message + tail
    return _with_checksum(without_checksum(message), _covered(len(message), source, destination, tail)) + tail


def encode_v2(advert: AdvertV2, source: Address | None = None, destination: Address | None = None) -> bytes:
    """The message, checksum included; over IPv6 (keepalived's own) as it goes from `source` to `destination`.

    ValueError for authentication data that is not 8 bytes.
    """
    if len(advert.auth_data) != AUTH_DATA_LENGTH:
        raise ValueError(f"authentication data of {len(advert.auth_data)} bytes")
    over_ipv6 = source is not None and source.version == 6
    header = _V2.pack(
        2 << 4 | ADVERTISEMENT,
        advert.virtual_router_id,
        advert.priority,
        len(advert.addresses),
        advert.auth_type,
        advert.advert_int,
        0,
    )
    auth_data = b"" if over_ipv6 else advert.auth_data
    message = b"".join((header, *(a.packed for a in advert.addresses), auth_data))
    if source is None or not over_ipv6:
        return _with_checksum(message)
    return _with_checksum(message, _covered(len(message), source, destination, b""))


def decode_v2(
    data: bytes, source: Address | None = None, destination: Address | None = None, tail: bytes = b""
) -> AdvertV2:
    """A version 2 message, exactly as long as its header says; over IPv6 if `source` is an IPv6 address.

    WireError in this order: TOO_SHORT, VERSION, LENGTH, AUTH_TYPE, TYPE, CHECKSUM.
    """
    family = 4 if source is None else source.version
    _require(data, 2, family)
    _, virtual_router_id, priority, count, auth_type, advert_int, _ = _V2.unpack_from(data)
    if auth_type not in AUTH_TYPES:
        raise WireError(WireReason.AUTH_TYPE, str(auth_type))
    _require_advertisement(data)
    before, behind = (b"", b"") if source is None or family == 4 else _covered(len(data), source, destination, tail)
    if not verify(b"".join((before, data, behind))):
        raise WireError(WireReason.CHECKSUM)
    size = _ADDRESS_LENGTH[family]
    end = MINIMUM_LENGTH + size * count
    kind = IPv4Address if family == 4 else IPv6Address
    return AdvertV2(
        virtual_router_id=virtual_router_id,
        priority=priority,
        auth_type=auth_type,
        advert_int=advert_int,
        addresses=tuple(kind(data[at : at + size]) for at in range(MINIMUM_LENGTH, end, size)),
        auth_data=bytes(data[end:]) or NO_AUTH_DATA,
    )


def encode_v3(advert: AdvertV3, source: Address, destination: Address | None) -> bytes:
    """The message as it goes from `source` to `destination`, which its checksum covers (RFC 5798 §5.2.8).

    RFC 9568 §5.2.8 leaves both out over IPv4: no destination.

    ValueError for an interval that 12 bits cannot hold, and for mixed families.
    """
    if not 0 <= advert.advert_int <= MAXIMUM_ADVERT_INT_V3:
        raise ValueError(f"an interval of {advert.advert_int} centiseconds")
    if any(a.version != source.version for a in advert.addresses):
        raise ValueError(f"addresses of another family than the source {source}")
    header = _V3.pack(
        3 << 4 | ADVERTISEMENT,
        advert.virtual_router_id,
        advert.priority,
        len(advert.addresses),
        advert.advert_int,
        0,
    )
    message = b"".join((header, *(a.packed for a in advert.addresses)))
    return _with_checksum(message, _covered(len(message), source, destination, b""))


def decode_v3(data: bytes, family: int, source: Address, destination: Address | None, tail: bytes = b"") -> AdvertV3:
    """A version 3 message of `family` 4 or 6, exactly as long as its header says.

    `source` and `destination` are those of the IP header, or what the checksum is to cover. WireError in this order:
    TOO_SHORT, VERSION, LENGTH, TYPE, CHECKSUM. The four reserved bits are ignored (RFC 9568 §5.2.6).
    """
    _require(data, 3, family)
    _require_advertisement(data)
    before, behind = _covered(len(data), source, destination, tail)
    if not verify(b"".join((before, data, behind))):
        raise WireError(WireReason.CHECKSUM)
    _, virtual_router_id, priority, _, advert_int, _ = _V3.unpack_from(data)
    size = _ADDRESS_LENGTH[family]
    kind = IPv4Address if family == 4 else IPv6Address
    return AdvertV3(
        virtual_router_id=virtual_router_id,
        priority=priority,
        advert_int=advert_int & MAXIMUM_ADVERT_INT_V3,
        addresses=tuple(kind(data[at : at + size]) for at in range(MINIMUM_LENGTH, len(data), size)),
    )
