"""A simulator that finds nothing may be blind: the machine is broken on purpose, and each time it must notice.

Every mutation is a slip that somebody could make. Each one is played in the same scenes, which are those of
`pyvrrp simulate --chaos` behind a prologue, until one of them fails.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pyvrrp.core.vrrp import instance as instance_module
from pyvrrp.core.vrrp.advertiser import Advertiser
from pyvrrp.core.vrrp.edges import Edge, Kind
from pyvrrp.core.vrrp.holdings import Holdings
from pyvrrp.core.vrrp.machine import Machine
from pyvrrp.core.vrrp.reception import Reception
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.sync_group import Unit
from pyvrrp.core.vrrp.timing import master_down_interval, skew_time
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import State, SyncGroup
from pyvrrp.simulate.chaos import chaos
from pyvrrp.simulate.network import Path
from pyvrrp.simulate.steps import Heal, Kill, Partition, Timed
from pyvrrp.simulate.topology import lay_out
from pyvrrp.units import CENTISECOND, MINUTE, SECOND
from tests.conformance.play import instance, vip
from tests.sim.worlds import Scene
from tests.unit.simulate.stage import config

SEEDS = range(12)
Patch = pytest.MonkeyPatch
Mutate = Callable[[Patch], None]


def trio() -> dict[str, Config]:
    """Version 2; two of equal priority; a script that is a fault."""
    script = (Tracked(name="fit"),)
    return {n: config(instance(priority=p, track_script=script)) for n, p in (("a", 200), ("b", 150), ("c", 150))}


def couple() -> dict[str, Config]:
    """Version 3, ten advertisements a second, nothing else."""
    return {n: config(instance(priority=p, version=3, advert_int=10 * CENTISECOND)) for n, p in (("a", 200), ("b", 50))}


def grouped() -> dict[str, Config]:
    """Two segments, and a group that keeps them together."""
    inside = instance("IN")
    outside = instance(
        "OUT", virtual_router_id=52, interface="eth1", virtual_ipaddress=(vip("198.51.100.100/24", "eth1"),)
    )
    return {
        n: config(
            replace(inside, priority=p),
            replace(outside, priority=p),
            groups=(SyncGroup(name="G", members=("IN", "OUT")),),
        )
        for n, p in (("a", 150), ("b", 100))
    }


@functools.cache
def scene(seed: int) -> Scene:
    configs = (couple, trio, grouped)[seed % 3]()
    duration = 20 * MINUTE
    later = chaos(seed, configs, lay_out(configs), duration - 2 * MINUTE, 15 * SECOND)
    steps = prologue(tuple(configs)) + [Timed(MINUTE + timed.at, timed.step) for timed in later]
    return Scene(configs, steps, Path(), {}, seed, duration)


def prologue(names: tuple[str, ...]) -> list[Timed]:
    """What chance rarely brings about: workers of a second master die when they come to hear the first."""
    best, *others = names
    apart = Partition((frozenset((best,)), frozenset(others)))
    return [Timed(10 * SECOND, apart), Timed(20 * SECOND, Heal()), *(Timed(20 * SECOND, Kill(n)) for n in others)]


def play(seed: int) -> None:
    """AssertionError where something was wrong."""
    one = scene(seed)
    one.world().play(one)


def edge(state: State, kind: Kind, *does: Callable[[Machine, Any], None], target: State | None = None) -> Mutate:
    """Another edge of the transition table; without anything that it does or leads to: none at all."""

    def mutate(patch: Patch) -> None:
        patch.setitem(Machine.TABLE, (state, kind), Edge(target, does))

    return mutate


def without(table: dict[State, tuple[Any, ...]], state: State, effect: Any) -> Mutate:
    """Entering or leaving a state forgets something."""

    def mutate(patch: Patch) -> None:
        assert effect in table[state]
        patch.setitem(table, state, tuple(one for one in table[state] if one is not effect))

    return mutate


def method(owner: Any, name: str, replacement: Any) -> Mutate:
    return lambda patch: patch.setattr(owner, name, replacement)


def nothing(*_: object, **__: object) -> list[Any]:
    return []


def never_beats(self: Machine, at: int) -> None:
    """Advertises on entering MASTER only."""
    self._advert_at = at + self.config.advert_int


def beats_slowly(self: Machine, at: int) -> None:
    self._send(self._effective_priority, at)
    self._advert_at = at + 4 * self.config.advert_int


def hears_in_vain(self: Machine, datagram: Any) -> bool:
    """What came before came again, and does not restart the timer."""
    return self._echo.is_heard(datagram)


def contests_never(self: Machine, moment: Any) -> list[Any]:
    return self._take(Kind.WORSE, moment)


def contests_wrongly(self: Machine, moment: Any) -> list[Any]:
    """Yields to the weaker one."""
    return self._take(Kind.BETTER if moment.heard.priority < self._effective_priority else Kind.WORSE, moment)


def ties_never(self: Machine, moment: Any) -> list[Any]:
    return self._take(Kind.BETTER if moment.heard.priority > self._effective_priority else Kind.WORSE, moment)


def defers_never(self: Machine, advert: Any, at: int) -> bool:
    return False


def defers_always(self: Machine, advert: Any, at: int) -> bool:
    return True


def skews_upside_down(patch: Patch) -> None:
    def skew(version: int, priority: int, interval: int) -> int:
        return skew_time(version, 256 - priority, interval)

    def down(version: int, priority: int, interval: int, adverts: int) -> int:
        return adverts * interval + skew(version, priority, interval)

    patch.setattr(instance_module, "skew_time", skew)
    patch.setattr(instance_module, "master_down_interval", down)


def down_with(adverts: int) -> Callable[..., int]:
    return lambda version, priority, interval, _: master_down_interval(version, priority, interval, adverts)


def adds_as_backup(patch: Patch) -> None:
    enter = Machine.ENTER[State.BACKUP]
    patch.setitem(Machine.ENTER, State.BACKUP, (*enter, Machine._add_holdings))


def agrees(self: Unit, machine: Machine) -> bool:
    return True


def tells_one(self: Router, machine: Machine, at: int, call: Callable[[], list[Any]]) -> list[Any]:
    """The sync group does not follow."""
    actions = call()
    self._arm(machine)
    return actions


MUTATIONS: dict[str, Mutate] = {
    "it never advertises": method(Advertiser, "round", nothing),
    "it advertises once": method(Machine, "_advertise_in_rhythm", never_beats),
    "it advertises too rarely": method(Machine, "_advertise_in_rhythm", beats_slowly),
    "it is deaf": method(Reception, "hear", lambda *_: (None, [])),
    "a better advertisement restarts no timer": edge(State.BACKUP, Kind.BETTER),
    "a repeated advertisement restarts no timer": method(Machine, "hears_again", hears_in_vain),
    "a BACKUP defers to nobody": method(Machine, "_defers_to", defers_never),
    "a BACKUP defers to all": method(Machine, "_defers_to", defers_always),
    "a MASTER yields to nobody": method(Machine, "_contest", contests_never),
    "a MASTER yields to the weaker one": method(Machine, "_contest", contests_wrongly),
    "equal priorities are never decided": method(Machine, "_contest", ties_never),
    "a lost election changes nothing": edge(State.MASTER, Kind.BETTER),
    "addresses stay after a lost election": without(Machine.LEAVE, State.MASTER, Machine._remove_holdings),
    "a MASTER takes no addresses": without(Machine.ENTER, State.MASTER, Machine._add_holdings),
    "a BACKUP takes the addresses": adds_as_backup,
    "the skew is upside down": skews_upside_down,
    "it waits for too long": method(instance_module, "master_down_interval", down_with(9)),
    "it waits too shortly": method(instance_module, "master_down_interval", down_with(1)),
    "the timer is never armed": without(Machine.ENTER, State.BACKUP, Machine._be_backup),
    "the end of the wait leads nowhere": edge(State.BACKUP, Kind.MASTER_DOWN, Machine._wait_again),
    "a farewell is not heard": edge(State.BACKUP, Kind.PRIORITY_ZERO),
    "no farewell is said": edge(State.MASTER, Kind.STOPPED, target=State.STOP),
    "a fault is none": edge(State.MASTER, Kind.FAULT),
    "a fault remains for ever": edge(State.FAULT, Kind.CLEARED),
    "what somebody removes is not put back": method(Holdings, "lost", nothing),
    "a successor keeps the addresses for ever": method(Machine, "_release_held", lambda *_: None),
    "one member of a group goes ahead": method(Unit, "agrees_to_master", agrees),
    "a group does not follow": method(Router, "_tell", tells_one),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_machine_as_it_is_passes(seed: int) -> None:
    play(seed)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_machine_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTATIONS[name](monkeypatch)
    for seed in SEEDS:
        try:
            play(seed)
        except AssertionError:
            return
    pytest.fail(f"{name}, and nobody notices")
