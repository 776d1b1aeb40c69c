"""Many instances spread their advertisements over the interval, and still none waits longer than one."""

from __future__ import annotations

import itertools
from collections import Counter
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.core.vrrp.actions import SendAdvert
from pyvrrp.core.vrrp.events import InterfaceChanged, InterfaceFacts, Reconfigured, Started, TimePassed
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.timing import Slot, slots
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import SyncGroup
from pyvrrp.units import SECOND, Micros
from tests.conformance.play import instance, us

INTERVAL = SECOND // 10
FACTS = InterfaceFacts(2, True, b"\2\0\0\0\0\1", (IPv4Address("192.0.2.1"),))


def config(count: int, groups: int = 0) -> Config:
    """Instances, the first of which are in sync groups of two."""
    instances = tuple(
        instance(name=f"V{number}", virtual_router_id=number % 255 + 1, version=3, advert_int=INTERVAL)
        for number in range(count)
    )
    pairs = tuple(SyncGroup(name=f"G{n}", members=(f"V{2 * n}", f"V{2 * n + 1}")) for n in range(groups))
    return Config(vrrp_instances=instances, vrrp_sync_groups=pairs)


def started(config: Config) -> Router:
    router = Router(config)
    router.handle(InterfaceChanged(0, "eth0", FACTS))
    router.handle(Started(us(1)))
    return router


def adverts(router: Router, until: Micros) -> dict[str, list[Micros]]:
    """When each instance advertises, if it is always asked at the moment that it names."""
    sent: dict[str, list[Micros]] = {}
    while (due := router.deadline()) is not None and due < until:
        for action in router.handle(TimePassed(due)):
            if isinstance(action, SendAdvert):
                sent.setdefault(action.instance, []).append(due)
    return sent


@given(st.integers(0, 10**12), st.integers(10_000, 40 * SECOND), st.integers(2, 32), st.data())
def test_a_slot_comes_once_in_each_interval(at: Micros, interval: Micros, count: int, data: st.DataObject) -> None:
    slot = Slot(data.draw(st.integers(0, count - 1)), count)
    first = slot.after(at, interval)
    assert at < first <= at + interval
    assert slot.after(first, interval) == first + interval
    assert slot.after(first - 1, interval) == first


def test_instances_that_became_master_together_advertise_apart() -> None:
    sent = adverts(started(config(200)), us(3))
    assert len(sent) == 200
    first = {times[0] for times in sent.values()}
    assert len(first) == 1, "all took over at one moment"
    for times in sent.values():
        assert times[1] - times[0] <= INTERVAL
        assert {later - earlier for earlier, later in itertools.pairwise(times[1:])} == {INTERVAL}
    crowd = Counter(times[2] for times in sent.values())
    assert len(crowd) == slots(200)
    assert max(crowd.values()) - min(crowd.values()) <= 1
    moments = sorted(crowd)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert max(gaps) - min(gaps) <= 1


def test_a_sync_group_advertises_as_one() -> None:
    sent = adverts(started(config(200, groups=60)), us(3))
    for number in range(60):
        assert sent[f"V{2 * number}"] == sent[f"V{2 * number + 1}"]


def test_few_instances_keep_their_own_time() -> None:
    sent = adverts(started(config(20)), us(3))
    assert len({tuple(times) for times in sent.values()}) == 1
    times = sent["V0"]
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {INTERVAL}


def test_a_reload_that_makes_many_of_few_leaves_no_gap() -> None:
    router = started(config(20))
    before = adverts(router, us(2))
    router.handle(Reconfigured(us(2), config(200)))
    after = adverts(router, us(3))
    for name, times in before.items():
        together = times + after[name]
        assert max(later - earlier for earlier, later in itertools.pairwise(together)) <= INTERVAL


def test_a_late_advertisement_leads_back_to_its_slot() -> None:
    router = started(config(200))
    times = adverts(router, us(3))["V77"]
    late = router.deadline()
    assert late is not None
    router.handle(TimePassed(late + 5 * INTERVAL // 2))
    again = adverts(router, us(4))["V77"]
    assert (again[1] - times[-1]) % INTERVAL == 0
