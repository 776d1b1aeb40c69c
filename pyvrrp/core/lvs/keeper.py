"""What IPVS should hold, and the way there.

What is wanted is always known as a table. Every change is sent as the difference to what was wanted before; and
whenever the kernel's own table is read (at start, when IPVS appears, at reload, after a refusal, in turn by the audit)
the difference to that is sent. So nothing has to be remembered of what failed, and what others change is put right.

A service that several virtual servers want (groups may overlap) has the settings of the first and the servers of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import islice
from typing import Final, TypeAlias

from pyvrrp.core.log import Level, Log
from pyvrrp.core.lvs.actions import Action, ApplyTable, ReadTable, ReportIpvs
from pyvrrp.core.lvs.audit import Audit
from pyvrrp.core.lvs.drift import differences
from pyvrrp.core.lvs.events import IpvsFailed, IpvsRefused, Refusal, TableRead
from pyvrrp.core.lvs.ipvs_settings import SetTimeouts, Settings, StartSync, StopSync, SyncRole, plan_sync, plan_timeouts
from pyvrrp.core.lvs.ipvs_table import (
    AddService,
    Destination,
    Flush,
    Operation,
    RemoveDestination,
    RemoveService,
    Service,
    SetService,
    Table,
    plan,
)
from pyvrrp.core.lvs.snapshot import Difference
from pyvrrp.core.lvs.virtual_server import Virtual
from pyvrrp.model.config import GlobalDefs
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.globals import IpvsTimeouts, SyncDaemon
from pyvrrp.model.lvs import ServiceKey
from pyvrrp.units import SECOND, Micros

RETRY: Final[Micros] = 30 * SECOND
"""How often IPVS is tried again while it refuses something. Not while it is absent: that it comes is told."""
_TOLD: Final = 10
"""So many corrections are told one by one."""

Entry: TypeAlias = tuple[Service, Mapping[Endpoint, Destination]]


class Keeper:
    """`flush`: begin by emptying the table; `former`: time-outs as they were before a predecessor changed them."""

    def __init__(self, *, flush: bool = False, former: IpvsTimeouts | None = None) -> None:
        self.ready = False
        """IPVS has let us read its table."""
        self.problem: str | None = None
        self._absent = False
        """That is the problem."""
        self.former = former
        self._flush = flush
        self._claims: dict[ServiceKey, list[Virtual]] = {}
        """Who wants each service."""
        self._shared: dict[ServiceKey, Entry] = {}
        """Of services with several claims what was wanted last."""
        self._ours: dict[ServiceKey, None] = {}
        """Services to be removed if they are in IPVS and not wanted (a set with an order)."""
        self._refused: set[Refusal] = set()
        self._reread_at: Micros | None = None
        self._audit = Audit()
        self._timeouts = IpvsTimeouts()
        self._sync: dict[SyncRole, SyncDaemon] = {}
        self._synced = False
        """We have started synchronisation daemons, or a predecessor has."""

    def wanted(self) -> Table:
        """What IPVS should hold of ours."""
        return {key: self.entry(key) for key in self._claims}

    def configure(self, virtuals: Iterable[Virtual], global_defs: GlobalDefs) -> list[Action]:
        """Another configuration: what it wants from now on. `virtuals` have not changed since the last one but by
        what was told in their actions."""
        ipvs = global_defs.ipvs
        self._timeouts = (ipvs and ipvs.lvs_timeouts) or IpvsTimeouts()
        sync = ipvs and ipvs.lvs_sync_daemon
        # One that follows an instance is moved by the vrrp worker.
        self._sync = dict.fromkeys(SyncRole, sync) if sync and sync.instance is None else {}
        self._claims = {}
        for virtual in virtuals:
            for key in virtual.services:
                self._claims.setdefault(key, []).append(virtual)
        self._shared = {key: self.entry(key) for key, claims in self._claims.items() if len(claims) > 1}
        self._ours |= dict.fromkeys(self._claims)
        return self.read()

    def copy(self) -> Table:
        """What is wanted now, to compare with later."""
        return {key: (service, dict(destinations)) for key, (service, destinations) in self.wanted().items()}

    def changes(self, before: Table) -> list[Action]:
        """What has to be sent since then."""
        return [ApplyTable(tuple(plan(self.wanted(), before, before.keys())))]

    def entry(self, key: ServiceKey) -> Entry:
        """What IPVS should hold of one service."""
        first, *others = self._claims[key]
        entry = first.entry(key)
        if not others:
            return entry
        together = dict(entry[1])
        for other in others:
            for endpoint, destination in other.entry(key)[1].items():
                together.setdefault(endpoint, destination)
        return entry[0], together

    # What happens

    def deadline(self) -> Micros | None:
        return self._reread_at if self._reread_at is not None else self._audit.due

    def time_passed(self, at: Micros) -> list[Action]:
        if self._reread_at is not None:
            return self.read() if self._reread_at <= at else []
        if self._audit.due is not None and self._audit.due <= at:
            return [ReadTable(self._audit.slice(at))]
        return []

    def read(self) -> list[Action]:
        """Ask for the kernel's table, unless it cannot concern us."""
        self._reread_at = None
        return [ReadTable()] if self._concerned() else []

    def _concerned(self) -> bool:
        """Does it matter to us what IPVS does?"""
        return bool(self._ours or self._sync or self._synced or self.former)

    def table_read(self, event: TableRead) -> list[Action]:
        if event.keys is not None:
            return self._looked_again(event, event.keys)
        actions: list[Action] = []
        if not self.ready and self.problem is not None:
            actions += [Log(Level.NOTICE, "IPVS is there now"), ReportIpvs(None)]
        wanted = self.wanted()
        if self._flush:
            operations = [Flush(), *plan(wanted, {}, ())]
        else:
            operations = plan(wanted, event.table, self._ours)
            if not self.ready:
                actions += self._corrections(operations)
            elif operations and not self._refused:
                actions += _drifted(differences(wanted, event.table), operations)
        operations += self._settings(event.settings)
        if self._refused and not operations:
            actions.append(Log(Level.NOTICE, "IPVS holds all that it should again"))
            self._refused.clear()
        self.ready, self.problem, self._flush = True, None, False
        self._ours = dict.fromkeys(self._claims)
        self._reread_at = event.at + RETRY if self._refused else None
        self._audit.begin(event.at, {key: 1 + len(entry[1]) for key, entry in wanted.items()})
        return [*actions, ApplyTable(tuple(operations))]

    def _looked_again(self, event: TableRead, keys: Iterable[ServiceKey]) -> list[Action]:
        """Some services, in turn."""
        if not self.ready or self._refused:
            return []
        wanted = {key: self.entry(key) for key in keys if key in self._claims}
        operations = plan(wanted, event.table, ())
        if not operations:
            return []
        return [*_drifted(differences(wanted, event.table), operations), ApplyTable(tuple(operations))]

    def _settings(self, present: Settings) -> list[Operation]:
        if self.former is None:
            if self._timeouts == IpvsTimeouts():
                return self._daemons(present)
            self.former = present.timeouts
        # What is not asked for is as it was before us.
        names = [field.name for field in fields(self.former)]
        timeouts = {name: getattr(self._timeouts, name) or getattr(self.former, name) for name in names}
        if self._timeouts == IpvsTimeouts():
            self.former = None
        return [*plan_timeouts(IpvsTimeouts(**timeouts), present.timeouts), *self._daemons(present)]

    def _daemons(self, present: Settings) -> list[Operation]:
        if not self._sync and not self._synced:
            return []
        self._synced = bool(self._sync)
        return [*plan_sync(self._sync, present.daemons)]

    def _corrections(self, operations: Iterable[Operation]) -> list[Action]:
        """What we are about to do to entries that somebody else, or an earlier run, left behind."""
        actions: list[Action] = []
        for operation in operations:
            match operation:
                case SetService(service):
                    text = f"VS {service.key} is in IPVS already with other settings: changing them"
                case RemoveDestination(key, endpoint) if not any(v.knows(key, endpoint) for v in self._claims[key]):
                    text = f"Removing destination {endpoint} from VS {key}: it is none of its real servers"
                case _:
                    continue
            actions.append(Log(Level.NOTICE, text))
        return actions

    def came(self) -> list[Action]:
        return [] if self.ready else self.read()

    def failed(self, event: IpvsFailed) -> list[Action]:
        self._reread_at = None if event.absent else event.at + RETRY
        self._audit.stop()
        problem = f"Can't {event.problem}"
        if not self.ready and (problem == self.problem or (event.absent and self._absent)):
            return []
        self._absent = event.absent
        self.ready, self.problem = False, problem
        if not self._concerned():
            return []
        return [
            Log(Level.ERROR, f"IPVS: {problem}"),
            Log(Level.ERROR, "NOTHING IS BALANCED until IPVS is there; real servers are checked all the same"),
            ReportIpvs(problem),
        ]

    def refused(self, event: IpvsRefused) -> list[Action]:
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
        return actions if known else [*actions, *self.read()]

    def release(self, *, everything: bool) -> ApplyTable:
        """Take what is ours out of IPVS, or all that is in it, and leave its settings as they were."""
        self._reread_at = None
        self._audit.stop()
        services = {**self._claims, **self._ours}
        table: list[Operation] = [Flush()] if everything else [RemoveService(key) for key in services]
        if self.former is not None:
            table.append(SetTimeouts(self.former))
        if self._synced:
            table += [StopSync(role) for role in SyncRole]
        return ApplyTable(tuple(table))

    def agreed(self, actions: list[Action]) -> list[Action]:
        """Instead of what one virtual server wants of a service that others want too, what all together do."""
        if not self._shared:
            return actions
        settled: list[Action] = []
        for action in actions:
            if not isinstance(action, ApplyTable):
                settled.append(action)
                continue
            touched = {key for operation in action.operations if (key := subject(operation)) is not None}
            touched &= self._shared.keys()
            before = {key: self._shared[key] for key in touched}
            now = {key: self.entry(key) for key in touched}
            self._shared |= now
            mine = (operation for operation in action.operations if subject(operation) not in touched)
            settled.append(ApplyTable((*mine, *plan(now, before, ()))))
        return settled

    def collected(self, actions: list[Action]) -> list[Action]:
        """All operations in one ApplyTable, behind the log lines; none while there is no IPVS."""
        if not actions:
            return actions
        operations = [
            operation for action in actions if isinstance(action, ApplyTable) for operation in action.operations
        ]
        rest: list[Action] = [action for action in actions if not isinstance(action, (ApplyTable, ReadTable))]
        if operations and self.ready:
            rest.append(ApplyTable(tuple(operations)))
        return [*rest, *(action for action in actions if isinstance(action, ReadTable))]


def subject(operation: Operation) -> ServiceKey | None:
    """The service that it is about."""
    match operation:
        case AddService(service) | SetService(service):
            return service.key
        case Flush() | SetTimeouts() | StartSync() | StopSync():
            return None
        case _:
            return operation.key


def _drifted(found: Iterable[Difference], operations: list[Operation]) -> list[Action]:
    """Somebody else was at the table."""
    told = [Log(Level.WARNING, f"IPVS was changed by somebody else: {one}") for one in islice(found, _TOLD)]
    return [*told, Log(Level.WARNING, f"IPVS did not hold what we put there: {len(operations)} corrections")]
