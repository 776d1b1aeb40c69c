"""One worker as the supervisor sees it: started, listened to, replaced when it dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pyvrrp.core.log import Level
from pyvrrp.daemon import channel as line
from pyvrrp.daemon.birth import Newborn, bear
from pyvrrp.daemon.lifecycle import Death, early_deaths, respawn_delay
from pyvrrp.daemon.pidfile import PidFile
from pyvrrp.observe.picture import WorkerSnapshot
from pyvrrp.units import Micros, format_seconds, seconds

if TYPE_CHECKING:
    import asyncio

    from pyvrrp.daemon.supervisor import Supervisor
    from pyvrrp.observe.control import RecordWish


class Child:
    """The worker of one role, through all its lives."""

    def __init__(
        self, role: str, keeper: Supervisor, program: Sequence[str], pid_file: PidFile, newborn: Newborn | None = None
    ) -> None:
        """`newborn`: a process that waits for its first order already."""
        self.role = role
        self.pid: int | None = None
        self.running = False
        """It said Ready and lives."""
        self.restarts = 0
        self.problem: str | None = None
        """Why it does not run."""
        self.snapshot: bytes | None = None
        """The last that it told, unread."""
        self._keeper = keeper
        self._program = program
        self._pid_file = pid_file
        self._newborn = newborn
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channel: line.Channel | None = None
        self._started: Micros = 0
        self._deaths = 0
        self._last_words: str | None = None
        self._respawn: asyncio.TimerHandle | None = None
        self._execution: asyncio.TimerHandle | None = None
        self._tell = 0
        self._asked: dict[int, asyncio.Future[Any]] = {}
        """What it was asked and has not answered, by number."""

    def spawn(self) -> None:
        """Begin a life. OSError where the system has no room for a process."""
        self._respawn = None
        newborn, self._newborn = self._newborn or bear(self.role, self._program), None
        self._channel, self.pid = line.Channel(newborn.line), newborn.pid
        self.running, self.problem, self._last_words = False, None, None
        self._started = time.monotonic_ns() // 1000
        self._pid_file.write(self.pid)
        self._keeper.log(Level.INFO, f"Starting {self.role} worker, pid={self.pid}")
        self.send(self._keeper.order(self.role, self.snapshot))
        if self._loop is not None:
            self.watch(self._loop)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen to it, as soon as there is a loop."""
        self._loop = loop
        assert self._channel is not None
        assert self.pid is not None
        self._channel.attach(loop, self._received, lambda: None)
        death = os.pidfd_open(self.pid)
        loop.add_reader(death, self._died, death)

    def send(self, order: line.Order) -> None:
        if self._channel is not None:
            self._channel.send(line.order_frame(order))

    def reload(self, order: line.Reload) -> bool:
        """Pass it on. False where nobody is there to answer: the next life starts with the new configuration."""
        if self.pid is None:
            return False
        self.send(order)
        return True

    def stop(self, patience: Micros) -> bool:
        """Ask it to leave cleanly, and kill it where it has not after `patience`; `ended` tells when it is gone.

        False where it is not there: nothing will be told.
        """
        if self._respawn is not None:
            self._respawn.cancel()
            self._respawn = None
        if self.pid is None:
            return False
        assert self._loop is not None
        self.send(line.Stop())
        self._execution = self._loop.call_later(seconds(patience), self._kill)
        return True

    def _kill(self) -> None:
        assert self.pid is not None
        self._keeper.log(Level.ERROR, f"{self.role} worker does not stop; it is killed")
        os.kill(self.pid, signal.SIGKILL)

    def release(self) -> None:
        """Give up the pid file, at the end of the last life."""
        self._pid_file.remove()

    async def tell(self) -> bytes:
        """A fresh snapshot, unread. Waits until the worker answers; EOFError where it dies instead."""
        snapshot: bytes = await self._ask(line.Tell)
        return snapshot

    async def record(self, wish: RecordWish | None) -> line.Recorded:
        """Have it begin or (None) end a recording. EOFError where it dies instead of answering."""
        recorded: line.Recorded = await self._ask(lambda number: line.Record(number, wish))
        return recorded

    async def _ask(self, order: Callable[[int], line.Order]) -> Any:
        if self._loop is None or self.pid is None:
            raise EOFError
        self._tell += 1
        number = self._tell
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._asked[number] = answer
        self.send(order(number))
        try:
            return await answer
        finally:
            self._asked.pop(number, None)

    def describe(self, problem: str | None = None) -> WorkerSnapshot:
        return WorkerSnapshot(role=self.role, pid=self.pid, restarts=self.restarts, problem=self.problem or problem)

    def _received(self, frame: bytes) -> None:
        report, snapshot = line.read_report(frame)
        match report:
            case line.Ready():
                self.running = True
                self._keeper.ready(self)
            case line.Failed(text):
                self._last_words = text
            case line.Mail(subject, body):
                self._keeper.mail(subject, body)
            case line.Reloaded(problem):
                self._keeper.reloaded(self, problem)
            case line.Told(answers):
                self.snapshot = snapshot
                self._answered(answers, snapshot)
            case line.Recorded(answers):
                self._answered(answers, report)

    def _answered(self, number: int | None, answer: object) -> None:
        if number is not None and (asked := self._asked.pop(number, None)) and not asked.done():
            asked.set_result(answer)

    def _died(self, pidfd: int) -> None:
        assert self._loop is not None
        assert self._channel is not None
        assert self.pid is not None
        self._loop.remove_reader(pidfd)
        os.close(pidfd)
        self._channel.drain()  # its last words may still be on the line
        self._channel.close()
        _, wait_status = os.waitpid(self.pid, 0)
        if self._execution is not None:
            self._execution.cancel()
            self._execution = None
        death = Death.of(wait_status)
        self._deaths = early_deaths(self._deaths, time.monotonic_ns() // 1000 - self._started)
        self.pid, self._channel, self.running = None, None, False
        self.problem = self._last_words or str(death)
        if death.clean:
            self.snapshot = None  # it left the kernel clean: nothing for a successor to carry on
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(EOFError())
        if self._keeper.ended(self, death, self._last_words):
            self._schedule()

    def _schedule(self) -> None:
        assert self._loop is not None
        delay = respawn_delay(self._deaths)
        if delay:
            self._keeper.log(Level.WARNING, f"{self.role} worker: restart delayed {format_seconds(delay)} seconds")
        self._respawn = self._loop.call_later(seconds(delay), self._again)

    def _again(self) -> None:
        self.restarts += 1
        self.spawn()
