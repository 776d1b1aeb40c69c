"""AH and auth_hmac: what is written is read again, anything is a value or a WireError, and in any order of genuine,
repeated and forged packets nothing is believed twice, nothing forged at all, and what is new always."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given, settings
from hypothesis import strategies as st

from pyvrrp.core.vrrp.admission import Accepted, admit
from pyvrrp.core.vrrp.credentials import Clock, Credentials, credentials
from pyvrrp.core.vrrp.events import DatagramReceived, InterfaceChanged, InterfaceFacts, Started, TimePassed, WallClock
from pyvrrp.core.vrrp.router import Router
from pyvrrp.errors import WireError
from pyvrrp.model.auth_hmac import Hmac, HmacKey
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import Authentication, AuthType, VrrpInstance
from pyvrrp.net import VRRP_GROUP4
from pyvrrp.units import SECOND, Micros
from pyvrrp.wire.ah import AuthenticationHeader, decode_ah, encode_ah
from pyvrrp.wire.trailer import Trailer, decode_trailer, encode_trailer, sequence_at
from pyvrrp.wire.vrrp import AdvertV2, decode_v2, encode_v2
from tests.conformance.play import instance

OWN, PEER = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
NOW = 1_700_000_000 * SECOND
AH = instance(authentication=Authentication(type=AuthType.AH, password=b"secret"))
HMAC = instance(auth_hmac=Hmac(keys=(HmacKey(number=1, value=b"k" * 32),), active_key=1, time_window=5))
word = st.integers(0, 2**32 - 1)


@given(word, word, st.binary(min_size=12, max_size=12), st.binary(max_size=40))
def test_ah_round_trip(spi: int, sequence: int, icv: bytes, message: bytes) -> None:
    header = AuthenticationHeader(spi=spi, sequence=sequence, icv=icv)
    assert decode_ah(encode_ah(header) + message) == (header, message)


@given(st.integers(1, 255), st.integers(0, 2**64 - 1), st.binary(min_size=16, max_size=16))
def test_trailer_round_trip(key_id: int, sequence: int, mac: bytes) -> None:
    trailer = Trailer(key_id=key_id, sequence=sequence, mac=mac)
    assert decode_trailer(encode_trailer(trailer)) == trailer


@given(st.ip_addresses(v=6), st.ip_addresses(v=6), st.lists(st.ip_addresses(v=6), max_size=64))
def test_version_2_over_ipv6_round_trip(source: object, destination: object, addresses: list[object]) -> None:
    advert = AdvertV2(virtual_router_id=1, priority=2, advert_int=3, addresses=tuple(addresses))  # type: ignore[arg-type]
    assert decode_v2(encode_v2(advert, source, destination), source, destination) == advert  # type: ignore[arg-type]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_wire_error(data: bytes) -> None:
    for decode in (decode_ah, decode_trailer):
        try:
            decode(data)
        except WireError:
            continue


@given(st.integers(0, 2**32 * SECOND - 1), st.integers(0, 3 * SECOND))
def test_later_is_more(utc: Micros, more: Micros) -> None:
    if utc + more < 2**32 * SECOND:
        assert sequence_at(utc) <= sequence_at(utc + more)
    assert sequence_at(utc) >> 32 == utc // SECOND


def peer(config: VrrpInstance) -> Credentials:
    clock = Clock()
    clock.ahead = NOW
    made = credentials(config, clock, None)
    assert made is not None
    return made


def advert(config: VrrpInstance, priority: int) -> bytes:
    auth_type = 2 if config.authentication is not None else 0
    vips = tuple(IPv4Address(str(a.address)) for a in config.virtual_ipaddress)
    return encode_v2(
        AdvertV2(virtual_router_id=51, priority=priority, auth_type=auth_type, advert_int=1, addresses=vips)
    )


steps = st.lists(
    st.tuples(st.sampled_from(["genuine", "replay", "bent"]), st.integers(0, 2**16), st.integers(0, 2 * SECOND)),
    max_size=40,
)


@given(st.sampled_from([AH, HMAC]), steps)
@settings(deadline=None)
def test_nothing_twice_and_nothing_forged(config: VrrpInstance, script: list[tuple[str, int, Micros]]) -> None:
    sender, receiver = peer(config), peer(config)
    heard: list[DatagramReceived] = []
    at: Micros = 0
    for number, (what, which, pause) in enumerate(script, 1):
        at += pause
        if what == "genuine" or not heard:
            payload = sender.seal(advert(config, 100), PEER, VRRP_GROUP4, number, at)
            packet = DatagramReceived(at, "eth0", PEER, VRRP_GROUP4, 255, payload, sender.protocol, number)
            assert isinstance(admit(config, packet, receiver), Accepted)
            heard.append(packet)
            continue
        old = heard[which % len(heard)]
        payload = old.payload
        if what == "bent":
            place = which % len(payload)
            if config is AH and place in (2, 3):
                continue  # reserved, and in no sum
            payload = payload[:place] + bytes((payload[place] ^ 1 << which % 8,)) + payload[place + 1 :]
        before = receiver.state()
        again = DatagramReceived(at, "eth0", PEER, VRRP_GROUP4, 255, payload, old.protocol, old.identification)
        assert not isinstance(admit(config, again, receiver), Accepted)
        assert receiver.state() == before


@given(st.sampled_from([AH, HMAC]), steps)
@settings(deadline=None, max_examples=50)
def test_a_backup_waits_for_what_is_genuine_only(config: VrrpInstance, script: list[tuple[str, int, Micros]]) -> None:
    """Its timer is where the last believed advertisement put it, whatever else comes."""
    router = Router(Config(vrrp_instances=(config,)))
    router.handle(WallClock(0, NOW))
    router.handle(InterfaceChanged(0, "eth0", InterfaceFacts(2, True, b"\2\0\0\0\0\1", (OWN,))))
    router.handle(Started(0))
    sender = peer(config)
    at: Micros = 0
    last: list[DatagramReceived] = []
    for number, (what, _, pause) in enumerate(script, 1):
        at += pause
        due = router.deadline()
        if due is not None and due <= at:
            return
        if what == "genuine" or not last:
            payload = sender.seal(advert(config, 200), PEER, VRRP_GROUP4, number, at)
            last = [DatagramReceived(at, "eth0", PEER, VRRP_GROUP4, 255, payload, sender.protocol, number)]
            router.handle(last[0])
            assert router.deadline() == at + 3 * SECOND + (256 - 100) * SECOND // 256
        else:
            old = last[0]
            payload = old.payload if what == "replay" else old.payload[:-1] + bytes((old.payload[-1] ^ 1,))
            again = DatagramReceived(at, "eth0", PEER, VRRP_GROUP4, 255, payload, old.protocol, old.identification)
            assert router.handle(TimePassed(at)) == []
            router.handle(again)
            assert router.deadline() == due
