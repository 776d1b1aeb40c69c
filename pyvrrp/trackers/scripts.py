"""Runs the vrrp_scripts of a director and tells what they found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, assert_never

from pyvrrp.core.log import Level, Log
from pyvrrp.core.tracking.script import PATIENCE, EndScript, RunScript, ScriptAction, ScriptMachine
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

    def __init__(
        self, spawn: Spawn, log: Callable[[Level, str], None], changed: Callable[[str, bool | None, str], None]
    ) -> None:
        """`changed` is told the name, whether it is up now and how the last run went: at the first result, whenever
        that changes, and (None) when a reload gave it another command."""
        self._spawn = spawn
        self._log = log
        self._changed = changed
        self._machines: dict[str, ScriptMachine] = {}
        self._processes: dict[str, Process] = {}
        self._dismissed: set[Process] = set()
        """Those of an earlier configuration that have not ended yet."""
        self._timer: asyncio.TimerHandle | None = None

    def describe(self) -> dict[str, tuple[bool | None, str]]:
        """Each by name: what it found, None before its first result, and how its last run went."""
        return {name: (machine.is_up, machine.last_run) for name, machine in self._machines.items()}

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
                self._dismiss(script.name)
                if old is not None or machine.is_up is not None:
                    self._changed(script.name, machine.is_up, "has not succeeded yet (init_fail)")
                self._perform(machine.start(at))
        for name in before:
            self._dismiss(name)
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
        loop = asyncio.get_running_loop()
        loop.add_reader(process.fileno(), self._ended, script, process)
        if process.stderr is not None:
            loop.add_reader(process.stderr, self._listen, process)

    def _listen(self, process: Process) -> None:
        if process.stderr is not None and not process.listen():
            asyncio.get_running_loop().remove_reader(process.stderr)

    def _ended(self, script: VrrpScript, process: Process) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(process.fileno())
        if process.stderr is not None:
            loop.remove_reader(process.stderr)
        status = process.status()
        self._dismissed.discard(process)
        if self._processes.get(script.name) is not process:
            return  # of a command that a reload has replaced
        del self._processes[script.name]
        self._result(script.name, lambda machine: machine.finished(monotonic(), status, process.last_words))
        self._arm()

    def _result(self, name: str, result: Callable[[ScriptMachine], list[ScriptAction]]) -> None:
        machine = self._machines.get(name)
        if machine is None:
            return
        before = machine.is_up
        self._perform(result(machine))
        if machine.is_up is not None and machine.is_up is not before:
            self._changed(name, machine.is_up, machine.last_run)

    def _end(self, name: str, *, kill: bool) -> None:
        if (process := self._processes.get(name)) is not None:
            process.end(kill=kill)

    def _dismiss(self, name: str) -> None:
        """End the command; nobody waits for how."""
        if (process := self._processes.pop(name, None)) is not None:
            process.end(kill=False)
            self._dismissed.add(process)
            asyncio.get_running_loop().call_later(seconds(PATIENCE), self._kill, process)

    def _kill(self, process: Process) -> None:
        if process in self._dismissed:
            process.end(kill=True)
