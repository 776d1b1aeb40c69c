"""Has mails sent by a process of its own, which is there only while there are any."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.model.config import GlobalDefs
from pyvrrp.notify.mail import Envelope, envelope

PROGRAM: Final = (sys.executable, "-P", "-m", "pyvrrp.notify.smtp")
WAITING: Final = 200
"""Mails that may wait; of more the oldest are lost, which is told."""
IDLE: Final = 30.0
"""Seconds after which a process without work is let go."""


class Postman:
    """The queue of mails of a daemon."""

    def __init__(self, log: Callable[[Level, str], None], program: Sequence[str] = PROGRAM) -> None:
        self._log = log
        self._program = program
        self._queue: deque[Envelope] = deque()
        self._lost = 0
        self._arrived = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._failing = False
        self._closing = False

    def post(self, definitions: GlobalDefs, subject: str, body: str) -> None:
        """Queue a mail as these global_defs want it. Returns at once."""
        mail = definitions.mail
        if mail is None or not mail.smtp_server or not mail.notification_email:
            return
        host = socket.gethostname()
        router_id = definitions.router_id or host
        sender = mail.notification_email_from or f"{_account()}@{host}"
        if len(self._queue) >= WAITING:
            self._queue.popleft()
            self._lost += 1
            if self._lost == 1:
                self._log(Level.WARNING, f"more than {WAITING} mails wait; the oldest are dropped")
        self._queue.append(envelope(mail, router_id, host, sender, subject, body, time.time()))
        self._arrived.set()
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._deliver())

    async def close(self, patience: float) -> None:
        """Give what waits so many seconds to be sent."""
        if self._work is None:
            return
        self._closing = True
        self._arrived.set()
        await asyncio.wait({self._work}, timeout=patience)
        if self._queue:
            self._log(Level.WARNING, f"{len(self._queue)} mails were not sent")
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    async def _deliver(self) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._program,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the supervisor
            )
        except OSError as error:
            self._log(Level.ERROR, f"mail: {error.strerror}; {len(self._queue)} mails are dropped")
            self._queue.clear()
            return
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            while await self._has_mail():
                mail = self._queue[0]
                process.stdin.write(mail.line())
                answer = await process.stdout.readline()
                if self._queue and self._queue[0] is mail:
                    self._queue.popleft()
                if not answer:
                    self._log(Level.ERROR, "mail: the process that sends them has ended; a mail is lost")
                    return
                self._note(mail, answer.decode(errors="replace").strip())
        except (BrokenPipeError, ConnectionResetError):
            self._log(Level.ERROR, "mail: the process that sends them has ended; a mail is lost")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _has_mail(self) -> bool:
        """Wait for one, but not for ever."""
        if self._queue or self._closing:
            return bool(self._queue)
        self._arrived.clear()
        try:
            async with asyncio.timeout(IDLE):
                await self._arrived.wait()
        except TimeoutError:
            return False
        return bool(self._queue)

    def _note(self, mail: Envelope, problem: str) -> None:
        if problem:
            if not self._failing:
                self._log(Level.WARNING, f"mail through {mail.host} port {mail.port} was not sent: {problem}")
        elif self._failing:
            self._log(Level.INFO, f"mail through {mail.host} is sent again")
        self._failing = bool(problem)


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "root"
