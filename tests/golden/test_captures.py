"""Every VRRP packet that keepalived sent in the captures is read, and written again byte for byte."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from pyvrrp.errors import WireError, WireReason
from pyvrrp.net import VRRP_GROUP4
from pyvrrp.wire import arp
from pyvrrp.wire.ip import decode_ipv4, encode_ipv4_header
from pyvrrp.wire.vrrp import decode_v2, decode_v3, encode_v2, encode_v3, expected_length, with_tail
from tests.golden.pcap import AH, CAPTURES, VRRP, gratuitous_arps, vrrp4, vrrp6

NAMES = sorted(path.stem for path in CAPTURES.glob("*.pcap"))
WITHOUT_PSEUDO_HEADER = "v3-ipv4-csum-as-v2"
OLD_CHECKSUM = "v3-old-unicast-checksum"
TRAILER = 28
A = IPv4Address("192.0.2.1")


def test_there_are_captures() -> None:
    assert len(NAMES) >= 45
    assert sum(len(vrrp4(name)) + len(vrrp6(name)) for name in NAMES) == 577


@pytest.mark.parametrize("name", [name for name in NAMES if vrrp4(name)])
def test_ipv4_header(name: str) -> None:
    for packet in vrrp4(name):
        ttl = packet.header[8]
        ah = 24 if packet.protocol == AH else 0
        length = len(packet.message) + ah
        header = encode_ipv4_header(
            packet.source, packet.destination, packet.identification, length, ttl=ttl, protocol=packet.protocol
        )
        assert header == packet.header
        if packet.protocol == VRRP:
            datagram = decode_ipv4(header + packet.message + bytes(3))
            assert datagram.payload == packet.message
            assert (datagram.source, datagram.destination) == (packet.source, packet.destination)
            assert (datagram.ttl, datagram.tos, datagram.protocol) == (ttl, 0xC0, VRRP)


@pytest.mark.parametrize("name", [name for name in NAMES if vrrp4(name)])
def test_ipv4_message(name: str) -> None:
    for packet in vrrp4(name):
        version = packet.message[0] >> 4
        message = packet.message[: expected_length(version, 4, packet.message[3])]
        assert len(packet.message) - len(message) == (TRAILER if name.startswith("hmac") else 0)
        if version == 2:
            assert encode_v2(decode_v2(message)) == message
            continue
        destination = packet.destination
        if (name == OLD_CHECKSUM and packet.source == A) or name == WITHOUT_PSEUDO_HEADER:
            with pytest.raises(WireError) as caught:
                decode_v3(message, 4, packet.source, destination)
            assert caught.value.reason is WireReason.CHECKSUM
            if name == WITHOUT_PSEUDO_HEADER:
                assert encode_v3(decode_v3(message, 4, packet.source, None), packet.source, None) == message
                continue
            destination = VRRP_GROUP4
        assert encode_v3(decode_v3(message, 4, packet.source, destination), packet.source, destination) == message


@pytest.mark.parametrize("name", [name for name in NAMES if vrrp6(name) and name not in ("v2-ipv6", "hmac-v3-ipv6")])
def test_ipv6_message(name: str) -> None:
    for packet in vrrp6(name):
        advert = decode_v3(packet.message, 6, packet.source, packet.destination)
        assert encode_v3(advert, packet.source, packet.destination) == packet.message


def test_version_2_over_ipv6() -> None:
    for packet in vrrp6("v2-ipv6"):
        advert = decode_v2(packet.message, packet.source, packet.destination)
        assert (advert.virtual_router_id, len(advert.addresses)) == (105, 2)
        assert encode_v2(advert, packet.source, packet.destination) == packet.message


def test_signed_over_ipv6() -> None:
    """The kernel's checksum covers the trailer."""
    for packet in vrrp6("hmac-v3-ipv6"):
        message, tail = packet.message[:-TRAILER], packet.message[-TRAILER:]
        advert = decode_v3(message, 6, packet.source, packet.destination, tail)
        plain = encode_v3(advert, packet.source, packet.destination)
        assert with_tail(plain, packet.source, packet.destination, tail) == packet.message
        with pytest.raises(WireError, match="checksum"):
            decode_v3(message, 6, packet.source, packet.destination)


@pytest.mark.parametrize("name", [name for name in NAMES if gratuitous_arps(name)])
def test_gratuitous_arp(name: str) -> None:
    for frame in gratuitous_arps(name):
        decoded = arp.decode(frame)
        assert arp.encode(arp.gratuitous(frame[6:12], decoded.sender)) == frame
        assert decoded == arp.gratuitous(frame[6:12], decoded.sender)


def test_what_the_first_packets_say() -> None:
    first = decode_v2(vrrp4("v2-pass")[0].message)
    assert (first.virtual_router_id, first.priority, first.auth_type, first.advert_int) == (52, 150, 1, 1)
    assert first.auth_data == b"s3cr3t\0\0"
    assert first.addresses == (IPv4Address("192.0.2.100"),)
    packet = vrrp4("v3-ipv4")[0]
    third = decode_v3(packet.message, 4, packet.source, packet.destination)
    assert (third.virtual_router_id, third.priority, third.advert_int) == (54, 150, 10)
