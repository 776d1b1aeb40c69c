from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from pyvrrp.core.log import Level
from pyvrrp.daemon.log import Console, Log, Syslog, open_log, report_bug
from pyvrrp.daemon.options import Options


class Basin:
    """A sink that can be full."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.full = False

    def write(self, level: Level, text: str) -> bool:
        if not self.full:
            self.lines.append(f"{level.name} {text}")
        return not self.full

    def close(self) -> None:
        pass


@pytest.fixture
def dev_log(tmp_path: Path) -> str:
    return str(tmp_path / "log")


def listen(path: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path)
    server.setblocking(False)
    return server


def test_syslog_lines_look_like_glibcs(dev_log: str) -> None:
    with listen(dev_log) as server:
        syslog = Syslog("pyvrrpd_vrrp", "local3", dev_log)
        assert syslog.write(Level.NOTICE, "(A) Entering MASTER STATE")
        line = server.recv(1000).decode()
        syslog.close()
    pid = os.getpid()
    assert re.fullmatch(
        rf"<157>[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d pyvrrpd_vrrp\[{pid}\]: \(A\) Entering MASTER STATE", line
    )


def test_a_syslog_that_was_restarted_is_found_again(dev_log: str) -> None:
    syslog = Syslog("x", "daemon", dev_log)
    assert not syslog.write(Level.INFO, "nobody listens")
    with listen(dev_log) as server:
        assert syslog.write(Level.INFO, "one")
        assert server.recv(1000).endswith(b"one")
    os.unlink(dev_log)
    with listen(dev_log) as server:
        assert syslog.write(Level.INFO, "two")
        assert server.recv(1000).endswith(b"two")
    syslog.close()


def test_a_syslog_that_does_not_read_delays_nobody(dev_log: str) -> None:
    with listen(dev_log) as server:
        syslog = Syslog("x", "daemon", dev_log)
        log = Log([syslog], Level.INFO)
        sent = 0
        while syslog.write(Level.INFO, "x" * 100):
            sent += 1
            assert sent < 100_000
        log(Level.INFO, "lost")
        log(Level.INFO, "lost too")
        while True:
            try:
                server.recv(1000)
            except BlockingIOError:
                break
        log(Level.INFO, "through")
        assert b"2 log lines dropped" in server.recv(1000)
        assert server.recv(1000).endswith(b"through")
        log.close()


def test_dropped_lines_are_counted_for_each_sink() -> None:
    basin, other = Basin(), Basin()
    log = Log([basin, other], Level.INFO)
    basin.full = True
    for text in "abc":
        log(Level.INFO, text)
    basin.full = False
    log(Level.INFO, "d")
    assert basin.lines == [
        "WARNING 3 log lines dropped: the log did not take them in time",
        "INFO d",
    ]
    assert other.lines == ["INFO a", "INFO b", "INFO c", "INFO d"]


def test_detail_is_for_those_who_ask() -> None:
    basin = Basin()
    Log([basin], Level.INFO)(Level.DEBUG, "detail")
    assert basin.lines == []
    Log([basin], Level.DEBUG)(Level.DEBUG, "detail")
    assert basin.lines == ["DEBUG detail"]


def test_several_lines_stay_several_lines() -> None:
    basin = Basin()
    Log([basin], Level.INFO)(Level.INFO, "a\nb")
    assert basin.lines == ["INFO a", "INFO b"]


DATED = r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}: Stopping\n"


def test_the_console_is_dated_like_keepaliveds(tmp_path: Path) -> None:
    with open(tmp_path / "err", "w") as file:
        console = Console(file.fileno())
        assert console.write(Level.INFO, "Stopping")
        console.close()
    assert re.fullmatch(DATED, (tmp_path / "err").read_text())


def test_a_pipe_that_nobody_reads_delays_nobody() -> None:
    reading, writing = os.pipe()
    console = Console(writing)
    count = 0
    while console.write(Level.INFO, "x" * 1000):
        count += 1
        assert count < 100_000
    assert os.get_blocking(writing)  # ours alone is not
    console.close()
    os.close(reading)
    os.close(writing)


def test_a_socket_as_console(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        console = Console(theirs.fileno())
        assert console.write(Level.INFO, "Stopping")
        assert re.fullmatch(DATED, ours.recv(1000).decode())
        console.close()


def test_what_the_command_line_opens() -> None:
    quiet = open_log(Options(no_syslog=True, log_console=True), "vrrp", None, None)
    quiet(Level.ERROR, "to nowhere")  # -l counts only with -n
    quiet.close()


def test_a_bug_is_logged_with_its_traceback() -> None:
    basin = Basin()
    try:
        raise KeyError("x")
    except KeyError as error:
        report_bug(Log([basin], Level.INFO), error)
    assert basin.lines[0].startswith("ERROR This is a bug")
    assert basin.lines[-1] == "ERROR KeyError: 'x'"
