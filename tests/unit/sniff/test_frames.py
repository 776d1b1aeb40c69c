"""Every packet of the captures is seen for what it is; scapy, which shares no code with us, agrees."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.sniff.frames import Advert, Announcement, Fragmentary, decode, is_virtual_mac
from pyvrrp.units import MILLISECOND, SECOND
from tests.golden.pcap import CAPTURES, frames, gratuitous_arps, vrrp4, vrrp6

NAMES = sorted(path.stem for path in CAPTURES.glob("*.pcap"))


@pytest.mark.parametrize("name", NAMES)
def test_all_advertisements_and_announcements_of_a_capture(name: str) -> None:
    seen = [decode(frame) for frame in frames(name)]
    adverts = [one for one in seen if isinstance(one, Advert)]
    assert len(adverts) == len(vrrp4(name)) + len(vrrp6(name))
    assert not [one for one in seen if isinstance(one, Fragmentary)]
    arps = [one for one in seen if isinstance(one, Announcement) and one.address.version == 4]
    assert len(arps) >= len(gratuitous_arps(name))


@pytest.mark.parametrize("name", ["v2-pass", "v3-ipv4", "v2-unicast", "v3-unicast"])
def test_scapy_agrees(name: str) -> None:
    from scapy.layers import vrrp  # noqa: F401
    from scapy.layers.inet import IP
    from scapy.layers.l2 import Ether

    for frame in frames(name):
        ours = decode(frame)
        if not isinstance(ours, Advert):
            continue
        theirs: Any = Ether(frame)
        layer = theirs.getlayer("VRRPv3") if ours.version == 3 else theirs.getlayer("VRRP")
        assert (layer.version, layer.vrid, layer.priority) == (ours.version, ours.virtual_router_id, ours.priority)
        assert [ip_address(address) for address in layer.addrlist] == list(ours.addresses)
        assert str(ours.source) == theirs[IP].src
        assert ours.ttl == theirs[IP].ttl


def first(name: str) -> Advert:
    return next(seen for seen in map(decode, frames(name)) if isinstance(seen, Advert))


@pytest.mark.parametrize(
    ("name", "version", "auth", "interval"),
    [
        ("v2-noauth", 2, "", SECOND),
        ("v2-pass", 2, "PASS", SECOND),
        ("v2-ah", 2, "AH", SECOND),
        ("v3-ipv4", 3, "", 100 * MILLISECOND),
        ("v2-ipv6", 2, "", SECOND),
        ("hmac-v2", 2, "HMAC", SECOND),
        ("hmac-v3-ipv6", 3, "HMAC", SECOND),
    ],
)
def test_what_proves_it(name: str, version: int, auth: str, interval: int) -> None:
    seen = first(name)
    assert (seen.version, seen.auth, seen.interval) == (version, auth, interval)
    assert seen.addresses


def test_a_virtual_lan_is_told() -> None:
    frame = next(iter(frames("v2-noauth")))
    tagged = frame[:12] + b"\x81\0\x20\x07" + frame[12:]
    seen, plain = decode(tagged), decode(frame)
    assert isinstance(seen, Advert)
    assert isinstance(plain, Advert)
    assert (seen.vlan, plain.vlan) == (7, None)
    assert seen.virtual_router_id == plain.virtual_router_id


def test_virtual_hardware_addresses() -> None:
    assert is_virtual_mac(first("vmac").mac)
    assert not is_virtual_mac(first("v2-noauth").mac)


def test_a_message_that_is_none_is_seen_all_the_same() -> None:
    frame = next(iter(frames("v2-noauth")))
    short = frame[:16] + (24).to_bytes(2, "big") + frame[18:38]
    seen = decode(short)
    assert isinstance(seen, Fragmentary)
    assert seen.length == 4


@given(st.binary(max_size=120), st.sampled_from([b"\x08\x00", b"\x86\xdd", b"\x08\x06", b"\x81\x00"]))
def test_any_bytes(data: bytes, kind: bytes) -> None:
    decode(bytes(12) + kind + data)
    decode(data)


@given(st.sampled_from(NAMES), st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_damaged_frames(name: str, where: int, value: int, cut: int) -> None:
    for frame in list(frames(name))[:3]:
        damaged = bytearray(frame)
        damaged[where % len(damaged)] = value
        decode(bytes(damaged[: cut or None]))
