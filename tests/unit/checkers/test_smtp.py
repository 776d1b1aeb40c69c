"""SMTP_CHECK against servers on loopback that speak SMTP, or do not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from pyvrrp.checkers import smtp
from pyvrrp.checkers.outcome import CheckFailed
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, SmtpCheck
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import MILLISECOND, SECOND
from tests.unit.checkers.asking import listening

GOOD = (b"220 mx.example ESMTP\r\n", b"250 mx.example\r\n", b"221 bye\r\n")


@asynccontextmanager
async def serving(*replies: bytes | None) -> AsyncIterator[tuple[list[bytes], int]]:
    """Says the first of itself, the others to a line each, and closes then; None is silence."""
    asked: list[bytes] = []
    end = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at, reply in enumerate(replies):
            if at:
                asked.append(await reader.readline())
            if reply is None:
                await end.wait()
            else:
                writer.write(reply)
                await writer.drain()

    async with listening(serve) as port:
        yield asked, port
        end.set()


def check(port: int, timeout: int = 5 * SECOND) -> SmtpCheck:
    connect = ConnectOptions(target=Endpoint(ip_address("127.0.0.1"), port), connect_timeout=timeout)
    return SmtpCheck(timing=CheckTiming(), connect=connect, helo_name="me.example")


async def test_a_healthy_server_and_what_it_is_asked() -> None:
    async with serving(*GOOD) as (asked, port):
        await smtp.check(check(port))
        assert asked == [b"HELO me.example\r\n", b"QUIT\r\n"]


@pytest.mark.parametrize(
    "replies",
    [
        (b"220-welcome\r\n220 mx\r\n", b"250-mx\r\n250-SIZE\r\n250 HELP\r\n", b"500 what?\r\n"),
        (b"220\r\n", b"250\n", b"221\r\n"),
    ],
)
async def test_replies_of_several_lines_and_bare_codes_are_good(replies: tuple[bytes, ...]) -> None:
    async with serving(*replies) as (_, port):
        await smtp.check(check(port))


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ((b"554 no\r\n",), "greeting answered with 554, not 220"),
        ((GOOD[0], b"501 no\r\n"), "HELO answered with 501, not 250"),
        ((b"SSH-2.0-OpenSSH\r\n",), "greeting answered with something that is not SMTP"),
        ((b"220-" + b"x" * 20000,), "greeting answered with more than 16384 bytes"),
        ((b"",), r"closed the connection instead of answering \(greeting\)"),
        ((None,), r"no answer to greeting in 0\.2 s"),
        ((GOOD[0], None), r"no answer to HELO in 0\.2 s"),
        ((GOOD[0], GOOD[1], None), r"no answer to QUIT in 0\.2 s"),
    ],
)
async def test_other_servers(replies: tuple[bytes | None, ...], words: str) -> None:
    async with serving(*replies) as (_, port):
        with pytest.raises(CheckFailed, match=f"^{words}$"):
            await smtp.check(check(port, 200 * MILLISECOND))


async def test_a_dead_server() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(CheckFailed, match=r"^connection refused$"):
            await smtp.check(check(bound.getsockname()[1]))
