"""Recording: everything a machine is told, and everything it answers, as lines of JSON.

The first line is the machine itself, as it was when the recording began, or what it is made of; each other line is one
event with the actions that it led to, masked (`secrets`). Nothing is encoded or written while an event is dealt with:
events and actions are values that nobody changes, so they wait in a list until the worker has nothing better to do. The
last line says why the recording ended.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from pyvrrp import __version__
from pyvrrp.record.graph import to_graph
from pyvrrp.record.secrets import Mask
from pyvrrp.units import SECOND

if TYPE_CHECKING:
    import asyncio

    from pyvrrp.observe.control import RecordWish

FORMAT: Final = 1
SIZE: Final = 100 * (1 << 20)
"""Bytes that a recording may grow to where nothing else is said."""
_PAUSE: Final = 0.2
"""Seconds from the first entry until it is written."""
_SLICE: Final = 0.002
"""Seconds that are spent on encoding without a look at anything else."""
_BACKLOG: Final = 200_000
"""More entries than that are not kept waiting: the recording ends."""


class Machine(Protocol):
    """A router or a balancer."""

    def handle(self, event: Any) -> list[Any]: ...


class Recorder:
    """One recording, in a worker with an event loop. OSError where the file cannot be made."""

    def __init__(
        self,
        wish: RecordWish,
        role: str,
        machine: Machine,
        origin: object,
        loop: asyncio.AbstractEventLoop,
        ended: Callable[[str], None],
    ) -> None:
        """`origin`: what the machine was made of, where nothing has happened to it yet; None: it is written as it is.

        `ended` is called once with the reason when the recording ends by itself.
        """
        self._wish = wish
        self._loop = loop
        self._machine = machine
        self._ended = ended
        self._mask = Mask(os.urandom(32))
        self._waiting: deque[tuple[Any, list[Any] | None]] = deque()
        self._due: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None
        self._writing = False
        self._lines: list[bytes] = []
        self._size = 0
        self._events = 0
        self._over = False
        self._file = os.open(wish.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        header = {
            "pyvrrp_recording": FORMAT,
            "pyvrrp": __version__,
            "role": role,
            "began": time.monotonic_ns() // 1000,
            "began_epoch": time.time_ns() // 1000,
            "origin": None if origin is None else to_graph(origin, self._mask),
            "machine": to_graph(machine, self._mask) if origin is None else None,
        }
        self._note(header)
        self._flush()
        if wish.duration is not None:
            self._end = loop.call_later(wish.duration / SECOND, self._finish_by_itself, "its time is over")

    @property
    def path(self) -> str:
        return self._wish.path

    def handle(self, event: Any) -> list[Any]:
        """In place of the machine's own."""
        try:
            actions = self._machine.handle(event)
        except BaseException:
            self._waiting.append((event, None))
            self.finish("the machine failed at this event")
            raise
        self._waiting.append((event, actions))
        if self._due is None and not self._writing:
            self._due = self._loop.call_later(_PAUSE, self._work)
        return actions

    def finish(self, why: str) -> None:
        """Write what waits, and the end. At once, whatever else there is to do."""
        if self._over:
            return
        self._over = True
        for timer in (self._due, self._end):
            if timer is not None:
                timer.cancel()
        while self._waiting:
            self._encode()
        self._note({"end": why, "events": self._events})
        try:
            self._flush()
        except OSError:
            pass
        finally:
            os.close(self._file)

    def _finish_by_itself(self, why: str) -> None:
        if not self._over:
            self.finish(why)
            self._ended(why)

    def _work(self) -> None:
        """Encode for a moment, then have it written by a thread: a disk may take its time, a master may not."""
        self._due = None
        if self._over:
            return
        until = self._loop.time() + _SLICE
        while self._waiting and self._loop.time() < until and self._size < self._wish.size:
            self._encode()
        data, self._lines = b"".join(self._lines), []
        self._writing = True
        self._loop.run_in_executor(None, os.write, self._file, data).add_done_callback(self._written)

    def _written(self, done: asyncio.Future[int]) -> None:
        self._writing = False
        if self._over:
            return
        if (error := done.exception()) is not None:
            self._finish_by_itself(str(error))
        elif self._size >= self._wish.size:
            self._waiting.clear()
            self._finish_by_itself("its size is reached")
        elif len(self._waiting) > _BACKLOG:
            self._waiting.clear()
            self._finish_by_itself("more happens than can be written")
        elif self._waiting:
            self._due = self._loop.call_later(0, self._work)

    def _encode(self) -> None:
        event, actions = self._waiting.popleft()
        self._events += 1
        graphs = None if actions is None else [to_graph(action, self._mask) for action in actions]
        self._note({"event": to_graph(event, self._mask), "actions": graphs})

    def _note(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        self._size += len(line)
        self._lines.append(line)

    def _flush(self) -> None:
        data, self._lines = b"".join(self._lines), []
        with memoryview(data) as view:
            done = 0
            while done < len(data):
                done += os.write(self._file, view[done:])
