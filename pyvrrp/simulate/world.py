"""The virtual world: one clock for all, a queue of what is to come, and the directors that are woken by it.

Each director runs the daemon's own router and obeys the daemon's own rules: what arrived before a deadline is told
before the deadline is judged, and what is read late carries the instant at which it arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from random import Random
from typing import Any, Final, assert_never

from pyvrrp.core.vrrp import events
from pyvrrp.core.vrrp.actions import Action, AddAddresses, RemoveAddresses, ReportTransition, SendAdvert
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.core.vrrp.vmacs import without_vmacs
from pyvrrp.model.config import Config
from pyvrrp.net import Address
from pyvrrp.simulate import steps as do
from pyvrrp.simulate.clock import Clock
from pyvrrp.simulate.director import Director
from pyvrrp.simulate.judge import OFF, Judge
from pyvrrp.simulate.network import Network, Path, Route
from pyvrrp.simulate.steps import Step, Timed
from pyvrrp.simulate.story import Happening, Story
from pyvrrp.simulate.topology import Topology, lay_out
from pyvrrp.units import MINUTE, Micros

_PACKET: Final = 0
_STEP: Final = 1
_TIMER: Final = 2
_JUDGE: Final = 3
"""Of what is due at one instant, what comes first."""
USUAL_TTL: Final = 64
"""Of a system whose director does not say which."""
NEW_YEAR: Final = 1_767_225_600 * 1_000_000
"""When the world begins, in microseconds since 1970, for those that sign what time it is."""


class World:
    def __init__(
        self,
        configs: Mapping[str, Config],
        steps: Sequence[Timed] = (),
        *,
        topology: Topology | None = None,
        path: Path | None = None,
        clocks: Mapping[str, int] | None = None,
        seed: int = 0,
        reload: Callable[[str, str], Config] | None = None,
    ) -> None:
        """`clocks`: parts in a million that a director's runs fast. `reload` reads a file for a director."""
        configs = {name: without_vmacs(config) for name, config in configs.items()}
        topology = lay_out(configs) if topology is None else topology
        self.now: Micros = 0
        self.random = Random(seed)
        self.story = Story(directors=tuple(configs), seed=seed)
        self._segments = topology.segments
        owners = {address: port for port, facts in topology.facts.items() for address in facts.addresses}
        self.network = Network(topology.segments, owners, path or Path())
        self.directors = {
            name: Director(name, config, topology.ports(name), Clock(base=self.random.randrange(1 << 32)))
            for name, config in configs.items()
        }
        for name, ppm in (clocks or {}).items():
            self._set_rate(self.directors[name], ppm)
        self._reload = reload
        self._queue: list[tuple[Micros, int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._tickets = 0
        self.judge = Judge(self, topology.segments, self.story)
        late = _begun_late(steps)
        for name in configs:
            if name not in late:
                self._put(0, _STEP, self._begin, self.directors[name])
        for timed in steps:
            self._put(timed.at, _STEP, self._take_step, timed.step)

    def run(self, until: Micros) -> None:
        """Let everything happen that is due by then."""
        queue, settle = self._queue, self.judge.settle
        while queue and queue[0][0] <= until:
            self.now, _, _, call, arguments = heappop(queue)
            call(*arguments)
            settle()
        self.now = until

    def finish(self) -> Story:
        """The story, when nothing more is to happen."""
        self.judge.finish()
        self.story.duration = self.now
        return self.story

    def call_at(self, at: Micros, call: Callable[[], None]) -> None:
        self._put(at, _JUDGE, call)

    def segment(self, director: str, interface: str) -> str:
        return self._segments[director, interface]

    def inject(self, at: Micros, director: str, packet: SendAdvert) -> None:
        """A packet that none of the directors sent reaches one of them."""
        route = Route(director, packet.interface, None)
        self._put(at, _PACKET, self._arrive, route, packet, packet.destinations[0])

    def take(self, step: Step) -> None:
        """Now, without a scenario."""
        self._take_step(step)
        self.judge.settle()

    def _put(self, at: Micros, rank: int, call: Callable[..., None], *arguments: object) -> None:
        self._tickets += 1
        heappush(self._queue, (at, rank, self._tickets, call, arguments))

    # Steps.

    def _take_step(self, step: Step) -> None:
        self.story.happenings.append(Happening(at=self.now, what=str(step)))
        self.judge.changed(str(step))
        match step:
            case do.Partition():
                self.network.partition(step)
            case do.Heal():
                self.network.heal()
            case do.Quality():
                self.network.change(step)
            case _:
                self._do_to(self.directors[step.director], step)
        self.judge.changed()

    def _do_to(self, director: Director, step: do.ToOne) -> None:
        if isinstance(step, do.Begin):
            if director.router is None:
                self._begin(director)
            return
        if isinstance(step, do.Link):
            self._link(director, step)
            return
        if isinstance(step, do.Track):
            director.findings[step.kind, step.name] = step.value
        elif isinstance(step, do.Rate):
            self._set_rate(director, step.ppm)
            director.armed = None
        elif isinstance(step, do.Reload):
            self._load(director, step.file)
        if director.router is None:
            return
        match step:
            case do.Crash():
                self._end(director, "power lost")
            case do.Stop():
                self._awake(director)
                self.judge.stopping(director.name)
                self._feed(director, events.StopRequested(self._local(director)))
                self._end(director, "stopped")
            case do.Kill():
                before = director.router.snapshot()
                director.router = None
                self._begin(director, before)
            case do.Stall(_, duration):
                director.stalled_until = max(director.stalled_until or 0, self.now + duration)
                self._put(director.stalled_until, _STEP, self._wake_up, director)
            case do.Track(_, kind, name, value):
                self._tell(director, events.TrackerChanged(self._local(director), kind, name, value))
            case do.Take(_, address):
                self._take_away(director, address)
            case do.Reload():
                self._tell(director, events.Reconfigured(self._local(director), director.config))
            case do.Rate():
                self._arm(director)
            case _:
                assert_never(step)

    def _set_rate(self, director: Director, ppm: int) -> None:
        director.clock.set_rate(self.now, ppm)
        director.slowest = min(director.slowest, ppm)

    def _begin(self, director: Director, before: VrrpSnapshot | None = None) -> None:
        """The daemon's own start: interfaces, then Started, then what trackers find."""
        router = director.router = Router(director.config)
        director.lives += 1
        director.armed = director.stalled_until = None
        director.inbox.clear()
        deaf = 0 if before else director.config.global_defs.vrrp_startup_delay
        director.ready = self._local(director) + deaf
        masters = frozenset[str]() if before is None else router.resume(before)
        director.told = {dev: director.facts(dev) for dev in director.own}
        for dev, facts in director.told.items():
            self._feed(director, events.InterfaceChanged(self._local(director), dev, facts))
        self._set_clock(director)
        self._feed(director, events.Started(self._local(director), masters))
        for (kind, name), value in {**director.initial_findings(), **director.findings}.items():
            self._feed(director, events.TrackerChanged(self._local(director), kind, name, value))

    def _set_clock(self, director: Director) -> None:
        """Wall clocks agree (NTP): whose own runs otherwise is told so every minute."""
        if any(instance.auth_hmac is not None for instance in director.config.vrrp_instances):
            self._feed(director, events.WallClock(self._local(director), NEW_YEAR + self.now))
            self._put(self.now + MINUTE, _STEP, self._set_clock_again, director, director.lives)

    def _set_clock_again(self, director: Director, life: int) -> None:
        if director.lives == life and director.router is not None and director.stalled_until is None:
            self._set_clock(director)

    def _end(self, director: Director, why: str) -> None:
        director.router = director.stalled_until = None
        director.held.clear()
        director.look()
        for instance in director.config.vrrp_instances:
            self.judge.set_state(director.name, instance.name, OFF, why)

    def _awake(self, director: Director) -> None:
        if director.stalled_until is not None:
            director.stalled_until = self.now
            self._wake_up(director)

    def _wake_up(self, director: Director) -> None:
        """After a stall: first what arrived, then what is due."""
        if director.stalled_until is None or director.stalled_until > self.now:
            return
        director.stalled_until = None
        inbox, director.inbox = director.inbox, []
        for datagram in inbox:
            self._feed(director, datagram)
        self._feed(director, events.TimePassed(self._local(director)))
        self.judge.disturbed(director.name)

    def _link(self, director: Director, step: do.Link) -> None:
        own = director.own[step.interface]
        if own.up is not step.up:
            director.own[step.interface] = replace(own, up=step.up)
            self.network.link((director.name, step.interface), step.up)
            self._interface(director, step.interface)

    def _load(self, director: Director, file: str) -> None:
        assert self._reload is not None
        director.config = without_vmacs(self._reload(director.name, file))
        self.judge.reconfigured()

    def _take_away(self, director: Director, address: Address) -> None:
        for virtual in [virtual for virtual in director.held if virtual.address == address]:
            director.held.discard(virtual)
            self.judge.removed(director.name, virtual)
            self._interface(director, virtual.dev)
            self._tell(director, events.AddressRemoved(self._local(director), virtual.dev, address))

    # Directors.

    def _local(self, director: Director) -> Micros:
        return director.clock.local(self.now)

    def _interface(self, director: Director, dev: str) -> None:
        facts = director.facts(dev)
        if director.told.get(dev) != facts:
            director.told[dev] = facts
            self._tell(director, events.InterfaceChanged(self._local(director), dev, facts))

    def _tell(self, director: Director, event: events.Event) -> None:
        """An event of the machine itself: one that is stalled learns of it when it wakes, as of anything else."""
        if director.router is None:
            return
        if director.stalled_until is not None:
            self._put(director.stalled_until, _STEP, self._tell_again, director, event, director.lives)
            return
        self._feed(director, event)
        self.judge.disturbed(director.name)

    def _tell_again(self, director: Director, event: Any, life: int) -> None:
        if director.lives == life:
            self._tell(director, replace(event, at=self._local(director)))

    def _feed(self, director: Director, event: events.Event) -> None:
        """Give the router an event and do what it answers."""
        assert director.router is not None
        self._perform(director, director.router.handle(event))
        director.look()
        self.judge.changed()
        self._arm(director)

    def _arm(self, director: Director) -> None:
        """Have the director woken for its deadline; one that moved away is left to the call that is set."""
        router = director.router
        if router is None or director.stalled_until is not None:
            return
        due = router.not_before
        if due is not None and (director.armed is None or due < director.armed):
            director.armed = due
            at = director.clock.world(due)
            self._put(max(self.now, at), _TIMER, self._ring, director, due, director.lives)

    def _ring(self, director: Director, armed: Micros, life: int) -> None:
        if director.armed != armed or director.lives != life or director.router is None:
            return
        director.armed = None
        if director.stalled_until is not None:
            return
        router, now = director.router, director.clock.local(self.now)
        due = router.deadline()
        if due is not None and due <= now:
            self._act(director, router.handle(events.TimePassed(now)))
        self._arm(director)

    def _arrive(self, route: Route, action: SendAdvert, destination: Address) -> None:
        director = self.directors[route.receiver]
        router = director.router
        if router is None or not self.network.is_up((route.receiver, route.interface)):
            return
        now = director.clock.local(self.now)
        ttl = USUAL_TTL if action.ttl is None else action.ttl
        event = events.DatagramReceived(
            now,
            route.interface,
            action.source,
            destination,
            ttl,
            action.message,
            action.protocol,
            action.identification,
        )
        if director.stalled_until is not None:
            director.inbox.append(event)
            return
        actions = router.handle(event)
        if actions:  # without any, no deadline has come nearer
            self._act(director, actions)
            self._arm(director)

    # Actions.

    def _act(self, director: Director, actions: list[Action]) -> None:
        """What packets and timers lead to: nearly always nothing but an advertisement."""
        if self._perform(director, actions):
            director.look()

    def _perform(self, director: Director, actions: list[Action]) -> bool:
        """What concerns the network; whether a state changed. What else the daemon would do happens to nobody here."""
        changed: set[str] = set()
        moved = False
        for action in actions:
            if isinstance(action, SendAdvert):
                self._send(director, action)
            elif isinstance(action, AddAddresses):
                changed |= {address.dev for address in action.addresses if address not in director.held}
                director.held.update(action.addresses)
            elif isinstance(action, RemoveAddresses):
                changed |= {address.dev for address in action.addresses if address in director.held}
                director.held.difference_update(action.addresses)
            elif isinstance(action, ReportTransition):
                moved = True
                self.judge.moved(director.name, action.transition)
        for dev in sorted(changed):
            # The kernel tells of them, as it does the daemon.
            self.judge.changed()
            self._put(self.now, _STEP, self._interface, director, dev)
        return moved

    def _send(self, director: Director, action: SendAdvert) -> None:
        self.story.adverts += 1
        port = (director.name, action.interface or next(iter(director.own)))
        for destination in action.destinations:
            for route in self.network.routes(port, destination):
                if route.path is None:
                    continue
                arrivals = self.network.arrivals(route.path, self.now, self.random)
                if not arrivals:
                    self.judge.lost(director.name, route.receiver)
                for at in arrivals:
                    self._put(at, _PACKET, self._arrive, route, action, destination)


def _begun_late(steps: Sequence[Timed]) -> set[str]:
    """Directors of which a scenario first says that they start are off until then."""
    seen: set[str] = set()
    late: set[str] = set()
    for timed in steps:
        step = timed.step
        if isinstance(step, do.Begin | do.Crash | do.Stop | do.Kill) and step.director not in seen:
            seen.add(step.director)
            if isinstance(step, do.Begin):
                late.add(step.director)
    return late
