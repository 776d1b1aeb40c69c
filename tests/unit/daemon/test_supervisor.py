"""A real supervisor process and real worker processes, which only have no work."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvrrp.observe.control import NoDaemonError, ask, sockets
from pyvrrp.observe.picture import Picture
from tests.waiting import until

PATIENCE = 10.0


class Play:
    """One daemon in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[bytes] | None = None
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.bind(str(directory / "notify"))
        self.systemd.settimeout(PATIENCE)

    def conf(self, text: str) -> None:
        (self.directory / "conf").write_text(text)

    def does(self, role: str, words: str) -> None:
        (self.directory / f"{role}.does").write_text(words)

    def launch(self, conf: str = "one vrrp checkers", **options: object) -> subprocess.Popen[bytes]:
        self.conf(conf)
        given = json.dumps({"foreground": True, "log_console": True, **options})
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.unit.daemon.supervise", str(self.directory), given],
                cwd=Path(__file__).parents[3],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(self.directory / "notify")},
            )
        return self.process

    def start(self, conf: str = "one vrrp checkers", **options: object) -> subprocess.Popen[bytes]:
        process = self.launch(conf, **options)
        until(lambda: self.logged("Startup complete") or process.poll() is not None, "start")
        assert process.poll() is None, self.log
        return process

    def reload(self, conf: str) -> None:
        """Write, signal, and wait for what comes of it."""
        assert self.process is not None
        before = self.log.count("Reload ")
        self.conf(conf)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.log.count("Reload ") > before, "reload")

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def logged(self, text: str) -> bool:
        return text in self.log

    def heard(self, role: str) -> list[str]:
        file = self.directory / f"{role}.heard"
        return file.read_text().splitlines() if file.exists() else []

    def pid(self, role: str) -> int:
        return int((self.directory / f"{role}.pid").read_text())

    def picture(self) -> Picture:
        assert self.process is not None
        return ask(str(self.directory / "sockets" / f"{self.process.pid}.sock"))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def left_behind(self) -> list[str]:
        return sorted(
            str(f.relative_to(self.directory)) for f in self.directory.rglob("*") if f.suffix in (".pid", ".sock")
        )

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.systemd.close()


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    play = Play(tmp_path)
    try:
        yield play
    finally:
        play.close()


