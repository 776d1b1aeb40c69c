"""Scenarios that nobody wrote: random faults out of a seed, each mended after a while; and a tour for a first look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from pyvrrp.core.vrrp.timing import master_down_interval
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracker
from pyvrrp.net import Address
from pyvrrp.simulate import steps as do
from pyvrrp.simulate.steps import Step, Timed
from pyvrrp.simulate.topology import Topology
from pyvrrp.units import MILLISECOND, SECOND, Micros

Fault = list[tuple[float, Step]]
"""Steps, each so long (as a part of the fault's whole time) after the fault began."""


def settling(configs: Mapping[str, Config]) -> Micros:
    """Long enough for any of these directors to become MASTER, whatever its priority is at that time."""
    waits = [
        config.global_defs.vrrp_startup_delay
        + instance.preempt_delay
        + master_down_interval(instance.version, 1, instance.advert_int, instance.down_timer_adverts)
        for config in configs.values()
        for instance in config.vrrp_instances
    ]
    return (2 * max(waits, default=0) // SECOND + 2) * SECOND


def tour(configs: Mapping[str, Config]) -> tuple[list[Timed], Micros]:
    """What everybody wants to see first: the best director crashes, returns, is cut off, found again, stopped. And its
    length."""
    pause = settling(configs)
    best = max(configs, key=lambda name: max((i.priority for i in configs[name].vrrp_instances), default=0))
    steps: list[Step] = [do.Crash(best), do.Begin(best)]
    if len(configs) > 1:
        steps += [do.Partition((frozenset((best,)), frozenset(configs) - {best})), do.Heal()]
    steps += [do.Stop(best), do.Begin(best)]
    return [Timed(n * pause, step) for n, step in enumerate(steps, 1)], (len(steps) + 1) * pause


def chaos(seed: int, configs: Mapping[str, Config], topology: Topology, duration: Micros, every: Micros) -> list[Timed]:
    """One fault every so often on average, all mended `settling` before the end."""
    random = Random(f"chaos {seed}")
    faults = _Faults(random, configs, topology)
    last = duration - settling(configs)
    steps = [Timed(0, do.Rate(name, random.randint(-500, 500))) for name in configs]
    at = round(random.expovariate(1 / every))
    while at < last:
        length = round(random.choice((0.05, 0.5, 2)) * random.expovariate(1 / every)) + MILLISECOND
        for part, step in random.choice(faults.kinds)():
            steps.append(Timed(min(last, at + round(part * length)), step))
        at += max(MILLISECOND, round(random.expovariate(1 / every)))
    steps += [Timed(last, step) for step in faults.mended()]
    return sorted(steps, key=lambda timed: timed.at)


class _Faults:
    def __init__(self, random: Random, configs: Mapping[str, Config], topology: Topology) -> None:
        self._random = random
        self._names = list(configs)
        self._links = list(topology.facts)
        self._segments = list(dict.fromkeys(topology.segments.values()))
        self._trackers = [
            (name, kind, track.name)
            for name, config in configs.items()
            for kind, track in dict.fromkeys(t for i in config.vrrp_instances for t in i.tracked)
            if kind is not Tracker.INTERFACE
        ]
        self._addresses: list[tuple[str, Address]] = [
            (name, a.address) for name, config in configs.items() for i in config.vrrp_instances for a in i.addresses
        ]
        self.kinds: list[Callable[[], Fault]] = [
            self._crash, self._stop, self._kill, self._stall, self._link, self._loss, self._slow, self._drift,
            self._take,
        ]  # fmt: skip
        if len(self._names) > 1:
            self.kinds += [self._partition, self._one_way]
        if self._trackers:
            self.kinds += [self._track, self._track]

    def mended(self) -> list[Step]:
        """All is well again."""
        return [
            do.Heal(),
            *(do.Link(name, dev, True) for name, dev in self._links),
            *(do.Track(name, kind, tracked, _well(kind)) for name, kind, tracked in self._trackers),
            *(do.Begin(name) for name in self._names),
        ]

    def _who(self) -> str:
        return self._random.choice(self._names)

    def _crash(self) -> Fault:
        who = self._who()
        return [(0, do.Crash(who)), (1, do.Begin(who))]

    def _stop(self) -> Fault:
        who = self._who()
        return [(0, do.Stop(who)), (1, do.Begin(who))]

    def _kill(self) -> Fault:
        return [(0, do.Kill(self._who()))]

    def _stall(self) -> Fault:
        return [(0, do.Stall(self._who(), self._random.randint(MILLISECOND, 10 * SECOND)))]

    def _link(self) -> Fault:
        name, dev = self._random.choice(self._links)
        return [(0, do.Link(name, dev, False)), (1, do.Link(name, dev, True))]

    def _loss(self) -> Fault:
        return [(0, do.Quality("loss", self._random.randint(1, 400_000))), (1, do.Quality("loss", 0))]

    def _one_way(self) -> Fault:
        one, other = self._random.sample(self._names, 2)
        share = self._random.choice((500_000, 1_000_000))
        return [(0, do.Quality("loss", share, (one, other))), (1, do.Quality("loss", 0, (one, other)))]

    def _slow(self) -> Fault:
        what, value = self._random.choice(
            (("delay", 20 * MILLISECOND), ("jitter", 20 * MILLISECOND), ("duplicate", 200_000), ("reorder", 200_000))
        )
        usual = 200 if what == "delay" else 0
        return [(0, do.Quality(what, value)), (1, do.Quality(what, usual))]

    def _drift(self) -> Fault:
        return [(0, do.Rate(self._who(), self._random.randint(-2000, 2000)))]

    def _take(self) -> Fault:
        return [(0, do.Take(*self._random.choice(self._addresses)))] if self._addresses else []

    def _partition(self) -> Fault:
        names = self._random.sample(self._names, len(self._names))
        cut = self._random.randint(1, len(names) - 1)
        segment = self._random.choice([None, *self._segments])
        return [(0, do.Partition((frozenset(names[:cut]), frozenset(names[cut:])), segment)), (1, do.Heal())]

    def _track(self) -> Fault:
        name, kind, tracked = self._random.choice(self._trackers)
        if kind is Tracker.FILE:
            value: bool | int = self._random.choice((-60, 1, 60))
        else:
            value = False
        return [(0, do.Track(name, kind, tracked, value)), (1, do.Track(name, kind, tracked, _well(kind)))]


def _well(kind: Tracker) -> bool | int:
    return 0 if kind is Tracker.FILE else True
