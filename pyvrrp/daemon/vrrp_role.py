"""The vrrp worker's job: gives the router its events and does what it answers.

Two rules keep a director that was stalled from doing harm: before a deadline is judged all datagrams that
arrived before it are read, and the interfaces too. Whoever slept finds the master's advertisements in the
socket buffer and stays what he is.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pyvrrp.core.vrrp.actions import (
    Action,
)
from pyvrrp.core.vrrp.events import (
    AddressRemoved,
    DatagramReceived,
    Event,
    InterfaceChanged,
    InterfaceFacts,
    Reconfigured,
    Started,
    StopRequested,
    TimePassed,
    WallClock,
)
from pyvrrp.core.vrrp.garp import earliest
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.core.vrrp.surroundings import without_virtual
from pyvrrp.daemon.listening import Listening
from pyvrrp.daemon.paperwork import Paperwork
from pyvrrp.daemon.performer import Performer
from pyvrrp.daemon.role import Host
from pyvrrp.daemon.throttle import Throttle
from pyvrrp.daemon.vrrp_needs import changes, tracks
from pyvrrp.kernel.api import Addresses, Links, Packets
from pyvrrp.kernel.ledger import files as ledgers
from pyvrrp.kernel.timer import Timer, monotonic
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import State
from pyvrrp.net import IPPROTO_VRRP, Address
from pyvrrp.observe.codec import in_pieces, whole
from pyvrrp.units import MILLISECOND, Micros

if TYPE_CHECKING:
    from pyvrrp.daemon.devices import Devices
    from pyvrrp.daemon.vrrp_trackers import Trackers
    from pyvrrp.kernel.processes import Process
    from pyvrrp.model.scripts import Command

_REHEARSALS: Final = 20
"""CPython specialises a function after some eight calls."""

_LEAD: Final = MILLISECOND
"""So long before a takeover the worker wakes up and rehearses it."""

_WARM: Final = 20 * MILLISECOND
"""So long after it the last rehearsal, or the last deadline, is still good."""

_QUIET: Final = 0.005
"""Seconds after which we look again for a moment in which nothing is due."""

_SETTLED: Final = 0.1
"""Seconds after addresses came: more of the same device's may follow, and each look reads all it has."""

_STALLED: Final = 20 * MILLISECOND


