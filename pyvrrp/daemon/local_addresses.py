"""The addresses of this host, for ha_suspend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.kernel.links import LinuxLinks
from pyvrrp.net import Address


class LocalAddresses:
    """Calls `changed` with all addresses, at the beginning and whenever they change."""

    def __init__(self, changed: Callable[[tuple[Address, ...]], None]) -> None:
        self._changed = changed
        self._links = LinuxLinks()
        self._devices: dict[str, frozenset[Address]] = {}
        self._told: frozenset[Address] | None = None

    def begin(self) -> None:
        self._devices = {name: frozenset(facts.addresses) for name, facts in self._links.dump().items()}
        descriptor = self._links.watch(self._device_changed, lambda device, address: None)
        asyncio.get_running_loop().add_reader(descriptor, self._read)
        self._tell()

    def _device_changed(self, name: str, facts: InterfaceFacts | None) -> None:
        self._devices[name] = frozenset(() if facts is None else facts.addresses)

    def _read(self) -> None:
        self._links.read()
        self._tell()

    def _tell(self) -> None:
        found = frozenset[Address]().union(*self._devices.values())
        if found != self._told:
            self._told = found
            self._changed(tuple(sorted(found, key=str)))
