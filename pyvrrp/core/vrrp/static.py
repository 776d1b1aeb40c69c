"""static_ipaddress, static_routes and static_rules: there for as long as the daemon runs, whoever is MASTER."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.actions import Action
from pyvrrp.core.vrrp.holdings import adding, describe, removing
from pyvrrp.core.vrrp.snapshot import RoutingSnapshot
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import Address

if TYPE_CHECKING:
    from pyvrrp.core.vrrp.holdings import Holding

STATIC: Final = "static"
"""Whose they are, in logs and actions; a vrrp_instance of that name shares the lines, nothing else."""


class Static:
    """What the configuration wants, and what is there as far as we know."""

    def __init__(self, config: Config) -> None:
        self._wanted = _wanted(config)
        self._present: set[Holding] = set()

    def start(self) -> list[Action]:
        return self._put(self._wanted)

    def stop(self) -> list[Action]:
        old, self._wanted = self._wanted, ()
        self._present.clear()
        return removing(STATIC, old)

    def reconfigure(self, config: Config) -> list[Action]:
        """A reload: only the difference."""
        old, self._wanted = self._wanted, _wanted(config)
        gone = tuple(one for one in old if one not in self._wanted)
        self._present.difference_update(gone)
        return removing(STATIC, gone) + self._put(tuple(one for one in self._wanted if one not in self._present))

    def addresses(self, dev: str, address: Address) -> tuple[Holding, ...]:
        """Those of the address on the device."""
        own = (one for one in self._wanted if isinstance(one, VirtualAddress))
        return tuple(one for one in own if (one.dev, one.address) == (dev, address))

    def device(self, dev: str) -> list[Action]:
        """A device came, or came up again: the kernel has dropped routes over it, without a word."""
        concerned = (one for one in self._wanted if dev in _devices(one))
        return self._put(tuple(one for one in concerned if one.track or one not in self._present))

    def lost(self, missing: Collection[Holding]) -> list[Action]:
        """Somebody removed these: they are put back, unless with no_track."""
        gone = [one for one in self._wanted if one in missing and one in self._present]
        self._present.difference_update(gone)
        back = tuple(one for one in gone if one.track)
        if any(isinstance(one, VirtualAddress) for one in back):
            # The kernel drops routes with an address, and does not say so.
            routes = (one for one in self._wanted if one.track and not isinstance(one, VirtualAddress))
            back = tuple(dict.fromkeys((*back, *routes)))
        told = (f"({STATIC}) {describe(one)} by somebody else; it is put back" for one in gone if one.track)
        return [*(Log(Level.WARNING, text) for text in told), *self._put(back)]

    def refused(self, some: Collection[Holding]) -> None:
        """Tried again when its device changes."""
        self._present.difference_update(some)

    def snapshot(self) -> tuple[RoutingSnapshot, ...]:
        return tuple(RoutingSnapshot(text=_text(one), present=one in self._present) for one in self._wanted)

    def _put(self, some: tuple[Holding, ...]) -> list[Action]:
        self._present.update(some)
        return adding(STATIC, some)


def _wanted(config: Config) -> tuple[Holding, ...]:
    return (*config.static_ipaddress, *config.static_routes, *config.static_rules)


def _devices(holding: Holding) -> tuple[str, ...]:
    return (holding.dev,) if isinstance(holding, VirtualAddress) else holding.devices


def _text(holding: Holding) -> str:
    return f"address {holding.interface} dev {holding.dev}" if isinstance(holding, VirtualAddress) else holding.text
