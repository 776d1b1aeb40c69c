"""A worker: a process with an event loop, a log and a line to the supervisor, in which one role lives.

Started by `child.Child` as ``python -P -m pyvrrp.daemon.worker ROLE VERSION`` with the line on descriptor 3. It reads
nothing from the disk but its own program. It leaves cleanly on SIGTERM, on the order to stop, and when the line
ends: a supervisor that was killed with SIGKILL takes its workers with it, priority 0 advertisements and all.
(keepalived asks the kernel for a signal, PR_SET_PDEATHSIG; the end of the line says the same.)
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyvrrp import __version__
from pyvrrp.core.log import Level
from pyvrrp.daemon import channel as line
from pyvrrp.daemon.abridged import complete
from pyvrrp.daemon.birth import WORKER_FD
from pyvrrp.daemon.exit_status import ExitStatus
from pyvrrp.daemon.log import Log, open_log, report_bug
from pyvrrp.daemon.options import Options
from pyvrrp.daemon.signals import NOT_ACTIVE
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.netns import enter
from pyvrrp.kernel.system import freeze_garbage
from pyvrrp.model.config import GlobalDefs
from pyvrrp.observe.codec import from_json

if TYPE_CHECKING:
    import asyncio

    from pyvrrp.core.lvs.snapshot import LvsSnapshot
    from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
    from pyvrrp.daemon.role import Host, Role
    from pyvrrp.observe.control import RecordWish
    from pyvrrp.record.recorder import Recorder
    from pyvrrp.units import Micros

AnyRole: TypeAlias = "Role[VrrpSnapshot] | Role[LvsSnapshot]"

_QUIET: Final = 20
"""After a snapshot no other goes out for so many times what it cost: at most 5 % of the time is spent on them."""

_PATIENCE: Final = 5
"""So many times what a snapshot costs it waits for more changes: many instances move a sixteenth at a time."""

_TIDY: Final = 300.0
"""Seconds."""

_SLICE: Final = 0.001
"""Seconds that a snapshot may be worked at without a look at anything else."""


class Worker:
    """The host of a role (`role.Host`)."""

    def __init__(self, name: str, channel: line.Channel, start: line.Start, log: Log) -> None:
        self._name = name
        self._channel = channel
        self._start = start
        self._config = start.config
        self._log = log
        self._role: Any = None
        self._running = False
        self._due: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0
        self._cost = 0.0
        """Seconds that the last snapshot took."""
        self._telling = 0
        """Snapshots that are being written."""
        self._recorder: Recorder | None = None

    @property
    def options(self) -> Options:
        return self._start.options

    def log(self, level: Level, text: str) -> None:
        self._log(level, text)

    def mail(self, subject: str, body: str) -> None:
        self._channel.send(line.report_frame(line.Mail(subject, body)))

    def changed(self) -> None:
        # Not at once: one event may change many instances, and packets go before paperwork.
        # Where a snapshot takes long, many more changes may be about to come.
        if self._running and self._due is None:
            wait = max(_PATIENCE * self._cost, self._quiet_until - self._loop.time())
            self._due = self._loop.call_later(wait, self._tell_unasked)

    def late(self, by: Micros) -> None:
        from pyvrrp.daemon.standing import late

        late(by, self._config.global_defs, self._log)

    def begun(self, machine: Any, origin: object) -> Callable[[Any], list[Any]]:
        if self._start.options.record is None:
            handle: Callable[[Any], list[Any]] = machine.handle
            return handle
        from pyvrrp.observe.control import RecordWish
        from pyvrrp.record.recorder import SIZE

        path = f"{self._start.options.record}.{self._name}"
        try:
            recorder = self._begin_recording(RecordWish(path=path, size=SIZE, duration=None), machine, origin)
        except OSError as error:
            self.log(Level.ERROR, f"{path}: {error.strerror}; nothing is recorded")
            return machine.handle  # type: ignore[no-any-return]
        return recorder.handle

    async def run(self, make: Callable[[Host], AnyRole]) -> ExitStatus:
        """Live until told to stop."""
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._loop.set_exception_handler(self._broken)
        self._loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        self._loop.add_signal_handler(signal.SIGHUP, self.log, Level.NOTICE, self._hint("reload"))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        for request, what in NOT_ACTIVE.items():
            self._loop.add_signal_handler(request.value, self.log, Level.NOTICE, f"{what}: not active yet")
        self._channel.attach(self._loop, self._received, self._stop.set)
        try:
            self._begin(make(self))
        except KernelError as error:
            self._channel.send(line.report_frame(line.Failed(f"{self._name} worker: {error}")))
            return ExitStatus.PERMISSION if error.fault is KernelFault.DENIED else ExitStatus.FATAL
        await self._stop.wait()
        self._running = False
        await self._role.stop()
        if self._recorder is not None:
            self._recorder.finish("the worker stopped")
        return ExitStatus.OK

    def _hint(self, what: str) -> str:
        return f"to {what}, send the signal to the daemon's own process, pid {os.getppid()}"

    def _begin(self, role: AnyRole) -> None:
        self._role = role
        previous = self._start.previous
        self._role.start(self._start.config, None if previous is None else _snapshot(self._name, previous))
        self._settle()
        if self._name != "vrrp":
            self._loop.call_later(_TIDY, self._tidy)
        self._running = True
        self._tell(None)
        self._channel.send(line.report_frame(line.Ready()))

    def _settle(self) -> None:
        """What is there now will stay."""
        if self._name == "vrrp":
            freeze_garbage()
        else:
            gc.freeze()  # to look through tens of thousands of servers takes half a second

    def _tidy(self) -> None:
        """Look for garbage among what is new since the last time, if there should be any."""
        gc.collect(1)
        self._loop.call_later(_TIDY, self._tidy)

    def _received(self, frame: bytes) -> None:
        match line.read_order(frame):
            case line.Reload() as order:
                self._reload(order)
            case line.Tell(number):
                self._tell(number)
            case line.Record(number, wish):
                self._channel.send(line.report_frame(self._record(number, wish)))
            case line.Stop():
                self._stop.set()
            case line.Start():
                raise AssertionError("a worker is started once")

    def _reload(self, order: line.Reload) -> None:
        problem = None
        before, self._config = self._config, complete(order, self._config)
        try:
            self._role.reload(self._config)
        except KernelError as error:
            problem = str(error)
        if self._config != before:
            _stand(self._name, self._start, self._config.global_defs, before.global_defs, self._log)
            self._settle()
        self._channel.send(line.report_frame(line.Reloaded(problem)))
        if self._name == "vrrp":
            self.changed()

    def _record(self, number: int, wish: RecordWish | None) -> line.Recorded:
        """From now on, in the middle of the machine's life, or no more."""
        if wish is None:
            return self._end_recording(number)
        if self._recorder is not None:
            return line.Recorded(number, f"it records to {self._recorder.path} already", refused=True)
        try:
            recorder = self._begin_recording(wish, self._role.machine, None)
        except OSError as error:
            return line.Recorded(number, f"{wish.path}: {error.strerror}", refused=True)
        self._role.hear_through(recorder.handle)
        return line.Recorded(number, f"the {self._name} worker records to {wish.path}", refused=False)

    def _begin_recording(self, wish: RecordWish, machine: Any, origin: object) -> Recorder:
        """OSError where the file cannot be made."""
        from pyvrrp.record.recorder import Recorder

        recorder = Recorder(wish, self._name, machine, origin, self._loop, self._recording_ended)
        self._recorder = recorder
        self.log(Level.NOTICE, f"Everything is recorded to {wish.path}")
        return recorder

    def _end_recording(self, number: int) -> line.Recorded:
        recorder = self._recorder
        if recorder is None:
            return line.Recorded(number, "nothing is recorded", refused=True)
        recorder.finish("asked to end")
        self._recording_ended("asked to end")
        return line.Recorded(number, f"the recording is {recorder.path}", refused=False)

    def _recording_ended(self, why: str) -> None:
        if self._recorder is not None:
            self.log(Level.NOTICE, f"The recording to {self._recorder.path} ended: {why}")
            self._recorder = None
            self._role.hear_through(self._role.machine.handle)

    def _tell_unasked(self) -> None:
        self._due = None
        if not self._running:
            return
        # One at a time, lest an older one overtakes it; and while the supervisor has not read the last one, none.
        if self._telling or self._channel.backlog:
            self._due = self._loop.call_later(0.1, self._tell_unasked)
        else:
            self._tell(None)

    def _tell(self, answers: int | None) -> None:
        # A successor has no use for the kernel's counters, and reading them is dear.
        self._telling += 1
        self._write(answers, self._role.pieces(full=answers is not None), bytearray(), 0.0)

    def _write(self, answers: int | None, pieces: Iterator[str], text: bytearray, cost: float) -> None:
        """Send the snapshot when its last piece is written; in between the role does what is due."""
        began = self._loop.time()
        for piece in pieces:
            text += piece.encode()
            spent = self._loop.time() - began
            if spent > _SLICE and self._running:  # not at the end, when nothing is due any more
                self._loop.call_soon(self._write, answers, pieces, text, cost + spent)
                return
        self._telling -= 1
        self._channel.send(line.report_frame(line.Told(answers), bytes(text)))
        now = self._loop.time()
        self._cost = cost + now - began
        self._quiet_until = now + _QUIET * self._cost

    def _broken(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A bug. Whoever goes on in an unknown state may be a second master: leave it to a successor."""
        error = context.get("exception")
        if error is None:
            self.log(Level.WARNING, context["message"])
        else:
            report_bug(self._log, error)
            if self._recorder is not None:
                self._recorder.finish("the worker failed")
            os._exit(ExitStatus.INTERNAL)


def _snapshot(role: str, text: bytes) -> VrrpSnapshot | LvsSnapshot:
    if role == "vrrp":
        from pyvrrp.core.vrrp.snapshot import VrrpSnapshot

        return from_json(VrrpSnapshot, json.loads(text))
    from pyvrrp.core.lvs.snapshot import LvsSnapshot

    return from_json(LvsSnapshot, json.loads(text))


def load(name: str) -> Callable[[Host], AnyRole]:
    """What makes the role of that name. Each worker imports its own role only."""
    if name == "vrrp":
        from pyvrrp.daemon.vrrp_role import VrrpRole

        return VrrpRole
    from pyvrrp.daemon.checkers_role import CheckersRole

    return CheckersRole


def main() -> None:
    """The process. Never returns: the interpreter's own tidying up would only delay the stop."""
    # Ctrl-C reaches all processes of the terminal; the supervisor alone acts on it and tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    gc.disable()  # until all is loaded: modules are no garbage
    _, name, version = sys.argv
    if name == "vrrp":
        # asyncio imports ssl where it can and does without it where it cannot. VRRP never needs it, and it would
        # cost each start 7 ms and the worker's whole life 4.5 MB.
        sys.modules["ssl"] = None  # type: ignore[assignment]
    os.set_inheritable(WORKER_FD, False)
    channel = line.Channel(socket.socket(fileno=WORKER_FD))
    if version != __version__:
        channel.send(
            line.report_frame(line.Failed(f"pyvrrp {version} was replaced by {__version__}: restart the daemon"))
        )
        os._exit(ExitStatus.FATAL)
    os._exit(_live(name, channel))


def _stand(name: str, start: line.Start, now: GlobalDefs, before: GlobalDefs, log: Log) -> None:
    """Take the place among processes that global_defs wishes, where it wishes any."""
    if any((defs.scheduling, defs.process_names, defs.places) != (None, None, None) for defs in (now, before)):
        from pyvrrp.daemon.standing import stand

        stand(name, now, before, start.options.umask, log)


def _live(name: str, channel: line.Channel) -> int:
    try:
        import asyncio

        make = load(name)  # before the first order: the supervisor reads the configuration meanwhile
        frame = channel.receive()
        if frame is None:  # there is no work for us, or the supervisor died
            return ExitStatus.OK
        start = line.read_order(frame)
        assert isinstance(start, line.Start)
        if start.namespace is not None:
            enter(start.namespace)
    except Exception as error:  # there is no log yet: the supervisor has one
        channel.send(line.report_frame(line.Failed("".join(traceback.format_exception(error)))))
        return ExitStatus.INTERNAL
    log = open_log(start.options, name, start.namespace, start.config.global_defs.instance)
    _stand(name, start, start.config.global_defs, GlobalDefs(), log)
    try:
        return asyncio.run(Worker(name, channel, start, log).run(make))
    except Exception as error:
        report_bug(log, error)
        return ExitStatus.INTERNAL


if __name__ == "__main__":
    main()
