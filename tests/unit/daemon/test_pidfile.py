from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyvrrp.daemon.options import Options
from pyvrrp.daemon.pidfile import (
    InUseError,
    PidFile,
    make_directories,
    pid_files,
    remove_directories,
)
from pyvrrp.model.config import GlobalDefs


@pytest.mark.parametrize(
    ("options", "global_defs", "daemon", "vrrp"),
    [
        (Options(), GlobalDefs(), "/run/keepalived.pid", "/run/vrrp.pid"),
        (Options(), GlobalDefs(use_pid_dir=True), "/run/keepalived/keepalived.pid", "/run/keepalived/vrrp.pid"),
        # The three that follow were seen of keepalived 2.2.7.
        (Options(), GlobalDefs(instance="II"), "/run/keepalived/keepalived_II.pid", "/run/keepalived/vrrp_II.pid"),
        (Options(), GlobalDefs(net_namespace="N"), "/run/keepalived/N/keepalived.pid", "/run/keepalived/N/vrrp.pid"),
        (Options(net_namespace="N"), GlobalDefs(), "/run/keepalived/N/keepalived.pid", "/run/keepalived/N/vrrp.pid"),
        (Options(pid_file="/x/a"), GlobalDefs(instance="II"), "/x/a", "/run/keepalived/vrrp_II.pid"),
    ],
)
def test_names_are_keepaliveds(options: Options, global_defs: GlobalDefs, daemon: str, vrrp: str) -> None:
    files = pid_files(options, global_defs)
    assert (files.daemon, files.roles["vrrp"]) == (daemon, vrrp)
    assert files.roles["checkers"] == files.roles["vrrp"].replace("vrrp", "checkers")


def test_directories_are_made_only_where_a_file_lies_in_them() -> None:
    given = Options(pid_file="/x/a", vrrp_pid_file="/x/b", checkers_pid_file="/x/c")
    assert pid_files(given, GlobalDefs(instance="I")).directories == ()
    assert pid_files(Options(), GlobalDefs(net_namespace="N")).directories == ("/run/keepalived", "/run/keepalived/N")
    assert pid_files(Options(), GlobalDefs()).directories == ()


def test_directories_come_and_go(tmp_path: Path) -> None:
    directories = (str(tmp_path / "k"), str(tmp_path / "k" / "n"))
    umask = os.umask(0o177)
    try:
        make_directories(directories)
        make_directories(directories)
    finally:
        os.umask(umask)
    assert (tmp_path / "k" / "n").stat().st_mode & 0o777 == 0o755
    (tmp_path / "k" / "other.pid").touch()
    remove_directories(directories)
    assert os.listdir(tmp_path / "k") == ["other.pid"]


def test_a_pid_file_says_whose_it_is_and_vanishes(tmp_path: Path) -> None:
    path = tmp_path / "a.pid"
    path.write_text("99999999\n")  # of a daemon that was killed
    file = PidFile(str(path))
    file.write(1234567)
    file.write(42)
    assert path.read_text() == "42\n"
    assert path.stat().st_mode & 0o777 == 0o644
    file.remove()
    assert not path.exists()


def test_a_second_owner_is_refused_and_told_whose_it_is(tmp_path: Path) -> None:
    path = str(tmp_path / "a.pid")
    file = PidFile(path)
    file.write(os.getpid())
    with pytest.raises(InUseError) as refused:
        PidFile(path)
    assert refused.value.pid == os.getpid()
    file.remove()
    PidFile(path).remove()


def test_the_lock_lives_on_in_a_forked_child(tmp_path: Path) -> None:
    """As in daemonising: the parent goes, its child has the file."""
    path = str(tmp_path / "a.pid")
    program = (
        "import os, sys; from pyvrrp.daemon.pidfile import PidFile; f = PidFile(sys.argv[1])\n"
        "if os.fork(): os._exit(0)\n"
        "f.write(os.getpid()); print('held', flush=True); sys.stdin.read(); f.remove()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.wait()
        with pytest.raises(InUseError):
            PidFile(path)
        process.stdin.close()
        assert process.stdout.read() == b""  # its end
    PidFile(path).remove()


def test_a_keepalived_that_does_not_lock_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "a.pid"
    script = "import sys; open('/proc/self/comm', 'w').write('keepalived'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keepalived:
        assert keepalived.stdin is not None
        assert keepalived.stdout is not None
        keepalived.stdout.readline()
        path.write_text(f"{keepalived.pid}\n")
        with pytest.raises(InUseError) as refused:
            PidFile(str(path))
        assert refused.value.pid == keepalived.pid
        keepalived.stdin.close()


def test_somebody_elses_file_is_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "a.pid"
    file = PidFile(str(path))
    path.unlink()
    path.write_text("7\n")
    file.remove()
    assert path.read_text() == "7\n"


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.pid").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        PidFile(str(tmp_path / "a.pid"))
