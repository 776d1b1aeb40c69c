"""Reads the captures without any of the code under test."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

CAPTURES = Path(__file__).parent / "captures"
VRRP = 112
AH = 51
AH_LENGTH = 24


def frames(name: str) -> Iterator[bytes]:
    return (frame for _, frame in timed(name))


def timed(name: str) -> Iterator[tuple[int, bytes]]:
    """Each frame with its time: microseconds since the first one."""
    data = (CAPTURES / f"{name}.pcap").read_bytes()
    magic, link_type = struct.unpack_from("<I16xI", data)
    assert (magic, link_type) == (0xA1B2C3D4, 1), "little endian, microseconds, Ethernet"
    offset = 24
    first = None
    while offset < len(data):
        seconds, micros, length = struct.unpack_from("<III", data, offset)
        at = seconds * 1_000_000 + micros
        first = at if first is None else first
        yield at - first, data[offset + 16 : offset + 16 + length]
        offset += 16 + length


def utc(name: str) -> int:
    """When the first frame was captured: microseconds since 1970."""
    seconds, micros = struct.unpack_from("<II", (CAPTURES / f"{name}.pcap").read_bytes(), 24)
    return int(seconds * 1_000_000 + micros)


@dataclass(frozen=True, slots=True)
class Packet4:
    """VRRP over IPv4, the IP header as captured."""

    header: bytes
    identification: int
    protocol: int
    source: IPv4Address
    destination: IPv4Address
    message: bytes
    """What follows the IP header and, with protocol 51, the authentication header."""


@dataclass(frozen=True, slots=True)
class Packet6:
    source: IPv6Address
    destination: IPv6Address
    message: bytes


def vrrp4(name: str) -> list[Packet4]:
    found = []
    for frame in frames(name):
        if frame[12:14] != b"\x08\x00" or frame[23] not in (VRRP, AH):
            continue
        total, identification = struct.unpack_from("!HH", frame, 16)
        start = 34 + (AH_LENGTH if frame[23] == AH else 0)
        source, destination = IPv4Address(frame[26:30]), IPv4Address(frame[30:34])
        message = frame[start : 14 + total]
        found.append(Packet4(frame[14:34], identification, frame[23], source, destination, message))
    return found


def vrrp6(name: str) -> list[Packet6]:
    return [
        Packet6(IPv6Address(frame[22:38]), IPv6Address(frame[38:54]), frame[54:])
        for frame in frames(name)
        if frame[12:14] == b"\x86\xdd" and frame[20] == VRRP
    ]


def gratuitous_arps(name: str) -> list[bytes]:
    """Requests only: a host that still holds the address answers them, by unicast."""
    request = b"\x08\x06\0\1\x08\0\6\4\0\1"
    return [frame for frame in frames(name) if frame[12:22] == request and frame[28:32] == frame[38:42]]
