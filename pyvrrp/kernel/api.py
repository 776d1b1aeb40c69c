"""The interface to the kernel's network state, as small Protocols.

The Linux classes beside this file implement them, and so do the tests' twins in memory (`tests/fakes`), which record
what they are asked and can be told to refuse. What has no twin (routes, devices of our own, settings) has no Protocol.
All of them raise `KernelError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from pyvrrp.net import IPPROTO_VRRP, VRRP_TTL, Address
from pyvrrp.units import Micros

if TYPE_CHECKING:  # a worker loads its own half only
    from pyvrrp.core.lvs.ipvs_settings import Settings
    from pyvrrp.core.lvs.ipvs_table import Dump, Operation, Table
    from pyvrrp.core.vrrp.events import InterfaceFacts
    from pyvrrp.errors import KernelError
    from pyvrrp.kernel.linkbeat import Method
    from pyvrrp.model.lvs import ServiceKey
    from pyvrrp.model.vrrp import VirtualAddress

Received = Callable[[Micros, str, Address, Address, int, bytes, int, int, int], None]
"""when the kernel got it (CLOCK_MONOTONIC), interface, source, destination, ttl, payload, IP protocol, the
identification of the IPv4 header (0 over IPv6), and how many of a wrong TTL like this one were dropped before it."""


class Links(Protocol):
    """Network devices and their addresses."""

    def dump(self) -> Mapping[str, InterfaceFacts]:
        """All devices by name."""
        ...

    def watch(
        self, changed: Callable[[str, InterfaceFacts | None], None], removed: Callable[[str, Address], None]
    ) -> int:
        """Call `changed` for each device that changes or goes (None), `removed` for each address taken from a device.

        Returns the file descriptor that becomes readable; `read` then makes the calls. After an overrun
        everything is dumped again, so no change is lost for good.
        """
        ...

    def read(self) -> None: ...

    def touch(self, devices: Iterable[str]) -> None:
        """We add addresses there ourselves, a thousand perhaps, and need not hear of each: `catch_up` looks."""
        ...

    def catch_up(self) -> bool:
        """Look at one device that was touched; False: none is left."""
        ...


class Addresses(Protocol):
    """Adding and removing addresses, a whole list in one go."""

    def rehearse(self, addresses: Sequence[VirtualAddress]) -> None:
        """Do all that adding them takes, but for adding them: it will take half as long then."""
        ...

    def add(self, addresses: Sequence[VirtualAddress]) -> list[tuple[VirtualAddress, KernelError]]:
        """Those that the kernel refused, with its reason; present already is no refusal."""
        ...

    def remove(self, addresses: Sequence[VirtualAddress]) -> list[tuple[VirtualAddress, KernelError]]:
        """Likewise; absent already is no refusal."""
        ...

    def present(self, addresses: Iterable[VirtualAddress]) -> list[VirtualAddress]:
        """Those of the list that are on their devices now."""
        ...


class Firewall(Protocol):
    """The packet filter, in the words of nftables."""

    def apply(self, text: str) -> None:
        """One transaction: all of it or nothing."""
        ...

    def watch(self) -> int:
        """The descriptor that becomes readable when somebody changes rules."""
        ...

    def read(self, table: str) -> bool:
        """Has somebody deleted something of the table?"""
        ...


class Packets(Protocol):
    """VRRP's raw sockets and gratuitous ARP. An interface without a name: unicast, wherever the routes lead."""

    def open(
        self,
        interface: str,
        index: int,
        group: Address,
        virtual_router_ids: Iterable[int],
        protocol: int = IPPROTO_VRRP,
        buffer: int | None = None,
    ) -> None:
        """Listen on `interface` for the group (VRRP, or AH with VRRP in it) and be ready to send there.

        Again for the same interface, group and protocol: with the new index, ids and size of the receive buffer
        (bytes; None: a generous one).
        """
        ...

    def close(self, interface: str) -> None: ...

    def receive(self, received: Received) -> int:
        """Read what waits on all sockets, oldest first; returns how many datagrams. 0: nothing waits any more."""
        ...

    def filenos(self) -> Sequence[int]:
        """Descriptors that become readable when a datagram waits."""
        ...

    def relax(self, interface: str, group: Address, *, relaxed: bool) -> None:
        """Must what comes there wake us at once? Relaxed, only priority 0 does; `receive` reads everything.

        Where few virtual routers are, it has no effect: a look now and then would cost more than their packets.
        """
        ...

    @property
    def relaxed(self) -> bool:
        """Is there anything that comes without waking us?"""
        ...

    def send(
        self,
        interface: str,
        source: Address,
        destinations: Sequence[Address],
        message: bytes,
        identification: int,
        ttl: int | None = VRRP_TTL,
        protocol: int = IPPROTO_VRRP,
    ) -> None: ...

    def announce(self, interface: str, address: Address) -> None: ...


class LinkBeats(Protocol):
    """Asking a device for its link, past netlink."""

    def best(self, name: str) -> Method:
        """The first method that the device answers to. KernelError(ABSENT) where there is no such device."""
        ...

    def is_up(self, name: str, method: Method) -> bool:
        """Whether the device is up and has a link. KernelError where it does not say so in this way."""
        ...


class Ipvs(Protocol):
    """The IPVS table."""

    def ready(self) -> None:
        """Make sure that IPVS is there, load the module if need be; KernelError(UNSUPPORTED) if it is not to be had."""
        ...

    def watch(self, changed: Callable[[KernelError | None], None]) -> int:
        """Call `changed` when IPVS has come (None), or has gone (why nothing is possible now).

        Returns the file descriptor that becomes readable; `read` then makes the calls. IPVS that was there all the
        time may be told of, too.
        """
        ...

    def read(self) -> None: ...

    def apply(self, operations: Sequence[Operation]) -> list[tuple[Operation, KernelError]]:
        """Carry out in order, in large batches; those that were refused, with the reason."""
        ...

    def dump(self, keys: Iterable[ServiceKey]) -> Dump:
        """Those of the services that there are, with their destinations and statistics."""
        ...

    def table(self, keys: Iterable[ServiceKey] | None = None) -> Table:
        """All services, or those of the keys that there are, without statistics: to compare with the wanted table."""
        ...

    def settings(self) -> Settings:
        """Time-outs, and the synchronisation daemons that run."""
        ...
