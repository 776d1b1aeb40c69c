from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from scapy.layers.inet import IP

from pyvrrp.errors import WireError, WireReason
from pyvrrp.wire.ip import Ipv4Datagram, decode_ipv4, encode_ipv4_header

SOURCE = IPv4Address("192.0.2.1")
GROUP = IPv4Address("224.0.0.18")


def test_header_is_what_scapy_writes() -> None:
    header = encode_ipv4_header(SOURCE, GROUP, 4711, 20)
    written = IP(src=str(SOURCE), dst=str(GROUP), id=4711, ttl=255, tos=0xC0, proto=112) / bytes(20)
    assert header == bytes(written)[:20]


def test_options_and_padding_do_not_reach_the_payload() -> None:
    written = bytes(
        IP(src="192.0.2.9", dst=str(GROUP), ttl=1, tos=0, proto=112, options=b"\1\1\1\1", id=7) / b"message"
    )
    assert decode_ipv4(memoryview(written + bytes(15))) == Ipv4Datagram(
        IPv4Address("192.0.2.9"), GROUP, 1, 0, 112, 7, b"message"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes(19), WireReason.TOO_SHORT),
        (b"\x65" + bytes(39), WireReason.VERSION),
        (b"\x44\0\0\x28" + bytes(36), WireReason.LENGTH),
        (b"\x45\0\0\x28" + bytes(35), WireReason.LENGTH),
        (b"\x46\0\0\x14" + bytes(20), WireReason.LENGTH),
    ],
)
def test_torn_headers(data: bytes, reason: WireReason) -> None:
    with pytest.raises(WireError) as caught:
        decode_ipv4(data)
    assert caught.value.reason is reason
