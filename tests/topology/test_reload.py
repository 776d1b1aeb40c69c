"""SIGHUP: what did not change goes on undisturbed."""

from __future__ import annotations

import itertools

import pytest

from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, VIP, Lab, instance

pytestmark = pytest.mark.root

OTHER = "192.0.2.101"


def elect(lab: Lab) -> None:
    lab.start("d1", OURS, instance(priority=150))
    lab.until_master("d1")
    lab.start("d2", OURS, instance(priority=100))
    lab.until_backup("d2")


def until_reloaded(lab: Lab, name: str, result: str = "complete") -> None:
    daemon = lab.daemons[name]
    lab.until(
        lambda: result in str(daemon.show()["daemon"]["last_reload"]), within=3, what=f"{name} says: reload {result}"
    )


def test_a_master_stays_master_and_takes_a_new_address(lab: Lab) -> None:
    elect(lab)
    garps = len(lab.garps("d1"))
    # The other one first, as an administrator does it: from then on it refuses what it hears.
    both = (f"{VIP}/24", f"{OTHER}/24")
    reloaded = lab.reload("d1", instance(priority=150, vips=both))
    lab.until(lambda: lab.holders(OTHER) == ["d1"], within=3, what="d1 has the new address")
    lab.until(lambda: lab.garps("d1", OTHER), within=SLACK, what="the neighbours are told")
    until_reloaded(lab, "d1")

    assert lab.hosts["d1"].holds(VIP)
    assert lab.daemons["d1"].log().count("Entering MASTER STATE") == 1
    assert garps >= 5
    times = [advert.at for advert in lab.adverts("d1", since=reloaded - 0.3)]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.3, "no advertisement was missed"
    assert {advert.priority for advert in lab.adverts("d1")} == {150}
    assert lab.adverts("d1")[-1].addresses == (VIP, OTHER)


def test_nothing_happens_when_nothing_has_changed(lab: Lab) -> None:
    elect(lab)
    before = lab.daemons["d1"].instance("VI_1")["since"]
    lab.reload("d1")
    lab.reload("d2")
    until_reloaded(lab, "d1")
    until_reloaded(lab, "d2")
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=0.6, what="d1 keeps the VIP")
    assert not lab.adverts("d2")
    assert lab.daemons["d1"].instance("VI_1")["since"] == before


def test_an_instance_that_is_gone_lets_go(lab: Lab) -> None:
    elect(lab)
    second = instance("VI_2", priority=150, vrid=52, vips=(f"{OTHER}/24",))
    lab.reload("d1", instance(priority=150), second)
    lab.until(lambda: lab.holders(OTHER) == ["d1"], within=3, what="the new instance becomes master")
    lab.reload("d1", instance(priority=150))
    lab.until(lambda: not lab.holders(OTHER), within=3, what="the address of the removed instance is gone")
    assert lab.adverts("d1", vrid=52)[-1].priority == 0
    assert lab.holders() == ["d1"]
    assert not lab.adverts("d2")


def test_a_higher_priority_takes_over_after_a_reload(lab: Lab) -> None:
    elect(lab)
    lab.reload("d2", instance(priority=200))
    lab.until_master("d2", within=5)
    lab.until(lambda: "Entering BACKUP STATE" in lab.daemons["d1"].log().split("MASTER STATE")[-1], within=2, what="d1")


def test_a_configuration_that_cannot_be_used_changes_nothing(lab: Lab) -> None:
    elect(lab)
    lab.daemons["d1"].conf.unlink()
    lab.reload("d1")
    until_reloaded(lab, "d1", "refused")
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=0.6, what="d1 keeps the VIP")
    assert not lab.adverts("d2")
