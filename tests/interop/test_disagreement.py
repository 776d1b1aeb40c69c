"""Two directors that do not believe each other: both are masters, and ours says why and stays on time."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.interop.conftest import Pair
from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, Lab, instance, master_down

pytestmark = pytest.mark.root


def start_both(lab: Lab, pair: Pair, d1: str, d2: str) -> None:
    lab.start("d1", pair.d1, d1)
    lab.start("d2", pair.d2, d2)
    lab.until(lambda: lab.holders() == ["d1", "d2"], within=8, what="both are masters")


def ours(lab: Lab) -> list[str]:
    return [name for name, daemon in lab.daemons.items() if daemon.program == OURS]


def assert_on_time(lab: Lab, name: str, interval: float, adverts: int) -> None:
    """keepalived's advert timer starts anew with each packet it refuses; ours must not."""
    began = lab.adverts(name)[-1].at
    lab.until(
        lambda: len(lab.adverts(name, since=began)) > adverts,
        within=(adverts + 1) * interval + SLACK,
        what=f"{name} goes on advertising",
    )
    for earlier, later in itertools.pairwise(lab.adverts(name, since=began)):
        assert later.at - earlier.at < interval + SLACK


def test_a_wrong_password_is_named(lab: Lab, pair: Pair) -> None:
    start_both(
        lab,
        pair,
        instance(version=2, interval=1, password="right", priority=150),
        instance(version=2, interval=1, password="wrong", priority=100),
    )
    for name in ours(lab):
        assert_on_time(lab, name, 1, 4)
        reject = lab.daemons[name].instance("VI_1")["last_reject"]
        for text in (lab.daemons[name].log(), str(reject)):
            assert re.search("passw|auth", text), f"{name} does not say why"


def test_other_addresses_are_named_and_tolerated(lab: Lab, pair: Pair) -> None:
    """As keepalived does from 2.3 on: an administrator adds an address to one director after the other."""
    lab.start("d1", pair.d1, instance(priority=150))
    lab.until_master("d1")
    lab.start("d2", pair.d2, instance(priority=100, vips=("192.0.2.100/24", "192.0.2.150/24")))
    lab.until_backup("d2")
    if pair.d2 == OURS:
        lab.holds_for(lambda: lab.holders() == ["d1"], seconds=4 * master_down(100), what="d2 believes d1")
        assert "192.0.2.150" in lab.daemons["d2"].log()
        assert not lab.adverts("d2")
    if pair.d1 == OURS:  # what an older keepalived does not believe makes it a second master
        assert_on_time(lab, "d1", 0.1, 10)


def test_another_interval_in_version_3_is_learned(lab: Lab, pair: Pair) -> None:
    lab.start("d1", pair.d1, instance(priority=150, interval=0.3))
    lab.until_master("d1")
    lab.start("d2", pair.d2, instance(priority=100, interval=0.1))
    lab.until_backup("d2")
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=1.5, what="d2 waits as long as the master's interval asks")
    lab.until(lambda: len(lab.adverts("d1")) > 3, within=2, what="d1 advertises")
    lab.kill("d1")
    expected = master_down(100, interval=0.3)
    lab.until(lambda: lab.adverts("d2"), within=expected + SLACK, what="d2 takes over")
    silence = lab.adverts("d2")[0].at - lab.adverts("d1")[-1].at
    assert expected - 0.002 <= silence <= expected + SLACK


def test_another_interval_in_version_2_is_named_on_both(lab: Lab, pair: Pair) -> None:
    """Nobody can follow the other: both are masters, none is silent, and each of ours says which settings differ."""
    d1 = instance(version=2, interval=1, priority=150)
    start_both(lab, pair, d1, instance(version=2, interval=2, priority=100))
    mine = {"d1": (1, 2), "d2": (2, 1)}
    for name in ours(lab):
        own, other = mine[name]
        if len(ours(lab)) == 2:  # keepalived falls silent here, which is no fault of ours
            assert_on_time(lab, name, own, 3)
        daemon = lab.daemons[name]
        lab.until(lambda d=daemon: d.instance("VI_1")["last_reject"], within=5, what="a reason")  # type: ignore[misc]
        for text in (daemon.log(), str(daemon.instance("VI_1")["last_reject"])):
            assert re.search(rf"interval.*{other}.*{own}|interval.*{own}.*{other}", text), text
        assert daemon.instance("VI_1")["stats"]["advert_interval_err"]


def test_an_address_that_somebody_removes_is_back_without_an_election(lab: Lab) -> None:
    """keepalived says goodbye here and comes back a skew time later."""
    lab.start("d1", OURS, instance(priority=150))
    lab.until_master("d1")
    lab.start("d2", OURS, instance(priority=100))
    lab.until_backup("d2")
    since = lab.adverts("d1")[-1].at
    lab.hosts["d1"].run("ip", "addr", "del", "192.0.2.100/24", "dev", "eth0")
    lab.until_master("d1", within=0.5)
    lab.until(lambda: len(lab.adverts("d1", since=since)) > 10, within=3, what="d1 goes on")
    assert {advert.priority for advert in lab.adverts("d1", since=since)} == {150}
    assert not lab.adverts("d2")
