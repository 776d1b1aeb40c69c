"""A real server: the sum of its checkers, and what IPVS should hold of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyvrrp.core.lvs.checking import Checking
from pyvrrp.core.lvs.ipvs_table import Destination
from pyvrrp.core.lvs.real_server import Server, display_name
from pyvrrp.model.checkers import Checker
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Forwarding, RealServer, ServiceKey
from tests.unit.lvs.samples import RS1, VIP, endpoint, real_server, tcp_check


def new(at: Endpoint, checker: Checker, up: bool) -> Checking:
    return Checking(0, checker, up)


def server(config: RealServer) -> Server:
    made = Server(config, "RS", 0)
    made.begin(0, new)
    return made


def reconfigure(machine: Server, config: RealServer) -> list[Checking]:
    gone = machine.reconfigure(config, 5, new, lambda longest: 0)
    machine.judge(5)
    return gone


def test_names() -> None:
    assert display_name(RS1, VIP) == "[10.0.0.1]:tcp:80"
    assert display_name(endpoint("fd00::1@80"), ServiceKey(2, None, None, 7)) == "[fd00::1]:none:80"


def test_without_checkers_it_is_always_up() -> None:
    assert server(real_server(RS1, checks=0)).alive


def test_alpha_begins_down() -> None:
    assert not server(real_server(RS1, timing={"alpha": True})).alive


def test_the_first_checker_takes_it_down_and_the_last_one_brings_it_up() -> None:
    machine = server(real_server(RS1, checks=2))
    one, two = machine.checkers
    seen = []
    for checking, up in ((one, False), (two, False), (one, True), (two, True)):
        checking.up = up
        seen.append((machine.judge(7), machine.alive))
    assert seen == [(True, False), (False, False), (False, False), (True, True)]
    assert machine.since == 7


@pytest.mark.parametrize(
    ("alive", "in_use", "inhibit", "weight"),
    [
        (True, True, False, 3),
        (True, True, True, 3),
        (True, False, False, None),
        (True, False, True, 0),
        (False, True, False, None),
        (False, True, True, 0),
        (False, False, False, None),
        (False, False, True, 0),
    ],
)
def test_what_ipvs_should_hold(alive: bool, in_use: bool, inhibit: bool, weight: int | None) -> None:
    machine = server(real_server(RS1, weight=3, inhibit_on_failure=inhibit))
    machine.alive = alive
    expected = None if weight is None else Destination(endpoint=RS1, forwarding=Forwarding.NAT, weight=weight)
    assert machine.destination(in_use) == expected


def test_a_reload_keeps_the_state_of_the_same_checker() -> None:
    machine = server(real_server(RS1))
    machine.checkers[0].up = False
    machine.judge(1)
    assert reconfigure(machine, real_server(RS1, timing={"retry": 9})) == []
    assert (machine.alive, machine.checkers[0].timing.retry) == (False, 9)


def test_a_reload_that_takes_the_failed_checker_away_brings_it_up() -> None:
    machine = server(real_server(RS1, checks=2))
    machine.checkers[1].up = False
    machine.judge(1)
    failed = machine.checkers[1]
    assert reconfigure(machine, real_server(RS1, checks=1)) == [failed]
    assert machine.alive


@pytest.mark.parametrize("alpha", [False, True])
def test_a_new_checker_never_takes_a_server_down(alpha: bool) -> None:
    machine = server(real_server(RS1))
    added = tcp_check(endpoint("10.0.0.1:81"), alpha=alpha)
    reconfigure(machine, replace(machine.config, checkers=(*machine.config.checkers, added)))
    assert machine.alive


@pytest.mark.parametrize(("alpha", "alive"), [(False, True), (True, False)])
def test_a_checker_that_replaces_the_failed_one(alpha: bool, alive: bool) -> None:
    machine = server(real_server(RS1))
    machine.checkers[0].up = False
    machine.judge(1)
    added = tcp_check(endpoint("10.0.0.1:81"), alpha=alpha)
    reconfigure(machine, replace(machine.config, checkers=(added,)))
    assert machine.alive == alive


def test_two_equal_checkers_stay_two() -> None:
    twice = replace(real_server(RS1), checkers=(tcp_check(RS1), tcp_check(RS1)))
    machine = server(twice)
    one, two = machine.checkers
    assert reconfigure(machine, twice) == []
    assert machine.checkers == [one, two]
    assert reconfigure(machine, real_server(RS1)) == [two]
