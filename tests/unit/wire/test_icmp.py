from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest

from pyvrrp.wire.checksum import verify
from pyvrrp.wire.icmp import echo_reply, echo_request


def test_a_request_as_scapy_reads_it() -> None:
    made = echo_request(4, 0x1234, 5, b"data!")
    assert verify(made)
    read = ICMP(made)
    assert (read.type, read.code, read.id, read.seq, bytes(read.payload)) == (8, 0, 0x1234, 5, b"data!")
    six = ICMPv6EchoRequest(echo_request(6, 0x1234, 5, b"data!"))
    assert (six.type, six.code, six.id, six.seq, six.data) == (128, 0, 0x1234, 5, b"data!")


@pytest.mark.parametrize(
    ("version", "message"),
    [(4, bytes(ICMP(type=0, id=9, seq=1) / b"x")), (6, bytes(ICMPv6EchoReply(id=9, seq=1, data=b"x")))],
)
def test_a_reply(version: int, message: bytes) -> None:
    assert echo_reply(version, message) == (9, 1, b"x")
    assert echo_reply(10 - version, message) is None
    assert echo_reply(version, message[:7]) is None
    assert echo_reply(version, echo_request(version, 9, 1, b"x")) is None