class VrrpRole:
    """`role.Role[VrrpSnapshot]`. The kernel's parts are Linux's, or what stands for them in a test."""

    def __init__(
        self,
        host: Host,
        links: Links | None = None,
        addresses: Addresses | None = None,
        packets: Packets | None = None,
    ) -> None:
        from pyvrrp.kernel.addresses import LinuxAddresses
        from pyvrrp.kernel.links import LinuxLinks
        from pyvrrp.kernel.packets import LinuxPackets

        self._host = host
        if addresses is None:
            addresses = linux = LinuxAddresses()
            links = links or LinuxLinks(linux.port)
        self._links: Links = LinuxLinks() if links is None else links
        self._packets: Packets = LinuxPackets() if packets is None else packets
        self._own: Devices | None = None
        """Where an instance has devices of its own."""
        self._timer = Timer()
        self._armed: Micros | None = None
        self._poll = select.poll()
        self._listening = Listening(self._packets, host, self._received)
        self._throttle = Throttle(host.log)
        self._devices: dict[str, InterfaceFacts] = {}
        self._interfaces: dict[str, InterfaceFacts] = {}
        """The same, without the addresses that come and go with mastership."""
        self._trackers: Trackers | None = None
        """Only where there is something to track."""
        self._paperwork = Paperwork(host, self._pressed)
        self._performer = Performer(
            host,
            addresses,
            self._packets,
            self._interfaces,
            self._paperwork,
            self._addresses_added,
            self._listening.note,
            self._feed,
        )
        self._catching_up = False
        self._leaving = False
        """May instances that go still have something to say?"""
        self._warm_until: Micros = 0
        self._needs_clock = False
        self._ahead: Micros = 0

    def start(self, config: Config, previous: VrrpSnapshot | None) -> None:
        """Look at the interfaces, open the sockets, begin. KernelError if that is not allowed at all."""
        loop = asyncio.get_running_loop()
        if previous is not None and previous.devices is not None:
            self._devices_of_own().resume(previous.devices)
        elif ledgers():
            self._devices_of_own()
        config = self._config = self._with_devices(config)
        self._have_guard(config, previous)
        self._router = Router(config)
        self._performer.configure(config)
        masters = self._router.resume(previous) if previous is not None else frozenset[str]()
        self._handle = self._host.begun(self._router, config if previous is None else None)
        at = monotonic()
        self._virtual = _virtual(config)
        for name, facts in self._links.dump().items():
            self._devices[name] = facts
        for name, facts in self._devices.items():
            self._interfaces[name] = self._seen(name, facts)
            self._handle(InterfaceChanged(at, name, self._interfaces[name]))
        self._open_sockets()
        self._links_descriptor = self._links.watch(self._interface_changed, self._address_removed)
        loop.add_reader(self._links_descriptor, self._links.read)
        self._listening.wake(loop, self._read_packets)
        self._poll.register(self._links_descriptor, select.POLLIN)
        loop.add_reader(self._timer.fileno(), self._wake)
        self._paperwork.configure(config)
        self._track(config)
        self._rehearse(_REHEARSALS)
        self._feed(Started(monotonic(), masters))
        if self._own is not None:
            self._own.tidy()

    def _rehearse(self, times: int) -> None:
        """Play a takeover without performing it: code that has just run, and often, is several times as fast."""
        config = replace(self._config, vrrp_instances=self._config.vrrp_instances[:1], vrrp_sync_groups=())
        at = monotonic()
        actions: list[Action] = []
        for _ in range(times):
            router = Router(config)
            for name, facts in self._interfaces.items():
                router.handle(InterfaceChanged(at, name, facts))
            router.handle(Started(at))
            if (due := router.deadline()) is not None:
                actions = router.handle(TimePassed(due))
        self._performer.rehearse(actions)

    def reload(self, config: Config) -> None:
        config = self._config = self._with_devices(config)
        self._have_guard(config, None)
        self._performer.configure(config)
        self._virtual = _virtual(config)
        self._leaving = True
        if self._own is not None:
            self._links.read()  # of those that were made right now
        for name, facts in self._devices.items():
            self._interface_changed(name, facts)
        self._open_sockets()
        self._paperwork.configure(config)
        self._track(config)
        self._feed(Reconfigured(monotonic(), config))
        self._leaving = False
        if self._listening.surplus:
            self._open_sockets()
        self._listening.know(one.config.name for one in self._router.machines if one.state is State.MASTER)
        if self._own is not None:
            self._own.tidy()
        self._paperwork.reloaded(self._router.snapshot)

    async def stop(self) -> None:
        """Say goodbye and take the addresses away, unless told to leave them."""
        if self._trackers is not None:
            self._trackers.stop()
        if not self._host.options.dont_release_vrrp:
            self._feed(StopRequested(monotonic()))
        self._timer.arm(None)
        await self._paperwork.stop()
        if self._host.options.dont_release_vrrp:
            return
        if self._performer.guard is not None:
            self._performer.guard.stop()
        if self._own is not None:
            self._own.stop()

    def _have_guard(self, config: Config, previous: VrrpSnapshot | None) -> None:
        """Firewall rules, where something needs them."""
        guard = self._performer.guard
        if guard is None:
            if all(instance.accept and not instance.vmacs for instance in config.vrrp_instances):
                return
            from pyvrrp.daemon.guard import Guard
            from pyvrrp.kernel.nftables import LinuxFirewall

            guard = self._performer.guard = Guard(LinuxFirewall, self._host)
            guard.watch()
            if previous is not None:
                guard.resume(previous)
        guard.configure(config, self._own)

    def _with_devices(self, config: Config) -> Config:
        """Make what instances have of their own; the configuration with the names that it got."""
        if self._own is None and not changes(config):
            return config
        return self._devices_of_own().configure(config)

    def _devices_of_own(self) -> Devices:
        if self._own is None:
            from pyvrrp.daemon.devices import Devices

            self._own = Devices(self._host, self._look_again)
        return self._own

    def _look_again(self, name: str) -> None:
        if name in self._devices:
            self._interface_changed(name, self._devices[name])

    def _track(self, config: Config) -> None:
        """Track what the configuration names; where it names nothing, nothing is loaded for it."""
        if self._trackers is None and tracks(config):
            from pyvrrp.daemon.vrrp_trackers import Trackers

            self._trackers = Trackers(self._start_command, self._host.log, self._feed, self._interfaces.get)
        if self._trackers is not None:
            self._trackers.run(config)

    def _start_command(self, command: Command) -> Process:
        from pyvrrp.kernel.processes import start

        return start(command, self._config.global_defs.scripts, listen=True, mortal=True)

    def pieces(self, *, full: bool) -> Iterator[str]:
        if self._listening.look_at is not None:
            self._read_packets()
        outline = self._router.outline()
        if self._own is not None:
            outline = replace(outline, devices=self._own.snapshot())
        if self._trackers is not None:
            outline = replace(outline, trackers=self._trackers.snapshot())
        return in_pieces(outline, instances=((whole(instance),) for instance in self._router.instances()))

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
        lost: int = 0,
    ) -> None:
        self._act(DatagramReceived(at, interface, source, destination, ttl, payload, protocol, identification, lost))

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

    def _addresses_added(self, devices: Iterable[str]) -> None:
        """By ourselves: to be looked at when there is time."""
        self._links.touch(devices)
        if not self._catching_up:
            self._catching_up = True
            asyncio.get_running_loop().call_later(_SETTLED, self._catch_up)

    def _catch_up(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pressed():
            loop.call_later(_QUIET, self._catch_up)
        elif self._links.catch_up():
            loop.call_soon(self._catch_up)
        else:
            self._catching_up = False
            self._arm()

    def _address_removed(self, dev: str, address: Address) -> None:
        self._feed(AddressRemoved(monotonic(), dev, address))

    def _wake(self) -> None:
        """The timer rang: because a deadline has come, is near, or was near before an advertisement moved it."""
        self._armed = None
        look_at = self._listening.look_at
        if look_at is not None and look_at <= monotonic():
            self._listening.read()
        due, now = self._router.not_before, monotonic()
        if due is not None and now >= due - _LEAD:  # else what advertisements moved need not be looked at
            due, now = self._router.deadline(), monotonic()
        if due is None or now < due:
            if due is not None and self._router.takeover_is_next and due - now <= _LEAD and now > self._warm_until:
                self._rehearse(1)
                self._warm_until = now + _WARM
        else:
            # Where all are MASTER nobody waits for an advertisement, and a flood need not delay ours. But whoever
            # was stalled first finds out what happened meanwhile.
            if now - due > _STALLED or not self._listening.all_masters:
                self._drain()
            self._feed(TimePassed(monotonic()))
            if now - due > _STALLED:
                self._host.late(now - due)
            self._warm_until = now + _WARM
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

    def _pressed(self) -> bool:
        """Has a deadline come while something less urgent was done?"""
        due = self._router.not_before
        return due is not None and due <= monotonic()

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
            for refusal in self._performer.perform(actions, tell):
                self._performer.perform(self._handle(refusal), self._host.log)

    def _open_sockets(self) -> None:
        if self._own is not None:
            self._own.lend(self._interfaces, self._virtual)
        if self._performer.guard is not None:
            self._performer.guard.refresh(self._own)
        self._needs_clock = any(instance.auth_hmac is not None for instance in self._config.vrrp_instances)
        self._listening.open(self._config, self._interfaces, self._virtual, keep=self._leaving)


def _virtual(config: Config) -> frozenset[Address]:
    return frozenset(a.address for instance in config.vrrp_instances for a in instance.addresses)
