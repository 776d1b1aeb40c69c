"""Becoming a daemon, and telling the one who started it how that went.

keepalived's launching process leaves with status 0 at once, before anything can have gone wrong. Ours waits until
the workers do their work or have failed, and leaves with the status that the daemon itself would have: ``pyvrrpd &&
next`` means something, and the messages of a failing start reach the terminal.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from pyvrrp.daemon.exit_status import ExitStatus


class Launch:
    """The way back to whoever started the daemon; closed once by `release`."""

    def __init__(self, *, foreground: bool, speak: bool = True) -> None:
        """In the foreground only a standard error to write to. Otherwise fork: in the child this returns, in the
        launching process it does not. `speak` False: nothing is said, because the log goes to the same place."""
        self._report: int | None = None
        self._stderr = 2 if speak else None
        if not foreground:
            self._fork()

    def say(self, text: str) -> None:
        """A line to the terminal of whoever started us, as long as we are not released."""
        if self._stderr is not None:
            try:
                os.write(self._stderr, (text.rstrip("\n") + "\n").encode(errors="backslashreplace"))
            except OSError:  # closed, or its reader has gone: the log has it too
                return

    def release(self, status: ExitStatus) -> None:
        """Let the launching process go, with this status. Again: nothing."""
        if self._report is not None:
            report, stderr, self._report, self._stderr = self._report, self._stderr, None, None
            with suppress(BrokenPipeError):  # whoever waited was interrupted
                os.write(report, bytes([status]))
            os.close(report)
            if stderr is not None:
                os.close(stderr)

    def _fork(self) -> None:
        reading, self._report = os.pipe()
        child = os.fork()
        if child:
            os.close(self._report)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            status = os.read(reading, 1)
            os._exit(status[0] if status else _fate(child))
        os.close(reading)
        os.setsid()
        os.chdir("/")
        self._stderr = os.dup(2)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        if null > 2:
            os.close(null)


def _fate(child: int) -> int:
    """The status for a daemon that ended without a word."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else ExitStatus.INTERNAL
