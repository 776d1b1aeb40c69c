"""Runs scripts that tell the world.

They are started in the order in which they are asked for, and nobody waits for them: a script that hangs delays neither
the protocol nor the next script. How one ended is told if it failed. So that scripts that never end cannot fill the
machine, no more than so many run at a time; those beyond it are left out, and told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from pyvrrp.core.log import Level
from pyvrrp.errors import KernelError
from pyvrrp.model.scripts import Command

if TYPE_CHECKING:
    from pyvrrp.kernel.processes import Process

AT_ONCE: Final = 1000
"""More than a director with hundreds of instances needs in one moment."""


class Notifier:
    """`start` runs a command as its user, with more in its environment; KernelError if that cannot be done."""

    def __init__(
        self, start: Callable[[Command, Mapping[str, str] | None], Process], log: Callable[[Level, str], None]
    ) -> None:
        self._start = start
        self._log = log
        self._running: set[Process] = set()
        self._full = False
        self._idle = asyncio.Event()

    def run(
        self,
        who: str,
        keyword: str,
        command: Command,
        arguments: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`who` and `keyword`: what the log calls it."""
        if len(self._running) >= AT_ONCE:
            if not self._full:
                self._full = True
                text = f"{AT_ONCE} scripts have not ended yet; until some do, no more are started"
                self._log(Level.ERROR, f"{who} {keyword}: {text}")
            return
        self._full = False
        try:
            process = self._start(Command((*command.words, *arguments), command.user, command.group), variables)
        except KernelError as error:
            self._log(Level.ERROR, f"{who} {keyword}: {error}")
            return
        self._running.add(process)
        asyncio.get_running_loop().add_reader(process.fileno(), self._ended, who, keyword, process)

    async def settle(self, seconds: float) -> None:
        """Wait for those that run, so long at most."""
        if self._running:
            self._idle.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._idle.wait()
            except TimeoutError:
                return

    def _ended(self, who: str, keyword: str, process: Process) -> None:
        asyncio.get_running_loop().remove_reader(process.fileno())
        self._running.discard(process)
        status = process.status()
        if status:
            said = f"status {status}" if status > 0 else f"signal {-status}"
            self._log(Level.WARNING, f"{who} {keyword} ended with {said}")
        if not self._running:
            self._idle.set()
