"""A kernel in memory: the twin of the Linux classes, for tests of everything above this room.

It keeps devices and addresses, records what it is asked, refuses what it is told to refuse, and carries datagrams over
a `Segment` to other fakes. Its descriptors are real (eventfd), so an event loop can wait on them.

    left, right = FakeKernel({"eth0": facts}), FakeKernel({"eth0": other})
    wire = Segment()
    wire.connect(left, "eth0")
    wire.connect(right, "eth0")
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.errors import KernelError
from pyvrrp.kernel.api import Received
from pyvrrp.kernel.links import Changed, Removed
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.kernel.timer import monotonic
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import IPPROTO_AH, IPPROTO_VRRP, VRRP_TTL, Address
from pyvrrp.units import Micros


class Verb(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    OPEN = "open"
    CLOSE = "close"
    SEND = "send"
    ANNOUNCE = "announce"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that was done, refused ones excluded."""

    verb: Verb
    dev: str
    address: Address | None = None
    """The virtual address, the group, the destination or the announced address; None with CLOSE."""
    message: bytes = b""
    protocol: int = IPPROTO_VRRP


class Bell:
    """A descriptor that is readable while something waits."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def ring(self) -> None:
        os.eventfd_write(self.descriptor, 1)

    def still(self) -> None:
        try:
            os.eventfd_read(self.descriptor)
        except BlockingIOError:
            return


class FakeKernel:
    """One machine: `links`, `addresses` and `packets` implement the Protocols of `kernel.api`."""

    def __init__(self, devices: Mapping[str, InterfaceFacts]) -> None:
        self.devices = dict(devices)
        self.virtual: dict[tuple[str, Address], VirtualAddress] = {}
        """What was added and is there now, by device and address."""
        self.operations: list[Operation] = []
        self.segments: dict[str, Segment] = {}
        self._refusals: dict[tuple[Verb, str | None], int] = {}
        self.links = FakeLinks(self)
        self.addresses = FakeAddresses(self)
        self.packets = FakePackets(self)

    def close(self) -> None:
        """Closes the descriptors."""
        os.close(self.links.bell.descriptor)
        os.close(self.packets.bell.descriptor)

    def refuse(self, verb: Verb, number: int, dev: str | None = None) -> None:
        """From now on answer `verb` (on `dev`, or on all devices) with errno `number`; 0 allows it again."""
        self._refusals[verb, dev] = number

    def perform(self, operation: Operation) -> None:
        """Record it, or raise the refusal that was asked for, or KernelError(ABSENT) without such a device."""
        number = self._refusals.get((operation.verb, operation.dev)) or self._refusals.get((operation.verb, None), 0)
        if operation.dev not in self.devices and operation.verb not in (Verb.CLOSE, Verb.REMOVE):
            number = errno.ENODEV
        if number:
            raise kernel_error(number, f"{operation.verb.value} {operation.address} on {operation.dev}")
        self.operations.append(operation)

    def done(self, verb: Verb) -> list[Operation]:
        """The operations of one kind, in order."""
        return [operation for operation in self.operations if operation.verb is verb]

    def set_device(self, name: str, facts: InterfaceFacts | None) -> None:
        """A device appears, changes or goes (None, with all its addresses); the watcher is told at its next read."""
        old = self.devices.pop(name, None)
        if facts is not None:
            self.devices[name] = facts
        self.links.changed(name, facts)
        left = facts.addresses if facts is not None else ()
        for address in old.addresses if old is not None else ():
            if address not in left:
                self.virtual.pop((name, address), None)
                self.links.removed(name, address)

    def set_up(self, name: str, up: bool) -> None:
        """Plug or pull the cable."""
        self.set_device(name, replace(self.devices[name], up=up))

    def take_address(self, dev: str, address: Address) -> None:
        """Somebody else removes an address."""
        facts = self.devices[dev]
        if address in facts.addresses:
            self.set_device(dev, replace(facts, addresses=tuple(a for a in facts.addresses if a != address)))

    def put_address(self, dev: str, address: Address) -> None:
        """Somebody else adds an address, last in order."""
        facts = self.devices[dev]
        if address not in facts.addresses:
            self.set_device(dev, replace(facts, addresses=(*facts.addresses, address)))


class FakeLinks:
    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel
        self._waiting: deque[Callable[[Changed, Removed], None]] = deque()
        self._listener: tuple[Changed, Removed] | None = None
        self.bell = Bell()

    def changed(self, name: str, facts: InterfaceFacts | None) -> None:
        self._tell(lambda changed, _: changed(name, facts))

    def removed(self, name: str, address: Address) -> None:
        self._tell(lambda _, removed: removed(name, address))

    def _tell(self, news: Callable[[Changed, Removed], None]) -> None:
        if self._listener is not None:
            self._waiting.append(news)
            self.bell.ring()

    def dump(self) -> Mapping[str, InterfaceFacts]:
        return dict(self._kernel.devices)

    def watch(self, changed: Changed, removed: Removed) -> int:
        self._listener = changed, removed
        return self.bell.descriptor

    def read(self) -> None:
        self.bell.still()
        while self._waiting and self._listener is not None:
            self._waiting.popleft()(*self._listener)

    def touch(self, devices: Iterable[str]) -> None:
        pass  # tells of each address as it comes

    def catch_up(self) -> bool:
        return False


class FakeAddresses:
    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel

    def rehearse(self, addresses: Sequence[VirtualAddress]) -> None:
        pass

    def add(self, addresses: Sequence[VirtualAddress]) -> list[tuple[VirtualAddress, KernelError]]:
        refused: list[tuple[VirtualAddress, KernelError]] = []
        for virtual in addresses:
            try:
                self._kernel.perform(Operation(Verb.ADD, virtual.dev, virtual.address))
            except KernelError as error:
                refused.append((virtual, error))
            else:
                self._kernel.virtual[virtual.dev, virtual.address] = virtual
                self._kernel.put_address(virtual.dev, virtual.address)
        return refused

    def remove(self, addresses: Sequence[VirtualAddress]) -> list[tuple[VirtualAddress, KernelError]]:
        refused: list[tuple[VirtualAddress, KernelError]] = []
        for virtual in addresses:
            try:
                self._kernel.perform(Operation(Verb.REMOVE, virtual.dev, virtual.address))
            except KernelError as error:
                refused.append((virtual, error))
            else:
                if virtual.dev in self._kernel.devices:
                    self._kernel.take_address(virtual.dev, virtual.address)
        return refused

    def present(self, addresses: Iterable[VirtualAddress]) -> list[VirtualAddress]:
        devices = self._kernel.devices
        return [v for v in addresses if v.dev in devices and v.address in devices[v.dev].addresses]


class FakePackets:
    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel
        self._open: dict[tuple[str, Address, int], frozenset[int]] = {}
        self._waiting: deque[tuple[Micros, str, Address, Address, int, bytes, int, int]] = deque()
        self.bell = Bell()

    def open(
        self,
        interface: str,
        index: int,
        group: Address,
        virtual_router_ids: Iterable[int],
        protocol: int = IPPROTO_VRRP,
        buffer: int | None = None,
    ) -> None:
        self._kernel.perform(Operation(Verb.OPEN, interface, group, protocol=protocol))
        self._open[interface, group, protocol] = frozenset(virtual_router_ids)

    def close(self, interface: str) -> None:
        self._kernel.perform(Operation(Verb.CLOSE, interface))
        self._open = {key: ids for key, ids in self._open.items() if key[0] != interface}

    def arrive(
        self,
        interface: str,
        source: Address,
        destination: Address,
        ttl: int,
        payload: bytes,
        protocol: int = IPPROTO_VRRP,
        identification: int = 0,
    ) -> None:
        """A datagram comes in; it waits if a socket is open for it and its virtual router."""
        facts = self._kernel.devices.get(interface)
        wanted = self._open.get((interface, destination, protocol), frozenset())
        router = payload[25 if protocol == IPPROTO_AH else 1 :][:1]
        if facts is not None and facts.up and router and router[0] in wanted:
            self._waiting.append((monotonic(), interface, source, destination, ttl, payload, protocol, identification))
            self.bell.ring()

    def receive(self, received: Received) -> int:
        self.bell.still()
        count = len(self._waiting)
        for _ in range(count):
            received(*self._waiting.popleft(), 0)
        return count

    def filenos(self) -> Sequence[int]:
        return (self.bell.descriptor,)

    def relax(self, interface: str, group: Address, *, relaxed: bool) -> None:
        """It wakes for everything."""

    relaxed = False

    def send(
        self,
        interface: str,
        source: Address,
        destinations: Sequence[Address],
        message: bytes,
        identification: int,
        ttl: int | None = VRRP_TTL,
        protocol: int = IPPROTO_VRRP,
    ) -> None:
        hops = 64 if ttl is None else ttl
        for destination in destinations:
            self._kernel.perform(Operation(Verb.SEND, interface, destination, message, protocol))
            segment = self._kernel.segments.get(interface)
            if segment is not None and self._kernel.devices[interface].up:
                segment.carry(self._kernel, source, destination, hops, message, protocol, identification)

    def announce(self, interface: str, address: Address) -> None:
        self._kernel.perform(Operation(Verb.ANNOUNCE, interface, address))


class Segment:
    """A virtual Ethernet between fakes: what one sends, all others get."""

    def __init__(self) -> None:
        self._members: list[tuple[FakeKernel, str]] = []
        self.broken = False
        """Nothing gets through."""

    def connect(self, kernel: FakeKernel, interface: str) -> None:
        self._members.append((kernel, interface))
        kernel.segments[interface] = self

    def carry(
        self,
        sender: FakeKernel,
        source: Address,
        destination: Address,
        ttl: int,
        message: bytes,
        protocol: int,
        identification: int,
    ) -> None:
        if self.broken:
            return
        for kernel, interface in self._members:
            if kernel is not sender:
                kernel.packets.arrive(interface, source, destination, ttl, message, protocol, identification)
