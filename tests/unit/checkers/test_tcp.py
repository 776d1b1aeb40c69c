"""TCP_CHECK against real sockets on loopback."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, TcpCheck
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import MILLISECOND, SECOND
from tests.unit.checkers.asking import ask


def checker(host: str, port: int, **options: Any) -> TcpCheck:
    connect = ConnectOptions(target=Endpoint(ip_address(host), port), connect_timeout=5 * SECOND)
    return TcpCheck(timing=CheckTiming(), connect=replace(connect, **options))


def listening(host: str = "127.0.0.1", backlog: int = 8) -> socket.socket:
    server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    server.bind((host, 0))
    server.listen(backlog)
    return server


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with listening() as made:
        yield made


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port that refuses: bound, so that nobody else takes it, and not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that does not answer: its queue is full, and the kernel drops what more comes."""
    with listening(backlog=0) as server, socket.socket() as one:
        port = server.getsockname()[1]
        one.connect(("127.0.0.1", port))
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port
        for filler in fillers:
            filler.close()


async def test_a_server_that_accepts_is_well_and_is_left_at_once(server: socket.socket) -> None:
    await ask(checker(*server.getsockname()))
    accepted, _ = server.accept()
    with accepted:
        accepted.settimeout(5)
        assert accepted.recv(1) == b""


async def test_ipv6() -> None:
    with listening("::1") as server:
        await ask(checker("::1", server.getsockname()[1]))


async def test_a_refusal_is_a_failure(refusing: int) -> None:
    with pytest.raises(CheckFailed, match=r"^connection refused$"):
        await ask(checker("127.0.0.1", refusing))


async def test_silence_is_a_failure_after_connect_timeout(silent: int) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    with pytest.raises(CheckFailed, match=r"^no answer in 0\.2 s$"):
        await ask(checker("127.0.0.1", silent, connect_timeout=200 * MILLISECOND))
    assert 0.19 <= loop.time() - start < 5


async def test_the_source_address_is_bindto(server: socket.socket) -> None:
    await ask(checker(*server.getsockname(), bindto=Endpoint(ip_address("127.0.0.77"), 0)))
    accepted, peer = server.accept()
    accepted.close()
    assert peer[0] == "127.0.0.77"


async def test_the_interface_is_bind_if(server: socket.socket) -> None:
    await ask(checker(*server.getsockname(), bind_if="lo"))


@pytest.mark.root
async def test_the_mark_is_fwmark(server: socket.socket) -> None:
    await ask(checker(*server.getsockname(), fwmark=7))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"bindto": Endpoint(ip_address("192.0.2.1"), 0)},
            "cannot bind to 192.0.2.1:0: cannot assign requested address",
        ),
        ({"bind_if": "nosuchdevice"}, "cannot bind to the interface nosuchdevice: no such device"),
    ],
)
async def test_a_check_that_cannot_be_made_is_no_failure_of_the_server(
    server: socket.socket, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(CheckNotStarted, match=words):
        await ask(checker(*server.getsockname(), **options))


async def test_a_link_local_target_on_an_interface_that_is_not_there() -> None:
    with pytest.raises(CheckNotStarted):
        await ask(checker("fe80::1", 80, bind_if="nosuchdevice"))


async def test_an_error_of_connect_that_is_not_the_servers_is_our_own_trouble() -> None:
    with pytest.raises(CheckNotStarted, match=r"cannot connect to \[fe80::1\]:80: invalid argument"):
        await ask(checker("fe80::1", 80))


async def test_a_cancelled_check_leaves_no_socket_behind(silent: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    under_way = asyncio.ensure_future(ask(checker("127.0.0.1", silent)))
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == before + 2  # and the set that it is in
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    assert len(os.listdir("/proc/self/fd")) == before
