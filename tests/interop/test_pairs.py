"""Two directors share one VIP: the plays that every pair of programs must pass."""

from __future__ import annotations

import itertools

import pytest

from tests.interop.conftest import Pair
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down, skew

pytestmark = pytest.mark.root

EARLY = 0.002
"""Seconds by which the wire's clock may disagree with a daemon's timer."""


def start_master(lab: Lab, name: str, program: str, *conf: str) -> None:
    lab.start(name, program, *conf)
    lab.until_master(name)


def start_backup(lab: Lab, name: str, program: str, *conf: str) -> None:
    lab.start(name, program, *conf)
    lab.until_backup(name)


def elect(lab: Lab, pair: Pair, more: str = "") -> None:
    """d1, with the higher priority, is master; d2 listens."""
    start_master(lab, "d1", pair.d1, instance(priority=150, more=more))
    start_backup(lab, "d2", pair.d2, instance(priority=100, more=more))


def silence(lab: Lab, of: str, before: str) -> float:
    """Seconds from the last advertisement of the one to the first of the other."""
    return lab.adverts(before)[0].at - lab.adverts(of)[-1].at


@pytest.mark.parametrize(
    ("version", "interval", "password"), [(3, 0.1, None), (2, 1, None), (2, 1, "1111")], ids=["v3", "v2", "v2-pass"]
)
def test_the_higher_priority_wins_and_advertises(
    peaceful: Lab, pair: Pair, version: int, interval: float, password: str | None
) -> None:
    lab = peaceful
    common = {"version": version, "interval": interval, "password": password}
    vips = (f"{VIP}/24", "192.0.2.101/24")
    start_backup(lab, "d2", pair.d2, instance(priority=100, vips=vips, **common))  # type: ignore[arg-type]
    began = lab.start("d1", pair.d1, instance(priority=150, vips=vips, **common))  # type: ignore[arg-type]
    lab.until(lambda: len(lab.adverts("d1")) >= 4, within=9 * interval + 5, what="d1 advertises")

    assert lab.holders() == lab.holders("192.0.2.101") == ["d1"]
    adverts = lab.adverts("d1", since=began)
    for advert in adverts:
        assert (advert.destination, advert.ttl, advert.tos) == ("224.0.0.18", 255, 0xC0)
        assert (advert.version, advert.vrid, advert.priority, advert.interval) == (version, 51, 150, interval)
        assert advert.addresses == (VIP, "192.0.2.101")
        assert advert.mac == lab.mac("d1")
        assert advert.auth_type == (1 if password else 0)
        assert advert.password == (b"" if version == 3 else (password or "").encode().ljust(8, b"\0"))
    # The first interval is longer by the time that taking the addresses takes.
    for earlier, later in itertools.pairwise(adverts[1:]):
        # Shorter only where the earlier one was late.
        assert 0.7 * interval <= later.at - earlier.at <= interval + SLACK
    assert not lab.adverts("d2", since=adverts[1].at), "two masters"


