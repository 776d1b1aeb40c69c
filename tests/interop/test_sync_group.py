"""Two instances in a sync group, on two segments: they are never on different directors."""

from __future__ import annotations

import pytest

from tests.interop.conftest import Pair
from tests.topology.lab import SLACK, VIP, VIP_2, Lab, instance, master_down, sync_group

pytestmark = [pytest.mark.root, pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)]


def conf(priority: int, more: str = "") -> str:
    return (
        sync_group("G", "INSIDE", "OUTSIDE")
        + instance("INSIDE", priority=priority, more=more)
        + instance("OUTSIDE", priority=priority, more=more, vrid=52, device="eth1", vips=(f"{VIP_2}/24",))
    )


def elect(lab: Lab, pair: Pair, more: str = "") -> None:
    lab.start("d1", pair.d1, conf(150, more))
    until_both(lab, "d1")
    lab.start("d2", pair.d2, conf(100, more))
    lab.until(lambda: lab.daemons["d2"].log().count("Entering BACKUP STATE") >= 2, within=5, what="d2 listens")


def until_both(lab: Lab, name: str, within: float = 10) -> None:
    lab.until_master(name, VIP, within=within)
    lab.until_master(name, VIP_2, within=within)


def test_both_move_when_the_master_dies(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    elect(lab, pair)
    lab.kill("d1")
    lab.until(
        lambda: lab.hosts["d2"].holds(VIP) and lab.hosts["d2"].holds(VIP_2),
        within=2 * master_down(100) + SLACK,  # the first to time out waits for the other, if need be once more in full
        what="d2 has both",
    )


def test_both_move_when_the_master_stops(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    elect(lab, pair)
    lab.stop("d1")
    until_both(lab, "d2", within=2 * master_down(100) + SLACK)
    for segment in (0, 1):
        assert lab.adverts("d1", segment=segment)[-1].priority == 0


@pytest.mark.parametrize("segment", [0, 1], ids=["inside", "outside"])
def test_the_fault_of_one_moves_both(peaceful: Lab, pair: Pair, segment: int) -> None:
    lab = peaceful
    elect(lab, pair)
    pulled = lab.set_cable("d1", segment, up=False)
    until_both(lab, "d2", within=master_down(100) * 2 + 2 * SLACK)
    # On the segment that is whole it says goodbye.
    assert [advert.priority for advert in lab.adverts("d1", segment=1 - segment, since=pulled)][-1] == 0
    lab.set_cable("d1", segment, up=True)
    until_both(lab, "d1", within=3 * master_down(150) + 3)


def test_both_return_to_the_higher_priority(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    lab.start("d2", pair.d2, conf(100))
    until_both(lab, "d2")
    lab.start("d1", pair.d1, conf(150))
    until_both(lab, "d1")


def test_nopreempt_holds_the_group(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    lab.start("d2", pair.d2, conf(100, "nopreempt"))
    until_both(lab, "d2")
    lab.start("d1", pair.d1, conf(150, "nopreempt"))
    lab.until_backup("d1")
    lab.holds_for(
        lambda: lab.holders(VIP) == lab.holders(VIP_2) == ["d2"], seconds=4 * master_down(150), what="d2 keeps both"
    )


def test_whoever_meets_a_weaker_master_announces_for_the_whole_group(lab: Lab, pair: Pair) -> None:
    """Neighbours of the other member may have learnt its addresses from a weaker master there as well."""
    lab.start("d1", pair.d1, conf(150, "garp_master_delay 0\n garp_lower_prio_repeat 3\n garp_lower_prio_delay 1"))
    until_both(lab, "d1")
    began = lab.start("d2", pair.d2, instance("INSIDE", priority=100, interval=0.02))

    def met() -> bool:
        """Whichever is heard first when the network heals: only if that is the weaker one is there something to see."""
        lab.set_isolated(True)
        lab.until(lambda: lab.holders() == ["d1", "d2"], within=10, what="two masters inside")
        lab.set_isolated(False)
        lab.until_master("d1")
        return "lower priority" in lab.daemons["d1"].log()

    lab.until(met, within=20, what="d1 hears the weaker master")

    def announced(segment: int) -> list[float]:
        return [garp.at for garp in lab.garps("d1", (VIP, VIP_2)[segment], since=began, segment=segment)]

    for segment in (0, 1):
        lab.until(lambda s=segment: len(announced(s)) >= 6, within=1 + SLACK + 2, what="two bursts of three")  # type: ignore[misc]
        first, *_, last = announced(segment)
        assert last - first > 1 - 0.002, "the second burst comes garp_lower_prio_delay later"
    assert lab.holders(VIP_2) == ["d1"]
