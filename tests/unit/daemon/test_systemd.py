from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from pyvrrp.daemon.systemd import notify, reloading, take_socket


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_gets_one_datagram(tmp_path: Path, abstract: bool) -> None:
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name if abstract else name)
        systemd.setblocking(False)
        notify("@" + name if abstract else name, "READY=1", "MAINPID=7")
        assert systemd.recv(100) == b"READY=1\nMAINPID=7"


def test_nothing_happens_without_systemd(tmp_path: Path) -> None:
    notify(None, "READY=1")
    notify(str(tmp_path / "nobody"), "READY=1")


def test_workers_do_not_inherit_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/x")
    assert take_socket() == "/x"
    assert take_socket() is None


def test_a_reload_is_dated() -> None:
    first, second = reloading()
    assert first == "RELOADING=1"
    assert re.fullmatch(r"MONOTONIC_USEC=\d{6,}", second)
