"""The codecs: what is written is read again, anything is a value or a WireError, no changed byte is believed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.errors import WireError
from pyvrrp.net import Address
from pyvrrp.wire import arp
from pyvrrp.wire.ip import HEADER_LENGTH, decode_ipv4, encode_ipv4_header
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

byte = st.integers(0, 255)
address4 = st.ip_addresses(v=4)
address6 = st.ip_addresses(v=6)
v2 = st.builds(
    AdvertV2,
    virtual_router_id=st.integers(1, 255),
    priority=byte,
    auth_type=st.integers(0, 2),
    advert_int=byte,
    addresses=st.lists(address4, max_size=255).map(tuple),
    auth_data=st.binary(min_size=8, max_size=8),
)


@st.composite
def v3(draw: st.DrawFn) -> tuple[AdvertV3, int, Address, Address]:
    """An advertisement with its family, source and destination."""
    family, addresses = draw(st.sampled_from([(4, address4), (6, address6)]))
    advert = AdvertV3(
        virtual_router_id=draw(st.integers(1, 255)),
        priority=draw(byte),
        advert_int=draw(st.integers(0, 4095)),
        addresses=tuple(draw(st.lists(addresses, max_size=64))),
    )
    return advert, family, draw(addresses), draw(addresses)


@given(v2)
def test_v2_round_trip(advert: AdvertV2) -> None:
    message = encode_v2(advert)
    assert len(message) == expected_length(2, 4, len(advert.addresses))
    assert decode_v2(message) == advert


@given(v3())
def test_v3_round_trip(case: tuple[AdvertV3, int, Address, Address]) -> None:
    advert, family, source, destination = case
    message = encode_v3(advert, source, destination)
    assert len(message) == expected_length(3, family, len(advert.addresses))
    assert decode_v3(message, family, source, destination) == advert


@given(v2, st.data())
def test_no_changed_byte_of_v2_is_believed(advert: AdvertV2, data: st.DataObject) -> None:
    message = bytearray(encode_v2(advert))
    message[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        decode_v2(bytes(message))


@given(v3(), st.data())
def test_no_changed_byte_of_v3_is_believed(case: tuple[AdvertV3, int, Address, Address], data: st.DataObject) -> None:
    advert, family, source, destination = case
    message = bytearray(encode_v3(advert, source, destination))
    message[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        decode_v3(bytes(message), family, source, destination)


almost = st.builds(
    lambda first, rest: bytes([first]) + rest, st.sampled_from([0x21, 0x31, 0x45, 0x00]), st.binary(max_size=80)
)


@given(st.binary(max_size=80) | almost)
def test_anything_is_a_value_or_a_wire_error(data: bytes) -> None:
    source = IPv4Address("192.0.2.1")
    source6 = IPv6Address("fe80::1")
    for decode in (
        lambda: decode_v2(data),
        lambda: decode_v3(data, 4, source, source),
        lambda: decode_v3(data, 6, source6, source6),
        lambda: peek(data),
        lambda: decode_ipv4(data),
        lambda: arp.decode(data),
    ):
        try:
            decode()
        except WireError:
            continue


@given(address4, address4, st.integers(0, 65535), byte, byte, byte, st.binary(max_size=64), st.binary(max_size=26))
def test_ipv4_round_trip(
    source: IPv4Address,
    destination: IPv4Address,
    identification: int,
    ttl: int,
    tos: int,
    protocol: int,
    payload: bytes,
    padding: bytes,
) -> None:
    header = encode_ipv4_header(source, destination, identification, len(payload), ttl, tos, protocol)
    assert len(header) == HEADER_LENGTH
    datagram = decode_ipv4(header + payload + padding)
    assert (datagram.source, datagram.destination) == (source, destination)
    assert (datagram.ttl, datagram.tos, datagram.protocol, datagram.payload) == (ttl, tos, protocol, payload)
