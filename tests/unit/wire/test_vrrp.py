from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from scapy.layers.inet import IP
from scapy.layers.vrrp import VRRP, VRRPv3

from pyvrrp.errors import WireError, WireReason
from pyvrrp.net import VRRP_GROUP4, VRRP_GROUP6
from pyvrrp.wire.checksum import checksum
from pyvrrp.wire.vrrp import (
    AdvertV2,
    AdvertV3,
    decode_v2,
    decode_v3,
    encode_v2,
    encode_v3,
    expected_length,
    peek,
)

SOURCE = IPv4Address("192.0.2.1")
TWO = AdvertV2(
    virtual_router_id=222,
    priority=100,
    auth_type=1,
    advert_int=1,
    addresses=(IPv4Address("192.0.2.100"), IPv4Address("192.0.2.101")),
    auth_data=b"1111\0\0\0\0",
)
THREE = AdvertV3(virtual_router_id=7, priority=255, advert_int=4095, addresses=(IPv4Address("192.0.2.100"),))
SIX = AdvertV3(
    virtual_router_id=7, priority=0, advert_int=100, addresses=(IPv6Address("fe80::7"), IPv6Address("2001:db8::7"))
)


def reason(call: Callable[[], object]) -> WireReason:
    with pytest.raises(WireError) as caught:
        call()
    return caught.value.reason


def resum(message: bytearray) -> bytes:
    message[6:8] = b"\0\0"
    message[6:8] = checksum(bytes(message)).to_bytes(2, "big")
    return bytes(message)


def test_v2_by_hand() -> None:
    message = encode_v2(TWO)
    assert message[:6].hex() == "21de64020101"
    assert message[8:].hex() == "c0000264c0000265" + "3131313100000000"
    assert decode_v2(message) == TWO


def test_scapy_reads_v2() -> None:
    read = VRRP(encode_v2(TWO))
    assert (read.version, read.type, read.vrid, read.priority) == (2, 1, 222, 100)
    assert (read.authtype, read.adv, read.ipcount) == (1, 1, 2)
    assert read.addrlist == ["192.0.2.100", "192.0.2.101"]
    assert (read.auth1.to_bytes(4, "big"), read.auth2) == (b"1111", 0)
    written = read.chksum
    del read.chksum
    assert VRRP(bytes(read)).chksum == written


def test_scapy_writes_v2() -> None:
    written = VRRP(vrid=9, priority=42, addrlist=["192.0.2.7"], adv=3, authtype=0)
    advert = decode_v2(bytes(written))
    assert advert == AdvertV2(virtual_router_id=9, priority=42, advert_int=3, addresses=(IPv4Address("192.0.2.7"),))
    assert encode_v2(advert) == bytes(written)


def test_scapy_reads_and_writes_v3() -> None:
    outer = IP(src=str(SOURCE), dst=str(VRRP_GROUP4), ttl=255)
    written = outer / VRRPv3(vrid=7, priority=255, adv=4095, addrlist=["192.0.2.100"])
    message = bytes(IP(bytes(written)).payload)
    assert decode_v3(message, 4, SOURCE, VRRP_GROUP4) == THREE
    assert encode_v3(THREE, SOURCE, VRRP_GROUP4) == message


def test_v3_over_ipv6() -> None:
    source = IPv6Address("fe80::ff:fe00:a")
    message = encode_v3(SIX, source, VRRP_GROUP6)
    assert len(message) == expected_length(3, 6, 2) == 40
    assert decode_v3(message, 6, source, VRRP_GROUP6) == SIX
    assert reason(lambda: decode_v3(message, 6, IPv6Address("fe80::1"), VRRP_GROUP6)) is WireReason.CHECKSUM


def test_the_checksum_of_v3_covers_the_addresses_of_the_packet() -> None:
    message = encode_v3(THREE, SOURCE, VRRP_GROUP4)
    assert reason(lambda: decode_v3(message, 4, SOURCE + 1, VRRP_GROUP4)) is WireReason.CHECKSUM
    assert reason(lambda: decode_v3(message, 4, SOURCE, VRRP_GROUP4 + 1)) is WireReason.CHECKSUM


def test_v3_ignores_the_reserved_bits() -> None:
    message = bytearray(encode_v3(THREE, SOURCE, VRRP_GROUP4))
    message[4] |= 0xA0
    total = int.from_bytes(message[6:8], "big") - 0xA000
    message[6:8] = (total % 0xFFFF).to_bytes(2, "big")
    assert decode_v3(bytes(message), 4, SOURCE, VRRP_GROUP4) == THREE


@pytest.mark.parametrize(
    ("version", "family", "count", "length"),
    [(2, 4, 1, 20), (2, 4, 255, 1036), (2, 6, 2, 40), (3, 4, 0, 8), (3, 4, 3, 20), (3, 6, 2, 40)],
)
def test_expected_length(version: int, family: int, count: int, length: int) -> None:
    assert expected_length(version, family, count) == length


def test_peek() -> None:
    assert peek(encode_v2(TWO)) == (2, 1, 222)
    assert peek(encode_v3(THREE, SOURCE, VRRP_GROUP4)) == (3, 1, 7)
    assert reason(lambda: peek(bytes(7))) is WireReason.TOO_SHORT


def test_the_first_fault_is_the_one_named() -> None:
    good = encode_v2(TWO)
    assert reason(lambda: decode_v2(b"")) is WireReason.TOO_SHORT
    assert reason(lambda: decode_v2(b"\x31" + good[1:-1])) is WireReason.VERSION
    assert reason(lambda: decode_v2(good + b"\0")) is WireReason.LENGTH
    assert reason(lambda: decode_v2(good[:-1])) is WireReason.LENGTH
    bad = bytearray(good)
    bad[0], bad[4] = 0x22, 3
    assert reason(lambda: decode_v2(bytes(bad))) is WireReason.AUTH_TYPE
    bad[4] = 1
    assert reason(lambda: decode_v2(bytes(bad))) is WireReason.TYPE
    bad[0] = 0x21
    bad[-1] ^= 1
    assert reason(lambda: decode_v2(bytes(bad))) is WireReason.CHECKSUM
    assert decode_v2(resum(bad)).auth_data == b"1111\0\0\0\1"


def test_v3_names_its_first_fault() -> None:
    good = encode_v3(THREE, SOURCE, VRRP_GROUP4)
    assert reason(lambda: decode_v3(good[:5], 4, SOURCE, VRRP_GROUP4)) is WireReason.TOO_SHORT
    assert reason(lambda: decode_v3(encode_v2(TWO), 4, SOURCE, VRRP_GROUP4)) is WireReason.VERSION
    assert reason(lambda: decode_v3(good + bytes(4), 4, SOURCE, VRRP_GROUP4)) is WireReason.LENGTH
    assert reason(lambda: decode_v3(b"\x35" + good[1:], 4, SOURCE, VRRP_GROUP4)) is WireReason.TYPE


def test_what_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="4096 centiseconds"):
        encode_v3(
            AdvertV3(virtual_router_id=1, priority=1, advert_int=4096, addresses=THREE.addresses), SOURCE, VRRP_GROUP4
        )
    with pytest.raises(ValueError, match="different families"):
        encode_v3(THREE, SOURCE, VRRP_GROUP6)
    with pytest.raises(ValueError, match="another family"):
        encode_v3(SIX, SOURCE, VRRP_GROUP4)
    with pytest.raises(ValueError, match="7 bytes"):
        encode_v2(AdvertV2(virtual_router_id=1, priority=1, advert_int=1, addresses=(), auth_data=bytes(7)))
