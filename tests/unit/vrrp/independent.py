"""AH and auth_hmac written down a second time, straight from their layouts, with nothing of ours: the tests' oracle."""

from __future__ import annotations

import hashlib
import ipaddress
import struct


def hmac_by_hand(name: str, key: bytes, data: bytes) -> bytes:
    """RFC 2104, §2."""
    block = hashlib.new(name).block_size
    if len(key) > block:
        key = hashlib.new(name, key).digest()
    key = key + bytes(block - len(key))
    inner = hashlib.new(name, bytes(b ^ 0x36 for b in key) + data).digest()
    return hashlib.new(name, bytes(b ^ 0x5C for b in key) + inner).digest()


def trailer(
    key: bytes, key_id: int, source: str, message: bytes, seconds: int, fraction: int = 0, counter: int = 0
) -> bytes:
    """28 bytes: scheme, key id, two zeros, UTC seconds, 1/65536 seconds, counter, first 128 bits of HMAC-SHA256."""
    address = ipaddress.ip_address(source)
    head = bytes([1, key_id, 0, 0]) + struct.pack(">LHH", seconds, fraction, counter)
    covered = bytes([address.version, message[0] // 16, message[1], 0])
    covered += address.packed.ljust(16, b"\0")
    covered += message[0:6] + b"\0\0" + message[8:]
    covered += head + b"\0" * 16
    return head + hmac_by_hand("sha256", key, covered)[:16]


def ah_header(
    password: bytes, source: str, destination: str, identification: int, sequence: int, message: bytes
) -> bytes:
    """24 bytes; the check value leaves the TTL out for unicast, and has it for multicast."""
    spi = ipaddress.IPv4Address(source).packed
    target = ipaddress.IPv4Address(destination)
    ip = b"\x45\0" + struct.pack(">HH", 20 + 24 + len(message), identification) + b"\0\0"
    ip += bytes([255 if target.is_multicast else 0, 51]) + b"\0\0" + spi + target.packed
    head = bytes([112, 4, 0, 0]) + spi + struct.pack(">L", sequence)
    value = hmac_by_hand("md5", password.ljust(8, b"\0"), ip + head + bytes(12) + message)
    return head + value[:12]
