"""A real worker process with a scripted role; the test is its supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyvrrp import __version__
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.daemon.birth import Newborn, bear, dismiss
from pyvrrp.daemon.channel import (
    Channel,
    Failed,
    Mail,
    Order,
    Ready,
    Recorded,
    Reload,
    Reloaded,
    Start,
    Stop,
    Tell,
    Told,
    order_frame,
    read_report,
)
from pyvrrp.daemon.options import Options
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.observe.codec import from_json

PROGRAM = Path(__file__).with_name("scripted_worker.py")
OPTIONS = Options(no_syslog=True, log_console=True, foreground=True)


def config(name: str) -> Config:
    return Config(global_defs=GlobalDefs(router_id=name))


class Line:
    """The supervisor's side."""

    def __init__(self, newborn: Newborn) -> None:
        newborn.line.settimeout(10)
        self.pid = newborn.pid
        self.channel = Channel(newborn.line)

    def order(self, order: Order) -> None:
        self.channel.send(order_frame(order))

    def start(self, previous: bytes | None = None) -> None:
        self.order(Start(OPTIONS, None, config("one"), previous))

    def report(self) -> tuple[Ready | Failed | Reloaded | Told | Mail | Recorded, str | None]:
        """The next report, and the name of the first group in its snapshot."""
        frame = self.channel.receive()
        assert frame is not None, "the worker hung up"
        body, text = read_report(frame)
        return body, from_json(VrrpSnapshot, json.loads(text)).sync_groups[0].name if text else None

    def status(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


Begin = Callable[..., Line]


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Begin]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    lines: list[Line] = []

    def begin(script: str = "") -> Line:
        lines.append(Line(bear("vrrp", [sys.executable, str(PROGRAM), script])))
        return lines[-1]

    yield begin
    for line in lines:
        line.channel.close()
        try:
            os.kill(line.pid, signal.SIGKILL)
            os.waitpid(line.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


def test_a_life(begin: Begin, capfd: pytest.CaptureFixture[str]) -> None:
    line = begin()
    line.start()
    first = line.report(), line.report()  # a snapshot is written in pieces, and nobody waits for it
    assert set(first) == {(Told(None), "1"), (Ready(), None)}
    line.order(Tell(7))
    assert line.report() == (Told(7), "2")
    line.order(Reload(config("two")))
    assert line.report() == (Reloaded(None), None)
    assert line.report() == (Told(None), "3")
    line.order(Stop())
    assert line.status() == 0
    out, err = capfd.readouterr()
    assert out.splitlines() == ["start one None", "reload two", "stop"]
    assert err.endswith(": started\n")


def test_a_successor_is_told_what_its_predecessor_knew(begin: Begin, capfd: pytest.CaptureFixture[str]) -> None:
    first = begin()
    first.start()
    # It comes before Ready, or after it.
    told = b"".join(read_report(frame)[1] for _ in range(2) if (frame := first.channel.receive()) is not None)
    second = begin()
    second.start(previous=told)
    second.report()
    second.order(Stop())
    assert second.status() == 0
    assert "start one 1\n" in capfd.readouterr().out


@pytest.mark.parametrize("end", ["SIGTERM", "line"])
def test_it_leaves_in_order(begin: Begin, capfd: pytest.CaptureFixture[str], end: str) -> None:
    line = begin()
    line.start()
    line.report()
    line.report()
    if end == "line":
        line.channel.close()  # as when the supervisor is killed
    else:
        os.kill(line.pid, signal.SIGTERM)
    assert line.status() == 0
    assert capfd.readouterr().out.splitlines()[-1] == "stop"


def test_signals_for_the_supervisor_do_it_no_harm(begin: Begin, capfd: pytest.CaptureFixture[str]) -> None:
    line = begin()
    line.start()
    line.report()
    line.report()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2):
        os.kill(line.pid, number)
    line.order(Tell(1))
    assert line.report() == (Told(1), "2")
    line.order(Stop())
    assert line.status() == 0
    err = capfd.readouterr().err
    assert f"to reload, send the signal to the daemon's own process, pid {os.getpid()}" in err
    assert err.count("not active yet") == 3


@pytest.mark.parametrize(("script", "status"), [("start-denied", 4), ("start-absent", 1)])
def test_what_the_kernel_refuses_at_the_start_is_said_in_one_line(begin: Begin, script: str, status: int) -> None:
    line = begin(script)
    line.start()
    assert line.report() == (Failed("vrrp worker: open a socket: no: do this"), None)
    assert line.status() == status


def test_what_the_kernel_refuses_at_a_reload_is_told(begin: Begin) -> None:
    line = begin("reload-refused")
    line.start()
    line.report()
    line.report()
    line.order(Reload(config("two")))
    assert line.report() == (Reloaded("add an address: it is there"), None)


def test_many_changes_make_one_snapshot(begin: Begin) -> None:
    line = begin("chatty")
    line.start()
    line.report()
    line.report()
    line.order(Reload(config("two")))
    assert line.report() == (Reloaded(None), None)
    assert line.report() == (Told(None), "2")
    line.order(Tell(1))
    assert line.report() == (Told(1), "3")


@pytest.mark.parametrize("script", ["bug-in-callback", "bug-in-task"])
def test_a_bug_ends_the_worker_and_is_logged(begin: Begin, capfd: pytest.CaptureFixture[str], script: str) -> None:
    line = begin(script)
    line.start()
    assert line.status() == 70
    out, err = capfd.readouterr()
    assert out == "start one None\n", "in an unknown state nothing is tidied up: the successor does"
    assert "This is a bug in pyvrrp" in err
    assert "ZeroDivisionError: a bug" in err


def test_a_bug_at_the_stop_is_logged_too(begin: Begin, capfd: pytest.CaptureFixture[str]) -> None:
    line = begin("bug-in-stop")
    line.start()
    line.order(Stop())
    assert line.status() == 70
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err


def test_a_program_that_does_not_load_is_told_upwards(begin: Begin) -> None:
    line = begin("load-broken")
    body, _ = line.report()
    assert isinstance(body, Failed)
    assert "ImportError: no role vrrp" in body.text
    assert line.status() == 70


def test_a_worker_of_another_release_refuses() -> None:
    program = "import sys; sys.argv[2] = '9.9'; from pyvrrp.daemon.worker import main; main()"
    line = Line(bear("vrrp", [sys.executable, "-c", program]))
    body, _ = line.report()
    assert body == Failed(f"pyvrrp 9.9 was replaced by {__version__}: restart the daemon")
    assert line.status() == 1
    line.channel.close()


def test_a_newborn_that_is_not_needed_is_dismissed_at_once() -> None:
    newborn = bear("vrrp")
    dismiss(newborn)
    with pytest.raises(ChildProcessError):
        os.waitpid(newborn.pid, 0)


def test_the_vrrp_workers_modules() -> None:
    """Without a kernel: what `load` imports. tests/topology asks a worker at work."""
    program = (
        "import sys; sys.modules['ssl'] = None; import pyvrrp.daemon.worker as w; w.load('vrrp'); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "pyvrrp.daemon.vrrp_role" in loaded
    assert not {"typer", "rich", "click", "scapy", "pyroute2", "_ssl", "asyncio_dgram"} & set(loaded)
    assert not [name for name in loaded if name.startswith(("pyvrrp.core.lvs.", "pyvrrp.config", "pyvrrp.checkers."))]
