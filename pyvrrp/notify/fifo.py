"""Named pipes to which events are written, and the scripts that read them.

A FIFO is opened for reading and writing without waiting, as keepalived does: writing needs no reader, and what nobody
reads in time is lost, which is told.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyvrrp.core.log import Level
from pyvrrp.errors import KernelError
from pyvrrp.kernel.timer import monotonic
from pyvrrp.model.scripts import Command
from pyvrrp.units import SECOND, Micros

if TYPE_CHECKING:
    from pyvrrp.kernel.processes import Identity, Process

MODE: Final = 0o600
"""keepalived's 0644 under its usual umask 0177."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
"""Seconds between the death of a script and its next start, which double while it dies at once."""
_SETTLED: Final[Micros] = 10 * SECOND


@dataclass(frozen=True, slots=True)
class FifoConfig:
    """One FIFO of the configuration."""

    keyword: str
    path: str
    user: str | None = None
    group: str | None = None
    script: Command | None = None
    """Gets the path as its last argument."""


class Fifos:
    """All FIFOs of a worker."""

    def __init__(
        self,
        start: Callable[[Command], Process],
        identify: Callable[[str | None, str | None], Identity | None],
        log: Callable[[Level, str], None],
    ) -> None:
        """`start` runs a command as its user, `identify` says who the owner of a FIFO is (None: we); KernelError from
        both if that cannot be done."""
        self._start = start
        self._identify = identify
        self._log = log
        self._open: dict[str, _Fifo] = {}
        """By path."""

    def configure(self, wanted: Iterable[FifoConfig]) -> None:
        """Have these from now on. One that is the same, and whose file is still there, stays open with its script."""
        configs = {config.path: config for config in wanted}
        for path, fifo in list(self._open.items()):
            if configs.get(path) != fifo.config or not fifo.is_in_place():
                self._open.pop(path).close()
        for path, config in configs.items():
            if path not in self._open:
                fifo = _Fifo(config, self._start, self._log)
                try:
                    fifo.open(self._identify(config.user, config.group))
                except (OSError, KernelError) as error:
                    reason = error.strerror if isinstance(error, OSError) else str(error)
                    self._log(Level.ERROR, f"{config.keyword} {path}: {reason}; nothing is written to it")
                else:
                    self._open[path] = fifo

    def write(self, line: str) -> None:
        """One event, to all of them."""
        data = f"{line}\n".encode(errors="surrogateescape")
        for fifo in self._open.values():
            fifo.write(data)

    def close(self) -> None:
        """End the scripts, and remove the FIFOs that we have made."""
        for fifo in self._open.values():
            fifo.close()
        self._open.clear()


class _Fifo:
    def __init__(
        self, config: FifoConfig, start: Callable[[Command], Process], log: Callable[[Level, str], None]
    ) -> None:
        self.config = config
        self._start = start
        self._log = log
        self._descriptor = -1
        self._made = False
        self._lost = 0
        self._process: Process | None = None
        self._started: Micros = 0
        self._pause = _FIRST_PAUSE
        self._again: asyncio.TimerHandle | None = None

    def open(self, owner: Identity | None) -> None:
        """Make it where it is missing, and start its script. OSError where it cannot be had."""
        path = self.config.path
        try:
            os.mkfifo(path, MODE)
        except FileExistsError:
            self._made = False
        else:
            self._made = True
            if owner is not None:
                os.chown(path, owner.uid, owner.gid)
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileExistsError(0, "it is there, but is no FIFO")
        self._descriptor = descriptor
        self._run()

    def is_in_place(self) -> bool:
        """Is what we hold open still what others find under that name?"""
        try:
            there = os.stat(self.config.path)
        except OSError:
            return False
        ours = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def write(self, data: bytes) -> None:
        try:
            os.write(self._descriptor, data)
        except BlockingIOError:
            self._lost += 1
            if self._lost == 1:
                text = f"{self.config.path}: nobody reads it and it is full; what happens now is not written"
                self._log(Level.WARNING, text)
        except OSError as error:
            self._log(Level.ERROR, f"{self.config.path}: {error.strerror}")
        else:
            if self._lost:
                self._log(Level.WARNING, f"{self.config.path}: it is read again; {self._lost} lines were lost")
                self._lost = 0

    def close(self) -> None:
        if self._again is not None:
            self._again.cancel()
        if self._process is not None:
            process, self._process = self._process, None
            process.end(kill=False)
        in_place = self.is_in_place()
        os.close(self._descriptor)
        if self._made and in_place:
            os.unlink(self.config.path)

    def _run(self) -> None:
        self._again = None
        script = self.config.script
        if script is None:
            return
        keyword = f"{self.config.keyword}_script"
        self._started = monotonic()
        try:
            process = self._start(Command((*script.words, self.config.path), script.user, script.group))
        except KernelError as error:
            self._log(Level.ERROR, f"{keyword}: {error}")
            return
        self._process = process
        asyncio.get_running_loop().add_reader(process.fileno(), self._ended, process, keyword)

    def _ended(self, process: Process, keyword: str) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(process.fileno())
        status = process.status()
        if process is not self._process:
            return
        self._process = None
        said = f"status {status}" if status >= 0 else f"signal {-status}"
        if monotonic() - self._started >= _SETTLED:
            self._pause = _FIRST_PAUSE
        self._log(Level.WARNING, f"{keyword} ended with {said}; it is started again in {self._pause:g} s")
        self._again = loop.call_later(self._pause, self._run)
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause)
