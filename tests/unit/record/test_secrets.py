"""Stand-ins for secrets change no decision, and no byte of a secret stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.core.vrrp.actions import SendAdvert
from pyvrrp.core.vrrp.events import DatagramReceived, Event
from pyvrrp.core.vrrp.router import Router
from pyvrrp.model.auth_hmac import Hmac, HmacKey
from pyvrrp.model.vrrp import Authentication, AuthType
from pyvrrp.net import VRRP_GROUP4, VRRP_GROUP6
from pyvrrp.record.graph import from_graph, to_graph
from pyvrrp.record.secrets import Mask
from pyvrrp.simulate.world import World
from pyvrrp.units import SECOND
from pyvrrp.wire.vrrp import AdvertV2, decode_v2, encode_v2
from tests.conformance.play import vip
from tests.unit.simulate.stage import config, instance, steps

SECRETS = (b"s3cr3tXY", b"other-pw", bytes(range(32)), bytes(range(1, 33)))
SIX = {"version": 3, "mcast_dst_ip": VRRP_GROUP6, "virtual_ipaddress": (vip("fe80::1:1/64"), vip("2001:db8::1/64"))}


def hmac(value: bytes) -> dict[str, Any]:
    return {"auth_hmac": Hmac(keys=(HmacKey(number=1, value=value),), active_key=1, time_window=30)}


def auth(kind: AuthType, password: bytes) -> dict[str, Any]:
    return {"authentication": Authentication(type=kind, password=password)}


KINDS: dict[str, tuple[Callable[[bytes], dict[str, Any]], bytes, bytes]] = {
    "PASS": (lambda secret: auth(AuthType.PASS, secret), SECRETS[0], SECRETS[1]),
    "AH": (lambda secret: auth(AuthType.AH, secret), SECRETS[0], SECRETS[1]),
    "HMAC version 2": (hmac, SECRETS[2], SECRETS[3]),
    "HMAC version 3": (lambda secret: {**hmac(secret), "version": 3}, SECRETS[2], SECRETS[3]),
    "HMAC over IPv6": (lambda secret: {**hmac(secret), **SIX}, SECRETS[2], SECRETS[3]),
}


@pytest.mark.parametrize("agree", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_director_decides_the_same_with_stand_ins(kind: str, agree: bool) -> None:
    make, secret, other = KINDS[kind]
    configs = {
        "a": config(instance(priority=150, **make(secret))),
        "b": config(instance(priority=100, **make(secret if agree else other))),
    }
    mask = Mask(b"k" * 32)
    heard: list[tuple[Any, Any]] = []
    world = World(configs, steps("at 10s crash a\nat 20s start a"))
    text = [json.dumps(to_graph(configs["b"], mask))]

    class Tapped(Router):
        def handle(self, event: Event) -> list[Any]:
            actions = super().handle(event)
            heard.append((to_graph(event, mask), [to_graph(action, mask) for action in actions]))
            return actions

    director = world.directors["b"]
    world.run(0)
    router = Tapped(configs["b"])
    router.__dict__.update(vars(director.router))
    director.router = router
    masked = from_graph(json.loads(json.dumps(to_graph(_plain(router), mask))))
    world.run(40 * SECOND)
    assert ("MASTER", "b") in {(change.state, change.director) for change in world.story.changes}
    for number, (event, actions) in enumerate(heard):
        assert [to_graph(action) for action in masked.handle(from_graph(event))] == actions, number
    assert masked.snapshot() == router.snapshot()
    rejects = masked.snapshot().instances[0].last_reject
    assert (rejects is None) is agree
    text += [json.dumps(entry) for entry in heard]
    for whole in text:
        for hidden in (secret, other):
            assert hidden.hex() not in whole
            assert hidden.decode("latin-1") not in whole


def _plain(router: Router) -> Router:
    """The same as an object of the class itself."""
    plain = Router.__new__(Router)
    plain.__dict__.update(vars(router))
    return plain


@given(st.binary(max_size=60), st.booleans())
def test_whatever_comes_is_masked_and_goes_on_to_be_what_it_was(payload: bytes, as_ah: bool) -> None:
    event = DatagramReceived(0, "eth0", vip("192.0.2.2/24").address, VRRP_GROUP4, 255, payload, 51 if as_ah else 112, 7)
    masked = Mask(b"k" * 32)(event)
    assert isinstance(masked, DatagramReceived)
    assert len(masked.payload) == len(payload)
    assert masked == replace(event, payload=masked.payload)


@given(st.binary(min_size=8, max_size=8), st.integers(0, 255), st.booleans())
def test_checksums_stay_as_right_as_they_were(password: bytes, priority: int, damaged: bool) -> None:
    advert = AdvertV2(
        virtual_router_id=1, priority=priority, advert_int=1, addresses=(), auth_type=1, auth_data=password
    )
    message = encode_v2(advert)
    if damaged:
        message = message[:2] + bytes((message[2] ^ 1,)) + message[3:]
    action = SendAdvert("V", "eth0", vip("192.0.2.2/24").address, (VRRP_GROUP4,), message, 1)
    masked = Mask(b"k" * 32)(action)
    assert isinstance(masked, SendAdvert)
    try:
        decode_v2(masked.message)
    except ValueError:
        assert damaged
    else:
        assert not damaged
    assert masked.message[-8:] != password or password == bytes(8)
