"""From a frame to what it says: an advertisement, or the announcement of an address.

Nothing here says whether it is sound: whoever looks for a fault wants to see what is wrong. Only what cannot be taken
apart at all is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from pyvrrp.errors import WireError
from pyvrrp.net import IPPROTO_AH, IPPROTO_VRRP, Address
from pyvrrp.units import CENTISECOND, SECOND, Micros
from pyvrrp.wire import arp, ndisc
from pyvrrp.wire.ah import AH_LENGTH
from pyvrrp.wire.ip import decode_ipv4
from pyvrrp.wire.trailer import TRAILER_LENGTH
from pyvrrp.wire.vrrp import MAXIMUM_ADVERT_INT_V3, MINIMUM_LENGTH, expected_length

_VLAN: Final = frozenset((0x8100, 0x88A8))
_IPV4: Final = 0x0800
_HEADER: Final = 14
_IPV6_HEADER: Final = 40
_AUTH: Final = {0: "", 1: "PASS", 2: "AH"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advert:
    """VRRP, as its sender says it."""

    mac: bytes
    """Sender's; 6 bytes."""
    vlan: int | None
    source: Address
    destination: Address
    ttl: int
    protocol: int
    identification: int
    payload: bytes
    """What follows the IP header."""
    version: int
    kind: int
    """1: advertisement."""
    virtual_router_id: int
    priority: int
    interval: Micros
    auth: str
    """PASS, AH, HMAC; empty without."""
    addresses: tuple[Address, ...]
    """As many of those it says it has as are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A gratuitous ARP, or an unsolicited neighbor advertisement."""

    mac: bytes
    vlan: int | None
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragmentary:
    """VRRP by its protocol number, and too short to be a message."""

    mac: bytes
    vlan: int | None
    source: Address
    destination: Address
    length: int


Seen = Advert | Announcement | Fragmentary


def decode(frame: bytes) -> Seen | None:
    """What it says; None where it is about something else."""
    start, vlan = _HEADER, None
    kind = int.from_bytes(frame[12:14], "big")
    while kind in _VLAN and len(frame) >= start + 4:
        vlan = int.from_bytes(frame[start : start + 2], "big") & 0xFFF
        kind = int.from_bytes(frame[start + 2 : start + 4], "big")
        start += 4
    mac, body = frame[6:12], frame[start:]
    if kind == arp.ETHERTYPE_ARP:
        return _gratuitous(frame[:12] + b"\x08\x06" + body, vlan)
    if kind == _IPV4:
        return _ipv4(body, mac, vlan)
    if kind == ndisc.ETHERTYPE_IPV6:
        return _ipv6(body, mac, vlan)
    return None


def _gratuitous(frame: bytes, vlan: int | None) -> Announcement | None:
    try:
        packet = arp.decode(frame)
    except WireError:
        return None
    if packet.sender != packet.target or packet.sender.is_unspecified:
        return None
    return Announcement(mac=packet.sender_mac, vlan=vlan, address=packet.sender)


def _ipv4(body: bytes, mac: bytes, vlan: int | None) -> Seen | None:
    try:
        packet = decode_ipv4(body)
    except WireError:
        return None
    if packet.protocol not in (IPPROTO_VRRP, IPPROTO_AH):
        return None
    if packet.protocol == IPPROTO_AH and packet.payload[:1] != bytes((IPPROTO_VRRP,)):
        return None
    identification = int.from_bytes(body[4:6], "big")
    return _vrrp(
        packet.payload, packet.source, packet.destination, packet.ttl, packet.protocol, identification, mac, vlan
    )


def _ipv6(body: bytes, mac: bytes, vlan: int | None) -> Seen | None:
    if len(body) < _IPV6_HEADER or body[0] >> 4 != 6:
        return None
    length, following, hops = int.from_bytes(body[4:6], "big"), body[6], body[7]
    source, destination = IPv6Address(body[8:24]), IPv6Address(body[24:40])
    payload = body[_IPV6_HEADER : _IPV6_HEADER + length]
    if following == IPPROTO_VRRP:
        return _vrrp(payload, source, destination, hops, IPPROTO_VRRP, 0, mac, vlan)
    unsolicited = following == ndisc.IPPROTO_ICMPV6 and destination == ndisc.ALL_NODES and len(payload) >= 24
    if unsolicited and payload[0] == ndisc.NEIGHBOR_ADVERTISEMENT:
        return Announcement(mac=mac, vlan=vlan, address=IPv6Address(payload[8:24]))
    return None


def _vrrp(
    payload: bytes,
    source: Address,
    destination: Address,
    ttl: int,
    protocol: int,
    identification: int,
    mac: bytes,
    vlan: int | None,
) -> Advert | Fragmentary:
    message = payload[AH_LENGTH:] if protocol == IPPROTO_AH else payload
    if len(message) < MINIMUM_LENGTH:
        return Fragmentary(mac=mac, vlan=vlan, source=source, destination=destination, length=len(payload))
    version, kind = message[0] >> 4, message[0] & 15
    family, count = source.version, message[3]
    size = 4 if family == 4 else 16
    make = IPv4Address if family == 4 else IPv6Address
    ends = [MINIMUM_LENGTH + size * (number + 1) for number in range(count)]
    addresses = tuple(make(message[end - size : end]) for end in ends if end <= len(message))
    if version == 3:
        interval = (int.from_bytes(message[4:6], "big") & MAXIMUM_ADVERT_INT_V3) * CENTISECOND
        auth = ""
    else:
        interval = message[5] * SECOND
        auth = "AH" if protocol == IPPROTO_AH else _AUTH.get(message[4], str(message[4]))
    if version in (2, 3) and len(message) == expected_length(version, family, count) + TRAILER_LENGTH:
        auth = "HMAC"
    return Advert(
        mac=mac,
        vlan=vlan,
        source=source,
        destination=destination,
        ttl=ttl,
        protocol=protocol,
        identification=identification,
        payload=payload,
        version=version,
        kind=kind,
        virtual_router_id=message[1],
        priority=message[2],
        interval=interval,
        auth=auth,
        addresses=addresses,
    )


def is_virtual_mac(mac: bytes) -> bool:
    """RFC 9568 §7.3: 00-00-5E-00-01-{VRID}, and 02 for IPv6."""
    return mac[:4] == b"\0\0\x5e\0" and mac[4] in (1, 2)
