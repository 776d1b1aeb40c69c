"""Starting a worker process, and nothing else: this file is imported before anything that takes time."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyvrrp import __version__

WORKER_FD: Final = 3
"""The descriptor on which a worker finds its end of the line."""

WORKER: Final = (sys.executable, "-P", "-m", "pyvrrp.daemon.worker")
"""The program of a worker; its role follows. -P: the daemon's directory is no place to import from."""


@dataclass(frozen=True, slots=True)
class Newborn:
    """A worker that loads its program and waits for its first order."""

    role: str
    pid: int
    line: socket.socket
    """The supervisor's end."""


def bear(role: str, program: Sequence[str] = WORKER) -> Newborn:
    """Start a worker. OSError where the system has no room for a process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with theirs:
        pid = os.posix_spawn(
            program[0],
            [*program, role, __version__],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), WORKER_FD)],
            # Ctrl-C and a hangup reach the whole foreground: the supervisor alone acts on them, and a worker
            # that has not come to ignoring them must not die of them.
            setsigmask=[signal.SIGINT, signal.SIGHUP],
            setsigdef=[signal.SIGTERM],
        )
    return Newborn(role, pid, ours)


def dismiss(newborn: Newborn) -> None:
    """Let a worker go that no work was found for."""
    newborn.line.close()
    os.kill(newborn.pid, signal.SIGKILL)  # it holds nothing yet, and may still be loading
    os.waitpid(newborn.pid, 0)
