"""Performs the router's actions: packets, addresses, routes and rules, announcements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from pyvrrp.core.vrrp.events import InterfaceFacts, KernelRefused, RoutingRemoved
from pyvrrp.core.vrrp.snapshot import Transition
from pyvrrp.daemon.announcer import Announcer
from pyvrrp.daemon.paperwork import Paperwork, Tell
from pyvrrp.daemon.role import Host
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.api import Addresses, Packets
from pyvrrp.kernel.timer import monotonic
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import VirtualAddress

if TYPE_CHECKING:
    from pyvrrp.daemon.guard import Guard
    from pyvrrp.kernel.routing import LinuxRouting
    from pyvrrp.model.routing import Route, Rule

_EXPECTED: Final = frozenset({KernelFault.ABSENT})
"""Refusals while a device is going: the monitor tells the same story, and the machine acts on that."""


class Performer:
    """Does what the router answers. Refusals of the kernel come back as events."""

    def __init__(
        self,
        host: Host,
        addresses: Addresses,
        packets: Packets,
        interfaces: Mapping[str, InterfaceFacts],
        paperwork: Paperwork,
        added: Callable[[Iterable[str]], None],
        moved: Callable[[Iterable[Transition]], None],
        feed: Callable[[RoutingRemoved], None],
    ) -> None:
        """`added` is told of devices that got addresses, `moved` of instances that changed state, `feed` of routing
        that somebody else removed."""
        self._host = host
        self._addresses = addresses
        self._packets = packets
        self._routing: LinuxRouting | None = None
        """Made when there is something for it to do."""
        self._interfaces = interfaces
        self._paperwork = paperwork
        self._added = added
        self._moved = moved
        self._feed = feed
        self.guard: Guard | None = None
        """Where an instance needs firewall rules."""
        self._announcer = Announcer(self._announce, paperwork.pressed)
        self._mute: set[str] = set()
        """Instances whose last advertisement the kernel refused."""
        self._refused: set[VirtualAddress] = set()
        """Addresses that it did not take: whoever announced them would draw what he drops."""

    def configure(self, config: Config) -> None:
        self._config = config
        self._addresses.rehearse([address for instance in config.vrrp_instances for address in instance.addresses])
        self._announcer.configure(config)

    def rehearse(self, actions: Iterable[Action]) -> None:
        """Be as quick as may be when they are to be performed."""
        come = [action for action in actions if isinstance(action, AddAddresses)]
        self._addresses.rehearse([address for action in come for address in action.addresses])

    def perform(self, actions: list[Action], tell: Tell) -> list[KernelRefused]:
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
        if gone:
            self._announcer.forget({action.instance for action in gone})
        refusals: list[KernelRefused] = []
        if routing:
            refusals += self._route(RemoveRouting, routing)
        refusals += [refusal for refusal, fault in _each(gone, self._addresses.remove) if fault not in _EXPECTED]
        if self.guard is not None:
            self.guard.leave(gone)
            self.guard.take(come)
        if come:
            refused = [refusal for refusal, _ in _each(come, self._addresses.add)]
            if self._refused:
                self._refused.difference_update(address for action in come for address in action.addresses)
            self._refused.update(a for refusal in refused for a in refusal.about if isinstance(a, VirtualAddress))
            refusals += refused
            self._added({address.dev for action in come for address in action.addresses})
        if routing:
            refusals += self._route(AddRouting, routing)
        if bursts:
            self._announcer.announce(bursts)
        if paperwork:
            self._moved(entry.transition for entry in paperwork if isinstance(entry, ReportTransition))
            self._paperwork.put(paperwork, tell)
        return refusals

    def _route(
        self, kind: type[AddRouting | RemoveRouting], actions: Iterable[AddRouting | RemoveRouting]
    ) -> list[KernelRefused]:
        """Add or remove routes and rules, all of one kind in one go."""
        entries = {entry: action.instance for action in actions if isinstance(action, kind) for entry in action.entries}
        if not entries:
            return []
        routing = self._own_routing()
        apply = routing.add if kind is AddRouting else routing.remove
        refused = apply(list(entries))
        return [
            KernelRefused(monotonic(), entries[entry], str(error), (entry,))
            for entry, error in refused
            if kind is AddRouting or error.fault not in _EXPECTED
        ]

    def _own_routing(self) -> LinuxRouting:
        """From its first use on somebody else's removals are noticed."""
        if self._routing is None:
            from pyvrrp.kernel.routing import LinuxRouting

            self._routing = LinuxRouting()
            descriptor = self._routing.watch(self._routing_removed)
            asyncio.get_running_loop().add_reader(descriptor, self._routing.read)
        return self._routing

    def _routing_removed(self) -> None:
        assert self._routing is not None
        wanted: list[Route | Rule] = [*self._config.static_routes, *self._config.static_rules]
        for instance in self._config.vrrp_instances:
            wanted += (*instance.virtual_routes, *instance.virtual_rules)
        missing = frozenset(wanted).difference(self._routing.present(wanted))
        self._feed(RoutingRemoved(monotonic(), missing))

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
        if facts is None or not facts.arp or (self._refused and address in self._refused):
            return
        try:
            self._packets.announce(address.dev, address.address)
        except KernelError as error:
            self._host.log(Level.DEBUG, f"({instance}) {error}")


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
