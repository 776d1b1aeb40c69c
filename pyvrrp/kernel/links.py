"""Network devices and their addresses, and what happens to them.

Announcements about a device are taken as they come, each flap of a carrier included. Announcements about addresses
only say that a device's list must be read again: the kernel's order decides which address is the primary one, and an
address taken away and put back before we looked is no news.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.kernel import rtnetlink as rt
from pyvrrp.kernel.netlink import NETLINK_ROUTE, Monitor, Netlink
from pyvrrp.net import Address

Changed = Callable[[str, InterfaceFacts | None], None]
Removed = Callable[[str, Address], None]

_GROUPS = rt.RTMGRP_LINK | rt.RTMGRP_IPV4_IFADDR | rt.RTMGRP_IPV6_IFADDR


@dataclass(slots=True)
class _Device:
    name: str
    facts: InterfaceFacts
    addresses: frozenset[Address]
    """Tentative ones included."""


def _facts(link: rt.LinkMessage, addresses: tuple[Address, ...]) -> InterfaceFacts:
    return InterfaceFacts(
        index=link.index,
        up=link.flags & (rt.IFF_UP | rt.IFF_RUNNING) == rt.IFF_UP | rt.IFF_RUNNING,
        mac=link.mac if len(link.mac) == 6 and any(link.mac) else b"",
        addresses=addresses,
        arp=not link.flags & (rt.IFF_NOARP | rt.IFF_LOOPBACK),
        mtu=link.mtu,
    )


def _usable(addresses: Iterable[rt.AddressMessage]) -> tuple[Address, ...]:
    return tuple(message.address for message in addresses if message.usable)


class LinuxLinks:
    """`kernel.api.Links` of the network namespace it is made in."""

    def __init__(self, own: int | None = None) -> None:
        """`own`: port of the socket that adds our own addresses, of which `touch` tells."""
        # The monitor listens from now on: what happens between a dump and `watch` is not lost.
        self._monitor = Monitor(NETLINK_ROUTE, _GROUPS, None if own is None else (rt.RTM_NEWADDR, own))
        self._netlink = Netlink(NETLINK_ROUTE)
        self._known: dict[int, _Device] = {}
        self._touched: dict[str, None] = {}
        self._changed: Changed | None = None
        self._removed: Removed | None = None

    def close(self) -> None:
        self._monitor.close()
        self._netlink.close()

    def dump(self) -> Mapping[str, InterfaceFacts]:
        """All devices by name. Before `watch`: the state against which changes are then told."""
        present = self._devices()
        if self._changed is None:
            self._known = present
        return {device.name: device.facts for device in present.values()}

    def watch(self, changed: Changed, removed: Removed) -> int:
        if not self._known:
            self._known = self._devices()
        self._changed, self._removed = changed, removed
        return self._monitor.fileno()

    def read(self) -> None:
        messages, lost = self._monitor.read()
        touched: dict[int, set[Address]] = {}
        """Devices, and addresses that were taken from them."""
        for kind, body in messages:
            if kind in (rt.RTM_NEWLINK, rt.RTM_DELLINK):
                link = rt.parse_link(body)
                if link.family == 0 and kind == rt.RTM_NEWLINK:
                    self._link_announced(link)
                elif link.family == 0 and link.index in self._known:
                    # Addresses that it got a moment ago may not be known yet.
                    self._forget(link.index, touched.pop(link.index, ()))
            elif kind in (rt.RTM_NEWADDR, rt.RTM_DELADDR):
                address = rt.parse_address(body)
                if address is not None:
                    gone = touched.setdefault(address.index, set())
                    if kind == rt.RTM_DELADDR:
                        gone.add(address.address)
        if lost:
            self._compare(self._devices())
            return
        for index, gone in touched.items():
            device = self._known.get(index)
            if device is not None and (gone or device.name not in self._touched):
                self._addresses_announced(index, gone)

    def touch(self, devices: Iterable[str]) -> None:
        self._touched |= dict.fromkeys(devices)

    def catch_up(self) -> bool:
        for index, device in self._known.items():
            if device.name in self._touched:
                self._addresses_announced(index)
                return bool(self._touched)
        self._touched.clear()
        return False

    def _devices(self) -> dict[int, _Device]:
        # Addresses first: a device that appears in between then lacks its addresses until its announcement is read.
        by_index: dict[int, list[rt.AddressMessage]] = {}
        for message in rt.dump_addresses(self._netlink):
            by_index.setdefault(message.index, []).append(message)
        devices: dict[int, _Device] = {}
        for link in rt.dump_links(self._netlink):
            addresses = by_index.get(link.index, [])
            devices[link.index] = _Device(
                link.name, _facts(link, _usable(addresses)), frozenset(message.address for message in addresses)
            )
        return devices

    def _link_announced(self, link: rt.LinkMessage) -> None:
        old = self._known.get(link.index)
        if old is None:
            self._update(link.index, _Device(link.name, _facts(link, ()), frozenset()))
            self._addresses_announced(link.index)
        else:
            self._update(link.index, _Device(link.name, _facts(link, old.facts.addresses), old.addresses))

    def _addresses_announced(self, index: int, gone: Iterable[Address] = ()) -> None:
        """`gone`: what was taken away, if it came without our noticing."""
        old = self._known[index]
        self._touched.pop(old.name, None)
        messages = rt.dump_addresses(self._netlink, index)
        addresses = frozenset(message.address for message in messages)
        new = _Device(old.name, replace(old.facts, addresses=_usable(messages)), addresses)
        self._update(index, new, old.addresses.union(gone))

    def _compare(self, present: dict[int, _Device]) -> None:
        """Tell the differences after announcements were lost."""
        for index in [index for index in self._known if index not in present]:
            self._forget(index)
        for index, device in present.items():
            self._update(index, device)

    def _update(self, index: int, new: _Device, had: frozenset[Address] | None = None) -> None:
        """`had`: the device's addresses until now, if there were more than we knew of."""
        old = self._known.get(index)
        self._known[index] = new
        if self._changed is None or self._removed is None:
            return
        if old is not None and old.name != new.name:
            self._changed(old.name, None)
        if old is None or old.name != new.name or old.facts != new.facts:
            self._changed(new.name, new.facts)
        if old is not None:
            for address in (old.addresses if had is None else had) - new.addresses:
                self._removed(new.name, address)

    def _forget(self, index: int, taken: Iterable[Address] = ()) -> None:
        """`taken`: what was taken from it before it went."""
        old = self._known.pop(index)
        if self._changed is None or self._removed is None:
            return
        self._changed(old.name, None)
        for address in old.addresses.union(taken):
            self._removed(old.name, address)
