"""nftables rules of ours that somebody took away are made again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.daemon.role import Host
from pyvrrp.kernel.api import Firewall
from pyvrrp.kernel.timer import monotonic
from pyvrrp.units import SECOND, Micros, seconds

_REPAIR: Final[Micros] = SECOND
"""Rules that somebody takes away again and again are put back at most so often."""


class Upkeep:
    """`name` says which table is ours now, None for none; `again` makes it."""

    def __init__(
        self, firewall: Firewall, host: Host, name: Callable[[], str | None], again: Callable[[], None]
    ) -> None:
        self._firewall = firewall
        self._host = host
        self._name = name
        self._again = again
        self._repaired_at: Micros | None = None
        self._later: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        asyncio.get_running_loop().add_reader(self._firewall.watch(), self._changed)

    def end(self) -> None:
        if self._later is not None:
            self._later.cancel()

    def _changed(self) -> None:
        name = self._name()
        if name is None or not self._firewall.read(name):
            return
        wait = 0 if self._repaired_at is None else self._repaired_at + _REPAIR - monotonic()
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(seconds(max(0, wait)), self._repair)

    def _repair(self) -> None:
        self._later = None
        self._repaired_at = monotonic()
        if (name := self._name()) is not None:
            self._host.log(Level.WARNING, f"somebody removed rules of table {name}; it is made again")
            self._again()
