"""startup_script and shutdown_script: run by the supervisor, before its workers begin and after they have ended."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.errors import KernelError
from pyvrrp.kernel.processes import Process, start
from pyvrrp.model.scripts import Command, ScriptRules
from pyvrrp.units import SECOND, Micros, format_seconds, seconds

PATIENCE: Final[Micros] = 2 * SECOND
"""From SIGTERM to SIGKILL."""


def run(keyword: str, command: Command, timeout: Micros, rules: ScriptRules, log: Callable[[Level, str], None]) -> None:
    """Run it to its end, or to the end of its time; how it ended is only told."""
    try:
        process = start(command, rules)
    except KernelError as error:
        log(Level.ERROR, f"{keyword}: {error}")
        return
    if not _ends(process, timeout):
        log(Level.WARNING, f"{keyword} has not ended after {format_seconds(timeout)} s and is told to")
        process.end(kill=False)
        if not _ends(process, PATIENCE):
            process.end(kill=True)
    if status := process.status():
        said = f"status {status}" if status > 0 else f"signal {-status}"
        log(Level.WARNING, f"{keyword} ended with {said}")


def _ends(process: Process, timeout: Micros) -> bool:
    return bool(select.select([process], [], [], seconds(timeout))[0])
