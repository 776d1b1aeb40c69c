"""When a MISC_CHECK runs its script, and what the exit status means.

The next start is counted from the last one, not from its end, and comes at once if that is past; a script never runs
twice at a time. With misc_dynamic a status from 2 on is a success that sets the server's weight to status - 2; it holds
until another success says otherwise, or until the server is down. keepalived: check_misc.c (behaviour only).
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvrrp.core.log import Log
from pyvrrp.core.lvs.checking import Checking
from pyvrrp.core.lvs.snapshot import CheckerSnapshot
from pyvrrp.model.checkers import MiscCheck
from pyvrrp.units import Micros


@dataclass(slots=True, eq=False)
class ScriptChecking(Checking):
    """`Checking` of a MISC_CHECK."""

    status: int = 0
    """Exit status of the last success."""

    def contribution(self, configured: int) -> int:
        assert isinstance(self.checker, MiscCheck)
        return self.status - 2 - configured if self.checker.dynamic and self.status >= 2 else 0

    def finished(self, at: Micros, error: str | None, server: str, status: int = 0) -> list[Log]:
        logs = Checking.finished(self, at, error, server)
        if error is None:
            self.status = status
        elif not self.up:
            self.status = 0
        assert self.due is not None
        self.due = max(at, self.due - (at - self.probes[0].started))
        return logs

    def failure(self, server: str, error: str) -> str:
        retries = f" after {self.failures} retr{'y' if self.failures == 1 else 'ies'}" if self.failures else ""
        return f"{self.subject(server)} failed{retries} ({error})."

    def success(self, server: str) -> str:
        return f"{self.subject(server)} succeeded."

    def subject(self, server: str) -> str:
        return f"Misc check for [{server} VS {self.virtual}] by [{self.target}]"

    def adopt(self, told: CheckerSnapshot) -> None:
        Checking.adopt(self, told)
        self.status = told.status

    def snapshot(self) -> CheckerSnapshot:
        return self.shown(status=self.status)
