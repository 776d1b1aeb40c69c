"""Runs the vrrp_scripts of a director and tells what they found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, assert_never

from pyvrrp.core.log import Level, Log
from pyvrrp.core.tracking.script import EndScript, RunScript, ScriptAction, ScriptMachine
from pyvrrp.errors import KernelError
from pyvrrp.kernel.timer import monotonic
from pyvrrp.model.scripts import VrrpScript
from pyvrrp.units import Micros, seconds

if TYPE_CHECKING:
    from pyvrrp.kernel.processes import Process

Spawn = Callable[[VrrpScript], "Process"]
"""Starts the command as its user; KernelError if that cannot be done."""


class ScriptTracker:
    """All vrrp_scripts. Timers of the event loop will do: a script's result is no matter of milliseconds."""

    def __init__(self, spawn: Spawn, log: Callable[[Level, str], None], changed: Callable[[str, bool], None]) -> None:
        """`changed` is told the name and whether it is up now, at the first result and whenever that changes."""
        self._spawn = spawn
        self._log = log
        self._changed = changed
        self._machines: dict[str, ScriptMachine] = {}
        self._processes: dict[str, Process] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def states(self) -> dict[str, bool | None]:
        """What each script found; None before its first result."""
        return {name: machine.is_up for name, machine in self._machines.items()}

    def run(self, scripts: Sequence[VrrpScript]) -> None:
        """Run these from now on. One whose command is the same goes on from where it was."""
        before, self._machines = self._machines, {}
        at = monotonic()
        for script in scripts:
            machine = self._machines[script.name] = ScriptMachine(script)
            old = before.pop(script.name, None)
            if old is not None and old.config.script == script.script:
                machine.resume(old)
            else:
                if old is not None:
                    self._end(script.name, kill=False)
                self._perform(machine.start(at))
        for name in before:
            self._end(name, kill=False)
        self._arm()

    def stop(self) -> None:
        """Ask all that run to end, and run none any more."""
        self.run(())

    def _due(self) -> None:
        self._timer = None
        at = monotonic()
        for machine in self._machines.values():
            if (deadline := machine.deadline()) is not None and deadline <= at:
                self._perform(machine.due(at))
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadlines = [due for machine in self._machines.values() if (due := machine.deadline()) is not None]
        if deadlines:
            delay: Micros = max(0, min(deadlines) - monotonic())
            self._timer = asyncio.get_running_loop().call_later(seconds(delay), self._due)

    def _perform(self, actions: list[ScriptAction]) -> None:
        for action in actions:
            match action:
                case RunScript(script):
                    self._begin(script)
                case EndScript(name, kill):
                    self._end(name, kill=kill)
                case Log(level, text):
                    self._log(level, text)
                case _:
                    assert_never(action)

    def _begin(self, script: VrrpScript) -> None:
        try:
            process = self._spawn(script)
        except KernelError as error:
            reason = str(error)
            self._result(script.name, lambda machine: machine.not_started(monotonic(), reason))
            return
        self._processes[script.name] = process
        asyncio.get_running_loop().add_reader(process.fileno(), self._ended, script, process)

    def _ended(self, script: VrrpScript, process: Process) -> None:
        asyncio.get_running_loop().remove_reader(process.fileno())
        status = process.status()
        if self._processes.get(script.name) is not process:
            return  # of a command that a reload has replaced
        del self._processes[script.name]
        self._result(script.name, lambda machine: machine.finished(monotonic(), status))
        self._arm()

    def _result(self, name: str, result: Callable[[ScriptMachine], list[ScriptAction]]) -> None:
        machine = self._machines.get(name)
        if machine is None:
            return
        before = machine.is_up
        self._perform(result(machine))
        if machine.is_up is not None and machine.is_up is not before:
            self._changed(name, machine.is_up)

    def _end(self, name: str, *, kill: bool) -> None:
        process = self._processes.get(name)
        if process is not None:
            process.end(kill=kill)
            if name not in self._machines:
                del self._processes[name]
