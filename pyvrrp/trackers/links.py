"""Asks devices for their link once a second, where the configuration does not trust netlink with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.errors import KernelError
from pyvrrp.kernel.api import LinkBeats
from pyvrrp.kernel.linkbeat import Method
from pyvrrp.model.tracked import LinkBeat

PERIOD: Final = 1.0
"""Seconds."""


class LinkTracker:
    """linkbeat_interfaces and linkbeat_use_polling."""

    def __init__(
        self, beats: LinkBeats, log: Callable[[Level, str], None], changed: Callable[[str, bool], None]
    ) -> None:
        """`changed` is told the device and whether its link is up, when that is another one."""
        self._beats = beats
        self._log = log
        self._changed = changed
        self._wanted: dict[str, str | None] = {}
        self._methods: dict[str, Method] = {}
        self._up: dict[str, bool] = {}
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, wanted: Iterable[LinkBeat]) -> None:
        """Ask these from now on; those that are there are asked at once."""
        self._wanted = {one.interface: one.method for one in wanted}
        self._methods = {}
        self._up = {name: up for name, up in self._up.items() if name in self._wanted}
        self.close()
        self._ask(self._wanted)

    def is_up(self, name: str, up: bool) -> bool:
        """`up` is what netlink says, which counts where nobody is to be asked."""
        return self._up.get(name, up)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._ask(self._wanted)

    def _ask(self, names: Collection[str]) -> None:
        changes = []
        for name in names:
            try:
                method = self._methods.get(name) or self._choose(name)
                up = self._beats.is_up(name, method)
            except KernelError:  # it is gone, or not yet there
                self._methods.pop(name, None)
                up = False
            if self._up.get(name) is not up:
                self._up[name] = up
                changes.append((name, up))
        if names:
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self._tick)
        for name, up in changes:
            self._changed(name, up)

    def _choose(self, name: str) -> Method:
        word = self._wanted[name]
        best = self._beats.best(name)
        method = best
        if word is not None:
            method = Method(word)
            try:
                self._beats.is_up(name, method)
            except KernelError as error:
                self._log(Level.WARNING, f"{error}; {best} is used")
                method = best
        self._methods[name] = method
        self._log(Level.INFO, f"{name}: its link is asked for once a second ({method})")
        return method
