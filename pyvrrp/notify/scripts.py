"""Runs the notify scripts of instances and sync groups.

They are started in keepalived's order, the one for the state before the one for every change, and nobody waits for
them: a script that hangs delays neither the protocol nor the next script. How one ended is told if it failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyvrrp.core.log import Level
from pyvrrp.errors import KernelError
from pyvrrp.model.notify import Notify
from pyvrrp.model.scripts import Command

if TYPE_CHECKING:
    from pyvrrp.kernel.processes import Process

FIELDS: Final = {
    "MASTER": "notify_master",
    "BACKUP": "notify_backup",
    "FAULT": "notify_fault",
    "STOP": "notify_stop",
    "DELETED": "notify_deleted",
}
"""State to field of `Notify`."""


class Notifier:
    """`start` runs a command as its user; KernelError if that cannot be done."""

    def __init__(self, start: Callable[[Command], Process], log: Callable[[Level, str], None]) -> None:
        self._start = start
        self._log = log
        self._running: set[Process] = set()
        self._idle = asyncio.Event()

    def tell(self, what: str, name: str, state: str, priority: int, notify: Notify | None) -> None:
        """`what`: INSTANCE or GROUP; a group's priority is 0."""
        if notify is None:
            return
        if state == "DELETED" and not notify.tell_deleted:
            state = "FAULT"
        field = FIELDS.get(state)
        if field is None:
            return
        self._run(name, field, getattr(notify, field), ())
        self._run(name, "notify", notify.notify, (what, name, state, str(priority)))

    def met_lower_priority(self, name: str, notify: Notify | None) -> None:
        """A MASTER heard an advertisement of lower priority."""
        if notify is not None:
            self._run(name, "notify_master_rx_lower_pri", notify.notify_master_rx_lower_pri, ())

    async def settle(self, seconds: float) -> None:
        """Wait for those that run, so long at most (keepalived gives the STOP scripts a second)."""
        if self._running:
            self._idle.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._idle.wait()
            except TimeoutError:
                return

    def _run(self, name: str, field: str, command: Command | None, arguments: tuple[str, ...]) -> None:
        if command is None:
            return
        try:
            process = self._start(Command((*command.words, *arguments), command.user, command.group))
        except KernelError as error:
            self._log(Level.ERROR, f"({name}) {field}: {error}")
            return
        self._running.add(process)
        asyncio.get_running_loop().add_reader(process.fileno(), self._ended, name, field, process)

    def _ended(self, name: str, field: str, process: Process) -> None:
        asyncio.get_running_loop().remove_reader(process.fileno())
        self._running.discard(process)
        status = process.status()
        if status:
            said = f"status {status}" if status > 0 else f"signal {-status}"
            self._log(Level.WARNING, f"({name}) {field} ended with {said}")
        if not self._running:
            self._idle.set()
