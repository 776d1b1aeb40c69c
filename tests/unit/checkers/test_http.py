"""HTTP_GET and SSL_GET against real servers on loopback: healthy, dead, slow, half-open and lying ones."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import (
    CheckTiming,
    ConnectOptions,
    HttpCheck,
    HttpVersion,
    Pattern,
    SslCheck,
    TlsFiles,
    Url,
)
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import MILLISECOND, SECOND
from tests.unit.checkers.asking import ask, listening

OK = b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Server:
    def __init__(self, answer: bytes | Answer) -> None:
        self.answer = answer
        self.port = 0
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self.rest: list[bytes] = []
        """What came after the request, up to the end of the connection."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(asked)
        if isinstance(self.answer, bytes):
            writer.write(self.answer)
            await writer.drain()
        else:
            await self.answer(asked, writer)


@asynccontextmanager
async def serving(answer: bytes | Answer = OK, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    if tls is not None:
        tls.sni_callback = lambda _session, name, _context: server.names.append(name)
    async with listening(server.serve, tls) as server.port:
        yield server


def check(server: Server, *urls: Url, kind: type[HttpCheck] = HttpCheck, **options: Any) -> HttpCheck:
    connect = ConnectOptions(
        target=Endpoint(ip_address("127.0.0.1"), server.port), connect_timeout=options.pop("timeout", 5 * SECOND)
    )
    return kind(timing=CheckTiming(), connect=connect, urls=urls or (Url(path="/"),), **options)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls") / "self.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=other.example", "-days", "2", "-keyout", str(made), "-out", str(made) + ".crt"]
    subprocess.run(command, check=True, capture_output=True)
    made.write_text(made.read_text() + Path(str(made) + ".crt").read_text())
    return made


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_healthy_server_and_the_request_byte_for_byte() -> None:
    async with serving() as server:
        await ask(check(server))
        assert server.requests == [
            f"GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
        ]


@pytest.mark.parametrize(
    ("version", "lines"),
    [
        (HttpVersion.HTTP_1_0_CLOSE, b"GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\n"),
        (HttpVersion.HTTP_1_1, b"GET /x HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\n"),
    ],
)
async def test_versions_and_virtual_hosts(version: HttpVersion, lines: bytes) -> None:
    async with serving() as server:
        await ask(check(server, Url(path="/x", host="a.example"), version=version))
        assert server.requests == [lines + b"Host: a.example\r\n\r\n"]


async def test_each_url_has_a_connection_of_its_own() -> None:
    async with serving() as server:
        await ask(check(server, Url(path="/a"), Url(path="/b")))
        assert [asked.split()[1] for asked in server.requests] == [b"/a", b"/b"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.0 500 Oops\r\n\r\n", r"^HTTP status code 500 from url\(/\)$"),
        (b"HTTP/1.1 200\r\n\r\n", "HTTP status code 0"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", "no data received"),
        (b"", "no data received"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 5000 + b"\r\n\r\n", "no data received"),
    ],
)
async def test_lying_servers(answer: bytes, words: str) -> None:
    async with serving(answer) as server:
        with pytest.raises(CheckFailed, match=words):
            await ask(check(server))


@pytest.mark.parametrize(("status", "well"), [(200, False), (301, True), (302, True), (303, False)])
async def test_accepted_statuses(status: int, well: bool) -> None:
    async with serving(b"HTTP/1.0 %d X\r\n\r\n" % status) as server:
        asked = ask(check(server, Url(path="/", status=((301, 302),))))
        if well:
            await asked
        else:
            with pytest.raises(CheckFailed):
                await asked


async def test_digest_of_the_body_as_far_as_content_length_says() -> None:
    async with serving(OK + b"and more") as server:
        await ask(check(server, Url(path="/", digest=hashlib.md5(b"hello\n").hexdigest())))
        with pytest.raises(CheckFailed, match="MD5 digest b1946ac92492d2347c6235b4d2611184 of"):
            await ask(check(server, Url(path="/", digest="0" * 32)))


@pytest.mark.parametrize(
    ("pattern", "well"),
    [
        (Pattern(regex="hel+o"), True),
        (Pattern(regex="HEL+O"), False),
        (Pattern(regex="HEL+O", options=("caseless",)), True),
        (Pattern(regex="hello", wanted=False), False),
        (Pattern(regex="bye", wanted=False), True),
        (Pattern(regex="hello", max_offset=5), False),
        (Pattern(regex="hello", max_offset=OK.index(b"hello")), True),
        (Pattern(regex="hello", min_offset=OK.index(b"hello")), True),
        (Pattern(regex="hello", min_offset=OK.index(b"hello") + 1), False),
    ],
)
async def test_regex(pattern: Pattern, well: bool) -> None:
    async with serving() as server:
        asked = ask(check(server, Url(path="/", pattern=pattern)))
        if well:
            await asked
        else:
            with pytest.raises(CheckFailed, match="regex"):
                await asked


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize("end", ["late", "cancelled"])
async def test_a_regex_that_takes_years_keeps_nobody_waiting(end: str) -> None:
    before = children()
    endless = Url(path="/", pattern=Pattern(regex="(a|aa)+$"))
    async with serving(OK + 80 * b"a" + b"b") as server, serving() as other:
        timeout = 300 * MILLISECOND if end == "late" else 5 * SECOND
        asked = asyncio.ensure_future(ask(check(server, endless, timeout=timeout)))
        while not children() - before:
            await asyncio.sleep(0.001)
        for _ in range(5):
            await ask(check(other, Url(path="/")))
        if end == "late":
            with pytest.raises(CheckFailed, match=r"^the regex takes more than 0\.3 s$"):
                await asked
        else:
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
    async with asyncio.timeout(5):
        while children() - before:  # nothing is left behind
            await asyncio.sleep(0.001)


async def test_a_dead_server() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        dead = Server(OK)
        dead.port = bound.getsockname()[1]
        with pytest.raises(CheckFailed, match=r"^connection refused$"):
            await ask(check(dead))


async def test_a_silent_server_and_one_that_keeps_the_connection() -> None:
    end = asyncio.Event()

    async def silent(_asked: bytes, _writer: asyncio.StreamWriter) -> None:
        await end.wait()

    async def keeping(_asked: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await end.wait()

    for answer in (silent, keeping):
        end.clear()
        async with serving(answer) as server:
            with pytest.raises(CheckFailed, match=r"^Timeout HTTP read in 0\.2 s$"):
                await ask(check(server, timeout=200 * MILLISECOND))
            end.set()


async def test_a_slow_server_has_its_time_for_each_read_without_tls_only(tls: ssl.SSLContext) -> None:
    async def slow(_asked: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in OK[:8], OK[8:16], OK[16:24], OK[24:]:
            await asyncio.sleep(0.15)
            writer.write(byte)

    async with serving(slow) as server:
        await ask(check(server, timeout=400 * MILLISECOND))
    async with serving(slow, tls) as server:
        with pytest.raises(CheckFailed, match="Timeout SSL read"):
            await ask(check(server, kind=SslCheck, timeout=400 * MILLISECOND))


async def test_a_server_that_resets() -> None:
    async def reset(_asked: bytes, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    async with serving(reset) as server:
        with pytest.raises(CheckFailed, match="connection reset by peer"):
            await ask(check(server))


async def test_a_request_too_long_is_our_own_trouble() -> None:
    async with serving() as server:
        with pytest.raises(CheckNotStarted, match="longer than"):
            await ask(check(server, Url(path="/" * 3000)))


async def test_tls_without_verification_and_with_sni(tls: ssl.SSLContext) -> None:
    async with serving(tls=tls) as server:
        await ask(check(server, kind=SslCheck))
        await ask(check(server, Url(path="/", server_name="a.example"), kind=SslCheck))
        assert server.names == [None, "a.example"]
        assert len(server.requests) == 2


async def test_tls_that_ends_without_close_notify(tls: ssl.SSLContext) -> None:
    async def rude(_asked: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        writer.transport.abort()

    async with serving(rude, tls) as server:
        await ask(check(server, Url(path="/", digest=hashlib.md5(b"hello\n").hexdigest()), kind=SslCheck))


async def test_no_tls_where_tls_is_wanted() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"what?\r\n\r\n")

    server = Server(OK)
    async with listening(greet) as server.port:
        with pytest.raises(CheckFailed):
            await ask(check(server, kind=SslCheck))


@pytest.mark.parametrize("compliant", [False, True])
async def test_close_notify_only_if_tls_compliant(tls: ssl.SSLContext, compliant: bool) -> None:
    ends: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def once() -> None:
        accepted, _ = listener.accept()
        accepted.settimeout(10)
        with accepted, tls.wrap_socket(accepted, server_side=True, suppress_ragged_eofs=False) as session:
            session.recv(4096)
            session.send(OK)
            # Our own close_notify ends the response; what follows is theirs.
            try:
                session.unwrap()
                ends.append("close_notify")
            except (ssl.SSLError, OSError):
                ends.append("nothing")

    server = Server(OK)
    server.port = listener.getsockname()[1]
    waiting = asyncio.get_running_loop().run_in_executor(None, once)
    await ask(check(server, Url(path="/", close_notify=compliant), kind=SslCheck))
    await waiting
    listener.close()
    assert ends == ["close_notify" if compliant else "nothing"]


async def test_files_that_cannot_be_used_are_our_own_trouble(tls: ssl.SSLContext, certificate: Path) -> None:
    async with serving(tls=tls) as server:
        await ask(check(server, kind=SslCheck, tls=TlsFiles(certificate=str(certificate))))
        for wrong in (TlsFiles(ca="/nosuch"), TlsFiles(certificate=os.devnull)):
            with pytest.raises(CheckNotStarted, match="the files of the SSL block cannot be used"):
                await ask(check(server, kind=SslCheck, tls=wrong))


async def test_a_bad_bindto_is_our_own_trouble() -> None:
    async with serving() as server:
        asked = check(server)
        bound = replace(asked.connect, bindto=Endpoint(ip_address("192.0.2.1"), 0))
        with pytest.raises(CheckNotStarted):
            await ask(replace(asked, connect=bound))


async def test_cancelling_leaves_nothing_behind() -> None:
    end = asyncio.Event()

    async def silent(_asked: bytes, _writer: asyncio.StreamWriter) -> None:
        await end.wait()

    async with serving(silent) as server:
        under_way = asyncio.ensure_future(ask(check(server)))
        while not server.requests:
            await asyncio.sleep(0.01)
        before = len(os.listdir("/proc/self/fd"))
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        assert len(os.listdir("/proc/self/fd")) == before - 2  # the socket, and the set that it was in
        end.set()
