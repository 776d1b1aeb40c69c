"""The vrrp worker's job: gives the router its events and does what it answers.

Two rules keep a director that was stalled from doing harm: before a deadline is judged all datagrams that
arrived before it are read, and the interfaces too. Whoever slept finds the master's advertisements in the
socket buffer and stays what he is.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.actions import (
    Action,
    AddAddresses,
    AddRouting,
    RemoveAddresses,
    RemoveRouting,
    Report,
    ReportGroup,
    ReportLowerPriority,
    ReportPriority,
    ReportTransition,
    SendAdvert,
    SendGratuitousArps,
)
from pyvrrp.core.vrrp.events import (
    AddressRemoved,
    DatagramReceived,
    Event,
    InterfaceChanged,
    InterfaceFacts,
    KernelRefused,
    Reconfigured,
    RoutingRemoved,
    Started,
    StopRequested,
    TimePassed,
    WallClock,
)
from pyvrrp.core.vrrp.garp import earliest
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.snapshot import Transition, VrrpSnapshot
from pyvrrp.core.vrrp.surroundings import without_virtual
from pyvrrp.daemon.announcer import Announcer
from pyvrrp.daemon.listening import Listening
from pyvrrp.daemon.role import Host
from pyvrrp.daemon.throttle import Throttle
from pyvrrp.daemon.vrrp_needs import tells, tracks
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.api import Addresses, Firewall, Links, Packets, Routing, Sysctls, Vmacs
from pyvrrp.kernel.timer import Timer, monotonic
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import State, VirtualAddress
from pyvrrp.net import IPPROTO_VRRP, Address
from pyvrrp.units import MILLISECOND, Micros

if TYPE_CHECKING:
    from pyvrrp.daemon.devices import Devices
    from pyvrrp.daemon.guard import Guard
    from pyvrrp.daemon.sync_follower import SyncFollower
    from pyvrrp.daemon.vrrp_teller import VrrpTeller
    from pyvrrp.daemon.vrrp_trackers import Trackers
    from pyvrrp.kernel.igmp import LocalReports
    from pyvrrp.kernel.processes import Process
    from pyvrrp.model.routing import Route, Rule
    from pyvrrp.model.scripts import Command

Tell = Callable[[Level, str], None]

_REHEARSALS: Final = 20
"""CPython specialises a function after some eight calls."""

_LEAD: Final = MILLISECOND
"""So long before a takeover the worker wakes up and rehearses it."""

_PAPERS: Final = 16
"""So many log lines and the like are written before the next look at the packets."""

_STALLED: Final = 20 * MILLISECOND

_EXPECTED: Final = frozenset({KernelFault.ABSENT})
"""Refusals while a device is going: the monitor tells the same story, and the machine acts on that."""


class VrrpRole:
    """`role.Role[VrrpSnapshot]`. The kernel's parts are Linux's, or what stands for them in a test."""

    def __init__(
        self,
        host: Host,
        links: Links | None = None,
        addresses: Addresses | None = None,
        packets: Packets | None = None,
        routing: Routing | None = None,
        vmacs: Vmacs | None = None,
        sysctls: Sysctls | None = None,
        firewall: Firewall | None = None,
    ) -> None:
        from pyvrrp.kernel.addresses import LinuxAddresses
        from pyvrrp.kernel.links import LinuxLinks
        from pyvrrp.kernel.packets import LinuxPackets

        self._host = host
        self._links: Links = LinuxLinks() if links is None else links
        self._addresses: Addresses = LinuxAddresses() if addresses is None else addresses
        self._packets: Packets = LinuxPackets() if packets is None else packets
        self._routing = routing
        """Only where there is something for it to do."""
        self._vmacs = vmacs
        self._sysctls = sysctls
        self._own: Devices | None = None
        """Where an instance has devices of its own."""
        self._firewall = firewall
        self._guard: Guard | None = None
        """Where an instance needs firewall rules."""
        self._timer = Timer()
        self._armed: Micros | None = None
        self._poll = select.poll()
        self._announcer = Announcer(self._announce)
        self._listening = Listening(self._packets, host, self._received)
        self._throttle = Throttle(host.log)
        self._desk: deque[tuple[Report, Tell]] = deque()
        """Paperwork still to be done."""
        self._devices: dict[str, InterfaceFacts] = {}
        self._interfaces: dict[str, InterfaceFacts] = {}
        """The same, without the addresses that come and go with mastership."""
        self._trackers: Trackers | None = None
        self._teller: VrrpTeller | None = None
        """Both only where they have something to do: most directors load nothing of them."""
        self._sync: SyncFollower | None = None
        self._mute: set[str] = set()
        """Instances whose last advertisement the kernel refused."""
        self._needs_clock = False
        self._reports: LocalReports | None = None
        self._ahead: Micros = 0

    def start(self, config: Config, previous: VrrpSnapshot | None) -> None:
        """Look at the interfaces, open the sockets, begin. KernelError if that is not allowed at all."""
        loop = asyncio.get_running_loop()
        if previous is not None and previous.devices is not None:
            self._devices_of_own().resume(previous.devices)
        config = self._config = self._with_devices(config)
        self._have_guard(config, previous)
        self._router = Router(config)
        self._announcer.configure(config)
        masters = self._router.resume(previous) if previous is not None else frozenset[str]()
        self._handle = self._host.begun(self._router, config if previous is None else None)
        at = monotonic()
        self._virtual = _virtual(config)
        for name, facts in self._links.dump().items():
            self._devices[name] = facts
        for name, facts in self._devices.items():
            self._interfaces[name] = self._seen(name, facts)
            self._handle(InterfaceChanged(at, name, self._interfaces[name]))
        self._silence_igmp()
        self._open_sockets()
        self._links_descriptor = self._links.watch(self._interface_changed, self._address_removed)
        loop.add_reader(self._links_descriptor, self._links.read)
        self._listening.wake(loop, self._read_packets)
        self._poll.register(self._links_descriptor, select.POLLIN)
        loop.add_reader(self._timer.fileno(), self._wake)
        self._look_and_tell(config)
        self._follow(config)
        if self._routing is not None:
            self._watch_routing()
        self._rehearse(_REHEARSALS)
        self._feed(Started(monotonic(), masters))
        if self._own is not None:
            self._own.tidy()

    def _silence_igmp(self) -> None:
        """disable_local_igmp, which as in keepalived counts at start only."""
        vrrp = self._config.global_defs.vrrp
        if vrrp is None or not vrrp.disable_local_igmp:
            return
        from pyvrrp.kernel.igmp import LocalReports

        self._reports = LocalReports()
        try:
            self._reports.disable()
        except KernelError as error:
            self._host.log(Level.WARNING, str(error))

    def _rehearse(self, times: int) -> None:
        """Play a takeover without performing it: code that has just run, and often, is several times as fast."""
        config = replace(self._config, vrrp_instances=self._config.vrrp_instances[:1], vrrp_sync_groups=())
        at = monotonic()
        for _ in range(times):
            router = Router(config)
            for name, facts in self._interfaces.items():
                router.handle(InterfaceChanged(at, name, facts))
            router.handle(Started(at))
            if (due := router.deadline()) is not None:
                router.handle(TimePassed(due))

    def reload(self, config: Config) -> None:
        config = self._config = self._with_devices(config)
        self._have_guard(config, None)
        self._announcer.configure(config)
        self._virtual = _virtual(config)
        for name, facts in self._devices.items():
            self._interface_changed(name, facts)
        self._open_sockets()
        self._look_and_tell(config)
        self._follow(config)
        self._feed(Reconfigured(monotonic(), config))
        if self._own is not None:
            self._own.tidy()
        if self._teller is not None and self._teller.wants_states:
            self._clear_desk()
            self._teller.states(self._router.snapshot())

    async def stop(self) -> None:
        """Say goodbye and take the addresses away, unless told to leave them."""
        if self._trackers is not None:
            self._trackers.stop()
        if not self._host.options.dont_release_vrrp:
            self._feed(StopRequested(monotonic()))
        self._timer.arm(None)
        self._clear_desk()
        if self._teller is not None:
            await self._teller.settle()
        if self._reports is not None:
            self._reports.restore()
        if self._host.options.dont_release_vrrp:
            return
        if self._guard is not None:
            self._guard.stop()
        if self._own is not None:
            self._own.stop()

    def _have_guard(self, config: Config, previous: VrrpSnapshot | None) -> None:
        """Firewall rules, where something needs them."""
        if self._guard is None:
            if all(instance.accept and not instance.vmacs for instance in config.vrrp_instances):
                return
            from pyvrrp.daemon.guard import Guard
            from pyvrrp.kernel.nftables import LinuxFirewall

            given = self._firewall
            self._guard = Guard(LinuxFirewall if given is None else lambda: given, self._host)
            self._guard.watch()
            if previous is not None:
                self._guard.resume(previous)
        self._guard.configure(config, self._own)

    def _with_devices(self, config: Config) -> Config:
        """Make what instances have of their own; the configuration with the names that it got."""
        if self._own is None and not any(i.vmacs or i.promote_secondaries for i in config.vrrp_instances):
            return config
        return self._devices_of_own().configure(config)

    def _devices_of_own(self) -> Devices:
        if self._own is None:
            from pyvrrp.daemon.devices import Devices
            from pyvrrp.kernel.sysctl import LinuxSysctls
            from pyvrrp.kernel.vmacs import LinuxVmacs

            vmacs = LinuxVmacs() if self._vmacs is None else self._vmacs
            sysctls = LinuxSysctls() if self._sysctls is None else self._sysctls
            self._own = Devices(vmacs, sysctls, self._host, self._look_again)
        return self._own

    def _look_again(self, name: str) -> None:
        if name in self._devices:
            self._interface_changed(name, self._devices[name])

    def _look_and_tell(self, config: Config) -> None:
        """Track and tell what the configuration names; where it names nothing, nothing is loaded for it."""
        if self._teller is None and tells(config):
            from pyvrrp.daemon.vrrp_teller import VrrpTeller

            self._teller = VrrpTeller(self._host)
        if self._teller is not None:
            self._teller.configure(config)
        if self._trackers is None and tracks(config):
            from pyvrrp.daemon.vrrp_trackers import Trackers

            start = partial(self._start_command, listen=True)
            self._trackers = Trackers(start, self._host.log, self._feed, self._interfaces.get)
        if self._trackers is not None:
            self._trackers.run(config)

    def _follow(self, config: Config) -> None:
        """Move the connection synchronisation of IPVS with its instance, where one is configured."""
        ipvs = config.global_defs.ipvs
        if self._sync is None and (ipvs is None or ipvs.lvs_sync_daemon is None):
            return
        from pyvrrp.daemon.sync_follower import SyncFollower, followed

        if self._sync is None:
            from pyvrrp.kernel.ipvs import LinuxIpvs
            from pyvrrp.kernel.netns import place

            self._sync = SyncFollower(LinuxIpvs(place(ipvs.net_namespace_ipvs if ipvs else None)), self._host.log)
        self._sync.configure(followed(config))

    def _start_command(self, command: Command, *, listen: bool = False) -> Process:
        from pyvrrp.kernel.processes import start

        return start(command, self._config.global_defs.scripts, listen=listen)

    def snapshot(self, *, full: bool = True) -> VrrpSnapshot:
        if self._listening.look_at is not None:
            self._read_packets()
        found = self._router.snapshot()
        if self._own is not None:
            found = replace(found, devices=self._own.snapshot())
        return found if self._trackers is None else replace(found, trackers=self._trackers.snapshot())

    @property
    def machine(self) -> Router:
        return self._router

    def hear_through(self, handle: Callable[[Event], list[Action]]) -> None:
        self._handle = handle

    # What happens.

    def _read_packets(self) -> None:
        self._listening.read()
        self._arm()

    def _received(
        self,
        at: Micros,
        interface: str,
        source: Address,
        destination: Address,
        ttl: int,
        payload: bytes,
        protocol: int = IPPROTO_VRRP,
        identification: int = 0,
    ) -> None:
        self._act(DatagramReceived(at, interface, source, destination, ttl, payload, protocol, identification))

    def _tell_time(self) -> None:
        """auth_hmac signs what the wall clock says; it may be set at any moment."""
        at = monotonic()
        ahead = time.time_ns() // 1000 - at
        if abs(ahead - self._ahead) > MILLISECOND:
            self._ahead = ahead
            self._handle(WallClock(at, at + ahead))

    def _seen(self, name: str, facts: InterfaceFacts) -> InterfaceFacts:
        facts = without_virtual(facts, self._virtual)
        return facts if self._own is None else self._own.seen(name, facts, self._devices)

    def _interface_changed(self, name: str, facts: InterfaceFacts | None) -> None:
        if self._own is not None and self._own.noticed(name, facts):
            return
        if facts is None:
            self._devices.pop(name, None)
            self._interfaces.pop(name, None)
        else:
            self._devices[name] = facts
            facts = self._seen(name, facts)
            if self._interfaces.get(name) == facts:
                return  # our own doing: each of a thousand addresses is announced to us
            self._interfaces[name] = facts
        self._open_sockets()
        if facts is not None and self._trackers is not None:
            facts = self._trackers.link(name, facts)
        self._feed(InterfaceChanged(monotonic(), name, facts))

    def _address_removed(self, dev: str, address: Address) -> None:
        self._feed(AddressRemoved(monotonic(), dev, address))

    def _wake(self) -> None:
        """The timer rang: because a deadline has come, is near, or was near before an advertisement moved it."""
        self._armed = None
        look_at = self._listening.look_at
        if look_at is not None and look_at <= monotonic():
            self._listening.read()
        due, now = self._router.deadline(), monotonic()
        if due is None or now < due:
            if due is not None and self._router.takeover_is_next and due - now <= _LEAD:
                self._rehearse(1)
        else:
            # Where all are MASTER nobody waits for an advertisement, and a flood need not delay ours. But whoever
            # was stalled first finds out what happened meanwhile.
            if now - due > _STALLED or not self._listening.all_masters:
                self._drain()
            self._feed(TimePassed(monotonic()))
        self._arm()

    def _drain(self) -> None:
        """Take in what arrived before this moment."""
        if self._poll.poll(0):
            self._links.read()
        self._listening.drain()

    def _arm(self) -> None:
        """Have the timer ring in time for the deadline, and a little earlier for a takeover, to be warm by then.

        A deadline that moved away, as a backup's does with each advertisement, is left to the ring that is set.
        """
        due = self._router.not_before
        if due is not None and self._router.takeover_is_next and monotonic() < due - _LEAD:
            due -= _LEAD
        due = earliest(due, self._listening.look_at)
        if self._armed is None or (due is not None and due < self._armed):
            self._armed = due
            self._timer.arm(due)

    # What is to be done.

    def _feed(self, event: Event) -> None:
        """Give the router an event and do what it answers, and so on with what comes of that."""
        self._act(event)
        self._arm()

    def _act(self, event: Event) -> None:
        if self._needs_clock:
            self._tell_time()
        actions = self._handle(event)
        if actions:
            # Anybody can send us packets.
            tell = self._throttle if isinstance(event, DatagramReceived) else self._host.log
            for refusal in self._perform(actions, tell):
                self._perform(self._handle(refusal), self._host.log)

    def _perform(self, actions: list[Action], tell: Tell) -> list[KernelRefused]:
        """All advertisements, then all addresses in one batch, then what announces them, and paperwork last.

        Of one kind in the order given. A thousand instances that move at once must not wait for each other's
        addresses, nor any for a log.
        """
        gone: list[RemoveAddresses] = []
        come: list[AddAddresses] = []
        routing: list[AddRouting | RemoveRouting] = []
        bursts: list[SendGratuitousArps] = []
        paperwork: list[Report] = []
        for action in actions:
            match action:
                case SendAdvert():
                    self._send(action)
                case AddAddresses():
                    come.append(action)
                case AddRouting() | RemoveRouting():
                    routing.append(action)
                case RemoveAddresses():
                    gone.append(action)
                case SendGratuitousArps():
                    bursts.append(action)
                case ReportTransition() | ReportGroup() | ReportLowerPriority() | ReportPriority() | Log():
                    paperwork.append(action)
                case _:
                    assert_never(action)
        for action in gone:
            self._announcer.forget(action.instance)
        refusals: list[KernelRefused] = []
        if routing:
            refusals += self._route(RemoveRouting, routing)
        refusals += [refusal for refusal, fault in _each(gone, self._addresses.remove) if fault not in _EXPECTED]
        if self._guard is not None:
            self._guard.leave(gone)
            self._guard.take(come)
        refusals += [refusal for refusal, _ in _each(come, self._addresses.add)]
        if routing:
            refusals += self._route(AddRouting, routing)
        # Each address once before any is repeated.
        for burst in bursts:
            self._announcer.burst(burst.instance, burst.addresses, 1)
        for burst in bursts:
            self._announcer.burst(burst.instance, burst.addresses, burst.repeat - 1)
        self._listening.note(entry.transition for entry in paperwork if isinstance(entry, ReportTransition))
        idle = not self._desk
        self._desk.extend((entry, tell) for entry in paperwork)
        if idle:
            self._work_off()
        return refusals

    def _route(
        self, kind: type[AddRouting | RemoveRouting], actions: Iterable[AddRouting | RemoveRouting]
    ) -> list[KernelRefused]:
        """Add or remove routes and rules, all of one kind in one go."""
        entries = {entry: action.instance for action in actions if isinstance(action, kind) for entry in action.entries}
        if not entries:
            return []
        if self._routing is None:
            self._watch_routing()
        assert self._routing is not None
        apply = self._routing.add if kind is AddRouting else self._routing.remove
        refused = apply(list(entries))
        return [
            KernelRefused(monotonic(), entries[entry], str(error), (entry,))
            for entry, error in refused
            if kind is AddRouting or error.fault not in _EXPECTED
        ]

    def _watch_routing(self) -> None:
        """From now on somebody else's removals are noticed."""
        if self._routing is None:
            from pyvrrp.kernel.routing import LinuxRouting

            self._routing = LinuxRouting()
        descriptor = self._routing.watch(self._routing_removed)
        asyncio.get_running_loop().add_reader(descriptor, self._routing.read)

    def _routing_removed(self) -> None:
        assert self._routing is not None
        wanted: list[Route | Rule] = [*self._config.static_routes, *self._config.static_rules]
        for instance in self._config.vrrp_instances:
            wanted += (*instance.virtual_routes, *instance.virtual_rules)
        missing = frozenset(wanted).difference(self._routing.present(wanted))
        self._feed(RoutingRemoved(monotonic(), missing))

    def _work_off(self) -> None:
        """Some of the paperwork, the rest when the loop has looked at everything else."""
        for _ in range(min(_PAPERS, len(self._desk))):
            self._tell(*self._desk.popleft())
        if self._desk:
            asyncio.get_running_loop().call_soon(self._work_off)

    def _clear_desk(self) -> None:
        while self._desk:
            self._tell(*self._desk.popleft())

    def _tell(self, entry: Report, tell: Tell) -> None:
        match entry:
            case Log(level, text):
                tell(level, text)
            case ReportTransition(transition):
                self._report(transition)
            case ReportGroup(name, state):
                if self._teller is not None:
                    self._teller.group(name, state)
            case ReportLowerPriority(name, priority):
                if self._teller is not None:
                    self._teller.lower_priority(name, priority)
            case ReportPriority(name, state, priority):
                if self._teller is not None:
                    self._teller.priority(name, state, priority)
            case _:
                assert_never(entry)

    def _send(self, action: SendAdvert) -> None:
        try:
            self._packets.send(
                action.interface,
                action.source,
                action.destinations,
                action.message,
                action.identification,
                action.ttl,
                action.protocol,
            )
        except KernelError as error:
            if action.instance not in self._mute:
                self._mute.add(action.instance)
                level = Level.DEBUG if error.fault in _EXPECTED else Level.WARNING
                self._host.log(level, f"({action.instance}) {error}")
        else:
            if action.instance in self._mute:
                self._mute.discard(action.instance)
                self._host.log(Level.INFO, f"({action.instance}) advertisements go out again")

    def _announce(self, instance: str, address: VirtualAddress) -> None:
        facts = self._interfaces.get(address.dev)
        if facts is None or not facts.arp:
            return
        try:
            self._packets.announce(address.dev, address.address)
        except KernelError as error:
            self._host.log(Level.DEBUG, f"({instance}) {error}")

    def _report(self, transition: Transition) -> None:
        """keepalived's line, and before it why."""
        name = transition.instance
        reason = f"{transition.cause.value}: {transition.detail}" if transition.detail else transition.cause.value
        self._host.log(Level.INFO, f"({name}) {reason}")
        suffix = " (init)" if transition.old == State.INIT.name and transition.new == State.BACKUP.name else ""
        self._host.log(Level.NOTICE, f"({name}) Entering {transition.new} STATE{suffix}")
        if self._teller is not None:
            self._teller.instance(name, transition.new, transition.priority, transition.old, reason)
        if self._sync is not None:
            self._sync.entered(name, transition.new)
        self._host.changed()

    def _open_sockets(self) -> None:
        if self._own is not None:
            self._own.lend(self._interfaces, self._virtual)
        if self._guard is not None:
            self._guard.refresh(self._own)
        self._needs_clock = any(instance.auth_hmac is not None for instance in self._config.vrrp_instances)
        self._listening.open(self._config, self._interfaces, self._virtual)


def _virtual(config: Config) -> frozenset[Address]:
    return frozenset(a.address for instance in config.vrrp_instances for a in instance.addresses)


def _each(
    actions: Sequence[AddAddresses | RemoveAddresses],
    apply: Callable[[Sequence[VirtualAddress]], list[tuple[VirtualAddress, KernelError]]],
) -> Iterator[tuple[KernelRefused, KernelFault]]:
    """Do all of them in one go; what was refused, and which kind of refusal it was."""
    if not actions:
        return
    refused = apply([address for action in actions for address in action.addresses])
    for address, error in refused:
        whose = next(action.instance for action in actions if address in action.addresses)
        yield KernelRefused(monotonic(), whose, str(error), (address,)), error.fault
