"""Packets that are refused change nothing: not a state, not an address, not the time of a single advertisement."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyvrrp.core.vrrp.actions import SendAdvert
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import VRRP_GROUP4, VRRP_GROUP6
from pyvrrp.simulate.story import Story
from pyvrrp.units import CENTISECOND, SECOND
from pyvrrp.wire.vrrp import AdvertV2, AdvertV3, encode_v2, encode_v3
from tests.sim.worlds import NOBODY, Scene, report, scenes

EXAMPLES = int(os.environ.get("PYVRRP_SIM_EXAMPLES", "600")) // 3

Spoil = Callable[[SendAdvert], SendAdvert]
SPOILS: dict[str, Spoil] = {
    "TTL": lambda sent: replace(sent, ttl=254),
    "checksum": lambda sent: replace(sent, message=sent.message[:-1] + bytes((sent.message[-1] ^ 0xFF,))),
    "version": lambda sent: replace(sent, message=bytes((sent.message[0] ^ 0x50,)) + sent.message[1:]),
    "type": lambda sent: replace(sent, message=bytes((sent.message[0] & 0xF0 | 2,)) + sent.message[1:]),
    "length": lambda sent: replace(sent, message=sent.message[:-1]),
    "short": lambda sent: replace(sent, message=sent.message[:5]),
    "another id": lambda sent: replace(sent, message=bytes((sent.message[0], 250)) + sent.message[2:]),
}


def forged(instance: VrrpInstance, priority: int) -> SendAdvert:
    """What a director would send that nobody knows."""
    advertised = tuple(address.address for address in instance.virtual_ipaddress)
    group = VRRP_GROUP6 if instance.family == 6 else VRRP_GROUP4
    source = advertised[0] + 1000 if instance.family == 6 else advertised[0] + 50
    if instance.version == 2:
        advert = AdvertV2(
            virtual_router_id=instance.virtual_router_id,
            priority=priority,
            advert_int=instance.advert_int // SECOND,
            addresses=advertised,
        )
        message = encode_v2(advert)
    else:
        advert3 = AdvertV3(
            virtual_router_id=instance.virtual_router_id,
            priority=priority,
            advert_int=instance.advert_int // CENTISECOND,
            addresses=advertised,
        )
        message = encode_v3(advert3, source, group)
    return SendAdvert(NOBODY, instance.interface, source, (group,), message, 1)


Noise = list[tuple[float, int, int, str]]
"""When (as a part of the whole), for which instance, priority, and what is wrong."""
noises = st.lists(
    st.tuples(
        st.floats(0, 1), st.integers(0, 2), st.sampled_from((0, 1, 100, 254, 255)), st.sampled_from(sorted(SPOILS))
    ),
    min_size=1,
    max_size=60,
)


def play(scene: Scene, noise: Noise) -> tuple[Story, int]:
    world = scene.world()
    instances = next(iter(scene.configs.values())).vrrp_instances
    for part, which, priority, what in noise:
        packet = SPOILS[what](forged(instances[which % len(instances)], priority))
        for name in scene.configs:
            world.inject(round(part * scene.duration), name, packet)
    return world.play(scene), world.story.adverts


@pytest.mark.timeout(0)
@given(scenes(), noises)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_refused_packets_change_nothing(scene: Scene, noise: Noise) -> None:
    (quiet, adverts), (noisy, others) = play(scene, []), play(scene, noise)
    assert noisy.changes == quiet.changes, report(scene, noisy)
    assert others == adverts
    assert noisy.services == quiet.services
