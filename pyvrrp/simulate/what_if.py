"""Who would be master if something failed? Asked of the elections themselves, not of arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyvrrp.core.vrrp.snapshot import InstanceSnapshot
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracker
from pyvrrp.simulate.chaos import settling
from pyvrrp.simulate.steps import Link, Step, Track
from pyvrrp.simulate.topology import Topology, lay_out
from pyvrrp.simulate.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One director's part in a virtual router."""

    director: str
    instance: str
    state: str
    priority: int
    """Effective."""
    priority_sum: tuple[tuple[str, int], ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One virtual router, before and after the thing failed on one director."""

    failed: str
    """What failed, and where: ``script chk on a``."""
    on: str
    router: str
    """``51 on eth0``."""
    before: tuple[Standing, ...]
    after: tuple[Standing, ...]

    @staticmethod
    def master(standings: tuple[Standing, ...]) -> str | None:
        return next((standing.director for standing in standings if standing.state == "MASTER"), None)


class UnknownThingError(LookupError):
    """No director has, or tracks, anything of that name; the message says what there is."""


def what_if(configs: Mapping[str, Config], name: str, topology: Topology | None = None) -> list[Outcome]:
    """`name`: of a tracker or an interface, alone or as DIRECTOR:NAME. UnknownThingError."""
    topology = lay_out(configs) if topology is None else topology
    only, _, thing = name.rpartition(":")
    steps: list[tuple[str, str, Step]] = []
    for director in configs:
        if only in ("", director):
            steps += [(director, text, step) for text, step in _failures(configs[director], topology, director, thing)]
    if not steps:
        raise UnknownThingError(f"nothing is called {name!r}; there are {', '.join(_known(configs, topology))}")
    outcomes: list[Outcome] = []
    pause = settling(configs)
    for director, text, step in steps:
        world = World(configs, topology=topology)
        world.run(pause)
        before = _standings(world)
        world.take(step)
        world.run(2 * pause)
        after = _standings(world)
        for router in before:
            outcome = Outcome(
                failed=f"{text} on {director}",
                on=director,
                router=router,
                before=tuple(before[router]),
                after=tuple(after[router]),
            )
            outcomes.append(outcome)
    return outcomes


def _failures(config: Config, topology: Topology, director: str, name: str) -> list[tuple[str, Step]]:
    found: list[tuple[str, Step]] = []
    if (director, name) in topology.facts:
        found.append((f"interface {name}", Link(director, name, False)))
    tracked = dict.fromkeys(t for instance in config.vrrp_instances for t in instance.tracked)
    for kind in dict.fromkeys(kind for kind, track in tracked if track.name == name):
        if kind is not Tracker.INTERFACE:
            value = 1 if kind is Tracker.FILE else False
            word = kind.value.removeprefix("track_")
            text = f"{word} {name} is 1" if kind is Tracker.FILE else f"{word} {name}"
            found.append((text, Track(director, kind, name, value)))
    return found


def _known(configs: Mapping[str, Config], topology: Topology) -> list[str]:
    names = dict.fromkeys(
        track.name for config in configs.values() for instance in config.vrrp_instances for _, track in instance.tracked
    )
    return list(names | dict.fromkeys(dev for _, dev in topology.facts))


def _standings(world: World) -> dict[str, list[Standing]]:
    found: dict[str, list[Standing]] = {}
    for name, director in world.directors.items():
        director.look()
        for view in director.views.values():
            family = director.config.instance(view.name).family
            segment = world.segment(name, view.interface)
            router = f"{view.virtual_router_id} on {segment}" + (" (IPv6)" if family == 6 else "")
            found.setdefault(router, []).append(_standing(name, view))
    return found


def _standing(director: str, view: InstanceSnapshot) -> Standing:
    return Standing(
        director=director,
        instance=view.name,
        state=view.state,
        priority=view.effective_priority,
        priority_sum=view.priority_sum,
        faults=view.faults,
    )
