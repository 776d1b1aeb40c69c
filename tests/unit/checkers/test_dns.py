"""DNS_CHECK against a name server on loopback that can lie."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import cast

import pytest
from scapy.layers.dns import DNS

from pyvrrp.checkers import dns
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, DnsCheck
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import MILLISECOND, SECOND

Answer = Callable[[bytes], list[bytes]]


class Responder(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked.append(data)
        for reply in self.answer(data):
            self.transport.sendto(reply, addr)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[tuple[Responder, int]]:
    loop = asyncio.get_running_loop()
    transport, responder = await loop.create_datagram_endpoint(lambda: Responder(answer), ("127.0.0.1", 0))
    yield responder, transport.get_extra_info("sockname")[1]
    transport.close()


def check(port: int, timeout: int = 5 * SECOND, **options: str) -> DnsCheck:
    connect = ConnectOptions(target=Endpoint(ip_address("127.0.0.1"), port), connect_timeout=timeout)
    return DnsCheck(timing=CheckTiming(), connect=connect, **options)


def reply(query: bytes, rcode: int = 0, shift: int = 0) -> bytes:
    return bytes(DNS(id=(DNS(query).id + shift) & 0xFFFF, qr=1, rcode=rcode))


async def test_an_answer_without_an_error_is_good_even_if_it_is_empty() -> None:
    async with serving(lambda query: [reply(query)]) as (responder, port):
        await dns.check(check(port, name="a.example", type="AAAA"))
        (asked,) = responder.asked
        assert (DNS(asked).qd[0].qname, DNS(asked).qd[0].qtype) == (b"a.example.", 28)


@pytest.mark.parametrize(("code", "word"), [(2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED"), (9, "error 9")])
async def test_an_error(code: int, word: str) -> None:
    async with serving(lambda query: [reply(query, code)]) as (_, port):
        with pytest.raises(CheckFailed, match=f"^answered with {word}$"):
            await dns.check(check(port))


async def test_what_is_no_reply_is_not_looked_at() -> None:
    async with serving(lambda query: [b"x", query, reply(query, 2, shift=1), reply(query)]) as (_, port):
        await dns.check(check(port))
    async with serving(lambda query: [b"x", query, reply(query, 0, shift=1)]) as (_, port):
        with pytest.raises(CheckFailed, match=r"^no answer in 0\.2 s$"):
            await dns.check(check(port, 200 * MILLISECOND))


async def test_a_dead_server() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        gone = bound.getsockname()[1]
    with pytest.raises(CheckFailed, match=r"^connection refused$"):
        await dns.check(check(gone))


async def test_an_error_that_is_not_the_servers_is_our_own_trouble() -> None:
    connect = ConnectOptions(target=Endpoint(ip_address("fe80::1"), 53))
    with pytest.raises(CheckNotStarted, match="cannot ask"):
        await dns.check(DnsCheck(timing=CheckTiming(), connect=connect))
