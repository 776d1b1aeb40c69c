"""Virtual addresses on devices, a whole list in one send."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel import rtnetlink as rt
from pyvrrp.kernel.netlink import NETLINK_ROUTE, NLMSG_NOOP, Message, Netlink, attribute
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.vrrp import VirtualAddress

_OURS: Final = attribute(rt.IFA_PROTO, bytes([18]))
"""RTPROT_KEEPALIVED, so that people see whose address it is. Kernels before 5.18 skip it."""
_FLAGS: Final = {
    "home": rt.IFA_F_HOMEADDRESS,
    "mngtmpaddr": rt.IFA_F_MANAGETEMPADDR,
    "noprefixroute": rt.IFA_F_NOPREFIXROUTE,
    "autojoin": rt.IFA_F_MCAUTOJOIN,
}


def _body(virtual: VirtualAddress, index: int) -> bytes:
    flags = rt.IFA_F_NODAD if virtual.interface.version == 6 and not virtual.dad else 0
    return rt.address_body(virtual.interface, index, flags, virtual.scope, virtual.peer)


def encode_add(virtual: VirtualAddress, index: int) -> Message:
    """RTM_NEWADDR. As keepalived has it: IPv6 without duplicate address detection, a /128 deprecated."""
    parts = [_body(virtual, index), _OURS]
    if virtual.label is not None:
        parts.append(attribute(rt.IFA_LABEL, virtual.label.encode() + b"\0"))
    if virtual.broadcast is not None:
        parts.append(attribute(rt.IFA_BROADCAST, virtual.broadcast.packed))
    flags = sum(flag for name, flag in _FLAGS.items() if getattr(virtual, name))
    version = virtual.interface.version
    if flags:
        if version == 6 and not virtual.dad:
            flags |= rt.IFA_F_NODAD  # the attribute takes the place of the header's field
        parts.append(attribute(rt.IFA_FLAGS, rt.U32.pack(flags)))
    lifetime = virtual.preferred_lft
    if lifetime is None and virtual.interface.network.prefixlen == 128:
        lifetime = 0  # deprecated: not to be chosen as a source address
    if version == 6 and lifetime not in (None, rt.FOREVER):
        parts.append(attribute(rt.IFA_CACHEINFO, rt.CACHEINFO.pack(lifetime, rt.FOREVER, 0, 0)))
    return rt.RTM_NEWADDR, 0, b"".join(parts)


def encode_remove(virtual: VirtualAddress, index: int) -> Message:
    """RTM_DELADDR. Without the label: an address that somebody else put there before us is ours all the same."""
    return rt.RTM_DELADDR, 0, _body(virtual, index)


@lru_cache(maxsize=4096)
def _encoded(virtual: VirtualAddress, index: int, adding: bool) -> Message:
    """The same come and go all the time, and a thousand at once."""
    return encode_add(virtual, index) if adding else encode_remove(virtual, index)


class LinuxAddresses:
    """`kernel.api.Addresses` of the network namespace it is made in.

    Device names are looked up anew in every call (2.6 µs a device): a device may have been replaced since the last.
    """

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE)

    @property
    def port(self) -> int:
        """Of the socket that adds and removes."""
        return self._netlink.port

    def close(self) -> None:
        self._netlink.close()

    def rehearse(self, addresses: Sequence[VirtualAddress]) -> None:
        indexes = {dev: rt.device_index(dev) for dev in {virtual.dev for virtual in addresses}}
        for virtual in addresses:
            if indexes[virtual.dev]:
                _encoded(virtual, indexes[virtual.dev], True)
        # The way into the kernel and back, too.
        self._netlink.transact([(NLMSG_NOOP, 0, b"")], "rehearse")

    def add(self, addresses: Sequence[VirtualAddress]) -> list[tuple[VirtualAddress, KernelError]]:
        return self._apply(addresses, adding=True)

    def remove(self, addresses: Sequence[VirtualAddress]) -> list[tuple[VirtualAddress, KernelError]]:
        return self._apply(addresses, adding=False)

    def _apply(self, addresses: Sequence[VirtualAddress], *, adding: bool) -> list[tuple[VirtualAddress, KernelError]]:
        def operation(virtual: VirtualAddress) -> str:
            verb, preposition = ("add", "to") if adding else ("remove", "from")
            return f"{verb} {virtual.interface} {preposition} {virtual.dev}"

        harmless = KernelFault.PRESENT if adding else KernelFault.ABSENT
        indexes = {dev: rt.device_index(dev) for dev in {virtual.dev for virtual in addresses}}
        reachable = [virtual for virtual in addresses if indexes[virtual.dev]]
        refused = [
            (virtual, kernel_error(errno.ENODEV, operation(virtual)))
            for virtual in addresses
            if not indexes[virtual.dev]
        ]
        answers = self._netlink.transact(
            [_encoded(virtual, indexes[virtual.dev], adding) for virtual in reachable],
            lambda position: operation(reachable[position]),
        )
        refused.extend((reachable[position], error) for position, error in answers)
        return [(virtual, error) for virtual, error in refused if error.fault is not harmless]

    def present(self, addresses: Iterable[VirtualAddress]) -> list[VirtualAddress]:
        wanted = list(addresses)
        there: dict[str, set[tuple[object, int]]] = {}
        for dev in {virtual.dev for virtual in wanted}:
            index = rt.device_index(dev)
            messages = rt.dump_addresses(self._netlink, index) if index else []
            there[dev] = {(message.address, message.prefix_length) for message in messages}
        return [
            virtual
            for virtual in wanted
            if (virtual.address, virtual.interface.network.prefixlen) in there[virtual.dev]
        ]
