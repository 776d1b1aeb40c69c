from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.wire.checksum import checksum, ones_complement_sum, pseudo_header4, pseudo_header6, verify


def by_the_book(data: bytes) -> int:
    """RFC 1071 §4.1, word by word with end-around carry."""
    padded = data + bytes(len(data) % 2)
    total = 0
    for at in range(0, len(padded), 2):
        total += padded[at] << 8 | padded[at + 1]
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_the_rfcs_example() -> None:
    assert ones_complement_sum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


@given(st.binary(max_size=1100))
def test_sum_is_the_books(data: bytes) -> None:
    assert ones_complement_sum(data) == by_the_book(data)
    assert ones_complement_sum(memoryview(data)) == by_the_book(data)


def test_the_two_zeros() -> None:
    assert ones_complement_sum(bytes(8)) == 0
    assert ones_complement_sum(b"\xff\xff") == 0xFFFF
    assert checksum(bytes(8)) == 0xFFFF
    assert not verify(bytes(8))


@given(st.binary(min_size=2, max_size=100).filter(lambda data: len(data) % 2 == 0))
def test_what_is_written_verifies(data: bytes) -> None:
    assert verify(data + checksum(data).to_bytes(2, "big"))


def test_pseudo_headers() -> None:
    four = pseudo_header4(IPv4Address("192.0.2.1"), IPv4Address("224.0.0.18"), 112, 12)
    assert four.hex() == "c0000201e0000012" + "0070000c"
    six = pseudo_header6(IPv6Address("fe80::1"), IPv6Address("ff02::12"), 112, 24)
    assert len(six) == 40
    assert six[32:].hex() == "0000001800000070"
