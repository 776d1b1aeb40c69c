"""A vrrp_script as a pure machine: when it runs, when it is overdue, and what its results add up to.

keepalived's counter: results 0..rise-1 are bad, rise..rise+fall-1 are good. A success below counts up, and the one
that reaches `rise` goes to the top; a failure above counts down, and the one that leaves the good part goes to 0. The
very first result counts at once, whatever `rise` and `fall` say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyvrrp.core.log import Level, Log
from pyvrrp.model.scripts import VrrpScript
from pyvrrp.units import SECOND, Micros, format_seconds

PATIENCE: Final[Micros] = 2 * SECOND
"""From asking an overdue script to end (SIGTERM) to ending it (SIGKILL)."""


@dataclass(frozen=True, slots=True)
class RunScript:
    """Start the command; one at a time."""

    script: VrrpScript


@dataclass(frozen=True, slots=True)
class EndScript:
    """Signal the process group of the running command."""

    name: str
    kill: bool
    """SIGKILL, otherwise SIGTERM."""


ScriptAction = RunScript | EndScript | Log


class ScriptMachine:
    """One vrrp_script. Methods with `at` return what is to be done."""

    def __init__(self, config: VrrpScript) -> None:
        self.config = config
        self.is_up: bool | None = False if config.init_fail else None
        """None until the first result."""
        self.last_status: int | None = None
        """Exit status of the last run, negative: the signal that ended it."""
        self.last_run = ""
        """How it went, in words: ``exit status 1 after 0.02 s: what it said last``."""
        self._began: Micros = 0
        self._result = 0
        self._next_run: Micros | None = None
        self._ends_at: Micros | None = None
        self._timed_out = False

    @property
    def running(self) -> bool:
        return self._ends_at is not None

    def start(self, at: Micros) -> list[ScriptAction]:
        self._next_run = at
        return self.due(at)

    def resume(self, before: ScriptMachine) -> None:
        """A reload kept the command: go on from its result."""
        self.is_up, self.last_status, self.last_run = before.is_up, before.last_status, before.last_run
        self._began = before._began
        self._result = 0 if not before.is_up else self.config.rise + self.config.fall - 1
        self._next_run, self._ends_at, self._timed_out = before._next_run, before._ends_at, before._timed_out

    def deadline(self) -> Micros | None:
        times = [time for time in (self._next_run, self._ends_at) if time is not None]
        return min(times, default=None)

    def due(self, at: Micros) -> list[ScriptAction]:
        actions: list[ScriptAction] = []
        if self._ends_at is not None and self._ends_at <= at:
            actions.append(EndScript(self.config.name, kill=self._timed_out))
            self._timed_out = True
            self._ends_at = at + PATIENCE
        if self._next_run is not None and self._next_run <= at:
            self._next_run = at + self.config.interval
            if self.running:
                text = f"Track script {self.config.name} is still running, skipping a run"
                actions.append(Log(Level.INFO, text))
            else:
                self._began, self._ends_at = at, at + self._limit
                self._timed_out = False
                actions.append(RunScript(self.config))
        return actions

    def finished(self, at: Micros, status: int, said: str = "") -> list[ScriptAction]:
        """The command ended: exit status, or minus the signal; `said`: its last words. `is_up` may have changed."""
        self._ends_at = None
        good = status == 0 and not self._timed_out
        self.last_run = self._describe(at, status, said)
        name = self.config.name
        actions: list[ScriptAction] = []
        if status != self.last_status:
            self.last_status = status
            how = f"now returning {status}" if status >= 0 else f"ended by signal {-status}"
            actions.append(Log(Level.INFO, f"Script `{name}` {how}"))
        before, self.is_up = self.is_up, self._count(good)
        if self.is_up is not before:
            outcome = "succeeded" if self.is_up else "timed_out" if self._timed_out else "failed"
            actions.append(Log(Level.INFO, f"VRRP_Script({name}) {outcome}"))
            if not self.is_up:
                actions.append(Log(Level.INFO, f"Script `{name}`: {self.last_run}"))
        return actions

    def not_started(self, at: Micros, reason: str) -> list[ScriptAction]:
        """The command could not be started: a failure like any other."""
        self._timed_out, self._began = False, at
        return [Log(Level.ERROR, f"Script `{self.config.name}`: {reason}"), *self.finished(at, 127, reason)]

    @property
    def _limit(self) -> Micros:
        return self.config.timeout or self.config.interval

    def _describe(self, at: Micros, status: int, said: str) -> str:
        took = format_seconds((at - self._began + 500) // 1000 * 1000)
        if self._timed_out:
            text = f"timed out after {format_seconds(self._limit)} s, ended after {took} s"
        else:
            text = f"exit status {status} after {took} s" if status >= 0 else f"signal {-status} after {took} s"
        return f"{text}: {said}" if said else text

    def _count(self, good: bool) -> bool:
        rise, fall = self.config.rise, self.config.fall
        top = rise + fall - 1
        if self.is_up is None:
            self._result = top if good else 0
        elif good:
            self._result = self._result + 1 if self._result < rise - 1 else top
        elif self._result > rise:
            self._result -= 1
        else:
            self._result = 0
        return self._result >= rise
