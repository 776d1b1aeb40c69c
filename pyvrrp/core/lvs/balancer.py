"""All virtual servers: events in, actions out, one merged deadline. What becomes of it in IPVS is the `Keeper`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from heapq import heapify, heappop, heappush
from typing import NamedTuple, assert_never

from pyvrrp.core.log import Level, Log
from pyvrrp.core.lvs.actions import (
    Action,
    CancelCheck,
    MarkPackets,
    ReportChecker,
    ReportRealServer,
    ReportVirtualServer,
    StartCheck,
)
from pyvrrp.core.lvs.checking import KINDS, Checking
from pyvrrp.core.lvs.events import (
    AddressesChanged,
    CheckFinished,
    CheckNotStarted,
    Event,
    IpvsCame,
    IpvsFailed,
    IpvsRefused,
    Noticed,
    Reconfigured,
    Started,
    StopRequested,
    TableRead,
    TimePassed,
)
from pyvrrp.core.lvs.following import Follow, follow
from pyvrrp.core.lvs.ipvs_table import Dump, Table
from pyvrrp.core.lvs.keeper import Entry, Keeper
from pyvrrp.core.lvs.marking import Marks, MarkTable, mark_table
from pyvrrp.core.lvs.probes import Probes, Spread
from pyvrrp.core.lvs.script_check import ScriptChecking
from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.core.lvs.virtual_server import Virtual
from pyvrrp.core.lvs.web import WebChecking
from pyvrrp.model.checkers import Checker, HttpCheck, MiscCheck
from pyvrrp.model.config import Config, FlushOnStop
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.globals import IpvsTimeouts
from pyvrrp.model.lvs import Protocol, ServiceKey, VirtualServer
from pyvrrp.net import Address
from pyvrrp.units import Micros


class _Watched(NamedTuple):
    checking: Checking
    key: ServiceKey
    endpoint: Endpoint


class Balancer:
    """`seed` spreads the first checks; the same seed and events give the same actions."""

    def __init__(self, seed: int) -> None:
        self._draw = Spread(seed)
        self._probes = Probes()
        self._virtuals: dict[ServiceKey, Virtual] = {}
        self._watched: dict[int, _Watched] = {}
        self._last_id = 0
        self._due: list[tuple[Micros, int]] = []
        """A heap; an entry counts only while its checker still has that `due`."""
        self._config = Config()
        self._addresses: frozenset[Address] = frozenset()
        """Of this host, where ha_suspend asks for them."""
        self._keeper = Keeper()
        self._marks = Marks({})
        self._mark_table = MarkTable()
        self._stopped = False

    def alive(self) -> Iterator[tuple[ServiceKey, Endpoint]]:
        """The servers that are up."""
        for key, virtual in self._virtuals.items():
            yield from ((key, endpoint) for endpoint, server in virtual.servers.items() if server.alive)

    def handle(self, event: Event) -> list[Action]:
        return _left_behind(event) if self._stopped else self._keeper.collected(self._react(event))

    def _react(self, event: Event) -> list[Action]:
        match event:
            case Started():
                return self._start(event)
            case Reconfigured():
                return self._reconfigure(event)
            case AddressesChanged():
                return self._addresses_changed(event)
            case TimePassed():
                return self._time_passed(event)
            case Noticed():
                return self._noticed(event)
            case CheckFinished():
                return self._keeper.agreed(self._check_finished(event))
            case CheckNotStarted():
                return self._check_not_started(event)
            case TableRead():
                return self._keeper.table_read(event)
            case IpvsFailed():
                return self._keeper.failed(event)
            case IpvsCame():
                return self._keeper.came()
            case IpvsRefused():
                return self._keeper.refused(event)
            case StopRequested():
                return self._stop(event)
            case _:
                assert_never(event)

    def deadline(self) -> Micros | None:
        """When TimePassed is wanted."""
        while self._due and not self._is_due(self._due[0]):
            heappop(self._due)
        candidates = [self._due[0][0]] if self._due else []
        if (reread := self._keeper.deadline()) is not None:
            candidates.append(reread)
        return min(candidates, default=None)

    @property
    def ready(self) -> bool:
        """IPVS has let us read its table."""
        return self._keeper.ready

    def wanted(self) -> Table:
        """What IPVS should hold of ours."""
        return self._keeper.wanted()

    def snapshot(self, kernel: Dump | None) -> LvsSnapshot:
        """The state as a value, with the counters of the kernel's table if it could be read."""
        told = tuple(virtual.snapshot(kernel, self.entry) for virtual in self.virtuals())
        return replace(self.outline(), virtual_servers=told)

    def virtuals(self) -> Iterator[Virtual]:
        """All there are now, for whoever takes his time: one that has gone when its turn comes is left out."""
        for key in list(self._virtuals):
            if (virtual := self._virtuals.get(key)) is not None:
                yield virtual

    def entry(self, key: ServiceKey) -> Entry:
        """What IPVS should hold of one service."""
        return self._keeper.entry(key)

    def outline(self) -> LvsSnapshot:
        """Of the snapshot all but the virtual servers."""
        former = self._keeper.former
        return LvsSnapshot(
            ipvs_ready=self._keeper.ready,
            ipvs_problem=self._keeper.problem,
            former_timeouts=None if former is None else (former.tcp, former.tcpfin, former.udp),
            marks=tuple((group, protocol.name, mark) for (group, protocol), mark in self._marks.given.items()),
        )

    # Configuration

    def _start(self, event: Started) -> list[Action]:
        self._config = event.config
        previous = event.previous
        # A worker that takes another's place must not interrupt what that one had set up.
        flush = event.config.global_defs.lvs_flush and previous is None
        former = None
        if previous and previous.former_timeouts:
            former = IpvsTimeouts(**dict(zip(("tcp", "tcpfin", "udp"), previous.former_timeouts, strict=True)))
        self._keeper = Keeper(flush=flush, former=former)
        known = {told.name: told for told in previous.virtual_servers} if previous else {}
        if previous:
            self._marks = Marks({(group, Protocol[name]): mark for group, name, mark in previous.marks})
        served, actions = self._served(event, again=bool(previous and previous.marks))
        follow = self._follow(event)
        for wanted in served:
            virtual = self._add(event.at, wanted, follow)
            if told := known.get(virtual.name):
                virtual.adopt(told)
            actions += virtual.open(event.at)
        if self._virtuals:
            servers = sum(len(virtual.servers) for virtual in self._virtuals.values())
            counts = f"{len(self._virtuals)} virtual servers, {servers} real servers, {len(self._watched)} checkers"
            actions.insert(0, Log(Level.INFO, counts))
        return [*actions, *self._keeper.configure(self._virtuals.values(), event.config.global_defs)]

    def _reconfigure(self, event: Reconfigured) -> list[Action]:
        same_files = event.config.track_files == self._config.track_files
        self._config = event.config
        table = self._keeper.copy()
        before, self._virtuals = self._virtuals, {}
        served, actions = self._served(event)
        follow = self._follow(event)
        for wanted in served:
            if (virtual := before.pop(wanted.key, None)) is None:
                actions += self._add(event.at, wanted, follow).open(event.at)
                continue
            self._virtuals[wanted.key] = virtual
            if wanted is virtual.config and (same_files or not any(one.followers for one in wanted.real_servers)):
                continue
            changes, gone = virtual.reconfigure(
                wanted, event.at, partial(self._watch, event.at, wanted.key), self._draw, follow
            )
            actions += changes
            actions += self._forget(gone)
        for virtual in before.values():
            actions.append(Log(Level.NOTICE, f"Removing Virtual Server {virtual.name}"))
            for server in virtual.servers.values():
                actions += self._forget(server.checkers)
                if server.alive:
                    actions.append(ReportRealServer(virtual.key, server.config.endpoint, False))
            if virtual.quorum_up:
                actions.append(ReportVirtualServer(virtual.key, False))
        self._due = [
            (watched.checking.due, id_) for id_, watched in self._watched.items() if watched.checking.due is not None
        ]
        heapify(self._due)
        read = self._keeper.configure(self._virtuals.values(), event.config.global_defs)
        return [*actions, *self._keeper.changes(table), *read]

    def _stop(self, event: StopRequested) -> list[Action]:
        self._stopped = True
        self._due.clear()
        actions = self._forget([watched.checking for watched in self._watched.values()])
        if not event.release:
            return actions
        how = self._config.global_defs.lvs_flush_on_stop
        if how is FlushOnStop.NO:
            for virtual in self._virtuals.values():
                actions += virtual.close()
        if self._mark_table.entries:
            actions.append(MarkPackets(replace(self._mark_table, entries=())))
        return [*actions, self._keeper.release(everything=how is FlushOnStop.ALL)]

    def _served(
        self, event: Started | Reconfigured, *, again: bool = False
    ) -> tuple[list[VirtualServer], list[Action]]:
        """The virtual servers, those of groups with their marks, and what nftables has to do for them now.

        `again`: tell it in any case.
        """
        virtuals, firewall = _virtual_servers(event.config), event.config.global_defs.firewall
        if event.marking and firewall is not None:
            virtuals = self._marks.apply(virtuals, firewall)
            table = mark_table(virtuals, firewall)
        else:
            self._marks, table = Marks({}), replace(self._mark_table, entries=())
        before, self._mark_table = self._mark_table, table
        return virtuals, [MarkPackets(table)] if again or (
            table != before and (table.entries or before.entries)
        ) else []

    def _add(self, at: Micros, config: VirtualServer, follow: Follow) -> Virtual:
        virtual = self._virtuals[config.key] = Virtual(config, at)
        virtual.begin(at, partial(self._watch, at, config.key), follow)
        return virtual

    # Checks

    def _follow(self, event: Started | Reconfigured) -> Follow:
        return partial(follow, {file.name: file for file in event.config.track_files}, event.numbers)

    def _noticed(self, event: Noticed) -> list[Action]:
        actions: list[Action] = []
        for virtual in self._virtuals.values():
            for endpoint, server in virtual.servers.items():
                for following in server.followers:
                    if following.subject == event.subject:
                        actions += following.changed(event.value, server.name)
                        actions += virtual.judge(endpoint, event.at)
        return actions

    def _watch(self, at: Micros, key: ServiceKey, endpoint: Endpoint, checker: Checker, up: bool) -> Checking:
        self._last_id += 1
        kind = (
            WebChecking
            if isinstance(checker, HttpCheck)
            else ScriptChecking
            if isinstance(checker, MiscCheck)
            else Checking
        )
        checking = kind(self._last_id, checker, up, virtual=self._virtuals[key].name)
        self._probes.join(checking, at, self._draw)
        self._watched[checking.id] = _Watched(checking, key, endpoint)
        self._arm(checking)
        return checking

    def _arm(self, checking: Checking) -> None:
        if checking.due is not None:
            heappush(self._due, (checking.due, checking.id))

    def _forget(self, gone: Iterable[Checking]) -> list[Action]:
        checkings = list(gone)
        for checking in checkings:
            del self._watched[checking.id]
        return [CancelCheck(probe) for probe in self._probes.leave(checkings)]

    def _is_due(self, entry: tuple[Micros, int]) -> bool:
        watched = self._watched.get(entry[1])
        return watched is not None and watched.checking.due == entry[0]

    def _time_passed(self, event: TimePassed) -> list[Action]:
        actions: list[Action] = []
        while self._due and self._due[0][0] <= event.at:
            entry = heappop(self._due)
            if self._is_due(entry):
                checking, key, _ = self._watched[entry[1]]
                if self._virtuals[key].suspended(self._addresses):
                    checking.due = event.at + checking.timing.delay_loop
                    self._arm(checking)
                    continue
                checking.late, checking.due = event.at - entry[0], None
                if (probe := self._probes.ask(checking, event.at)) is not None:
                    actions.append(StartCheck(probe.id, probe.question))
        return [*actions, *self._keeper.time_passed(event.at)]

    def _addresses_changed(self, event: AddressesChanged) -> list[Action]:
        """Checks of a virtual server with ha_suspend rest while none of its addresses is here."""
        before, self._addresses = self._addresses, frozenset(event.addresses)
        actions: list[Action] = []
        for virtual in self._virtuals.values():
            resting = virtual.suspended(self._addresses)
            if resting == virtual.suspended(before):
                continue
            word = "Suspending" if resting else "Activating"
            for server in virtual.servers.values():
                actions.append(Log(Level.INFO, f"{word} healthchecker for service {server.name} for VS {virtual.name}"))
                for checking in server.checkers:
                    # What is known of the server is old: soon, and not all at once.
                    if not resting and checking.due is not None:
                        checking.due = min(checking.due, event.at + self._draw(checking.timing.warmup))
                        self._arm(checking)
        return actions

    def _check_finished(self, event: CheckFinished) -> list[Action]:
        actions: list[Action] = []
        for checking in self._probes.answered(event.check):
            _, key, endpoint = self._watched[checking.id]
            virtual, before = self._virtuals[key], checking.up
            actions += checking.finished(event.at, event.error, virtual.servers[endpoint].name, event.status)
            self._rearm(checking, event.at)
            actions += virtual.judge(endpoint, event.at)
            if checking.up is not before:
                kind = KINDS[type(checking.checker)].keyword
                actions.append(ReportChecker(key, endpoint, kind, checking.up))
        return actions

    def _check_not_started(self, event: CheckNotStarted) -> list[Action]:
        actions: list[Action] = []
        for checking in self._probes.answered(event.check):
            _, key, endpoint = self._watched[checking.id]
            actions += checking.not_started(event.at, event.reason, self._virtuals[key].servers[endpoint].name)
            self._rearm(checking, event.at)
        return actions

    def _rearm(self, checking: Checking, at: Micros) -> None:
        checking.catch_up()
        self._probes.align(checking, at)
        self._arm(checking)


def _left_behind(event: Event) -> list[Action]:
    """After a stop nothing matters any more but what could not be taken out of IPVS."""
    match event:
        case IpvsRefused(_, refusals):
            return [Log(Level.ERROR, f"IPVS: left behind: {refusal.reason}") for refusal in refusals]
        case IpvsFailed(_, problem):
            return [Log(Level.ERROR, f"IPVS: our services are left behind: can't {problem}")]
        case _:
            return []


def _virtual_servers(config: Config) -> list[VirtualServer]:
    """Those that are served: keepalived ignores one without real servers, and a second one of the same identity."""
    first: dict[ServiceKey, VirtualServer] = {}
    for virtual in config.virtual_servers:
        if virtual.real_servers:
            first.setdefault(virtual.key, virtual)
    return list(first.values())
