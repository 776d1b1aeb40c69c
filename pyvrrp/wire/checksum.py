"""The Internet checksum (RFC 1071)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import Struct

_PSEUDO4 = Struct("!4s4sBBH")
_PSEUDO6 = Struct("!16s16sII")


def ones_complement_sum(data: bytes | memoryview) -> int:
    """The 16-bit one's complement sum of big-endian words; an odd last byte counts as a word's high half.

    2^16 is 1 modulo 65535, so the number that the bytes spell has the same remainder as the sum of its words:
    one division in C instead of a loop. Only the two zeros of one's complement need telling apart.
    """
    number = int.from_bytes(data, "big") << (8 * (len(data) & 1))
    return number % 0xFFFF or (0xFFFF if number else 0)


def checksum(data: bytes | memoryview) -> int:
    """What to write into the checksum field, which must be zero in `data`."""
    return ones_complement_sum(data) ^ 0xFFFF


def verify(data: bytes | memoryview) -> bool:
    """Whether `data`, its checksum field included, sums up as it should."""
    return ones_complement_sum(data) == 0xFFFF


def pseudo_header4(source: IPv4Address, destination: IPv4Address, protocol: int, length: int) -> bytes:
    """RFC 793 §3.1: addresses, zero, protocol, length of the message in bytes."""
    return _PSEUDO4.pack(source.packed, destination.packed, 0, protocol, length)


def pseudo_header6(source: IPv6Address, destination: IPv6Address, protocol: int, length: int) -> bytes:
    """RFC 8200 §8.1: addresses, length of the message in bytes, three zero bytes and the next header."""
    return _PSEUDO6.pack(source.packed, destination.packed, length, protocol)
