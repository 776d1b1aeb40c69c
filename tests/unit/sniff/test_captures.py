from __future__ import annotations

from struct import pack

import pytest

from pyvrrp.sniff.captures import CaptureError, Frame, read
from tests.golden.pcap import CAPTURES, timed

FRAME = bytes(12) + b"\x08\x00" + b"payload!"
DATA = b"\0" * 20


def pcap(order: str = "<", magic: int = 0xA1B2C3D4, fraction: int = 5, link: int = 1, data: bytes = FRAME) -> bytes:
    header = pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 65535, link)
    return header + pack(f"{order}4I", 7, fraction, len(data), len(data)) + data


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return pack(f"{order}II", kind, len(body) + 12) + body + pack(f"{order}I", len(body) + 12)


def pcapng(order: str = "<", options: bytes = b"", stamp: int = 7_000_005) -> bytes:
    section = block(order, 0x0A0D0D0A, pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    link = block(order, 1, pack(f"{order}HHI", 1, 0, 0) + options)
    packet = pack(f"{order}5I", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(FRAME), len(FRAME)) + FRAME
    return section + link + block(order, 5, b"statistics..") + block(order, 6, packet)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "fraction"), [(0xA1B2C3D4, 5), (0xA1B23C4D, 5000)])
def test_pcap_of_both_orders_and_resolutions(order: str, magic: int, fraction: int) -> None:
    assert list(read(pcap(order, magic, fraction))) == [Frame(7_000_005, FRAME)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_both_orders(order: str) -> None:
    assert list(read(pcapng(order))) == [Frame(7_000_005, FRAME)]


def test_pcapng_in_nanoseconds() -> None:
    options = pack("<HHB3x", 9, 1, 9)
    assert list(read(pcapng(options=options, stamp=7_000_005_000))) == [Frame(7_000_005, FRAME)]


@pytest.mark.parametrize(
    ("link", "data", "frame"),
    [
        (101, b"\x45rest", bytes(12) + b"\x08\0\x45rest"),
        (101, b"\x60rest", bytes(12) + b"\x86\xdd\x60rest"),
        (113, b"\0\0\0\1\0\6MACMACxx\x08\0body", bytes(6) + b"MACMAC" + b"\x08\0body"),
        (276, b"\x08\0\0\0\0\0\0\2\0\1\0\6MACMACxxbody", bytes(6) + b"MACMAC" + b"\x08\0body"),
    ],
)
def test_other_links_are_made_to_look_like_ethernet(link: int, data: bytes, frame: bytes) -> None:
    assert list(read(pcap(link=link, data=data))) == [Frame(7_000_005, frame)]


def test_a_capture_that_is_cut_gives_what_is_whole() -> None:
    whole = pcap()
    assert list(read(whole + whole[24:-3])) == [Frame(7_000_005, FRAME)]
    whole = pcapng()
    assert list(read(whole + block("<", 6, bytes(40))[:-3])) == [Frame(7_000_005, FRAME)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "neither pcap nor pcapng"),
        (b"PK\3\4", "neither"),
        (pcap()[:20], "ends in its header"),
        (pcap(link=105), r"no Ethernet \(link type 105\)"),
        (pcap()[:24] + pack("<4I", 0, 0, 1 << 30, 1 << 30), "is damaged"),
        (pcapng()[:28] + pack("<II", 6, 3) + bytes(8), "is damaged"),
    ],
)
def test_what_is_no_capture(data: bytes, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        list(read(data))


def test_a_real_one_as_an_independent_reader_reads_it() -> None:
    frames = list(read((CAPTURES / "v2-pass.pcap").read_bytes()))
    assert [(frame.at - frames[0].at, frame.data) for frame in frames] == list(timed("v2-pass"))
