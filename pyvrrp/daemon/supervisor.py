"""The daemon's own process: starts the workers, replaces those that die, reloads, answers questions, stops.

It touches neither packets nor the kernel's network state, so nothing that takes time here (reading a large
configuration, writing an answer) delays an advertisement.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from pyvrrp.core.log import Level
from pyvrrp.daemon.abridged import abridged
from pyvrrp.daemon.birth import WORKER, Newborn, dismiss
from pyvrrp.daemon.channel import Start
from pyvrrp.daemon.child import Child
from pyvrrp.daemon.configuration import Reading, lines, refusal
from pyvrrp.daemon.exit_status import ExitStatus
from pyvrrp.daemon.launch import Launch
from pyvrrp.daemon.lifecycle import ROLES, Death, fixed_at_start, needed, share
from pyvrrp.daemon.log import Log, report_bug
from pyvrrp.daemon.options import Options
from pyvrrp.daemon.pidfile import InUseError, PidFile, PidFiles
from pyvrrp.daemon.portrait import Portrait
from pyvrrp.daemon.signals import NOT_ACTIVE, WAITING_AT_START
from pyvrrp.daemon.systemd import notify, reloading
from pyvrrp.observe.control import SOCKET_DIRECTORY, BadRequestError, RecordRequest

if TYPE_CHECKING:
    import asyncio

    from pyvrrp.daemon.postman import Postman
    from pyvrrp.model.config import Config

_LAST_MAILS: Final = 3.0
"""Seconds that mails about the stop get."""
_SOCKET: Final = "control socket"
"""What a start waits for besides the workers."""
_THOROUGH: Final = 8
"""One reload in so many looks for garbage."""


class Supervisor:
    """One daemon, from the start of its workers to their end."""

    def __init__(
        self,
        options: Options,
        reading: Reading,
        read: Callable[[], Reading],
        files: PidFiles,
        log: Log,
        launch: Launch,
        *,
        namespace: str | None = None,
        program: Sequence[str] = WORKER,
        newborn: Newborn | None = None,
        sockets: str = SOCKET_DIRECTORY,
        notify_socket: str | None = None,
    ) -> None:
        """`read` reads the configuration anew; `namespace`: the one that was entered, if any; `program`: how a
        worker is started, without its role; `newborn`: a worker that was started in the hope that it is needed."""
        self.log = log
        self._options = options
        self._reading = reading
        self._read = read
        self._files = files
        self._launch = launch
        self._namespace = namespace
        self._program = program
        self._newborn = newborn
        self._sockets = sockets
        self._notify = notify_socket
        self._portrait = Portrait(options, files.daemon, namespace)
        self._children: dict[str, Child] = {}
        self._postman: Postman | None = None
        self._leaving: set[str] = set()
        """Roles whose worker is to end and not to come back."""
        self._awaited: set[str] = set()
        """Roles (and the control socket) that a start or a reload in progress waits for."""
        self._settled: Callable[[], None] | None = None
        """What to do when none is awaited any more; None while nothing is in progress."""
        self._problems: list[str] = []
        """What went wrong in the workers during this reload."""
        self._again = False
        """A SIGHUP came during the start or a reload."""
        self._reloads = 0

    def run(self) -> ExitStatus:
        """Live. InUseError or OSError where a worker's pid file cannot be had."""
        if any(file.init_file for file in self._reading.config.track_files):
            from pyvrrp.trackers.initial import write_first

            write_first(self._reading.config.track_files, self.log)
        self._run_hook("startup_script")
        try:
            for role in ROLES:
                if needed(role, self._reading.config, self._options):
                    self._add(role)
        except BaseException:
            self._release_all()
            raise
        finally:
            if self._newborn is not None:
                dismiss(self._newborn)
                self._newborn = None
        # The workers load while we do, and nothing here needs TLS.
        sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]
        import asyncio

        return asyncio.run(self._live())

    # What the children ask and tell

    def order(self, role: str, previous: bytes | None) -> Start:
        """What to start a worker of this role with, now."""
        return Start(self._options, self._namespace, share(role, self._reading.config, self._options), previous)

    def ready(self, child: Child) -> None:
        self._arrived(child.role)

    def reloaded(self, child: Child, problem: str | None) -> None:
        if problem:
            self._problems.append(f"{child.role}: {problem}")
        self._arrived(child.role)

    def mail(self, subject: str, body: str) -> None:
        if self._postman is None:
            from pyvrrp.daemon.postman import Postman

            self._postman = Postman(self.log)
        self._postman.post(self._reading.config.global_defs, subject, body)

    def ended(self, child: Child, death: Death, why: str | None) -> bool:
        """The worker is gone; `why`: its own last words. True to have it replaced."""
        if child.role in self._leaving:
            self._forget(child)
            return False
        name = f"{child.role} worker"
        if (status := death.permanent) is not None:
            self._fail(status, f"{why or f'{name} {death}'}. The daemon stops: a restart would not help")
            return False
        if self._options.dont_respawn:
            self._fail(ExitStatus.OK, f"{name} {death}. The daemon stops, as --dont-respawn asks")
            return False
        if why:
            self.log(Level.ERROR, why)
        self.log(Level.ERROR, f"{name} {death}; it is replaced")
        self._arrived(child.role)
        return True

    # Life

    async def _live(self) -> ExitStatus:
        import asyncio

        from pyvrrp.daemon.control import Control

        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._broken)
        self._end: asyncio.Future[ExitStatus] = self._loop.create_future()
        self._gone = asyncio.Event()
        control = Control(self._sockets, self._picture, self._record)
        self._await({_SOCKET, *self._children}, self._started)
        for child in self._children.values():
            child.watch(self._loop)
        self._loop.add_signal_handler(signal.SIGTERM, self._stop)
        self._loop.add_signal_handler(signal.SIGHUP, self._hangup)
        if self._options.ignore_sigint:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        else:
            self._loop.add_signal_handler(signal.SIGINT, self._stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITING_AT_START)
        try:
            await control.open()
        except OSError as error:
            self.log(Level.ERROR, f"control socket: {error}; pyvrrp show cannot ask this daemon")
        self._arrived(_SOCKET)
        try:
            status = await self._end
            await self._leave()
        finally:
            control.close()
            self._release_all()
        return status

    def _started(self) -> None:
        if self._end.done():
            return
        for request, what in NOT_ACTIVE.items():
            self._loop.add_signal_handler(request.value, self.log, Level.NOTICE, f"{what}: not active yet")
        if not self._children:
            self.log(Level.WARNING, "The configuration has nothing to run; waiting for a reload")
        self.log(Level.INFO, "Startup complete")
        notify(self._notify, "READY=1", f"MAINPID={os.getpid()}")
        self._launch.release(ExitStatus.OK)
        self._hang_up_again()

    def _stop(self) -> None:
        self._finish(ExitStatus.OK)

    def _fail(self, status: ExitStatus, text: str) -> None:
        self.log(Level.ERROR, text)
        self._launch.say(text)
        self._finish(status)

    def _finish(self, status: ExitStatus) -> None:
        if not self._end.done():
            self._end.set_result(status)

    async def _leave(self) -> None:
        self.log(Level.INFO, "Stopping")
        notify(self._notify, "STOPPING=1")
        self._settled = None
        for child in list(self._children.values()):
            self._dismiss(child)
        if self._children:
            await self._gone.wait()
        if self._postman is not None:
            await self._postman.close(_LAST_MAILS)
        self._run_hook("shutdown_script")

    def _run_hook(self, keyword: str) -> None:
        """The script of that keyword, where there is one. Waits for it: there are no workers that it could delay."""
        rules = self._reading.config.global_defs.scripts
        if rules is not None and getattr(rules, keyword) is not None:
            from pyvrrp.daemon.hooks import run

            run(keyword, getattr(rules, keyword), getattr(rules, f"{keyword}_timeout"), rules, self.log)

    def _broken(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A bug of ours in one callback: the workers must not suffer for it."""
        if (error := context.get("exception")) is not None:
            report_bug(self.log, error)
        else:
            self.log(Level.WARNING, context["message"])

    # Workers

    def _add(self, role: str) -> Child:
        newborn = None
        pid_file = PidFile(self._files.roles[role])
        if self._newborn is not None and self._newborn.role == role:
            newborn, self._newborn = self._newborn, None
        self._children[role] = child = Child(role, self, self._program, pid_file, newborn)
        child.spawn()
        return child

    def _dismiss(self, child: Child) -> None:
        self._leaving.add(child.role)
        if not child.stop(self._reading.config.global_defs.child_wait_time):
            self._forget(child)

    def _forget(self, child: Child) -> None:
        child.release()
        del self._children[child.role]
        self._leaving.discard(child.role)
        self._arrived(child.role)
        if not self._children:
            self._gone.set()

    def _release_all(self) -> None:
        for child in self._children.values():
            child.release()
        self._children.clear()

    def _await(self, roles: set[str], then: Callable[[], None]) -> None:
        self._awaited, self._settled = set(roles), then
        self._arrived(None)

    def _arrived(self, role: str | None) -> None:
        self._awaited.discard(role or "")
        if not self._awaited and self._settled is not None:
            then, self._settled = self._settled, None
            then()

    # Reload

    def _hangup(self) -> None:
        if self._settled is not None:
            self._again = True  # one is as good as many: the files are read after it
        elif not self._end.done():
            self._reload()

    def _hang_up_again(self) -> None:
        if self._again:
            self._again = False
            self._hangup()

    def _reload(self) -> None:
        self.log(Level.INFO, "Reloading ...")
        notify(self._notify, *reloading())
        self._problems = []
        new = self._read()
        for level, line in lines(new.problems):
            self.log(level, line)
        if (reason := refusal(new, self._reading) or self._cannot_change(new)) is not None:
            self._reload_done(f"refused: {reason}; the running configuration stays")
            return
        old, self._reading = self._reading.config, new
        wanted = {role for role in ROLES if needed(role, new.config, self._options)}
        awaited = {role for role, child in self._children.items() if role in wanted and self._pass_on(child, old)}
        for role in set(self._children) - wanted:
            awaited.add(role)
        for role in [role for role in ROLES if role in wanted and role not in self._children]:
            try:
                self._add(role).watch(self._loop)
                awaited.add(role)
            except (InUseError, OSError) as error:
                self._problems.append(f"the {role} worker cannot be started: {error}")
        self._await(awaited, self._reload_finished)
        for role in set(self._children) - wanted:
            self._dismiss(self._children[role])

    def _pass_on(self, child: Child, old: Config) -> bool:
        before, after = (share(child.role, config, self._options) for config in (old, self._reading.config))
        return child.reload(abridged(before, after))

    def _cannot_change(self, new: Reading) -> str | None:
        changed = fixed_at_start(self._reading.config, new.config)
        return f"{', '.join(changed)} cannot change in a running daemon (restart it)" if changed else None

    def _reload_finished(self) -> None:
        self._reload_done(f"done, but {'; '.join(self._problems)}" if self._problems else "complete")

    def _reload_done(self, result: str) -> None:
        level = Level.INFO if result == "complete" else Level.ERROR
        self.log(level, f"Reload {result}")
        self._portrait.last_reload = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {result}"
        notify(self._notify, "READY=1")
        self._reloads += 1
        if self._reloads % _THOROUGH == 0:  # what was read is kept from the collector: there may be a cycle after all
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        self._hang_up_again()

    # Questions

    async def _record(self, request: RecordRequest) -> str:
        """BadRequestError where the worker is not there or cannot."""
        child = self._children.get(request.role)
        if child is None:
            raise BadRequestError(f"there is no {request.role} worker")
        try:
            recorded = await child.record(request.wish)
        except EOFError as error:
            raise BadRequestError(f"the {request.role} worker has gone") from error
        if recorded.refused:
            raise BadRequestError(recorded.text)
        return recorded.text

    async def _picture(self) -> bytes:
        return await self._portrait.take(self._reading, list(self._children.values()))
