"""The IPv4 header, which VRRP builds itself and raw sockets hand over as received (RFC 791 §3.1)::

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|Version|  IHL  |Type of Service|          Total Length         |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|         Identification        |Flags|      Fragment Offset    |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|  Time to Live |    Protocol   |         Header Checksum       |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                         Source Address                        |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                      Destination Address                      |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address
from struct import Struct
from typing import Final, NamedTuple

from pyvrrp.errors import WireError, WireReason
from pyvrrp.net import IPPROTO_VRRP, VRRP_TOS, VRRP_TTL
from pyvrrp.wire.checksum import checksum

HEADER_LENGTH: Final = 20
"""Without options; we send none."""

_HEADER = Struct("!BBHHHBBH4s4s")
# Few hosts speak VRRP to us; the bound is against forged sources.
_address = lru_cache(maxsize=1024)(IPv4Address)


class Ipv4Datagram(NamedTuple):
    """A tuple: one is made for each packet that comes, and this is the cheapest to make."""

    source: IPv4Address
    destination: IPv4Address
    ttl: int
    tos: int
    protocol: int
    identification: int
    payload: bytes
    """As long as the total length says: padding of the link is cut off."""


def encode_ipv4_header(
    source: IPv4Address,
    destination: IPv4Address,
    identification: int,
    payload_length: int,
    ttl: int = VRRP_TTL,
    tos: int = VRRP_TOS,
    protocol: int = IPPROTO_VRRP,
) -> bytes:
    """20 bytes, checksum included: no options, no fragment, "don't fragment" not set (as keepalived sends it)."""
    fields = (0x45, tos, HEADER_LENGTH + payload_length, identification, 0, ttl, protocol)
    addresses = (source.packed, destination.packed)
    return _HEADER.pack(*fields, checksum(_HEADER.pack(*fields, 0, *addresses)), *addresses)


def decode_ipv4(data: bytes | memoryview) -> Ipv4Datagram:
    """A datagram from a raw socket, where the kernel has checked the header's checksum and joined fragments.

    WireError: TOO_SHORT for a torn header, VERSION if it is not IPv4, LENGTH where lengths contradict each other.
    """
    if len(data) < HEADER_LENGTH:
        raise WireError(WireReason.TOO_SHORT, f"IP header of {len(data)} bytes")
    first, tos, total, identification, _, ttl, protocol, _, source, destination = _HEADER.unpack_from(data)
    if first >> 4 != 4:
        raise WireError(WireReason.VERSION, f"IP version {first >> 4}")
    start = (first & 15) * 4
    if not HEADER_LENGTH <= start <= total <= len(data):
        raise WireError(WireReason.LENGTH, f"IP header {start}, total {total}, received {len(data)} bytes")
    payload = bytes(data[start:total])
    return Ipv4Datagram(_address(source), _address(destination), ttl, tos, protocol, identification, payload)
