"""The daemon's log: syslog and, in the foreground, the console. Nothing here ever waits.

A VRRP worker that waits for a log is a master that does not advertise. So a line that its reader has no room
for is dropped, and the next one that gets through says how many were.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import time
from typing import Final, Protocol

from pyvrrp.core.log import Level
from pyvrrp.daemon.options import FACILITIES, Options

IDENTS: Final = {"daemon": "pyvrrpd", "vrrp": "pyvrrpd_vrrp", "checkers": "pyvrrpd_healthcheckers"}
"""Whose line it is: keepalived's idents with our name."""

DEV_LOG: Final = "/dev/log"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Sink(Protocol):
    """One reader of the log."""

    def write(self, level: Level, text: str) -> bool:
        """False where the line was dropped."""
        ...

    def close(self) -> None: ...


class Syslog:
    """Datagrams to the local syslog or journal, in the form of glibc's syslog(3)."""

    def __init__(self, ident: str, facility: str, path: str = DEV_LOG) -> None:
        self._tag = f"{ident}[{os.getpid()}]"
        self._facility = FACILITIES[facility] << 3
        self._path = path
        self._socket: socket.socket | None = None

    def write(self, level: Level, text: str) -> bool:
        now = time.localtime()
        # RFC 3164 §4.1.2 wants English months, whatever the locale.
        stamp = f"{_MONTHS[now.tm_mon - 1]} {now.tm_mday:2d} {now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d}"
        line = f"<{self._facility | level}>{stamp} {self._tag}: {text}".encode(errors="backslashreplace")
        # A syslog that was restarted listens on another socket of the same name: the second try connects anew.
        return self._send(line) or (self._socket is None and self._send(line))

    def _send(self, line: bytes) -> bool:
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)
                self._socket.connect(self._path)
            self._socket.send(line)
        except BlockingIOError:
            return False
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Console:
    """Lines to the standard error, dated as keepalived dates them (``Sun Nov 22 23:57:16 2026: Stopping``)."""

    def __init__(self, fd: int = 2) -> None:
        self._socket: socket.socket | None = None
        self._fd: int | None = None
        self._poll: select.poll | None = None
        if stat.S_ISSOCK(os.fstat(fd).st_mode):  # as under systemd
            self._socket = socket.socket(fileno=os.dup(fd))
        else:
            # Opened anew, because O_NONBLOCK on the descriptor itself would change the terminal of our shell.
            flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            try:
                self._fd = os.open(f"/proc/self/fd/{fd}", flags)
            except OSError:  # the terminal belongs to another user, as after su: ask for room before each line
                self._fd = os.dup(fd)
                self._poll = select.poll()
                self._poll.register(self._fd, select.POLLOUT)

    def write(self, level: Level, text: str) -> bool:
        line = f"{time.strftime('%c')}: {text}\n".encode(errors="backslashreplace")
        try:
            if self._socket is not None:
                return self._socket.send(line, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(line)
            if self._poll is not None and not self._poll.poll(0):
                return False
            return self._fd is not None and os.write(self._fd, line) == len(line)
        except OSError:  # full, or its reader has gone
            return False

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._fd is not None:
            os.close(self._fd)
        self._socket = self._fd = None


class Log:
    """Where the lines of one process go."""

    def __init__(self, sinks: list[Sink], most: Level) -> None:
        self._sinks = sinks
        self._dropped = [0] * len(sinks)
        self._most = most

    def __call__(self, level: Level, text: str) -> None:
        """One line, to every sink that has room for it. Line breaks in the text make several."""
        if level > self._most:
            return
        for line in text.splitlines() or [""]:
            for index, sink in enumerate(self._sinks):
                self._write(index, sink, level, line)

    def _write(self, index: int, sink: Sink, level: Level, line: str) -> None:
        dropped = self._dropped[index]
        if dropped and sink.write(Level.WARNING, f"{dropped} log lines dropped: the log did not take them in time"):
            self._dropped[index] = dropped = 0
        if dropped or not sink.write(level, line):
            self._dropped[index] += 1

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


def open_log(options: Options, process: str, namespace: str | None, instance: str | None) -> Log:
    """The log of one process (daemon, vrrp, checkers), as the command line and the configuration want it."""
    sinks: list[Sink] = []
    if not options.no_syslog:
        ident = "_".join(filter(None, (IDENTS[process], namespace, instance)))
        sinks.append(Syslog(ident, options.log_facility))
    if options.log_console and options.foreground:
        sinks.append(Console())
    return Log(sinks, Level.DEBUG if options.log_detail else Level.INFO)


def report_bug(log: Log, error: BaseException) -> None:
    """The traceback, line by line, into the log: a daemon has no other place for it."""
    import traceback

    log(Level.ERROR, "This is a bug in pyvrrp; please report it with the lines that follow")
    for part in traceback.format_exception(error):
        log(Level.ERROR, part)