def alive(pid: int) -> bool:
    """A process that only nobody has buried yet is not alive."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_starts_what_is_needed_and_leaves_nothing_behind(play: Play) -> None:
    play.start()
    workers = [play.pid("vrrp"), play.pid("checkers")]
    assert play.heard("vrrp") == ["start one None"]
    assert [worker.role for worker in play.picture().daemon.workers] == ["checkers", "vrrp"]
    began = time.monotonic()
    assert play.stop() == 0
    assert time.monotonic() - began < 2  # keepalived needs 1 s; tests/bench has the figure
    assert not any(map(alive, workers))
    assert play.heard("vrrp")[-1] == play.heard("checkers")[-1] == "stop"
    assert play.left_behind() == []


def test_a_worker_without_work_is_not_started(play: Play) -> None:
    play.start("one vrrp")
    assert play.heard("checkers") == []
    picture = play.picture()
    assert picture.lvs is None
    assert picture.vrrp is not None


def test_an_empty_configuration_is_waited_with(play: Play) -> None:
    play.start("one")
    assert play.logged("nothing to run")
    play.reload("two vrrp")
    assert play.heard("vrrp") == ["start two None"]
    assert play.stop(signal.SIGINT) == 0


def test_systemd_is_told(play: Play) -> None:
    process = play.start()
    assert play.systemd.recv(100).decode().split("\n") == ["READY=1", f"MAINPID={process.pid}"]
    play.reload("two vrrp checkers")
    assert play.systemd.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert play.systemd.recv(100) == b"READY=1"
    play.stop()
    assert play.systemd.recv(100) == b"STOPPING=1"


def test_a_killed_worker_is_replaced_and_told_where_to_go_on(play: Play) -> None:
    play.start()
    old, checkers = play.pid("vrrp"), play.pid("checkers")
    os.kill(old, signal.SIGKILL)
    until(lambda: len(play.heard("vrrp")) == 2, "the second life")
    assert play.heard("vrrp")[1] == f"start one {old}"
    until(lambda: play.pid("vrrp") != old, "a new pid file")
    assert play.pid("checkers") == checkers
    assert [(w.role, w.restarts) for w in play.picture().daemon.workers] == [("checkers", 0), ("vrrp", 1)]
    assert play.logged("vrrp worker was killed by SIGKILL; it is replaced")


def test_a_worker_that_left_cleanly_is_replaced_by_one_that_starts_afresh(play: Play) -> None:
    play.start()
    os.kill(play.pid("vrrp"), signal.SIGTERM)
    until(lambda: len(play.heard("vrrp")) == 2, "the second life")
    assert play.heard("vrrp")[1] == "start one None"


def test_a_second_death_is_followed_by_a_pause_in_which_a_stop_works(play: Play) -> None:
    play.start("one vrrp")
    first = play.pid("vrrp")
    os.kill(first, signal.SIGKILL)
    until(lambda: len(play.heard("vrrp")) == 2, "the second life")
    os.kill(play.pid("vrrp"), signal.SIGKILL)
    until(lambda: play.logged("restart delayed 1 seconds"), "the pause")
    worker = play.picture().daemon.workers[0]
    assert (worker.pid, worker.problem) == (None, "was killed by SIGKILL")
    assert play.stop() == 0
    assert play.left_behind() == []


@pytest.mark.parametrize("status", [1, 2, 4])
def test_a_permanent_failure_ends_the_daemon(play: Play, status: int) -> None:
    play.does("vrrp", f"fail=no-such-device exit={status}")
    process = play.launch()
    assert process.wait(PATIENCE) == status
    assert play.logged("no-such-device. The daemon stops")
    assert play.heard("checkers") == ["start one None", "stop"]
    assert play.left_behind() == []


def test_dont_respawn(play: Play) -> None:
    process = play.start(dont_respawn=True)
    os.kill(play.pid("vrrp"), signal.SIGKILL)
    assert process.wait(PATIENCE) == 0  # keepalived's status too
    assert play.heard("checkers")[-1] == "stop"


def test_reload_keeps_starts_and_stops_workers(play: Play) -> None:
    play.start("one vrrp")
    vrrp = play.pid("vrrp")
    play.reload("two vrrp checkers")
    assert play.heard("vrrp") == ["start one None", "reload two"]
    assert play.heard("checkers") == ["start two None"]
    play.reload("three checkers")
    assert play.heard("vrrp")[-1] == "stop"
    assert not alive(vrrp)
    assert play.left_behind() == ["checkers.pid", f"sockets/{play.process.pid if play.process else 0}.sock"]
    last_reload = play.picture().daemon.last_reload
    assert last_reload is not None
    assert last_reload.endswith("complete")
    play.reload("four vrrp checkers")
    assert play.heard("vrrp")[-1] == "start four None"


@pytest.mark.parametrize(
    ("conf", "reason"), [("two damaged", "damaged"), ("two vrrp instance", "instance cannot change")]
)
def test_a_reload_that_cannot_be_used_changes_nothing(play: Play, conf: str, reason: str) -> None:
    play.start("one vrrp")
    play.reload(conf)
    assert play.heard("vrrp") == ["start one None"]
    daemon = play.picture().daemon
    assert daemon.last_reload is not None
    assert reason in daemon.last_reload
    assert "the running configuration stays" in daemon.last_reload
    assert daemon.router_id == "one"
    os.kill(play.pid("vrrp"), signal.SIGKILL)
    until(lambda: len(play.heard("vrrp")) == 2, "the second life")
    assert play.heard("vrrp")[1].startswith("start one")


def test_hangups_during_a_reload_make_one_more(play: Play) -> None:
    play.does("vrrp", "hold")
    process = play.start("one vrrp")
    play.conf("two vrrp")
    process.send_signal(signal.SIGHUP)
    until(lambda: "reload two" in play.heard("vrrp"), "the first reload")
    play.conf("three vrrp")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    play.picture()  # it has had its signals when it answers
    assert play.heard("vrrp") == ["start one None", "reload two"]
    (play.directory / "vrrp.release").touch()
    until(lambda: play.log.count("Reload complete") == 2, "the second reload")
    assert play.heard("vrrp") == ["start one None", "reload two", "reload three"]


def test_a_hangup_during_the_start_is_not_lost(play: Play) -> None:
    play.does("vrrp", "slow")
    process = play.launch("one vrrp")
    until(lambda: play.heard("vrrp") == ["start one None"], "the first order")
    play.conf("two vrrp")
    process.send_signal(signal.SIGHUP)
    (play.directory / "vrrp.release").touch()
    until(lambda: play.logged("Reload complete"), "the reload")
    assert play.heard("vrrp") == ["start one None", "reload two"]


def test_what_the_kernel_refused_in_a_reload_is_told(play: Play) -> None:
    play.does("vrrp", "refused=no-room")
    play.start("one vrrp")
    play.reload("two vrrp")
    daemon = play.picture().daemon
    assert daemon.last_reload is not None
    assert daemon.last_reload.endswith("done, but vrrp: no-room")


def test_signals_that_are_not_active_yet_do_no_harm(play: Play) -> None:
    process = play.start()
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2, signal.SIGRTMAX - 1):
        process.send_signal(number)
    until(lambda: play.log.count("not active yet") == 4, "four lines")
    assert play.stop() == 0


def test_a_worker_that_does_not_answer_does_not_hide_the_other(play: Play) -> None:
    play.does("vrrp", "silent")
    play.start()
    picture = play.picture()
    assert picture.vrrp is None
    assert picture.lvs is not None
    problems = {worker.role: worker.problem for worker in picture.daemon.workers}
    assert problems == {"checkers": None, "vrrp": "does not answer within 1 s"}


def test_a_worker_that_does_not_stop_is_killed(play: Play) -> None:
    play.does("vrrp", "deaf")
    play.start()
    vrrp = play.pid("vrrp")
    assert play.stop() == 0
    assert not alive(vrrp)
    assert play.logged("vrrp worker does not stop; it is killed")


def test_workers_do_not_outlive_a_killed_supervisor(play: Play) -> None:
    process = play.start()
    workers = [play.pid("vrrp"), play.pid("checkers")]
    process.kill()
    process.wait()
    until(lambda: not any(map(alive, workers)), "the workers' end")


def test_the_socket_of_a_killed_daemon_is_removed_by_the_next(play: Play) -> None:
    process = play.start()
    process.kill()
    process.wait()
    directory = str(play.directory / "sockets")
    (left,) = sockets(directory)
    with pytest.raises(NoDaemonError):
        ask(left)
    successor = play.start()
    assert os.listdir(directory) == [f"{successor.pid}.sock"]
    assert os.stat(f"{directory}/{successor.pid}.sock").st_mode & 0o777 == 0o600


def test_a_careless_caller_does_not_disturb(play: Play) -> None:
    process = play.start()
    path = f"{play.directory}/sockets/{process.pid}.sock"
    answers = []
    for request in (b"\n", b"x" * 10_000 + b"\n", b'{"version": 99, "request": "picture"}\n'):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(PATIENCE)
            caller.connect(path)
            caller.sendall(request)
            answers.append(caller.recv(1000))
    assert b"not a request" in answers[0]
    assert b"speaks version" in answers[2]
    assert play.picture().daemon.pid == process.pid


def test_ctrl_c_stops_everything_in_order(play: Play) -> None:
    """The terminal sends it to all processes; the workers must still be told, and leave cleanly."""
    process = play.start()
    for pid in (play.pid("vrrp"), play.pid("checkers"), process.pid):
        os.kill(pid, signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    assert play.heard("vrrp")[-1] == "stop"


def test_the_launching_process_waits_for_the_start(play: Play) -> None:
    launcher = play.launch(foreground=False)
    assert launcher.wait(PATIENCE) == 0
    (path,) = sockets(str(play.directory / "sockets"))
    picture = ask(path)
    assert picture.vrrp is not None
    os.kill(picture.daemon.pid, signal.SIGTERM)
    until(lambda: play.left_behind() == [], "its end")


def test_the_launching_process_tells_of_a_failed_start(play: Play) -> None:
    play.does("vrrp", "fail=no-such-device exit=4")
    launcher = play.launch(foreground=False, log_console=False)
    assert launcher.wait(PATIENCE) == 4
    assert "no-such-device" in play.log  # its standard error
