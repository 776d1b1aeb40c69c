"""Capture files: pcap (both byte orders, micro- and nanoseconds) and pcapng, as frames of Ethernet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, unpack_from
from typing import Final

from pyvrrp.units import Micros


@dataclass(frozen=True, slots=True)
class Frame:
    at: Micros
    """Since 1970."""
    data: bytes
    """From the Ethernet header on; of a capture without such headers one is made up, its addresses zeros."""
    interface: str = ""
    """Empty: not known."""


class CaptureError(ValueError):
    """Not a capture, or of links that carry no Ethernet; the message is for the user."""


_MAGIC: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1),
    b"\xa1\xb2\xc3\xd4": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1000),
}
"""Byte order, and parts of a microsecond in the fraction."""
_PCAPNG: Final = b"\n\r\r\n"
_ETHERNET, _RAW_IP, _COOKED, _COOKED2 = 1, 101, 113, 276
_ENHANCED, _DESCRIPTION, _SECTION = 6, 1, 0x0A0D0D0A
_RESOLUTION: Final = 9
_IPV4, _IPV6 = 0x0800, 0x86DD
_LONGEST: Final = 1 << 18


def read(data: bytes) -> Iterator[Frame]:
    """All frames, in the file's order; one that is cut at the end of the file is left out. CaptureError."""
    if data[:4] == _PCAPNG:
        return _pcapng(data)
    if data[:4] in _MAGIC:
        return _pcap(data)
    raise CaptureError("this is neither pcap nor pcapng")


def _pcap(data: bytes) -> Iterator[Frame]:
    order, divisor = _MAGIC[data[:4]]
    if len(data) < 24:
        raise CaptureError("the file ends in its header")
    link = unpack_from(f"{order}I", data, 20)[0] & 0xFFFF
    header = Struct(f"{order}4I")
    offset = 24
    while offset + header.size <= len(data):
        seconds, fraction, length, _ = header.unpack_from(data, offset)
        offset += header.size
        if length > _LONGEST:
            raise CaptureError(f"a packet of {length} bytes: the file is damaged")
        if offset + length > len(data):
            return
        yield Frame(seconds * 1_000_000 + fraction // divisor, _as_ethernet(link, data[offset : offset + length]))
        offset += length


def _pcapng(data: bytes) -> Iterator[Frame]:
    order = "<"
    links: list[tuple[int, float]] = []
    """Of each interface its kind of link and how many of its units a microsecond has."""
    offset = 0
    while offset + 12 <= len(data):
        if data[offset : offset + 4] == _PCAPNG:
            order = "<" if data[offset + 8 : offset + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, length = unpack_from(f"{order}II", data, offset)
        if length < 12 or length % 4 or length > _LONGEST * 2:
            raise CaptureError(f"a block of {length} bytes: the file is damaged")
        if offset + length > len(data):
            return
        body = data[offset + 8 : offset + length - 4]
        if kind == _DESCRIPTION and len(body) >= 8:
            links.append((unpack_from(f"{order}H", body)[0], _units(body[8:], order)))
        elif kind == _ENHANCED and len(body) >= 20:
            number, high, low, captured = unpack_from(f"{order}4I", body)
            if number < len(links) and 20 + captured <= len(body):
                link, units = links[number]
                yield Frame(round(((high << 32) + low) / units), _as_ethernet(link, body[20 : 20 + captured]))
        offset += length


def _units(options: bytes, order: str) -> float:
    """Units of a time stamp in a microsecond (option if_tsresol)."""
    offset = 0
    while offset + 4 <= len(options):
        code, length = unpack_from(f"{order}HH", options, offset)
        if code == _RESOLUTION and length == 1 and offset + 4 < len(options):
            value: int = options[offset + 4]
            whole: float = 2.0 ** (value & 0x7F) if value & 0x80 else 10.0**value
            return whole / 1e6
        if code == 0:
            break
        offset += 4 + -(-length // 4) * 4
    return 1.0


def _as_ethernet(link: int, data: bytes) -> bytes:
    match link:
        case 1:
            return data
        case 101:
            kind = _IPV6 if data[:1] and data[0] >> 4 == 6 else _IPV4
            return bytes(12) + kind.to_bytes(2, "big") + data
        case 113:  # Linux cooked, as of `tcpdump -i any`
            return bytes(6) + data[6:12] + data[14:]
        case 276:
            return bytes(6) + data[12:18] + data[:2] + data[20:]
        case _:
            raise CaptureError(f"it holds no Ethernet (link type {link})")
