"""Makes the checks that are asked for: many at a time, but no more than there are descriptors for, and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from pyvrrp.checkers.outcome import PASSED, CheckFailed, CheckNotStarted, Done, Outcome, Running, bare
from pyvrrp.checkers.watcher import Watcher
from pyvrrp.model.checkers import (
    Checker,
    DnsCheck,
    HttpCheck,
    MiscCheck,
    PingCheck,
    SmtpCheck,
    SslCheck,
    TcpCheck,
    UdpCheck,
)

if TYPE_CHECKING:
    from pyvrrp.checkers.misc import Script, Spawn

PORTION: Final = 200
"""Checks begun in one go; in between, those under way have their turn."""

COROUTINES: Final[Mapping[type[Checker], str]] = {
    SslCheck: "pyvrrp.checkers.https",
    HttpCheck: "pyvrrp.checkers.http",
    UdpCheck: "pyvrrp.checkers.udp",
    PingCheck: "pyvrrp.checkers.ping",
    DnsCheck: "pyvrrp.checkers.dns",
    SmtpCheck: "pyvrrp.checkers.smtp",
}
"""Where the `check` of each kind is, of those that are coroutines."""

GRACE: Final = 1.0
"""Seconds."""

Finished: TypeAlias = Callable[[list[tuple[int, Outcome]]], None]


class Runner:
    """At most `most` checks at a time; those that are too many wait, first come, first served.

    `finished` is told the outcomes of checks by their numbers, those of one moment together; it may begin others.
    """

    def __init__(self, finished: Finished, most: int, spawn: Spawn) -> None:
        self._finished = finished
        self._spawn = spawn
        self._most = most
        self._watcher: Watcher | None = None
        self._waiting: dict[int, Checker] = {}
        self._running: dict[int, Running] = {}
        self._outcomes: dict[int, Outcome] = {}
        """Not told yet."""
        self._turn: asyncio.Handle | None = None
        self._held = False
        self._tasks: set[asyncio.Task[Outcome]] = set()
        self._scripts: set[Script] = set()
        """Those that have not ended, whether anybody waits for them or not."""

    def begin(self, number: int, checker: Checker) -> None:
        """Make a check, soon. Its number must not be in use."""
        self._waiting[number] = checker
        self._soon()

    def hold(self) -> None:
        """`go_on` will follow: until then nothing begins and nothing is told."""
        self._held = True

    def go_on(self) -> None:
        """Tell what has ended, and begin what waits."""
        if self._turn is not None:
            self._turn.cancel()
        self._work()

    def cancel(self, number: int) -> None:
        """Nothing will be told of it."""
        self._outcomes.pop(number, None)
        self._waiting.pop(number, None)
        running = self._running.pop(number, None)
        if running is not None:
            running.cancel()
            self._soon()

    async def close(self) -> None:
        """Cancel all, and wait until they have ended; scripts get a second for it."""
        if self._turn is not None:
            self._turn.cancel()
        self._waiting.clear()
        self._outcomes.clear()
        for running in self._running.values():
            running.cancel()
        self._running.clear()
        if self._scripts:
            await asyncio.wait([script.over for script in self._scripts], timeout=GRACE)
            for script in self._scripts:
                script.kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._watcher is not None:
            self._watcher.close()

    def _soon(self) -> None:
        if self._turn is None and not self._held:
            self._turn = asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        self._turn, self._held = None, True
        if self._outcomes:
            outcomes, self._outcomes = list(self._outcomes.items()), {}
            self._finished(outcomes)
        room = min(self._most - len(self._running), PORTION, len(self._waiting))
        for _ in range(room):
            number = next(iter(self._waiting))
            checker = self._waiting.pop(number)
            try:
                self._running[number] = self._start(number, checker)
            except (CheckFailed, CheckNotStarted) as outcome:
                self._outcomes[number] = outcome
        self._held = False
        if self._outcomes or (self._waiting and len(self._running) < self._most):
            self._soon()

    def _start(self, number: int, checker: Checker) -> Running:
        if self._watcher is None:
            self._watcher = Watcher(self.hold, self.go_on)
        running = start(checker, self._watcher, self._spawn, partial(self._ended, number))
        # Both outlive being cancelled for a while.
        if isinstance(running, Task):
            self._tasks.add(running.task)
            running.task.add_done_callback(self._tasks.discard)
        elif isinstance(checker, MiscCheck):
            script = cast("Script", running)
            self._scripts.add(script)
            script.over.add_done_callback(lambda _: self._scripts.discard(script))
        return running

    def _ended(self, number: int, outcome: Outcome) -> None:
        del self._running[number]
        self._outcomes[number] = outcome
        self._soon()


class Task:
    """A check that is a coroutine."""

    def __init__(self, asking: Coroutine[Any, Any, Outcome | None], done: Done) -> None:
        self._done: Done | None = done
        # The loop itself holds tasks only weakly.
        self.task = asyncio.get_running_loop().create_task(self._ask(asking))
        self.task.add_done_callback(self._ended)

    def cancel(self) -> None:
        self._done = None
        self.task.cancel()

    async def _ask(self, asking: Coroutine[Any, Any, Outcome | None]) -> Outcome:
        try:
            return await asking or PASSED
        except (CheckFailed, CheckNotStarted) as outcome:
            return bare(outcome)

    def _ended(self, task: asyncio.Task[Outcome]) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(task.result())  # a bug in a checker is the loop's exception handler's business


def start(checker: Checker, watcher: Watcher, spawn: Spawn, done: Done) -> Running:
    """Begin a check. CheckFailed or CheckNotStarted if it ends at once. Only what a configuration uses is loaded."""
    match checker:
        case TcpCheck():
            from pyvrrp.checkers import tcp

            return tcp.start(checker, watcher, done)
        case HttpCheck() if type(checker) is HttpCheck and all(url.pattern is None for url in checker.urls):
            from pyvrrp.checkers import http

            return http.start(checker, watcher, done)
        case MiscCheck():
            from pyvrrp.checkers import misc

            return misc.Script(checker, spawn, done)
        case _:
            check: Callable[[Checker], Coroutine[Any, Any, None]] = import_module(COROUTINES[type(checker)]).check
            return Task(check(checker), done)


async def ask(checker: Checker, spawn: Spawn) -> Outcome:
    """Make one check by itself, of one url if it has several."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Outcome] = loop.create_future()
    watcher = Watcher()
    running: Running | None = None
    try:
        running = start(checker, watcher, spawn, answer.set_result)
        return await answer
    except (CheckFailed, CheckNotStarted) as outcome:
        return outcome
    finally:
        if running is not None:
            running.cancel()
        watcher.close()
