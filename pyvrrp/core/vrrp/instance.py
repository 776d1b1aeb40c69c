"""What one virtual router has and is: configuration, counters, timers, what it holds and what it knows of others.

`machine.Machine` says what happens to it; here is what that is made of, and how it looks from outside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.actions import Action, ReportPriority, SendGratuitousArps
from pyvrrp.core.vrrp.advertiser import Advertiser, fitting
from pyvrrp.core.vrrp.complaints import Complaints
from pyvrrp.core.vrrp.credentials import Clock
from pyvrrp.core.vrrp.echo import Echo
from pyvrrp.core.vrrp.edges import Kind, Moment
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.garp import GarpSchedule
from pyvrrp.core.vrrp.holdings import Holdings, addresses_of, routing_snapshots
from pyvrrp.core.vrrp.incumbent import Incumbent
from pyvrrp.core.vrrp.owners import Owners
from pyvrrp.core.vrrp.priority import Summand, effective, summands
from pyvrrp.core.vrrp.reception import Reception
from pyvrrp.core.vrrp.snapshot import AddressSnapshot, Cause, InstanceSnapshot, Transition
from pyvrrp.core.vrrp.stats import Stats
from pyvrrp.core.vrrp.surroundings import Findings, Interfaces, awaited, choose_source, find_faults, weighted
from pyvrrp.core.vrrp.timing import OWNER_PRIORITY, Slot, master_down_interval, skew_time
from pyvrrp.model.vrrp import State, VirtualAddress, VrrpInstance
from pyvrrp.net import Address
from pyvrrp.units import Micros

KEPT_TRANSITIONS: Final = 16
_NO_LIMIT: Final = 65_535


class Instance:
    """The parts of a machine. What they want done gathers in `_out`, in order."""

    def __init__(
        self,
        config: VrrpInstance,
        interfaces: Interfaces,
        findings: Findings,
        virtual: Collection[Address],
        clock: Clock,
    ) -> None:
        """`interfaces`, `findings`, `clock`: the router's own, which change.

        `virtual`: all virtual addresses, no source for anybody.
        """
        self.config = config
        self.state = State.INIT
        self.want = State.INIT
        """What the instance would be without its sync group."""
        self.defers = False
        """BACKUP to a master that was heard since we are."""
        self.faults: dict[Cause, str] = {}
        self.stats = Stats()
        self.taken: tuple[Kind, Moment] | tuple[str | None, DatagramReceived] | None = None
        """What the last event meant here, for who asks why."""
        self._interfaces = interfaces
        self._findings = findings
        self._virtual = virtual
        self._advertised: tuple[Address, ...] = ()
        self._since: Micros = 0
        self._cause = Cause.STARTUP
        self._detail = ""
        self._transitions: deque[Transition] = deque(maxlen=KEPT_TRANSITIONS)
        self._source: Address | None = None
        self._effective_priority = config.priority
        self._priority_sum: tuple[Summand, ...] = ()
        self._master = Incumbent(config.advert_int)
        self._owners = Owners()
        self._reception = Reception(config, clock)
        self._echo = Echo()
        self._holdings = Holdings(config)
        self._held = False
        self._master_down: Micros = 0
        self._master_down_at: Micros | None = None
        self._waiting_since: Micros = 0
        self.slot: Slot | None = None
        """When in the interval to advertise; None: an interval after the last one."""
        self._advert_at: Micros | None = None
        self._preempt_from: Micros | None = None
        self._answered_at: Micros | None = None
        self._advertiser = Advertiser(config)
        self._complaints = Complaints(config.name)
        self._garps = GarpSchedule()
        self._out: list[Action] = []

    def resume(self, previous: InstanceSnapshot) -> None:
        """Go on with the counters and the history of a worker that died."""
        self.stats = previous.stats
        self._transitions.extend(previous.transitions)
        self._since = previous.since
        self._reception.restore(previous.auth_number, previous.auth_marks)

    @property
    def awaits(self) -> tuple[str, ...]:
        """Scripts whose first result must come before the instance can start."""
        return awaited(self.config, self._findings)

    def look(self, at: Micros) -> list[Action]:
        """Take in what the interfaces and trackers are now: source, faults, priority. The router acts on `faults`."""
        self._echo.forget()
        self._source = choose_source(self.config, self._interfaces, self._virtual)
        self._use_advertiser()
        self.faults = find_faults(self.config, self._interfaces, self._findings, self._source)
        self._weigh()
        return self._flush()

    def _use_advertiser(self) -> None:
        """Advertise what fits into a packet of the device."""
        config, facts = self.config, self._interfaces.get(self.config.interface)
        self._advertised = fitting(config, facts.mtu if facts is not None else _NO_LIMIT)
        self._advertiser.use(
            config, self._source, self._advertised, self._reception.credentials, self._reception.old_checksum
        )
        if len(self._advertised) < len(config.virtual_ipaddress):
            text = f"only {len(self._advertised)} of {len(config.virtual_ipaddress)} addresses fit into a packet"
            text += "; the others come and go with them and are not advertised"
            self._out += self._complaints.once("mtu", None, Level.WARNING, text)

    def _weigh(self) -> None:
        """The effective priority, and what follows from its change."""
        owner = self.config.priority == OWNER_PRIORITY
        parts = [] if owner else weighted(self.config, self._interfaces, self._findings)
        self._priority_sum = summands(self._owners.base(self.config.priority), parts)
        priority = effective(self._priority_sum)
        if priority != self._effective_priority:
            text = f"({self.config.name}) Changing effective priority from {self._effective_priority} to {priority}"
            self._out.append(Log(Level.INFO, text))
            self._effective_priority = priority
            self._out.append(ReportPriority(self.config.name, self.state.name, priority))
            if self.state is State.BACKUP and not (self._master.said_zero or self._held):
                # Counted from the last advertisement, not from now: the master has been silent since then.
                self._wait(self._waiting_since)

    def snapshot(self, group: str | None) -> InstanceSnapshot:
        known = self._master.advert
        master_address, master_priority = (
            (self._source, self._effective_priority)
            if self.state is State.MASTER
            else (known.source, known.priority)
            if known
            else (None, None)
        )
        number, marks = self._reception.state()
        return InstanceSnapshot(
            name=self.config.name,
            state=self.state.name,
            since=self._since,
            cause=self._cause,
            detail=self._detail,
            interface=self.config.interface,
            vmac=None if self.config.vmac is None else self.config.vmac.name,
            virtual_router_id=self.config.virtual_router_id,
            version=self.config.version,
            priority=self.config.priority,
            effective_priority=self._effective_priority,
            priority_sum=self._priority_sum,
            advert_int=self.config.advert_int,
            master_advert_int=self._master.interval,
            preempt=self.config.preempt,
            master_address=None if master_address is None else str(master_address),
            master_priority=master_priority,
            last_advert=self._master.heard_at,
            last_reject=self._reception.last_reject,
            faults=tuple(f"{cause.value}: {text}" for cause, text in self.faults.items())
            + tuple(f"waiting for the first result of script {name}" for name in self.awaits),
            sync_group=group,
            addresses=tuple(
                AddressSnapshot(
                    address=str(address.interface),
                    dev=address.dev,
                    advertised=address in self.config.virtual_ipaddress and address.address in self._advertised,
                    present=address in self._holdings.present,
                )
                for address in self.config.addresses
            ),
            routing=routing_snapshots(self._holdings.wanted, self._holdings.present),
            stats=self.stats,
            auth_number=number,
            auth_marks=marks,
            transitions=tuple(self._transitions),
        )

    # What happens is made of this.

    def _flush(self) -> list[Action]:
        if not self._out:
            return []
        out, self._out = self._out, []
        return out

    def _send(self, priority: int, at: Micros) -> None:
        self._out += self._advertiser.round(priority, at)
        self.stats.advert_sent += 1

    def _wait(self, since: Micros) -> None:
        """Arm the master down timer, counted from `since`."""
        self._waiting_since = since
        self._master_down = master_down_interval(
            self.config.version, self._skew_priority, self._master.interval, self.config.down_timer_adverts
        )
        self._master_down_at = since + self._master_down

    def _wait_skew(self, since: Micros) -> None:
        """The same, but only for as long as a better backup would have to answer."""
        skew = skew_time(self.config.version, self._skew_priority, self._master.interval)
        self._master_down_at = since + skew

    @property
    def _skew_priority(self) -> int:
        """An owner that has lowered its priority for another owner waits as the owner that it is."""
        return OWNER_PRIORITY if self.config.priority == OWNER_PRIORITY else self._effective_priority

    def _burst(self, repeat: int, addresses: tuple[VirtualAddress, ...]) -> None:
        if repeat and addresses:
            self._out.append(SendGratuitousArps(self.config.name, addresses, repeat))

    def _repair(self, at: Micros) -> None:
        due = self._holdings.repair_at
        if due is not None and due <= at:
            missing = self._holdings.missing(at)
            self._out += self._holdings.put(missing)
            self._burst(1, addresses_of(missing))
