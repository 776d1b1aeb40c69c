"""How the supervisor makes a `Picture` of the daemon: what it knows itself, and what the workers answer in time."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Final

from pyvrrp import __version__
from pyvrrp.daemon.child import Child
from pyvrrp.daemon.configuration import Reading, named
from pyvrrp.daemon.options import Options
from pyvrrp.kernel.netns import current_id, name_of
from pyvrrp.observe.control import picture_line
from pyvrrp.observe.picture import DaemonSnapshot, Picture, WorkerSnapshot

_PATIENCE: Final = 1.0
"""Seconds that a worker has for its answer."""
_RATE: Final = 1_000_000
"""And one more for so many bytes of it: a worker with 40,000 checkers has other things to do meanwhile."""
_PARTS: Final = {"vrrp": "vrrp", "checkers": "lvs"}
"""Where in the picture a role's snapshot belongs."""


class Portrait:
    """The daemon's data that last as long as it does."""

    def __init__(self, options: Options, pid_file: str, namespace: str | None) -> None:
        self.last_reload: str | None = None
        self._options = options
        self._pid_file = pid_file
        self._started = time.monotonic_ns() // 1000
        self._namespace_id = current_id()
        self._namespace = namespace or name_of(self._namespace_id)

    async def take(self, reading: Reading, children: Sequence[Child]) -> bytes:
        """The picture of now, as a line of JSON; a worker that does not answer is in it with its problem."""
        import asyncio

        asked = {child.role: asyncio.ensure_future(_ask(child)) for child in children}
        answers = {role: await answer for role, answer in asked.items()}
        parts = {_PARTS[role]: text for role, (_, text) in answers.items() if text is not None}
        picture = Picture(
            taken=time.monotonic_ns() // 1000,
            taken_epoch=time.time_ns() // 1000,
            daemon=self._daemon(reading, tuple(worker for worker, _ in answers.values())),
            vrrp=None,
            lvs=None,
        )
        return picture_line(picture, parts)

    def _daemon(self, reading: Reading, workers: tuple[WorkerSnapshot, ...]) -> DaemonSnapshot:
        global_defs = reading.config.global_defs
        return DaemonSnapshot(
            pid=os.getpid(),
            version=__version__,
            started=self._started,
            config_file=self._options.config_file,
            pid_file=self._pid_file,
            instance=global_defs.instance,
            net_namespace=self._namespace,
            net_namespace_id=self._namespace_id,
            router_id=global_defs.router_id or os.uname().nodename,
            workers=workers,
            last_reload=self.last_reload,
            problems=(*named(reading.problems), *(f"{o}: not active yet" for o in self._options.not_active)),
        )


async def _ask(child: Child) -> tuple[WorkerSnapshot, bytes | None]:
    import asyncio

    if child.pid is None:
        return child.describe(), None
    patience = _PATIENCE + len(child.snapshot or b"") / _RATE
    try:
        async with asyncio.timeout(patience):
            text = await child.tell()
    except TimeoutError:
        return child.describe(f"does not answer within {patience:.0f} s"), None
    except EOFError:
        return child.describe(), None
    return child.describe(), text
