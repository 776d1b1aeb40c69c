"""The transition table itself: each edge is taken by a play, and leads where the table says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyvrrp.core.vrrp.actions import Action
from pyvrrp.core.vrrp.edges import Kind, Moment
from pyvrrp.core.vrrp.events import Reconfigured, StopRequested
from pyvrrp.core.vrrp.machine import Machine
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import State, SyncGroup
from tests.conformance.play import Director, director, instance, master, us, vip

OTHER = instance("W", virtual_router_id=52, interface="eth1", virtual_ipaddress=(vip("198.51.100.1/24", "eth1"),))
GROUP = (SyncGroup(name="G", members=("V", "W")),)


def backup() -> Director:
    d = director()
    d.start()
    return d


def faulted() -> Director:
    d = director()
    d.interfaces.pop("eth0")
    d.start()
    return d


def resumed() -> Director:
    d = director()
    d.start(masters=frozenset({"V"}))
    return d


def owner_fault() -> Director:
    d = director(instance(priority=255))
    d.start()
    d.link(1, "eth0", False)
    return d


def pair() -> Director:
    d = director(instance(), OTHER, groups=GROUP)
    d.start()
    return d


def delete(d: Director) -> object:
    return d.do(Reconfigured(us(61), Config()))


def stop(d: Director) -> object:
    return d.do(StopRequested(us(61)))


Play = tuple[Callable[[], Director], Callable[[Director], object]]

_I, _B, _M, _F = State.INIT, State.BACKUP, State.MASTER, State.FAULT
PLAYS: dict[tuple[State, Kind], Play] = {
    (_I, Kind.STARTED): (director, lambda d: d.start()),
    (_I, Kind.OWNER_STARTED): (lambda: director(instance(priority=255)), lambda d: d.start()),
    (_I, Kind.RESUMED): (director, lambda d: d.start(masters=frozenset({"V"}))),
    (_I, Kind.FAULT): (director, lambda d: (d.interfaces.pop("eth0"), d.start())),
    (_I, Kind.STOPPED): (director, stop),
    (_B, Kind.MASTER_DOWN): (backup, lambda d: d.run(4)),
    (_B, Kind.VETOED): (pair, lambda d: d.run(4)),
    (_B, Kind.PRIORITY_ZERO): (backup, lambda d: d.hear(1, 0)),
    (_B, Kind.BETTER): (backup, lambda d: d.hear(1, 200)),
    (_B, Kind.WORSE): (backup, lambda d: d.hear(1, 50)),
    (_B, Kind.GROUP_MASTER): (pair, lambda d: d.run(8)),
    (_B, Kind.FAULT): (backup, lambda d: d.link(1, "eth0", False)),
    (_B, Kind.STOPPED): (backup, stop),
    (_B, Kind.DELETED): (backup, delete),
    (_M, Kind.PRIORITY_ZERO): (master, lambda d: d.hear(61, 0)),
    (_M, Kind.BETTER): (master, lambda d: d.hear(61, 200)),
    (_M, Kind.WORSE): (master, lambda d: d.hear(61, 50)),
    (_M, Kind.OURS): (master, lambda d: d.hear(61, 100, "192.0.2.1")),
    (_M, Kind.STALE): (
        lambda: master(instance(preempt=False, timer_expired_backup=254)),
        lambda d: d.run(61) + d.sleep(90),
    ),
    (_M, Kind.GROUP_BACKUP): (
        lambda: master(instance(), OTHER, groups=GROUP),
        lambda d: d.hear(61, 200, virtual_router_id=52, interface="eth1", addresses=("198.51.100.1",)),
    ),
    (_M, Kind.FAULT): (master, lambda d: d.link(61, "eth0", None)),
    (_M, Kind.STOPPED): (master, stop),
    (_M, Kind.DELETED): (master, delete),
    (_F, Kind.CLEARED): (lambda: (d := backup(), d.link(1, "eth0", False))[0], lambda d: d.link(2, "eth0", True)),
    (_F, Kind.OWNER_CLEARED): (owner_fault, lambda d: d.link(2, "eth0", True)),
    (_F, Kind.STOPPED): (faulted, stop),
    (_F, Kind.DELETED): (faulted, delete),
}


def test_every_edge_has_a_play() -> None:
    assert set(PLAYS) == set(Machine.TABLE)


@pytest.mark.parametrize("edge", sorted(PLAYS, key=str), ids=lambda edge: f"{edge[0].name}-{edge[1].name}")
def test_edge(edge: tuple[State, Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    setup, event = PLAYS[edge]
    d = setup()
    taken: list[tuple[State, Kind, State]] = []
    take = Machine._take

    def record(self: Machine, kind: Kind, moment: Moment) -> list[Action]:
        before = self.state
        actions = take(self, kind, moment)
        taken.append((before, kind, self.state))
        return actions

    monkeypatch.setattr(Machine, "_take", record)
    event(d)
    target = Machine.TABLE[edge].target
    assert (*edge, edge[0] if target is None else target) in taken


def test_leaving_master_always_removes_the_addresses() -> None:
    """Whatever the reason: no edge out of MASTER may leave a virtual address behind."""
    for (state, kind), edge in Machine.TABLE.items():
        if state is State.MASTER and edge.target is not None:
            d = PLAYS[state, kind][0]()
            lines = PLAYS[state, kind][1](d)
            assert isinstance(lines, list)
            assert "V removes 192.0.2.100/24" in lines, kind
