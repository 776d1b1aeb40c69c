"""Random orders of events: whatever comes, the machine keeps its promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyvrrp.core.vrrp.actions import Action, AddAddresses, RemoveAddresses, SendAdvert
from pyvrrp.core.vrrp.events import (
    AddressRemoved,
    DatagramReceived,
    Event,
    InterfaceChanged,
    InterfaceFacts,
    KernelRefused,
    Reconfigured,
    Started,
    StopRequested,
    TimePassed,
    TrackerChanged,
)
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.timing import master_down_interval
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracked, Tracker
from pyvrrp.model.vrrp import SyncGroup
from pyvrrp.net import VRRP_GROUP4
from pyvrrp.units import SECOND, Micros
from pyvrrp.wire.vrrp import AdvertV2, encode_v2
from tests.conformance.play import instance, us, vip

PEER = IPv4Address("192.0.2.2")
INSTANCES = (
    instance("A"),
    instance("B", virtual_router_id=52, priority=150, virtual_ipaddress=(vip("192.0.2.101/24"),)),
    instance(
        "C",
        virtual_router_id=53,
        preempt=False,
        virtual_ipaddress=(vip("198.51.100.1/24", "eth1"),),
        track_script=(Tracked(name="fit"), Tracked(name="load", weight=-60)),
    ),
)
GROUPS = (SyncGroup(name="G", members=("A", "B")),)


@dataclass
class World:
    """A kernel that does what it is told, and a check after each event."""

    router: Router
    now: Micros = 0
    present: set[object] = field(default_factory=set)
    stopped: bool = False
    regrouped: bool = False

    def do(self, event: Event) -> None:
        self.now = event.at
        for action in self.router.handle(event):
            self.perform(action)
        self.check()

    def perform(self, action: Action) -> None:
        if isinstance(action, AddAddresses):
            assert not self.stopped
            self.present.update(action.addresses)
        elif isinstance(action, RemoveAddresses):
            self.present.difference_update(action.addresses)
        elif isinstance(action, SendAdvert):
            assert action.message[0] >> 4 == 2

    def pass_time(self, until: Micros) -> None:
        while (due := self.router.deadline()) is not None and due <= until:
            before = due
            self.do(TimePassed(max(due, self.now)))
            after = self.router.deadline()
            assert after is None or after > before, "a deadline that was judged must move"
        self.now = until

    def check(self) -> None:
        snapshot = self.router.snapshot()
        for view in snapshot.instances:
            held = {a for a in self.present if a in view_addresses(view.name)}
            resuming = view.state == "BACKUP" and view.cause.value == "worker restarted"
            if view.state != "MASTER" and not resuming:
                assert not held, f"{view.name} is {view.state} and holds {held}"
            if any("waiting" not in fault for fault in view.faults):
                assert view.state in ("FAULT", "INIT", "STOP", "DELETED")
        for group in snapshot.sync_groups:
            states = {view.state for view in snapshot.instances if view.sync_group == group.name}
            # A reload can join a MASTER and a BACKUP; the BACKUP's timer, or the master it hears, then decides.
            assert self.regrouped or "MASTER" not in states or states == {"MASTER"}, f"{group.name} is split: {states}"
            assert "FAULT" not in states or states == {"FAULT"}, f"{group.name} is split: {states}"


def view_addresses(name: str) -> set[object]:
    return {a for i in INSTANCES if i.name == name for a in i.addresses}


events = st.lists(
    st.tuples(
        st.sampled_from([1, 1_000, 100_000, 700_000, SECOND, 4 * SECOND]),
        st.one_of(
            st.tuples(
                st.just("advert"), st.sampled_from([51, 52, 53]), st.sampled_from([0, 1, 99, 100, 101, 150, 200, 255])
            ),
            st.tuples(st.just("rubbish"), st.sampled_from([51, 52, 53]), st.binary(max_size=40)),
            st.tuples(st.just("link"), st.sampled_from(["eth0", "eth1"]), st.sampled_from([True, False, None])),
            st.tuples(st.just("script"), st.sampled_from(["fit", "load"]), st.booleans()),
            st.tuples(st.just("lost"), st.sampled_from([0, 1, 2]), st.none()),
            st.tuples(st.just("refused"), st.sampled_from([0, 1, 2]), st.none()),
            st.tuples(st.just("reload"), st.sampled_from([(0, 1), (0, 1, 2)]), st.booleans()),
        ),
    ),
    max_size=40,
)


@given(events, st.sets(st.sampled_from(["A", "B", "C"])))
@settings(max_examples=300, deadline=None)
def test_invariants(script: list[tuple[Micros, tuple[str, Any, Any]]], masters: set[str]) -> None:
    world = World(Router(Config(vrrp_instances=INSTANCES, vrrp_sync_groups=GROUPS)))
    facts = InterfaceFacts(2, True, b"\2\0\0\0\0\1", (IPv4Address("192.0.2.1"),))
    for dev in ("eth0", "eth1"):
        world.do(InterfaceChanged(0, dev, facts))
    if masters:
        world.present.update(a for i in INSTANCES if i.name in masters for a in i.addresses)
    world.do(Started(0, frozenset(masters)))
    for pause, (what, which, how) in script:
        world.pass_time(world.now + pause)
        at = world.now
        if what == "advert":
            advert = AdvertV2(virtual_router_id=which, priority=how, advert_int=1, addresses=())
            world.do(DatagramReceived(at, "eth0", PEER, VRRP_GROUP4, 255, encode_v2(advert)))
        elif what == "rubbish":
            payload = bytes((0x21, which)) + bytes(how)
            world.do(DatagramReceived(at, "eth0", PEER, VRRP_GROUP4, 255, payload))
        elif what == "link":
            up = None if how is None else InterfaceFacts(2, bool(how), facts.mac, facts.addresses)
            world.do(InterfaceChanged(at, str(which), up))
        elif what == "script":
            world.do(TrackerChanged(at, Tracker.SCRIPT, which, how))
        elif what == "lost":
            address = INSTANCES[which].addresses[0]
            world.present.discard(address)
            world.do(AddressRemoved(at, address.dev, address.address))
        elif what == "refused":
            address = INSTANCES[which].addresses[0]
            world.do(KernelRefused(at, INSTANCES[which].name, "no", (address,)))
        else:
            chosen = tuple(INSTANCES[n] for n in which)
            groups = GROUPS if how else ()
            world.regrouped = True
            world.do(Reconfigured(at, Config(vrrp_instances=chosen, vrrp_sync_groups=groups)))
    # Left alone on healthy interfaces, every instance becomes MASTER within two waits, and holds its addresses.
    for dev in ("eth0", "eth1"):
        world.do(InterfaceChanged(world.now, dev, facts))
    world.do(TrackerChanged(world.now, Tracker.SCRIPT, "fit", True))
    world.pass_time(world.now + 10 * SECOND)
    for view in world.router.snapshot().instances:
        assert view.state == "MASTER"
        assert view_addresses(view.name) <= world.present
    world.stopped = True
    world.do(StopRequested(world.now))
    assert not world.present
    assert world.router.deadline() is None


directors = st.lists(st.integers(1, 254), min_size=2, max_size=4, unique=True)


@given(directors)
@settings(max_examples=60, deadline=None)
def test_one_segment_elects_the_best_and_replaces_it_in_time(priorities: list[int]) -> None:
    """No loss: after the first wait one MASTER, the best; when it dies the next best follows in time."""
    routers: list[Router | None] = []
    now = 0
    for n, priority in enumerate(priorities):
        router = Router(Config(vrrp_instances=(instance(priority=priority),)))
        own = InterfaceFacts(2, True, b"\2\0\0\0\0\1", (IPv4Address(f"192.0.2.{n + 1}"),))
        router.handle(InterfaceChanged(0, "eth0", own))
        router.handle(Started(0))
        routers.append(router)

    def deliver(sender: Router, actions: list[Action], at: Micros) -> None:
        for action in actions:
            if isinstance(action, SendAdvert):
                for other in routers:
                    if other is not None and other is not sender:
                        heard = DatagramReceived(at, "eth0", action.source, VRRP_GROUP4, 255, action.message)
                        deliver(other, other.handle(heard), at)

    def run(until: Micros) -> None:
        nonlocal now
        while True:
            alive = [router for router in routers if router is not None]
            due, router = min(((r.deadline() or until + 1, r) for r in alive), key=lambda pair: pair[0])
            if due > until:
                break
            deliver(router, router.handle(TimePassed(due)), due)
            assert sum(state(r) == "MASTER" for r in alive) <= 1
        now = until

    def state(router: Router) -> str:
        return router.snapshot().instances[0].state

    def masters() -> list[int]:
        return [n for n, router in enumerate(routers) if router is not None and state(router) == "MASTER"]

    run(us(20))
    ranking = sorted(range(len(priorities)), key=lambda n: -priorities[n])
    assert masters() == [ranking[0]]
    routers[ranking[0]] = None
    run(now + master_down_interval(2, priorities[ranking[1]], SECOND, 3) + 1)
    assert masters() == [ranking[1]]
