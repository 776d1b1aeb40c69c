"""Making a check and seeing how it ends."""

from __future__ import annotations

from dataclasses import replace

from pyvrrp.checkers import runner
from pyvrrp.checkers.outcome import Passed
from pyvrrp.kernel import processes
from pyvrrp.kernel.processes import Process
from pyvrrp.model.checkers import Checker, HttpCheck
from pyvrrp.model.scripts import Command


def spawn(command: Command) -> Process:
    return processes.start(command, None)


async def ask(checker: Checker) -> Passed:
    """Each url in turn, where it has some. CheckFailed or CheckNotStarted, as an exception."""
    if isinstance(checker, HttpCheck):
        checks: list[Checker] = [replace(checker, urls=(url,)) for url in checker.urls]
    else:
        checks = [checker]
    outcome = Passed()
    for check in checks:
        answer = await runner.ask(check, spawn)
        if isinstance(answer, Exception):
            raise answer
        outcome = answer
    return outcome
