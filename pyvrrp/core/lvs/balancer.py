"""All virtual servers: events in, actions out, one merged deadline.

What IPVS should hold is always known here as a table (`wanted`). Every change is sent as the difference
to what was wanted before; and whenever the kernel's own table is read (at start, when IPVS appears, at
reload, after a refusal) the difference to that is sent. So nothing has to be remembered of what failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from heapq import heapify, heappop, heappush
from random import Random
from typing import Final, NamedTuple, assert_never

from pyvrrp.core.lvs.actions import (
    Action,
    ApplyTable,
    CancelCheck,
    Level,
    Log,
    ReadTable,
    ReportIpvs,
    ReportRealServer,
    ReportVirtualServer,
    StartCheck,
)
from pyvrrp.core.lvs.checking import Checking
from pyvrrp.core.lvs.events import (
    CheckFinished,
    CheckNotStarted,
    Event,
    IpvsFailed,
    IpvsRefused,
    Reconfigured,
    Refusal,
    Started,
    StopRequested,
    TableRead,
    TimePassed,
)
from pyvrrp.core.lvs.ipvs_table import (
    DestinationState,
    Flush,
    Operation,
    RemoveDestination,
    RemoveService,
    ServiceState,
    SetService,
    Table,
    plan,
)
from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.core.lvs.virtual_server import Virtual
from pyvrrp.core.lvs.web import WebChecking
from pyvrrp.model.checkers import Checker, HttpCheck
from pyvrrp.model.config import Config, FlushOnStop
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import ServiceKey, VirtualServer
from pyvrrp.units import SECOND, Micros

RETRY: Final[Micros] = 30 * SECOND
"""How often IPVS is tried again while it is absent or refuses something."""

Dump = Mapping[ServiceKey, tuple[ServiceState, Mapping[Endpoint, DestinationState]]]


class _Watched(NamedTuple):
    checking: Checking
    key: ServiceKey
    endpoint: Endpoint


class Balancer:
    """`seed` spreads the first checks; the same seed and events give the same actions."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._virtuals: dict[ServiceKey, Virtual] = {}
        self._watched: dict[int, _Watched] = {}
        self._last_id = 0
        self._due: list[tuple[Micros, int]] = []
        """A heap; an entry counts only while its checker still has that `due`."""
        self._config = Config()
        self._flush = False
        self._ours: dict[ServiceKey, None] = {}
        """Services to be removed if they are in IPVS and not wanted (a set with an order)."""
        self._ready = False
        self._problem: str | None = None
        self._refused: set[Refusal] = set()
        self._reread_at: Micros | None = None
        self._stopped = False

    def handle(self, event: Event) -> list[Action]:
        return _left_behind(event) if self._stopped else self._collected(self._react(event))

    def _react(self, event: Event) -> list[Action]:
        match event:
            case Started():
                return self._start(event)
            case Reconfigured():
                return self._reconfigure(event)
            case TimePassed():
                return self._time_passed(event)
            case CheckFinished():
                return self._check_finished(event)
            case CheckNotStarted():
                return self._check_not_started(event)
            case TableRead():
                return self._table_read(event)
            case IpvsFailed():
                return self._ipvs_failed(event)
            case IpvsRefused():
                return self._ipvs_refused(event)
            case StopRequested():
                return self._stop(event)
            case _:
                assert_never(event)

    def deadline(self) -> Micros | None:
        """When TimePassed is wanted."""
        while self._due and not self._is_due(self._due[0]):
            heappop(self._due)
        candidates = [self._due[0][0]] if self._due else []
        if self._reread_at is not None:
            candidates.append(self._reread_at)
        return min(candidates, default=None)

    @property
    def ready(self) -> bool:
        """IPVS has let us read its table."""
        return self._ready

    def wanted(self) -> Table:
        """What IPVS should hold of ours."""
        return {key: (virtual.service, virtual.pool) for key, virtual in self._virtuals.items()}

    def snapshot(self, kernel: Dump | None) -> LvsSnapshot:
        """The state as a value, with the counters of the kernel's table if it could be read."""
        return LvsSnapshot(
            ipvs_ready=self._ready,
            ipvs_problem=self._problem,
            virtual_servers=tuple(
                virtual.snapshot(None if kernel is None else kernel.get(key), kernel is not None)
                for key, virtual in self._virtuals.items()
            ),
        )

    # Configuration

    def _start(self, event: Started) -> list[Action]:
        self._config = event.config
        # A worker that takes another's place must not interrupt what that one had set up.
        self._flush = event.config.global_defs.lvs_flush and event.previous is None
        known = {told.name: told for told in event.previous.virtual_servers} if event.previous else {}
        actions: list[Action] = []
        for wanted in _virtual_servers(event.config):
            virtual = self._add(event.at, wanted)
            if told := known.get(virtual.name):
                virtual.adopt(told)
            actions += virtual.open(event.at)
        if self._virtuals:
            servers = sum(len(virtual.servers) for virtual in self._virtuals.values())
            counts = f"{len(self._virtuals)} virtual servers, {servers} real servers, {len(self._watched)} checkers"
            actions.insert(0, Log(Level.INFO, counts))
        return [*actions, *self._read()]

    def _reconfigure(self, event: Reconfigured) -> list[Action]:
        self._config = event.config
        before, self._virtuals = self._virtuals, {}
        actions: list[Action] = []
        for wanted in _virtual_servers(event.config):
            if (virtual := before.pop(wanted.key, None)) is None:
                actions += self._add(event.at, wanted).open(event.at)
                continue
            self._virtuals[wanted.key] = virtual
            changes, gone = virtual.reconfigure(
                wanted, event.at, partial(self._watch, event.at, wanted.key), self._draw
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
            actions.append(ApplyTable((RemoveService(virtual.key),)))
        self._due = [
            (watched.checking.due, id_) for id_, watched in self._watched.items() if watched.checking.due is not None
        ]
        heapify(self._due)
        return [*actions, *self._read()]

    def _stop(self, event: StopRequested) -> list[Action]:
        self._stopped = True
        self._due.clear()
        self._reread_at = None
        actions = self._forget([watched.checking for watched in self._watched.values()])
        if not event.release:
            return actions
        how = self._config.global_defs.lvs_flush_on_stop
        if how is FlushOnStop.NO:
            for virtual in self._virtuals.values():
                actions += virtual.close()
        if how is FlushOnStop.ALL:
            return [*actions, ApplyTable((Flush(),))]
        return [*actions, ApplyTable(tuple(RemoveService(key) for key in {**self._virtuals, **self._ours}))]

    def _add(self, at: Micros, config: VirtualServer) -> Virtual:
        virtual = self._virtuals[config.key] = Virtual(config, at)
        self._ours[config.key] = None
        virtual.begin(at, partial(self._watch, at, config.key))
        return virtual

    # Checks

    def _draw(self, longest: Micros) -> Micros:
        return self._random.randint(0, longest)

    def _watch(self, at: Micros, key: ServiceKey, endpoint: Endpoint, checker: Checker, up: bool) -> Checking:
        self._last_id += 1
        kind = WebChecking if isinstance(checker, HttpCheck) else Checking
        checking = kind(self._last_id, checker, up)
        checking.begin(at, self._draw)
        self._watched[checking.id] = _Watched(checking, key, endpoint)
        self._arm(checking)
        return checking

    def _arm(self, checking: Checking) -> None:
        if checking.due is not None:
            heappush(self._due, (checking.due, checking.id))

    def _forget(self, gone: Iterable[Checking]) -> list[Action]:
        actions: list[Action] = []
        for checking in gone:
            del self._watched[checking.id]
            if checking.due is None:
                actions.append(CancelCheck(checking.id))
        return actions

    def _is_due(self, entry: tuple[Micros, int]) -> bool:
        watched = self._watched.get(entry[1])
        return watched is not None and watched.checking.due == entry[0]

    def _time_passed(self, event: TimePassed) -> list[Action]:
        actions: list[Action] = []
        while self._due and self._due[0][0] <= event.at:
            entry = heappop(self._due)
            if self._is_due(entry):
                checking = self._watched[entry[1]].checking
                checking.due = None
                actions.append(StartCheck(checking.id, checking.question()))
        if self._reread_at is not None and self._reread_at <= event.at:
            actions += self._read()
        return actions

    def _check_finished(self, event: CheckFinished) -> list[Action]:
        watched = self._watched.get(event.checker)
        if watched is None:
            return []
        virtual = self._virtuals[watched.key]
        logs = watched.checking.finished(event.at, event.error, virtual.servers[watched.endpoint].name)
        self._arm(watched.checking)
        return [*logs, *virtual.judge(watched.endpoint, event.at)]

    def _check_not_started(self, event: CheckNotStarted) -> list[Action]:
        watched = self._watched.get(event.checker)
        if watched is None:
            return []
        name = self._virtuals[watched.key].servers[watched.endpoint].name
        logs = watched.checking.not_started(event.at, event.reason, name)
        self._arm(watched.checking)
        return [*logs]

    # IPVS

    def _read(self) -> list[Action]:
        """Ask for the kernel's table, unless it cannot concern us."""
        self._reread_at = None
        return [ReadTable()] if self._ours else []

    def _table_read(self, event: TableRead) -> list[Action]:
        actions: list[Action] = []
        if not self._ready and self._problem is not None:
            actions += [Log(Level.NOTICE, "IPVS is there now"), ReportIpvs(None)]
        if self._flush:
            operations = [Flush(), *plan(self.wanted(), {}, ())]
        else:
            operations = plan(self.wanted(), event.table, self._ours)
            actions += self._corrections(operations)
            if self._ready and operations and not self._refused:
                actions.append(
                    Log(Level.WARNING, f"IPVS did not hold what we put there: {len(operations)} corrections")
                )
        if self._refused and not operations:
            actions.append(Log(Level.NOTICE, "IPVS holds all that it should again"))
            self._refused.clear()
        self._ready, self._problem, self._flush = True, None, False
        self._ours = dict.fromkeys(self._virtuals)
        self._reread_at = event.at + RETRY if self._refused else None
        return [*actions, ApplyTable(tuple(operations))]

    def _corrections(self, operations: Iterable[Operation]) -> list[Action]:
        """What we are about to do to entries that somebody else, or an earlier run, left behind."""
        actions: list[Action] = []
        for operation in operations:
            match operation:
                case SetService(service):
                    text = f"VS {service.key} is in IPVS already with other settings: changing them"
                case RemoveDestination(key, endpoint) if endpoint not in self._virtuals[key].endpoints():
                    text = f"Removing destination {endpoint} from VS {key}: it is none of its real servers"
                case _:
                    continue
            actions.append(Log(Level.NOTICE, text))
        return actions

    def _ipvs_failed(self, event: IpvsFailed) -> list[Action]:
        self._reread_at = event.at + RETRY
        problem = f"Can't {event.problem}"
        if not self._ready and problem == self._problem:
            return []
        self._ready, self._problem = False, problem
        return [
            Log(Level.ERROR, f"IPVS: {problem}"),
            Log(Level.ERROR, "NOTHING IS BALANCED until IPVS is there; real servers are checked all the same"),
            ReportIpvs(problem),
        ]

    def _ipvs_refused(self, event: IpvsRefused) -> list[Action]:
        """Log what is new. The first time the table is read at once, as it may have changed behind our back."""
        actions: list[Action] = []
        known = bool(self._refused)
        for refusal in event.refusals:
            if refusal not in self._refused:
                self._refused.add(refusal)
                actions.append(Log(Level.ERROR, f"IPVS: {refusal.reason}"))
            if isinstance(refusal.operation, RemoveService):
                self._ours[refusal.operation.key] = None
        self._reread_at = event.at + RETRY
        return actions if known else [*actions, *self._read()]

    def _collected(self, actions: list[Action]) -> list[Action]:
        """All operations in one ApplyTable, behind the log lines; none while there is no IPVS."""
        operations = [
            operation for action in actions if isinstance(action, ApplyTable) for operation in action.operations
        ]
        rest: list[Action] = [action for action in actions if not isinstance(action, (ApplyTable, ReadTable))]
        if operations and self._ready:
            rest.append(ApplyTable(tuple(operations)))
        return [*rest, *(action for action in actions if isinstance(action, ReadTable))]


def _left_behind(event: Event) -> list[Action]:
    """After a stop nothing matters any more but what could not be taken out of IPVS."""
    match event:
        case IpvsRefused(_, refusals):
            return [Log(Level.ERROR, f"IPVS: left behind: {refusal.reason}") for refusal in refusals]
        case IpvsFailed(_, problem):
            return [Log(Level.ERROR, f"IPVS: our services are left behind: can't {problem}")]
        case _:
            return []


def _virtual_servers(config: Config) -> Iterable[VirtualServer]:
    """Those that are served: keepalived ignores one without real servers, and a second one of the same identity."""
    first: dict[ServiceKey, VirtualServer] = {}
    for virtual in config.virtual_servers:
        if virtual.real_servers and not _inactive(virtual):
            first.setdefault(virtual.key, virtual)
    return first.values()


def _inactive(virtual: VirtualServer) -> bool:
    """What the reader of the configuration has told to be accepted, and not active."""
    servers = (*virtual.real_servers, virtual.sorry_server)
    return virtual.group is not None or any(server is not None and server.tunnel is not None for server in servers)
