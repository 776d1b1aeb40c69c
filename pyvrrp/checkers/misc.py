"""MISC_CHECK: a program says how the server is, by its exit status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from pyvrrp.checkers.outcome import PASSED, CheckFailed, Done, Outcome, Passed
from pyvrrp.errors import KernelError
from pyvrrp.model.checkers import MiscCheck
from pyvrrp.model.scripts import Command
from pyvrrp.units import seconds

if TYPE_CHECKING:
    from pyvrrp.kernel.processes import Process

Spawn: TypeAlias = "Callable[[Command], Process]"
"""Starts the command as its user; KernelError if that cannot be done."""
PATIENCE: Final = 2.0
"""Seconds from SIGTERM to SIGKILL, and from each SIGKILL to the next."""


class Script:
    """A script that runs. SIGTERM to its process group after the time limit, or when nobody waits for it any more."""

    def __init__(self, checker: MiscCheck, spawn: Spawn, done: Done) -> None:
        """CheckFailed if it cannot be started."""
        try:
            self._process = spawn(checker.command)
        except KernelError as error:
            raise CheckFailed(str(error)) from error
        self._checker = checker
        self._done: Done | None = done
        self._signals = 0
        """Sent so far."""
        self._loop = asyncio.get_running_loop()
        self.over = self._loop.create_future()
        """Done when the script has ended."""
        self._loop.add_reader(self._process.fileno(), self._ended)
        self._timer = self._loop.call_later(seconds(checker.timeout), self._end)

    def cancel(self) -> None:
        self._done = None
        if not self.over.done() and not self._signals:
            self._timer.cancel()
            self._end()

    def kill(self) -> None:
        """At once."""
        if not self.over.done():
            self._process.end(kill=True)

    def _end(self) -> None:
        self._process.end(kill=self._signals > 0)
        self._signals += 1
        self._timer = self._loop.call_later(PATIENCE, self._end)

    def _ended(self) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self._process.fileno())
        if self._signals:
            self._process.end(kill=True)  # what the script itself had started
        status = self._process.status()
        self.over.set_result(None)
        done, self._done = self._done, None
        if done is not None:
            done(self._outcome(status))

    def _outcome(self, status: int) -> Outcome:
        if self._signals:
            return CheckFailed(f"timed out after {seconds(self._checker.timeout):g} s")
        if status == 0:
            return PASSED
        if self._checker.dynamic and status >= 2:
            return Passed(status)
        return CheckFailed(f"exited with status {status}" if status > 0 else f"killed by signal {-status}")
