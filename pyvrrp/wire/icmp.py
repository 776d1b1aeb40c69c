"""ICMP and ICMPv6 echo. RFC 792, RFC 4443 §4.1.

|     Type      |     Code      |          Checksum             |
|           Identifier          |        Sequence Number        |
|     Data ...
"""

from __future__ import annotations

from typing import Final

from pyvrrp.wire.checksum import checksum

REQUEST: Final = {4: 8, 6: 128}
"""Type by IP version."""
REPLY: Final = {4: 0, 6: 129}
HEADER: Final = 8


def echo_request(version: int, identifier: int, sequence: int, data: bytes) -> bytes:
    """With a checksum for IPv4; for IPv6 the kernel fills it in."""
    rest = identifier.to_bytes(2, "big") + sequence.to_bytes(2, "big") + data
    blank = bytes([REQUEST[version], 0, 0, 0]) + rest
    if version == 6:
        return blank
    return blank[:2] + checksum(blank).to_bytes(2, "big") + rest


def echo_reply(version: int, message: bytes) -> tuple[int, int, bytes] | None:
    """Identifier, sequence number and data; None for anything else."""
    if len(message) < HEADER or message[0] != REPLY[version] or message[1]:
        return None
    return int.from_bytes(message[4:6], "big"), int.from_bytes(message[6:8], "big"), message[HEADER:]
