from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyvrrp.cli.show import STATUS, show
from pyvrrp.observe.codec import from_json, to_json
from pyvrrp.observe.control import ControlError
from pyvrrp.observe.picture import Picture
from pyvrrp.observe.selection import AmbiguousError
from tests.unit.observe.pictures import DAEMON, PICTURE, WORST, envelope, serving

PYVRRP = [sys.executable, "-c", "from pyvrrp.cli.main import main; main()"]
NOBODY = 65534


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    return tmp_path


def test_the_only_daemon_is_shown(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(sockets / "1.sock"):
        assert show(directory=str(sockets)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for text in ("NC-MAIN-API-PUB", "MASTER", "192.0.2.10:15000", "10.71.12.76:15000", "connect timed out"):
        assert text in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("name", "there", "missing"),
    [
        ("vrrp", "INSTANCE", "SERVER"),
        ("lvs", "SERVER", "INSTANCE"),
        ("NC-MAIN-API-PUB", "transitions", "SERVER"),
        ("10.71.12.69:15000", "10.71.12.69:15000", "10.71.12.76:15000"),
    ],
)
def test_a_part(sockets: Path, capsys: pytest.CaptureFixture[str], name: str, there: str, missing: str) -> None:
    with serving(sockets / "1.sock"):
        assert show(name, directory=str(sockets)) == 0
    out = capsys.readouterr().out
    assert there in out
    assert missing not in out


def document(sockets: Path, capsys: pytest.CaptureFixture[str], name: str | None) -> Any:
    with serving(sockets / "1.sock", WORST):
        assert show(name, json_output=True, directory=str(sockets)) == 0
    (sockets / "1.sock").unlink()
    return json.loads(capsys.readouterr().out)


def test_json_is_the_picture(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert from_json(Picture, document(sockets, capsys, None)) == WORST
    halves = document(sockets, capsys, "vrrp"), document(sockets, capsys, "lvs")
    assert from_json(Picture, halves[0]) == replace(WORST, lvs=None)
    assert from_json(Picture, halves[1]) == replace(WORST, vrrp=None)
    one = document(sockets, capsys, "VI_6")
    assert [instance["name"] for instance in one["vrrp"]["instances"]] == ["VI_6"]
    assert one["lvs"]["virtual_servers"] == []
    assert from_json(Picture, one).daemon == WORST.daemon


def test_json_keys_stay_as_they_are() -> None:
    """Whoever reads the JSON relies on these: a change is a new version of the protocol and a line in the changelog."""
    keys: set[str] = set()

    def collect(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, member in value.items():
                collect(member, f"{path}.{key}".lstrip("."))
        elif isinstance(value, list):
            for member in value:
                collect(member, f"{path}[]")
        else:
            keys.add(path)

    collect(to_json(WORST), "")
    listing = Path(__file__).parents[2] / "golden" / "show" / "json-keys"
    if os.environ.get("UPDATE_GOLDEN"):
        listing.write_text("".join(f"{key}\n" for key in sorted(keys)))
    assert sorted(keys) == listing.read_text().splitlines()


def test_unknown_names(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(sockets / "1.sock"):
        assert show("NC-MAIN-API-PUP", directory=str(sockets)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "pyvrrp: the daemon has no instance, sync group or server called NC-MAIN-API-PUP;"
        " did you mean NC-MAIN-API-PUB or NC-MAIN-API?\n"
    )


def test_several_daemons(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(PICTURE, daemon=replace(DAEMON, pid=2, net_namespace="blue", net_namespace_id=1))
    with serving(sockets / "1.sock"), serving(sockets / "2.sock", other):
        assert show(directory=str(sockets), netns="blue") == 0
        assert "pid 2" in capsys.readouterr().out
        assert show(directory=str(sockets), socket=f"{sockets}/2.sock") == 0
        assert "pid 2" in capsys.readouterr().out
        assert show(directory=str(sockets), netns="green") == 3
    err = capsys.readouterr().err
    assert "in the network namespace green" in err
    assert f"--socket {sockets}/2.sock  pid 2, namespace blue, {DAEMON.config_file}" in err


def test_none_is_chosen_for_the_user(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = [replace(PICTURE, daemon=replace(DAEMON, pid=i, net_namespace_id=i)) for i in (1, 2)]
    with serving(sockets / "1.sock", elsewhere[0]), serving(sockets / "2.sock", elsewhere[1]):
        assert show(directory=str(sockets)) == 2
    assert "several pyvrrpd run" in capsys.readouterr().err


def test_no_daemon(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(directory=str(sockets)) == 3
    assert show(socket=str(sockets / "1.sock")) == 3
    err = capsys.readouterr().err
    assert f"no pyvrrpd runs here: nothing listens in {sockets}" in err
    assert "pyvrrpd -f FILE" in err


def test_a_daemon_of_another_release_or_a_silent_one(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(sockets / "1.sock") as daemon:
        daemon.respond = lambda _: envelope(version=7)
        assert show(directory=str(sockets)) == 5
        daemon.respond = lambda _: b""
        assert show(directory=str(sockets)) == 5
    err = capsys.readouterr().err
    assert "is pyvrrp 9.9 (protocol 7)" in err
    assert "without an answer" in err


def test_every_error_has_its_status() -> None:
    assert set(STATUS) == {*ControlError.__subclasses__()}
    assert STATUS[AmbiguousError] == 2


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Not ours to use: as root by being nobody, otherwise by its mode."""
    mode = path.stat().st_mode & 0o777
    if os.geteuid() == 0:
        path.chmod(0o700)
        os.seteuid(NOBODY)
    else:
        path.chmod(0)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        path.chmod(mode)


@pytest.mark.parametrize("what", ["directory", "socket"])
def test_not_permitted(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = Path(directory, "1.sock")
        with serving(path), closed(path if what == "socket" else Path(directory)):
            assert show(directory=directory) == 4
            assert show(socket=str(path)) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("Only root and the group pyvrrp may ask: run it with sudo") == 2


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PYVRRP, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [["--no-such"], ["show", "a", "b"], ["show", "--watch", "0"], ["dance"]])
def test_wrong_command_lines(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_help_tells_the_exit_statuses() -> None:
    done = run("show", "--help")
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    for words in ("Exit status: 0 shown", "1 nothing has that NAME", "3 no daemon runs", "4 not permitted", "--watch"):
        assert words in text


def test_a_reader_that_has_seen_enough(sockets: Path) -> None:
    assert PICTURE.lvs is not None
    service = PICTURE.lvs.virtual_servers[0]
    many = replace(service, real_servers=service.real_servers * 5_000)
    picture = replace(PICTURE, lvs=replace(PICTURE.lvs, virtual_servers=(many,)))
    with serving(sockets / "1.sock", picture):
        arguments = [*PYVRRP, "show", "--socket", str(sockets / "1.sock")]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline().startswith(b"pyvrrpd")
            process.stdout.close()
            assert process.wait(60) == 0
            assert process.stderr.read() == b""
