"""The checkers worker's job: gives the balancer its events and does what it answers."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, assert_never

from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted, Outcome, Passed
from pyvrrp.checkers.runner import Runner
from pyvrrp.core.log import Level, Log
from pyvrrp.core.lvs.actions import (
    Action,
    ApplyTable,
    CancelCheck,
    MarkPackets,
    ReadTable,
    ReportChecker,
    ReportIpvs,
    ReportRealServer,
    ReportVirtualServer,
    StartCheck,
)
from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.lvs.events import (
    AddressesChanged,
    CheckFinished,
    Event,
    IpvsCame,
    IpvsFailed,
    IpvsRefused,
    Noticed,
    Reconfigured,
    Refusal,
    Started,
    StopRequested,
    TableRead,
    TimePassed,
)
from pyvrrp.core.lvs.events import CheckNotStarted as CheckWasNotStarted
from pyvrrp.core.lvs.ipvs_table import Dump, Operation
from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.daemon.lvs_pieces import pieces
from pyvrrp.daemon.role import Host
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.api import Ipvs
from pyvrrp.kernel.ipvs import LinuxIpvs
from pyvrrp.kernel.netns import place
from pyvrrp.kernel.system import raise_open_files
from pyvrrp.model.checkers import FileCheck
from pyvrrp.model.config import Config
from pyvrrp.model.lvs import ServiceKey
from pyvrrp.model.scripts import Command, ScriptRules
from pyvrrp.units import MILLISECOND, Micros, seconds

if TYPE_CHECKING:
    from pyvrrp.daemon.local_addresses import LocalAddresses
    from pyvrrp.daemon.lvs_teller import LvsTeller
    from pyvrrp.daemon.marker import Marker
    from pyvrrp.kernel.processes import Process
    from pyvrrp.trackers.files import FileTracker

MOST: Final = 65536
"""File descriptors that the checks may take together, if the system allows so many."""
RESERVED: Final = 64
"""File descriptors for all else."""
EARLY: Final[Micros] = 3 * MILLISECOND
"""What the loop's whole milliseconds and our own work may cost a check."""
LATE: Final[Micros] = 20 * MILLISECOND
"""What a busy loop may be late without a word."""
SHARE: Final = 200
"""At most one in so many of the shortest pause between checks."""


def now() -> Micros:
    return time.monotonic_ns() // 1000