def test_the_new_master_tells_the_neighbours(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    elect(lab, pair, more="garp_master_delay 1")
    lab.until(lambda: len(lab.garps("d1")) >= 10, within=1 + SLACK + 2, what="two bursts of five gratuitous ARPs")
    garps = lab.garps("d1")
    assert all(garp.broadcast for garp in garps)
    assert garps[4].at - garps[0].at < SLACK
    assert garps[5].at - garps[0].at > 1 - EARLY
    first = lab.adverts("d1")[0]
    assert first.at < garps[0].at, "the other director is told first"
    assert not lab.garps("d2")


def test_takeover_when_the_master_dies(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    elect(lab, pair)
    killed = lab.kill("d1")
    lab.until(lambda: lab.adverts("d2"), within=master_down(100) + SLACK, what="d2 advertises")
    lab.until(lambda: lab.garps("d2"), within=SLACK, what="d2 tells the neighbours")
    lab.until(lambda: lab.hosts["d2"].holds(VIP), within=SLACK, what="d2 takes the VIP")
    assert master_down(100) - EARLY <= silence(lab, "d1", "d2") <= master_down(100) + SLACK
    assert not lab.adverts("d1", since=killed + 0.1)


def test_takeover_within_the_skew_time_when_the_master_stops(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    elect(lab, pair)
    lab.stop("d1")
    assert lab.adverts("d1")[-1].priority == 0
    lab.until_master("d2", within=SLACK)
    assert skew(100) - EARLY <= silence(lab, "d1", "d2") <= skew(100) + SLACK
    assert [advert.priority for advert in lab.adverts("d1") if advert.priority != 150] == [0]


def test_version_2_takes_over_in_its_own_time(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    common = {"version": 2, "interval": 1, "password": "1111"}
    start_master(lab, "d1", pair.d1, instance(priority=150, **common))  # type: ignore[arg-type]
    start_backup(lab, "d2", pair.d2, instance(priority=200, more="nopreempt", **common))  # type: ignore[arg-type]
    seen = len(lab.adverts("d1"))
    lab.until(lambda: len(lab.adverts("d1")) >= seen + 2, within=4, what="d1 advertises and d2 hears it")
    lab.kill("d1")
    expected = master_down(200, version=2, interval=1)
    lab.until(lambda: lab.adverts("d2"), within=expected + SLACK, what="d2 advertises")
    assert expected - EARLY <= silence(lab, "d1", "d2") <= expected + SLACK


def test_a_higher_priority_preempts(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    start_master(lab, "d2", pair.d2, instance(priority=100))
    began = lab.start("d1", pair.d1, instance(priority=150))
    lab.until_backup("d1")
    lab.until_master("d1", within=master_down(150) + 3)
    first = lab.adverts("d1", since=began)[0].at
    # One may have been on its way.
    assert len(lab.adverts("d2", since=first)) <= 1
    assert all(advert.priority == 100 for advert in lab.adverts("d2")), "a master that loses an election says nothing"
    lab.until(lambda: lab.garps("d1"), within=SLACK, what="d1 tells the neighbours")


def test_nopreempt_holds_back_a_higher_priority(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    start_master(lab, "d2", pair.d2, instance(priority=100, more="nopreempt"))
    start_backup(lab, "d1", pair.d1, instance(priority=150, more="nopreempt"))
    lab.holds_for(lambda: lab.holders() == ["d2"], seconds=4 * master_down(150), what="d2 keeps the VIP")
    assert not lab.adverts("d1")
    lab.kill("d2")
    lab.until(lambda: lab.hosts["d1"].holds(VIP), within=master_down(150) + SLACK, what="d1 takes over in the end")


def test_equal_priorities_leave_the_master_alone(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    start_master(lab, "d1", pair.d1, instance(priority=100))
    start_backup(lab, "d2", pair.d2, instance(priority=100))  # the higher address, which decides between two masters
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=4 * master_down(100), what="d1 keeps the VIP")
    assert not lab.adverts("d2")


@pytest.mark.parametrize(("priority", "winner"), [(150, "d1"), (100, "d2")], ids=["by-priority", "by-address"])
def test_two_masters_become_one_when_the_network_heals(peaceful: Lab, pair: Pair, priority: int, winner: str) -> None:
    lab = peaceful
    start_master(lab, "d1", pair.d1, instance(priority=priority))
    lab.set_isolated(True)
    start_backup(lab, "d2", pair.d2, instance(priority=100))
    lab.until(lambda: lab.holders() == ["d1", "d2"], within=master_down(100) + 3, what="both are masters")
    healed = lab.set_isolated(False)
    lab.until_master(winner, within=SLACK + 0.2)
    loser = "d1" if winner == "d2" else "d2"
    assert 0 not in {advert.priority for advert in lab.adverts(loser, since=healed)}, "it is no farewell"


def test_a_master_without_link_lets_go_and_returns(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    elect(lab, pair)
    lab.set_cable("d1", up=False)
    lab.until_master("d2", within=master_down(100) + 2 * SLACK)
    assert "Entering FAULT STATE" in lab.daemons["d1"].log()
    lab.set_cable("d1", up=True)
    lab.until_master("d1", within=master_down(150) + 3)  # the bridge takes its time to forward again
