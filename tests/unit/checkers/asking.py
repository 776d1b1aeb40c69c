"""Making a check and seeing how it ends; servers to ask."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from pyvrrp.checkers import runner
from pyvrrp.checkers.outcome import Passed
from pyvrrp.kernel import processes
from pyvrrp.kernel.processes import Process
from pyvrrp.model.checkers import Checker, HttpCheck
from pyvrrp.model.scripts import Command


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port of a server on loopback. At the end all its conversations have ended, also one that had just begun."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        # Python 3.11 does not wait in `wait_closed`, and leaves open what was accepted just before `close`. Who has
        # connected is a task some turns of the loop later.
        for _ in range(5):
            await asyncio.sleep(0)
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)
        server.close()


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