class CheckersRole:
    """`role.Role[LvsSnapshot]`. `ipvs` is the kernel's table, or what stands for it in a test."""

    def __init__(self, host: Host, ipvs: Ipvs | None = None, seed: int | None = None) -> None:
        self._host = host
        self._ipvs: Ipvs = ipvs or LinuxIpvs()
        self._given = ipvs is not None
        self._watching = False
        """We are told when IPVS comes and goes."""
        self._seed = int.from_bytes(os.urandom(8)) if seed is None else seed
        self._balancer = Balancer(self._seed)
        self._rules: ScriptRules | None = None
        self._files: FileTracker | None = None
        self._runner = Runner(self._ended, max(1, raise_open_files(MOST) - RESERVED), self._spawn)
        self._timer: asyncio.TimerHandle | None = None
        self._armed: Micros | None = None
        """For when the timer is set."""
        self._news: list[Log | ReportRealServer | ReportVirtualServer | ReportChecker] = []
        """What is still to be told."""
        self._addresses: LocalAddresses | None = None
        self._teller: LvsTeller | None = None
        """Only where somebody wants to be told."""
        self._marker: Marker | None = None
        """Only with nftables_ipvs."""
        self._early: Micros = 0
        """So much before its time a check may begin: not late by the loop's whole milliseconds, and some together."""

    def start(self, config: Config, previous: LvsSnapshot | None) -> None:
        """Fill the table and begin to check. Without IPVS too: it may come, and the servers are known by then."""
        if (ipvs := config.global_defs.ipvs) and not self._given:
            self._ipvs = LinuxIpvs(place(ipvs.net_namespace_ipvs))
        self._prepare(config)
        self._watch_ipvs()
        self._handle = self._host.begun(self._balancer, self._seed)
        self._feed(Started(now(), config, previous, self._numbers(config), self._marks(config)))
        self._watch_addresses(config)
        if self._teller is not None and previous is None:
            self._teller.begin(self._balancer.alive())

    def reload(self, config: Config) -> None:
        self._prepare(config)
        before = self._balancer.outline()
        self._feed(Reconfigured(now(), config, self._numbers(config), self._marks(config)))
        self._watch_addresses(config)
        # What became of servers is told as it happens; a successor makes those that it has not heard of itself.
        if self._balancer.outline() != before:
            self._host.changed()

    def _prepare(self, config: Config) -> None:
        self._tell_of(config)
        self._rules = config.global_defs.scripts
        pauses = (
            min(checker.timing.delay_loop, checker.timing.delay_before_retry or checker.timing.delay_loop)
            for virtual in config.virtual_servers
            for server in virtual.real_servers
            for checker in server.checkers
        )
        self._early = min(EARLY, min(pauses, default=0) // SHARE)

    def _numbers(self, config: Config) -> Mapping[str, int]:
        """What is in the files that real servers follow, which are watched from now on."""
        followed = {
            follower.track_file
            for virtual in config.virtual_servers
            for server in virtual.real_servers
            for follower in server.followers
            if isinstance(follower, FileCheck)
        }
        if not followed and self._files is None:
            return {}
        if self._files is None:
            from pyvrrp.trackers.files import FileTracker

            self._files = FileTracker(self._host.log, lambda path, number: self._feed(Noticed(now(), path, number)))
        self._files.watch(file.file for file in config.track_files if file.name in followed)
        return dict(self._files.values)

    def _marks(self, config: Config) -> bool:
        """Is nftables to mark packets, and can it?"""
        firewall = config.global_defs.firewall
        if firewall is None or firewall.nftables_ipvs is None:
            return False
        from pyvrrp.core.lvs.marking import Marks, mark_table

        marked = mark_table(Marks({}).apply(config.virtual_servers, firewall), firewall)
        return not marked.entries or self._marks_with(config).able(marked)

    def _marks_with(self, config: Config) -> Marker:
        if self._marker is None:
            from pyvrrp.daemon.marker import Marker
            from pyvrrp.kernel.netns import visit
            from pyvrrp.kernel.nftables import LinuxFirewall

            ipvs = config.global_defs.ipvs
            with visit(place(ipvs.net_namespace_ipvs if ipvs else None)):
                self._marker = Marker(LinuxFirewall, self._host)
                self._marker.begin()
        return self._marker

    @property
    def machine(self) -> Balancer:
        return self._balancer

    def hear_through(self, handle: Callable[[Event], list[Action]]) -> None:
        self._handle = handle

    async def stop(self) -> None:
        """Take our services out of IPVS (unless told not to) and leave no check under way."""
        alive = list(self._balancer.alive())
        self._feed(StopRequested(now(), release=not self._host.options.dont_release_ipvs))
        if self._teller is not None and not self._host.options.dont_release_ipvs:
            self._teller.stop(alive)
        await self._runner.close()
        if self._files is not None:
            self._files.close()
        if self._marker is not None:
            self._marker.end()
        if self._teller is not None:
            await self._teller.settle()

    def _watch_ipvs(self) -> None:
        try:
            descriptor = self._ipvs.watch(self._ipvs_changed)
        except KernelError as error:
            self._host.log(Level.WARNING, f"IPVS: that it comes or goes will be noticed late: {error}")
            return
        asyncio.get_running_loop().add_reader(descriptor, self._ipvs.read)
        self._watching = True

    def _ipvs_changed(self, gone: KernelError | None) -> None:
        self._feed(IpvsCame(now()) if gone is None else IpvsFailed(now(), str(gone), absent=True))

    def _watch_addresses(self, config: Config) -> None:
        """Know this host's addresses, where ha_suspend asks for them."""
        if self._addresses is None and any(virtual.ha_suspend for virtual in config.virtual_servers):
            from pyvrrp.daemon.local_addresses import LocalAddresses

            self._addresses = LocalAddresses(lambda found: self._feed(AddressesChanged(now(), found)))
            self._addresses.begin()

    def _tell_of(self, config: Config) -> None:
        """Tell what happens to the servers of this configuration; where nobody asks, nothing is loaded for it."""
        if self._teller is None and tells(config):
            from pyvrrp.daemon.lvs_teller import LvsTeller

            self._teller = LvsTeller(self._host)
        if self._teller is not None:
            self._teller.configure(config)

    def pieces(self, *, full: bool) -> Iterator[str]:
        """With the kernel's counters, where it lets us read them."""
        able = full

        def read(keys: Iterable[ServiceKey]) -> Dump | None:
            nonlocal able
            if not able or not self._balancer.ready:
                return None
            try:
                return self._ipvs.dump(keys)
            except KernelError as error:
                able = False
                self._host.log(Level.WARNING, f"IPVS: cannot read the counters: {error}")
                return None

        return pieces(self._balancer, read)

    def _feed(self, first: Event) -> None:
        """Give the balancer an event and do what it answers, and set the timer."""
        self._hear(first)
        self._arm()

    def _hear(self, first: Event) -> None:
        """Give the balancer an event and do what it answers, and so on with what comes of that."""
        events = deque([first])
        while events:
            for action in self._handle(events.popleft()):
                if (outcome := self._perform(action)) is not None:
                    events.append(outcome)
        # The table comes first, then the log and whoever else is to be told.
        news, self._news = self._news, []
        for report in news:
            self._tell(report)

    def _tell(self, report: Log | ReportRealServer | ReportVirtualServer | ReportChecker) -> None:
        if isinstance(report, Log):
            self._host.log(report.level, report.text)
            return
        if self._teller is None:
            return
        match report:
            case ReportRealServer():
                self._teller.real_server(report)
            case ReportVirtualServer():
                self._teller.virtual_server(report)
            case ReportChecker():
                self._teller.checker(report)
            case _:
                assert_never(report)

    def _perform(self, action: Action) -> Event | None:
        match action:
            case StartCheck(number, checker):
                self._runner.begin(number, checker)
            case CancelCheck(number):
                self._runner.cancel(number)
            case ReadTable(keys):
                return self._read(keys)
            case ApplyTable(operations):
                return self._apply(operations)
            case MarkPackets(table):
                if self._marker is not None:
                    self._marker.apply(table)
            case Log():
                self._news.append(action)
            case ReportRealServer() | ReportVirtualServer() | ReportChecker():
                self._news.append(action)
                self._host.changed()
            case ReportIpvs():
                self._host.changed()
            case _:
                assert_never(action)
        return None

    def _read(self, keys: tuple[ServiceKey, ...] | None) -> Event:
        try:
            if keys is not None:
                return TableRead(now(), self._ipvs.table(keys), keys=keys)
            self._ipvs.ready()
            return TableRead(now(), self._ipvs.table(), self._ipvs.settings())
        except KernelError as error:
            return IpvsFailed(now(), str(error), self._watching and error.fault is KernelFault.UNSUPPORTED)

    def _apply(self, operations: tuple[Operation, ...]) -> Event | None:
        try:
            refused = self._ipvs.apply(operations)
        except KernelError as error:
            return IpvsFailed(now(), str(error))
        if not refused:
            return None
        return IpvsRefused(now(), tuple(Refusal(operation, str(error)) for operation, error in refused))

    def _ended(self, outcomes: list[tuple[int, Outcome]]) -> None:
        at = now()
        for number, outcome in outcomes:
            match outcome:
                case Passed(status):
                    self._hear(CheckFinished(at, number, None, status))
                case CheckFailed():
                    self._hear(CheckFinished(at, number, str(outcome)))
                case CheckNotStarted():
                    self._hear(CheckWasNotStarted(at, number, str(outcome)))
                case _:
                    assert_never(outcome)
        self._arm()

    def _spawn(self, command: Command) -> Process:
        from pyvrrp.kernel.processes import start

        return start(command, self._rules, mortal=True)

    def _arm(self) -> None:
        """Set the one timer to the balancer's deadline."""
        deadline = self._balancer.deadline()
        if deadline == self._armed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._armed = None, deadline
        if deadline is not None:
            # The loop's clock is ours.
            self._timer = asyncio.get_running_loop().call_at(seconds(deadline - self._early), self._wake)

    def _wake(self) -> None:
        by = 0 if self._armed is None else now() - self._armed
        self._timer = self._armed = None
        self._runner.hold()
        self._feed(TimePassed(now() + 2 * self._early))
        self._runner.go_on()
        if by > LATE:
            self._host.late(by)


def tells(config: Config) -> bool:
    """Does anybody want to hear of it?"""
    definitions = config.global_defs
    return (
        definitions.fifos is not None
        or definitions.mail is not None
        or any(
            service.quorum_up or service.quorum_down or any(s.notify_up or s.notify_down for s in service.real_servers)
            for service in config.virtual_servers
        )
    )
