"""A DNS query, and whether a message answers it. RFC 1035 §4.1.

 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
|                      ID                       |
|QR|   Opcode  |AA|TC|RD|RA|   Z    |   RCODE   |
|      QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT       |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TYPES: Final[Mapping[str, int]] = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "RRSIG": 46,
    "DNSKEY": 48,
}
RCODES: Final = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
LABEL_MAX: Final = 63
NAME_MAX: Final = 255
"""Bytes, lengths and the root included."""
_IN: Final = 1
_RECURSION_DESIRED: Final = 0x0100


def encode_name(name: str) -> bytes:
    """``a.example`` as labels; ``.`` is the root. ValueError if it is no name."""
    labels = [] if name == "." else name.removesuffix(".").encode(errors="surrogateescape").split(b".")
    for label in labels:
        if not label:
            raise ValueError("it has an empty label")
        if len(label) > LABEL_MAX:
            raise ValueError(f"a label is longer than {LABEL_MAX} bytes")
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(encoded) > NAME_MAX:
        raise ValueError(f"it is longer than {NAME_MAX} bytes")
    return encoded


def query(identifier: int, name: str, type_: str) -> bytes:
    """A question of class IN that asks for recursion."""
    head = [identifier, _RECURSION_DESIRED, 1, 0, 0, 0]
    tail = [TYPES[type_], _IN]
    return _words(head) + encode_name(name) + _words(tail)


def rcode(message: bytes, identifier: int) -> int | None:
    """The response code of a reply to that query; None for anything else."""
    if len(message) < 12 or int.from_bytes(message[:2], "big") != identifier or not message[2] & 0x80:
        return None
    return message[3] & 0x0F


def _words(numbers: list[int]) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)
