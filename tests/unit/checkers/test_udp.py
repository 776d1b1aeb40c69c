"""UDP_CHECK against real sockets on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from pyvrrp.checkers import udp
from pyvrrp.checkers.outcome import CheckFailed
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, UdpCheck
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import MILLISECOND, SECOND


def checker(port: int, host: str = "127.0.0.1", **options: Any) -> UdpCheck:
    target = Endpoint(ip_address(host), port)
    connect = ConnectOptions(target=target, connect_timeout=200 * MILLISECOND)
    return replace(UdpCheck(timing=CheckTiming(), connect=connect), **options)


@contextmanager
def bound(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setblocking(False)
        made.bind((host, 0))
        yield made


@contextmanager
def answering(reply: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Its port, and what it was sent."""
    asked: list[bytes] = []
    loop = asyncio.get_running_loop()
    with bound() as server:

        def read() -> None:
            data, peer = server.recvfrom(4096)
            asked.append(data)
            server.sendto(reply, peer)

        loop.add_reader(server, read)
        try:
            yield server.getsockname()[1], asked
        finally:
            loop.remove_reader(server)


async def test_silence_is_good_where_no_reply_is_required() -> None:
    with bound() as server:
        await udp.check(checker(server.getsockname()[1]))
        assert server.recv(100) == bytes(32)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_that_nobody_has_is_a_failure_at_once(host: str) -> None:
    with bound(host) as server:
        port = server.getsockname()[1]
    check = checker(port, host)
    slow = replace(check, connect=replace(check.connect, connect_timeout=60 * SECOND))
    with pytest.raises(CheckFailed, match=r"^connection refused$"):
        await asyncio.wait_for(udp.check(slow), 10)


async def test_silence_is_a_failure_where_a_reply_is_required() -> None:
    with bound() as server, pytest.raises(CheckFailed, match=r"^no answer in 0\.2 s$"):
        await udp.check(checker(server.getsockname()[1], require_reply=b""))


async def test_the_payload_is_sent_and_any_reply_is_good_at_once() -> None:
    with answering(b"pong") as (port, asked):
        check = checker(port, payload=b"ping", require_reply=b"")
        slow = replace(check, connect=replace(check.connect, connect_timeout=60 * SECOND))
        await asyncio.wait_for(udp.check(slow), 10)
    assert asked == [b"ping"]


@pytest.mark.parametrize(
    ("reply", "options", "words"),
    [
        (b"pong", {"require_reply": b"pong"}, None),
        (b"pong and more", {"require_reply": b"pong"}, None),
        (b"ping", {"require_reply": b"pong"}, "other content"),
        # keepalived compares as much as there is: a short reply that begins alike passes.
        (b"po", {"require_reply": b"pong"}, None),
        (b"ping", {"require_reply": b"pong", "reply_mask": b"\xff\x00\xff\xff"}, None),
        (b"pink", {"require_reply": b"pong", "reply_mask": b"\xff\x00\xff\xff"}, "other content"),
        (b"po", {"require_reply": b"pong", "min_reply_length": 3}, "reply of 2 bytes, not 3 to 255"),
        (b"pong!", {"require_reply": b"pong", "max_reply_length": 4}, "reply of 5 bytes, not 0 to 4"),
        # Lengths count only together with content.
        (b"x" * 300, {"require_reply": b""}, None),
        (b"x" * 300, {}, None),
    ],
)
async def test_what_a_reply_must_be(reply: bytes, options: dict[str, Any], words: str | None) -> None:
    with answering(reply) as (port, _):
        if words is None:
            await udp.check(checker(port, **options))
        else:
            with pytest.raises(CheckFailed, match=words):
                await udp.check(checker(port, **options))


async def test_a_check_that_cannot_be_made_is_a_failure_here() -> None:
    check = checker(9)
    misbound = replace(check, connect=replace(check.connect, bindto=Endpoint(ip_address("192.0.2.1"), 0)))
    with pytest.raises(CheckFailed, match=r"cannot bind to 192\.0\.2\.1:0"):
        await udp.check(misbound)
