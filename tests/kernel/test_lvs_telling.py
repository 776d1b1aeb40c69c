"""What is told of real and virtual servers, under keepalived and under ours, in a kernel that has IPVS."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, Net, inside

pytestmark = [pytest.mark.uml, pytest.mark.root]

CONF = """global_defs {{
    script_user root
    lvs_notify_fifo {0}/fifo
}}
virtual_server 192.0.2.10 80 {{
    lb_algo rr
    lb_kind NAT
    protocol TCP
    delay_loop 1
    quorum 2
    quorum_up "{0}/note.sh quorum up"
    quorum_down "{0}/note.sh quorum down"
{1}}}
"""
SERVER = """    real_server 127.0.0.1 {1} {{
        notify_up "{0}/note.sh {1} up"
        notify_down "{0}/note.sh {1} down"
        TCP_CHECK {{
            connect_timeout 1
            retry 0
            warmup 0
        }}
    }}
"""
PORTS = ONE, TWO, THREE = 8081, 8082, 8083
VS = "[192.0.2.10]:tcp:80"


@dataclass
class Told:
    lines: list[str]
    notes: list[str]


def listen(host: Host, port: int) -> socket.socket:
    with inside(host.namespace):
        listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(100)
    return listener


def conf(directory: Path, *ports: int) -> str:
    return CONF.format(directory, "".join(SERVER.format(directory, port) for port in ports))


def play(directory: Path, program: str) -> Told:
    """Start, the death of two servers, their return, a reload without the third, the stop."""
    directory.mkdir()
    notes = directory / "notes"
    script = directory / "note.sh"
    script.write_text(f'#!/bin/sh\necho "$@" >> {notes}\n')
    script.chmod(0o755)
    os.mkfifo(directory / "fifo")
    fifo = os.open(directory / "fifo", os.O_RDWR | os.O_NONBLOCK)
    read = b""

    def lines() -> list[str]:
        nonlocal read
        with contextlib.suppress(BlockingIOError):
            read += os.read(fifo, 65536)
        return read.decode().splitlines()

    def until(condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, f"{program}: {what}; told so far: {lines()}\n{daemon.log()}"
            time.sleep(0.05)

    net = Net()
    try:
        host = net.add_host("d1")
        listeners = {port: listen(host, port) for port in PORTS}
        daemon = Daemon(program, host, directory, conf(directory, *PORTS))
        until(lambda: f"VS {VS} UP" in lines(), "the quorum is gained")
        for port in (ONE, TWO):
            listeners.pop(port).close()
            until(lambda port=port: f"RS [127.0.0.1]:tcp:{port} {VS} DOWN" in lines(), "the server is down")  # type: ignore[misc]
        until(lambda: f"VS {VS} DOWN" in lines(), "the quorum is lost")
        for port in (ONE, TWO):
            listeners[port] = listen(host, port)
            until(lambda port=port: f"RS [127.0.0.1]:tcp:{port} {VS} UP" in lines(), "the server is up")  # type: ignore[misc]
        until(lambda: lines().count(f"VS {VS} UP") == 2, "the quorum is back")
        daemon.reload(conf(directory, ONE, TWO))
        until(lambda: f"RS [127.0.0.1]:tcp:{THREE} {VS} DOWN" in lines(), "the server is removed")
        until(lambda: len(notes.read_text().splitlines()) == len(lines()), "all scripts have run")
        daemon.stop()
        for listener in listeners.values():
            listener.close()
        return Told(lines(), sorted(notes.read_text().splitlines()))
    finally:
        net.close()
        os.close(fifo)


def test_the_same_is_told(tmp_path: Path) -> None:
    theirs, ours = (play(tmp_path / program, program) for program in (KEEPALIVED, OURS))
    assert ours.lines == theirs.lines, (ours, theirs)
    assert ours.notes == theirs.notes
