"""HTTP_GET and SSL_GET: a page must come, with the right status and the right content.

Each url has a connection of its own. The requests are keepalived's, byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from pyvrrp.checkers.connecting import SERVER_FAULTS, open_socket, sockaddr, words
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import HttpCheck, HttpVersion, Pattern, SslCheck, Url
from pyvrrp.units import seconds
from pyvrrp.wire.http import Response, request

if TYPE_CHECKING:
    from pyvrrp.checkers import tls

CHUNK = 4096
BODY_MAX = 16 << 20
"""Bytes; keepalived reads on for ever."""
FLAGS = {
    "caseless": re.IGNORECASE,
    "dotall": re.DOTALL,
    "extended": re.VERBOSE,
    "multiline": re.MULTILINE,
}

T = TypeVar("T")
Receive = Callable[[], Awaitable[bytes]]


async def check(checker: HttpCheck) -> None:
    """Ask each url in turn. CheckFailed or CheckNotStarted."""
    for url in checker.urls:
        response = await _fetch(checker, url)
        judge(url, response)


def judge(url: Url, response: Response) -> None:
    """CheckFailed if it is not what the url asks for: status, digest, pattern, in this order."""
    name = f"url({url.path})"
    if response.body_at is None:
        raise CheckFailed(f"no data received from {name}")
    status = response.status
    if not any(low <= status <= high for low, high in url.status):
        raise CheckFailed(f"HTTP status code {status} from {name}")
    if url.digest is not None:
        digest = hashlib.md5(response.body, usedforsecurity=False).hexdigest()
        if digest != url.digest:
            raise CheckFailed(f"MD5 digest {digest} of {name}, not {url.digest}")
    if url.pattern is not None and matches(url.pattern, response) != url.pattern.wanted:
        raise CheckFailed(f"{name} {'does not match' if url.pattern.wanted else 'matches'} the regex")


def matches(pattern: Pattern, response: Response) -> bool:
    """A match begins from min_offset on, and at max_offset at the latest; 0 is where the search begins."""
    flags = re.RegexFlag(0)
    for option in pattern.options:
        flags |= FLAGS.get(option, re.RegexFlag(0))
    data = bytes(response.data[response.searched_from :])
    found = re.compile(pattern.regex.encode(errors="surrogateescape"), flags).search(data, pattern.min_offset)
    return found is not None and (pattern.max_offset is None or found.start() <= pattern.max_offset)


async def _fetch(checker: HttpCheck, url: Url) -> Response:
    options = checker.connect
    host = url.host if url.host is not None else str(options.target)
    version = checker.version
    try:
        asked = request(
            url.path, host, minor=int(version is HttpVersion.HTTP_1_1), close=version is not HttpVersion.HTTP_1_0
        )
    except ValueError as error:
        raise CheckNotStarted(str(error)) from error
    loop = asyncio.get_running_loop()
    limit = seconds(options.connect_timeout)
    with open_socket(options, socket.SOCK_STREAM) as connected:
        try:
            await _within(limit, "no answer", loop.sock_connect(connected, sockaddr(options, options.target)))
        except OSError as error:
            if error.errno in SERVER_FAULTS:
                raise CheckFailed(words(error.errno)) from error
            raise CheckNotStarted(f"cannot connect to {options.target}: {words(error.errno or 0)}") from error
        response = Response()
        try:
            if isinstance(checker, SslCheck):
                from pyvrrp.checkers import tls

                await _secured(tls.Session(connected, tls.context(checker.tls), url), asked, response, limit)
            else:
                await _within(limit, "cannot send the request", loop.sock_sendall(connected, asked))
                await _read(lambda: _within(limit, "Timeout HTTP read", loop.sock_recv(connected, CHUNK)), response)
        except OSError as error:
            raise CheckFailed(words(error.errno) if error.errno else str(error)) from error
    return response


async def _secured(session: tls.Session, asked: bytes, response: Response, limit: float) -> None:
    """Handshake, request and all of the response; the reads share one time limit."""
    await _within(limit, "no TLS handshake", session.handshake())
    await _within(limit, "cannot send the request", session.send(asked))

    async def receive() -> bytes:
        try:
            return await session.receive(CHUNK)
        except OSError:
            # Who closes without a close_notify, as many do, has sent all the same.
            if response.body_at is None:
                raise
            return b""

    await _within(limit, "Timeout SSL read", _read(receive, response))
    await session.close()


async def _read(receive: Receive, response: Response) -> None:
    """Until the peer closes, or it is no HTTP."""
    while chunk := await receive():
        if not response.feed(chunk):
            return
        if len(response.data) > BODY_MAX:
            raise CheckFailed(f"more than {BODY_MAX >> 20} MB, and no end")


async def _within(limit: float, what: str, work: Awaitable[T]) -> T:
    """CheckFailed if it takes longer."""
    try:
        async with asyncio.timeout(limit) as deadline:
            return await work
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise CheckFailed(f"{what} in {limit:g} s") from error
