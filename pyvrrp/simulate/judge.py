"""Watches who holds which address, and says what was wrong outside of the protocol's own window (docs/simulate.md).

Two rules, each with its window:

TWO   Two directors that hear each other hold one address. Allowed until the better one's next advertisement has had
      the time to arrive: an advertisement interval and the longest way. Counted anew from each packet between them
      that was lost, from the end of a stall of either, and from a change of what either of them advertises.
NONE  A director is fit to be MASTER, and nobody it is connected with holds the address. Allowed for the longest way
      (what the last master sent may still be under way) and its own master down interval; in a sync group that of the
      slowest member; its skew time only, where the one that held it stopped cleanly and the farewell came through.
      Counted from when both became true, and not before its worker has started and vrrp_startup_delay is over. And a
      second for the director that has put an address back a moment ago.

Fit means: on, not stalled, no fault in its sync group, and no other member of the group hears a master elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pyvrrp.core.vrrp.holdings import REPAIR_INTERVAL
from pyvrrp.core.vrrp.snapshot import Transition
from pyvrrp.core.vrrp.timing import master_down_interval, skew_time
from pyvrrp.model.vrrp import VirtualAddress, VrrpInstance
from pyvrrp.net import Address
from pyvrrp.simulate.clock import MILLION
from pyvrrp.simulate.director import Director
from pyvrrp.simulate.story import Change, Episode, Fault, Service, Span, Story, Violation
from pyvrrp.simulate.topology import Port
from pyvrrp.units import MILLISECOND, Micros

if TYPE_CHECKING:
    from pyvrrp.simulate.world import World

ROUNDING: Final[Micros] = MILLISECOND
"""Clocks of other rates are converted to whole microseconds, each way."""

OFF: Final = "OFF"


@dataclass(slots=True)
class _Trouble:
    """Something that may last only so long."""

    begin: Micros
    until: Micros
    told: int | None = None
    """Index of its violation."""


@dataclass(slots=True)
class _Farewell:
    """The only director that held an address stopped cleanly."""

    at: Micros = -1
    director: str = ""
    missed: set[str] = field(default_factory=set)
    """Who did not get a packet of that moment."""


@dataclass(frozen=True, slots=True)
class _Carrier:
    director: str
    instance: str
    port: Port
    """Of the advertisements."""
    dev: Port
    """Of the address."""


_Key = tuple[Fault, int, str, str]
"""What is wrong, with which service, for whom."""


class _Watched:
    """A service as it is now."""

    __slots__ = ("carriers", "farewell", "holders", "last", "removed", "since", "story", "why")

    def __init__(self, story: Service, carriers: list[_Carrier]) -> None:
        self.farewell = _Farewell()
        self.removed: Micros = -REPAIR_INTERVAL
        """When somebody last took it from a director."""
        self.story = story
        self.carriers = carriers
        self.holders: tuple[str, ...] = ()
        self.since: Micros = 0
        self.why = "nobody has started yet"
        self.last = ""


class Judge:
    def __init__(self, world: World, segments: dict[Port, str], story: Story) -> None:
        self._world = world
        self._segments = segments
        self._story = story
        self._states: dict[tuple[str, str], str] = {}
        """By director and instance."""
        self._watched: list[_Watched] = []
        self._services: dict[tuple[str, VirtualAddress], int] = {}
        self._troubles: dict[_Key, _Trouble] = {}
        self._dirty = False
        self._why = ""
        self._configure()

    # What the world tells.

    def moved(self, director: str, transition: Transition) -> None:
        self.set_state(director, transition.instance, transition.new, transition.reason)

    def set_state(self, director: str, instance: str, state: str, why: str) -> None:
        self._states[director, instance] = state
        self._why = f"{director}: {why}"
        self._story.changes.append(
            Change(at=self._world.now, director=director, instance=instance, state=state, why=why)
        )
        self._dirty = True

    def changed(self, why: str = "") -> None:
        """Addresses, health or connections are other than before."""
        self._why = why or self._why
        self._dirty = True

    def reconfigured(self) -> None:
        """A director has another configuration: other services."""
        self._close_spans()
        self._configure()
        self._dirty = True

    def stopping(self, director: str) -> None:
        """It is about to stop cleanly."""
        for watched in self._watched:
            if watched.holders == (director,):
                watched.farewell = _Farewell(self._world.now, director)

    def removed(self, director: str, address: VirtualAddress) -> None:
        """Somebody took it away. It comes back at once, but no more often than every REPAIR_INTERVAL."""
        self._watched[self._services[director, address]].removed = self._world.now
        self.changed()

    def lost(self, sender: str, receiver: str) -> None:
        """A packet between the two did not arrive."""
        self._story.lost += 1
        for watched in self._watched:
            if watched.farewell.at == self._world.now and watched.farewell.director == sender:
                watched.farewell.missed.add(receiver)
        if self._troubles:
            self._allow_more({sender, receiver})

    def disturbed(self, director: str) -> None:
        """What it advertises has changed, or it was stalled until now."""
        for key, trouble in self._troubles.items():
            if key[0] is Fault.TWO and director in key[2:]:
                trouble.until = max(trouble.until, self._world.now + self._window_two(key))
                self._judge_at(key, trouble)

    @property
    def is_dirty(self) -> bool:
        """Something of what was told has not been looked at yet."""
        return self._dirty

    def settle(self) -> None:
        """Everything that belongs to this moment has been told: look at it."""
        if self._dirty:
            self._dirty = False
            self._note_holders()
            self._assess()

    def finish(self) -> None:
        self.settle()
        self._close_spans()
        for key in list(self._troubles):
            self._end(key, over=False)

    # Services.

    def _configure(self) -> None:
        found: dict[tuple[str, Address], list[_Carrier]] = {}
        for name, director in self._world.directors.items():
            for instance in director.config.vrrp_instances:
                for virtual in instance.addresses:
                    dev = (name, virtual.dev)
                    carrier = _Carrier(name, instance.name, (name, instance.interface), dev)
                    found.setdefault((self._segments[dev], virtual.address), []).append(carrier)
        together: dict[tuple[str, tuple[_Carrier, ...]], list[Address]] = {}
        for (segment, one), by in found.items():
            together.setdefault((segment, tuple(by)), []).append(one)
        known = {(service.addresses, service.segment, service.carriers): service for service in self._story.services}
        self._watched, self._services = [], {}
        for (segment, carriers), addresses in together.items():
            texts = tuple(map(str, addresses))
            who = tuple((c.director, c.instance) for c in carriers)
            service = known.get((texts, segment, who))
            if service is None:
                service = Service(addresses=texts, segment=segment, carriers=who)
                self._story.services.append(service)
            number = len(self._watched)
            self._watched.append(_Watched(service, list(carriers)))
            self._watched[-1].since = self._world.now
            for carrier in carriers:
                instance = self._world.directors[carrier.director].config.instance(carrier.instance)
                for virtual in instance.addresses:
                    if virtual.address in addresses:
                        self._services[carrier.director, virtual] = number
        for key in list(self._troubles):
            self._end(key)

    def _holders(self, watched: _Watched) -> Iterable[str]:
        """Who has it on a device that is connected."""
        number = self._watched.index(watched)
        for carrier in watched.carriers:
            director = self._world.directors[carrier.director]
            if self._world.network.is_up(carrier.dev) and any(
                self._services.get((carrier.director, address)) == number for address in director.held
            ):
                yield carrier.director

    def _note_holders(self) -> None:
        now = self._world.now
        for watched in self._watched:
            holders = tuple(dict.fromkeys(self._holders(watched)))
            if holders == watched.holders:
                continue
            self._close_span(watched)
            if holders and (gained := set(holders) - set(watched.holders)) and not gained <= {watched.last}:
                watched.story.takeovers += 1
            if len(holders) == 1:
                watched.last = holders[0]
            watched.holders, watched.since, watched.why = holders, now, self._why

    def _close_span(self, watched: _Watched) -> None:
        now = self._world.now
        if now > watched.since:
            span = Span(begin=watched.since, end=now, holders=watched.holders, why=watched.why)
            watched.story.spans.append(span)

    def _close_spans(self) -> None:
        for watched in self._watched:
            self._close_span(watched)
            watched.since = self._world.now

    # Troubles.

    def _assess(self) -> None:
        current = dict.fromkeys(key for number in range(len(self._watched)) for key in self._find(number))
        for key in [key for key in self._troubles if key not in current]:
            self._end(key)
        for key in current:
            if key not in self._troubles:
                now = self._world.now
                until = now + self._window_two(key) if key[0] is Fault.TWO else self._limit_none(key, now)
                trouble = self._troubles[key] = _Trouble(now, until)
                self._judge_at(key, trouble)

    def _find(self, number: int) -> Iterable[_Key]:
        watched = self._watched[number]
        holders = watched.holders
        by_name = {carrier.director: carrier for carrier in watched.carriers}
        for n, one in enumerate(holders):
            for other in holders[n + 1 :]:
                if self._meet(by_name[one].port, by_name[other].port):
                    yield Fault.TWO, number, one, other
        for carrier in watched.carriers:
            if carrier.director not in holders and self._is_fit(carrier):
                reach = self._reach(carrier)
                if not any(by_name[holder].port in reach or by_name[holder].dev in reach for holder in holders):
                    yield Fault.NONE, number, carrier.director, ""

    def _meet(self, one: Port, other: Port) -> bool:
        network = self._world.network
        return network.path(one, other) is not None and network.path(other, one) is not None

    def _reach(self, carrier: _Carrier) -> set[Port]:
        """Everybody it is connected with, directly or by way of others."""
        network = self._world.network
        on = {name for name, director in self._world.directors.items() if director.router is not None}
        segment = self._segments[carrier.port]
        ports = [p for p, where in self._segments.items() if where == segment and p[0] in on and network.is_up(p)]
        found, new = {carrier.port}, [carrier.port]
        while new:
            port = new.pop()
            nearby = [other for other in ports if other not in found and self._meet(port, other)]
            found.update(nearby)
            new += nearby
        return found

    def _is_fit(self, carrier: _Carrier) -> bool:
        director = self._world.directors[carrier.director]
        if director.router is None or director.stalled_until is not None:
            return False
        if not self._world.network.is_up(carrier.port) or not self._world.network.is_up(carrier.dev):
            return False
        members = self._members(director, carrier.instance)
        if any(name not in director.views or director.views[name].faults for name in members):
            return False
        for name in members:
            port = (carrier.director, director.config.instance(name).interface)
            for master in self._masters(director, name):
                path = self._world.network.path(master, port)
                if path is not None and (name != carrier.instance or not self._meet(master, port)):
                    return False
        return True

    def _members(self, director: Director, instance: str) -> tuple[str, ...]:
        for group in director.config.vrrp_sync_groups:
            if instance in group.members:
                return group.members
        return (instance,)

    def _masters(self, director: Director, name: str) -> Iterable[Port]:
        """The ports of all others that are MASTER of the same virtual router."""
        ours = director.config.instance(name)
        segment = self._segments[director.name, ours.interface]
        for other in self._world.directors.values():
            if other is director or other.router is None:
                continue
            for theirs in other.config.vrrp_instances:
                same = (theirs.virtual_router_id, theirs.family) == (ours.virtual_router_id, ours.family)
                port = (other.name, theirs.interface)
                if same and self._segments[port] == segment and self._states.get((other.name, theirs.name)) == "MASTER":
                    yield port

    # Windows.

    def _window_two(self, key: _Key) -> Micros:
        watched = self._watched[key[1]]
        longest = stalled = 0
        for carrier in watched.carriers:
            if carrier.director in key[2:]:
                director = self._world.directors[carrier.director]
                interval = director.config.instance(carrier.instance).advert_int
                longest = max(longest, self._stretched(director, interval))
                stalled = max(stalled, (director.stalled_until or 0) - self._world.now)
        return stalled + longest + self._world.network.longest + ROUNDING

    def _limit_none(self, key: _Key, begin: Micros) -> Micros:
        """Until when there may be no master, for a director that is fit since `begin`."""
        director = self._world.directors[key[2]]
        carrier = next(c for c in self._watched[key[1]].carriers if c.director == director.name)
        wait = 0
        for name in self._members(director, carrier.instance):
            instance, view = director.config.instance(name), director.views[name]
            interval = max(view.master_advert_int, self._slowest(instance))
            if self._was_told(self._watched[key[1]], carrier, begin):
                down = skew_time(instance.version, view.effective_priority, interval)
            else:
                down = master_down_interval(
                    instance.version, view.effective_priority, interval, instance.down_timer_adverts
                )
            wait = max(wait, self._stretched(director, down))
        limit = max(begin, director.clock.world(director.ready)) + wait + self._world.network.longest
        repaired = self._watched[key[1]].removed + self._stretched(director, REPAIR_INTERVAL)
        return max(limit, repaired) + ROUNDING

    def _was_told(self, watched: _Watched, carrier: _Carrier, begin: Micros) -> bool:
        """Has it heard that the last holder stops, and nothing after that? A member of a group waits for the others."""
        farewell = watched.farewell
        if farewell.at != begin or carrier.director in farewell.missed:
            return False
        sender = next((c for c in watched.carriers if c.director == farewell.director), None)
        director = self._world.directors[carrier.director]
        if sender is None or len(self._members(director, carrier.instance)) > 1:
            return False
        if director.clock.world(director.ready) >= farewell.at:  # deaf, or just begun
            return False
        path = self._world.network.path(sender.port, carrier.port)
        return path is not None and not (path.reorder or path.jitter or path.duplicate)

    def _slowest(self, instance: VrrpInstance) -> Micros:
        """Version 3 takes over the master's interval, so anybody's may count."""
        if instance.version == 2:
            return instance.advert_int
        return max(
            other.advert_int
            for director in self._world.directors.values()
            for other in director.config.vrrp_instances
            if (other.virtual_router_id, other.family) == (instance.virtual_router_id, instance.family)
        )

    @staticmethod
    def _stretched(director: Director, duration: Micros) -> Micros:
        """In the world's time, by its clock at its slowest: a rate may have changed meanwhile."""
        return duration * MILLION // (MILLION + director.slowest) + 1

    def _allow_more(self, directors: set[str]) -> None:
        for key, trouble in self._troubles.items():
            if key[0] is Fault.TWO and directors == set(key[2:]):
                trouble.until = max(trouble.until, self._world.now + self._window_two(key))

    def _judge_at(self, key: _Key, trouble: _Trouble) -> None:
        self._world.call_at(trouble.until, lambda: self._judge(key, trouble))

    def _judge(self, key: _Key, trouble: _Trouble) -> None:
        """The window is over: is it still so?"""
        if self._troubles.get(key) is not trouble or trouble.told is not None:
            return
        if key[0] is Fault.TWO and any(self._world.directors[name].stalled_until is not None for name in key[2:]):
            trouble.until = self._world.now + self._window_two(key)
        if key[0] is Fault.NONE:  # a clock, a priority or the network may have slowed down since
            trouble.until = max(trouble.until, self._limit_none(key, trouble.begin))
        if trouble.until > self._world.now:
            self._judge_at(key, trouble)
            return
        watched = self._watched[key[1]].story
        trouble.told = len(self._story.violations)
        self._story.violations.append(
            Violation(
                fault=key[0],
                address=watched.addresses[0],
                segment=watched.segment,
                directors=tuple(name for name in key[2:] if name),
                begin=trouble.begin,
                allowed_until=trouble.until,
                end=None,
                why=self._explain(key),
            )
        )

    def _explain(self, key: _Key) -> str:
        """What each of the directors says of it."""
        reasons = []
        watched = self._watched[key[1]]
        for carrier in watched.carriers:
            director = self._world.directors[carrier.director]
            if director.router is None or carrier.director not in key[2:]:
                continue
            director.look()
            view = director.views[carrier.instance]
            if view.last_reject:
                reasons.append(f"{carrier.director} refuses advertisements: {view.last_reject}")
            elif key[0] is Fault.NONE:
                master = view.master_address or "nobody"
                reasons.append(
                    f"{carrier.director} is {view.state}, priority {view.effective_priority}, hears {master}"
                )
                masters = {port[0] for port in self._masters(director, carrier.instance)}
                without = sorted(masters - {other.director for other in watched.carriers})
                reasons += [f"{other}, which is master, does not have the address" for other in without]
            else:
                reasons.append(f"{carrier.director} has priority {view.effective_priority}")
        return "; ".join(reasons)

    def _end(self, key: _Key, *, over: bool = True) -> None:
        trouble = self._troubles.pop(key)
        if trouble.told is not None:
            if over:
                told = self._story.violations[trouble.told]
                self._story.violations[trouble.told] = replace(told, end=self._world.now)
        elif self._world.now > trouble.begin and key[1] < len(self._watched):
            episode = Episode(fault=key[0], begin=trouble.begin, end=self._world.now)
            self._watched[key[1]].story.episodes.append(episode)
