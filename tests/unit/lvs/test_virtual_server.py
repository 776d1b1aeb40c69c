"""Quorum, sorry server, inhibit_on_failure, and the words in which they are logged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyvrrp.core.lvs.actions import ReportRealServer, ReportVirtualServer
from pyvrrp.core.lvs.ipvs_table import AddDestination, RemoveDestination, SetDestination
from pyvrrp.model.lvs import SorryServer
from tests.unit.lvs.samples import NAME, RS1, RS2, RS3, SORRY, VIP, Play, config, real_server, virtual_server

BOTH = (real_server(RS1, weight=2), real_server(RS2))


def kinds(play: Play) -> list[type]:
    return [type(operation) for operation in play.operations]


def test_servers_are_in_the_pool_before_any_check() -> None:
    play = Play(config(virtual_server(*BOTH)))
    assert play.weights == {"10.0.0.1:80": 2, "10.0.0.2:80": 1}
    assert f"Gained quorum 1+0=1 <= 3 for VS {NAME}" in play.logs
    assert ReportVirtualServer(VIP, True) in play.actions


def test_a_server_that_dies_is_removed_and_one_that_heals_is_added() -> None:
    play = Play(config(virtual_server(*BOTH)), table={})
    play.take_down(RS1)
    assert play.logs[-1] == f"Removing service [10.0.0.1]:tcp:80 from VS {NAME}"
    assert play.operations == [RemoveDestination(VIP, RS1)]
    assert ReportRealServer(VIP, RS1, False) in play.actions
    play.check(RS1, None)
    assert play.logs == [
        "TCP connection to [10.0.0.1]:tcp:80 success.",
        f"Adding service [10.0.0.1]:tcp:80 to VS {NAME}",
    ]
    assert kinds(play) == [AddDestination]
    assert play.weights == {"10.0.0.2:80": 1, "10.0.0.1:80": 2}


def test_inhibit_keeps_the_place_with_weight_0() -> None:
    play = Play(config(virtual_server(real_server(RS1, inhibit_on_failure=True), real_server(RS2))), table={})
    play.take_down(RS1)
    assert play.logs[-1] == f"Disabling service [10.0.0.1]:tcp:80 of VS {NAME}"
    assert kinds(play) == [SetDestination]
    assert play.weights["10.0.0.1:80"] == 0
    play.check(RS1, None)
    assert play.logs[-1] == f"Enabling service [10.0.0.1]:tcp:80 of VS {NAME}"
    assert play.weights["10.0.0.1:80"] == 1


def test_without_a_sorry_server_the_rest_stays_below_quorum() -> None:
    play = Play(config(virtual_server(*BOTH, quorum=3)), table={})
    play.take_down(RS2)
    assert f"Lost quorum 3-0=3 > 2 for VS {NAME}" in play.logs
    assert ReportVirtualServer(VIP, False) in play.actions
    assert play.weights == {"10.0.0.1:80": 2}


def test_the_sorry_server_takes_the_place_of_the_whole_pool_and_gives_it_back() -> None:
    play = Play(config(virtual_server(*BOTH, quorum=3, sorry_server=SORRY)), table={})
    play.take_down(RS2)
    assert play.logs[-4:] == [
        f"Removing service [10.0.0.2]:tcp:80 from VS {NAME}",
        f"Lost quorum 3-0=3 > 2 for VS {NAME}",
        f"Adding sorry server [10.0.0.9]:tcp:80 to VS {NAME}",
        f"Removing alive servers from the pool for VS {NAME}",
    ]
    assert kinds(play) == [AddDestination, RemoveDestination, RemoveDestination]
    assert play.weights == {"10.0.0.9:80": 1}
    play.check(RS2, None)
    assert play.logs[-3:] == [
        f"Gained quorum 3+0=3 <= 3 for VS {NAME}",
        f"Removing sorry server [10.0.0.9]:tcp:80 from VS {NAME}",
        f"Adding alive servers to the pool for VS {NAME}",
    ]
    assert kinds(play) == [AddDestination, AddDestination, RemoveDestination]
    assert play.weights == {"10.0.0.1:80": 2, "10.0.0.2:80": 1}


def test_a_server_that_heals_below_quorum_waits_outside() -> None:
    play = Play(config(virtual_server(*BOTH, real_server(RS3), quorum=4, sorry_server=SORRY)), table={})
    for server in (RS2, RS3):
        play.take_down(server)
    play.check(RS3, None)
    assert f"Adding service [10.0.0.3]:tcp:80 to VS {NAME}" in play.logs
    assert play.operations == []
    assert play.weights == {"10.0.0.9:80": 1}


def test_below_quorum_inhibited_servers_stay_with_weight_0() -> None:
    servers = (real_server(RS1, inhibit_on_failure=True), real_server(RS2))
    play = Play(config(virtual_server(*servers, quorum=2, sorry_server=SORRY)), table={})
    play.take_down(RS2)
    assert play.weights == {"10.0.0.1:80": 0, "10.0.0.9:80": 1}


def test_hysteresis() -> None:
    play = Play(config(virtual_server(real_server(RS1), real_server(RS2), real_server(RS3), quorum=2, hysteresis=1)))
    play.take_down(RS1)
    play.take_down(RS2)
    assert not any("quorum" in text for text in play.logs)
    play.take_down(RS3)
    assert f"Lost quorum 2-1=1 > 0 for VS {NAME}" in play.logs
    for server in (RS1, RS2):
        play.check(server, None)
        assert not any("quorum" in text for text in play.logs)
    play.check(RS3, None)
    assert f"Gained quorum 2+1=3 <= 3 for VS {NAME}" in play.logs


def test_servers_of_weight_0_make_no_quorum() -> None:
    play = Play(config(virtual_server(real_server(RS1, weight=0), quorum=0, sorry_server=SORRY)))
    assert play.weights == {"10.0.0.9:80": 1}


def test_starting_below_quorum_with_a_sorry_server() -> None:
    play = Play(config(virtual_server(real_server(RS1, timing={"alpha": True}), sorry_server=SORRY)))
    assert f"Starting with quorum down for VS {NAME}" in play.logs
    assert ReportVirtualServer(VIP, False) in play.actions
    assert play.weights == {"10.0.0.9:80": 1}


def test_starting_below_quorum_without_one_says_nothing() -> None:
    play = Play(config(virtual_server(real_server(RS1, timing={"alpha": True}))))
    assert not any("quorum" in text for text in play.logs)
    assert play.weights == {}


def test_an_inhibited_sorry_server_is_there_with_weight_0() -> None:
    play = Play(config(virtual_server(real_server(RS1), sorry_server=replace(SORRY, inhibit=True))), table={})
    assert play.weights == {"10.0.0.1:80": 1, "10.0.0.9:80": 0}
    play.take_down(RS1)
    assert f"Enabling sorry server [10.0.0.9]:tcp:80 of VS {NAME}" in play.logs
    assert play.weights == {"10.0.0.9:80": 1}


@pytest.mark.parametrize("inhibit", [False, True])
def test_a_real_server_may_be_the_sorry_server(inhibit: bool) -> None:
    sorry = SorryServer(endpoint=RS1, inhibit=inhibit)
    play = Play(config(virtual_server(*BOTH, quorum=3, sorry_server=sorry)), table={})
    assert play.weights == {"10.0.0.1:80": 2, "10.0.0.2:80": 1}
    play.take_down(RS2)
    assert play.weights == {"10.0.0.1:80": 1}
    assert kinds(play) == [SetDestination, RemoveDestination]
