from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pyvrrp.cli.main import complete_watch
from pyvrrp.cli.show import pictures
from pyvrrp.observe.control import ControlError, NoDaemonError, SilentError
from pyvrrp.observe.picture import DaemonSnapshot
from pyvrrp.observe.selection import Found, find
from pyvrrp.units import SECOND
from tests.unit.cli.test_show import PYVRRP
from tests.unit.observe.pictures import DAEMON, MASTER, NOW, PICTURE, serving

DEADLINE = 30.0


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        (["show", "--watch"], ["show", "--watch", "1"]),
        (["show", "--watch", "vrrp"], ["show", "--watch", "1", "vrrp"]),
        (["show", "-w", "--json"], ["show", "-w", "1", "--json"]),
        (["show", "--watch", "0.5", "VI_1"], ["show", "--watch", "0.5", "VI_1"]),
        (["show", "--watch=2", "lvs"], ["show", "--watch=2", "lvs"]),
        (["show", "--watch", "192.0.2.1"], ["show", "--watch", "1", "192.0.2.1"]),
        (["show", "lvs"], ["show", "lvs"]),
    ],
)
def test_the_interval_may_be_left_out(given: list[str], completed: list[str]) -> None:
    assert complete_watch(given) == completed


class Watch:
    """A running ``pyvrrp show --watch`` and what it has written."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self.process = process
        self.text = ""
        self._output = output

    def until(self, *wanted: str, times: int = 1) -> str:
        """Read on until each has been written `times` times."""
        deadline = time.monotonic() + DEADLINE
        while not all(self.text.count(text) >= times for text in wanted):
            assert time.monotonic() < deadline, f"waited for {wanted}, got:\n{self.text}"
            self._read(0.1)
        return self.text

    def end(self, number: int) -> int:
        """Send the signal; the exit status, with all that was written until then in `text`."""
        self.process.send_signal(number)
        deadline = time.monotonic() + DEADLINE
        while self._read(0.1):
            assert time.monotonic() < deadline, "does not end"
        return self.process.wait(DEADLINE)

    def _read(self, wait: float) -> bool:
        """False at the end."""
        if not select.select([self._output], [], [], wait)[0]:
            return True
        try:
            chunk = os.read(self._output, 65536)
        except OSError:  # how a terminal ends
            return False
        self.text += chunk.decode()
        return bool(chunk)


@contextmanager
def watching(*arguments: str, terminal: bool = False) -> Iterator[Watch]:
    ours, theirs = pty.openpty() if terminal else os.pipe()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([*PYVRRP, "show", *arguments], stdout=theirs, stderr=subprocess.STDOUT, env=environment)
    os.close(theirs)
    try:
        yield Watch(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def test_without_a_terminal_pictures_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    with serving(path) as daemon, watching("--watch", "0.1", "--socket", str(path)) as watch:
        watch.until("pyvrrpd 0.1.0", times=2)
        assert "\n\npyvrrpd" in watch.text
        assert "NEW/S" in watch.text
        assert PICTURE.lvs is not None
        service = PICTURE.lvs.virtual_servers[0]
        assert service.traffic is not None
        busier = replace(service, traffic=replace(service.traffic, connections=service.traffic.connections + 777))
        daemon.picture = replace(PICTURE, taken=NOW + SECOND, lvs=replace(PICTURE.lvs, virtual_servers=(busier,)))
        watch.until(" 777 ")
        assert watch.end(signal.SIGINT) == 0
        assert "Traceback" not in watch.text


def test_it_outlives_the_daemon(tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    with ExitStack() as stack:
        with serving(path):
            watch = stack.enter_context(watching("-w", "0.1", "--socket", str(path)))
            watch.until("MASTER")
        path.unlink()
        watch.until("waiting for the daemon...", f"no daemon listens at {path}")
        shown = watch.text.count("MASTER")
        stack.enter_context(serving(path, replace(PICTURE, daemon=replace(DAEMON, pid=99))))
        watch.until("pid 99")
        watch.until("MASTER", times=shown + 1)
        assert watch.end(signal.SIGINT) == 0


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    with ExitStack() as stack:
        with serving(path) as daemon:
            watch = stack.enter_context(watching(MASTER.name, "--json", "--watch", "0.1", "--socket", str(path)))
            watch.until("\n", times=3)
            daemon.picture = replace(PICTURE, vrrp=None)
            watch.until(f"called {MASTER.name}")
        path.unlink()
        watch.until("no daemon listens")
        before = watch.text.count('"taken_epoch"')
        stack.enter_context(serving(path))
        # Documents, not lines: the line about the missing daemon may still be on its way.
        watch.until('"taken_epoch"', times=before + 3)
        assert watch.end(signal.SIGINT) == 0
    documents = [json.loads(line) for line in watch.text.splitlines() if not line.startswith("pyvrrp: ")]
    assert len(documents) >= 6
    assert all(document["vrrp"]["instances"][0]["name"] == MASTER.name for document in documents)
    assert watch.text.count("pyvrrp: ") <= 3


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_a_terminal_is_left_as_it_was(tmp_path: Path, number: int, status: int) -> None:
    path = tmp_path / "1.sock"
    with serving(path), watching("--watch", "0.1", "--socket", str(path), terminal=True) as watch:
        watch.until("10.71.12.76:15000", times=2)
        assert "\x1b[?1049h" in watch.text  # the second screen
        assert "\x1b[?25l" in watch.text  # without a cursor
        assert watch.end(number) == status
        assert watch.text.rindex("\x1b[?1049l") > watch.text.rindex("10.71.12.76:15000")
        assert watch.text.rindex("\x1b[?25h") > watch.text.rindex("\x1b[?25l")
        assert "Traceback" not in watch.text


def test_a_screenful_is_not_exceeded(tmp_path: Path) -> None:
    assert PICTURE.lvs is not None
    service = PICTURE.lvs.virtual_servers[0]
    many = replace(service, real_servers=service.real_servers[:1] * 100)
    path = tmp_path / "1.sock"
    with (
        serving(path, replace(PICTURE, lvs=replace(PICTURE.lvs, virtual_servers=(many,)))),
        watching("--watch", "0.1", "--socket", str(path), terminal=True) as watch,
    ):
        watch.until("more lines")
        assert watch.end(signal.SIGINT) == 0


def test_a_terminal_gets_colours_once_too(tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    with serving(path), watching("--socket", str(path), terminal=True) as watch:
        assert "\x1b[32mMASTER\x1b[0m" in watch.until("BYTES", "timed")


def test_what_does_not_exist_at_the_start_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    with serving(path), watching("VI_99", "--watch", "--socket", str(path)) as watch:
        watch.until("called VI_99")
        assert watch.process.wait(DEADLINE) == 1


def test_a_restarted_daemon_is_found_again_and_no_other(tmp_path: Path) -> None:
    directory = str(tmp_path)

    def look(like: DaemonSnapshot) -> Found:
        return find(like=like, directory=directory, namespaces=directory, timeout=0.2)

    other = replace(PICTURE, daemon=replace(DAEMON, pid=5, config_file="/etc/other.conf"))
    with serving(tmp_path / "5.sock", other):
        with serving(tmp_path / "10.sock") as before:
            stream = pictures(Found(f"{directory}/10.sock", PICTURE), look, 0.01)
            assert next(stream) == PICTURE
            assert next(stream) == PICTURE
            before.respond = lambda _: b""
            assert isinstance(next(stream), SilentError)
        (tmp_path / "10.sock").unlink()
        assert isinstance(next(stream), NoDaemonError)
        after = replace(PICTURE, daemon=replace(DAEMON, pid=20))
        with serving(tmp_path / "20.sock", after):
            seen = next(stream)
            assert not isinstance(seen, ControlError)
            assert seen.daemon.pid == 20
            assert next(stream) == after
