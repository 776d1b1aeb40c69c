"""The snapshot of many servers is made in small steps, and comes to the same as in one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_address

import pytest

from pyvrrp.core.lvs.ipvs_table import Dump
from pyvrrp.daemon.lvs_pieces import pieces
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Protocol, RealServer, ServiceKey
from pyvrrp.observe.codec import to_json
from tests.fakes.ipvs import FakeIpvs
from tests.unit.lvs.samples import SORRY, Play, config, endpoint, real_server, virtual_server
from tests.unit.lvs.test_groups import addresses, group, served

BIGGEST = 34
"""Servers and services in one step: a few dozen."""


def servers(count: int) -> list[RealServer]:
    return [real_server(Endpoint(ip_address("10.0.0.0") + at, 80)) for at in range(count)]


def key(number: int) -> ServiceKey:
    return ServiceKey.of(Endpoint(ip_address("192.0.2.0") + number, 80), Protocol.TCP)


CONFIG = config(
    *(virtual_server(*servers(8), key=key(number)) for number in range(1, 20)),
    virtual_server(*servers(400), key=key(100), sorry_server=SORRY),
    served(group(addresses("192.0.3.0", "192.0.3.199")), *servers(2)),
)


class Kernel:
    def __init__(self, play: Play) -> None:
        self.ipvs = FakeIpvs()
        self.asked: list[int] = []
        assert self.ipvs.apply(play.operations) == []

    def read(self, keys: Iterable[ServiceKey]) -> Dump:
        wanted = list(keys)
        self.asked.append(len(wanted))
        return self.ipvs.dump(wanted)


@pytest.fixture
def play() -> Play:
    return Play(CONFIG, table={})


def test_all_steps_together_are_the_snapshot(play: Play) -> None:
    kernel = Kernel(play)
    text = "".join(pieces(play.balancer, kernel.read))
    assert json.loads(text) == to_json(play.balancer.snapshot(kernel.ipvs.dump(kernel.ipvs.services)))
    without = "".join(pieces(play.balancer, lambda _: None))
    assert json.loads(without) == to_json(play.balancer.snapshot(None))


def test_no_step_is_long(play: Play) -> None:
    """Counted, not timed: what is told and what is asked of the kernel between two pieces."""
    kernel = Kernel(play)
    told = asked = 0
    for piece in pieces(play.balancer, kernel.read):
        now = len(kernel.asked)
        assert piece.count('"alive"') <= BIGGEST
        assert sum(kernel.asked[asked:now]) <= BIGGEST
        asked, told = now, told + piece.count('"alive"')
    assert (told, sum(kernel.asked)) == (19 * 8 + 401 + 2, 20 + 200)


@pytest.mark.parametrize("after", [1, 40, 60, 300, 460, 475])
def test_a_reload_in_the_middle_leaves_something_whole(play: Play, after: int) -> None:
    kernel = Kernel(play)
    text, others = "", CONFIG.virtual_servers[10:19]
    for number, piece in enumerate(pieces(play.balancer, kernel.read)):
        text += piece
        if number == after:
            play.reload(config(*others, virtual_server(real_server(endpoint("10.0.0.1:80")), key=key(200))))
    names = [virtual["name"] for virtual in json.loads(text)["virtual_servers"]]
    known = [str(virtual.key) for virtual in CONFIG.virtual_servers]
    assert [name for name in names if name != str(key(200))] == [name for name in known if name in names]
    assert {str(virtual.key) for virtual in others} <= set(names), "what stayed is told"
