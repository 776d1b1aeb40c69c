"""SSL_GET: as HTTP_GET, in a TLS session."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from typing import TypeVar

from pyvrrp.checkers import tls
from pyvrrp.checkers.connecting import blame, open_socket, sockaddr
from pyvrrp.checkers.http import BODY_MAX, endless, judge_all, question
from pyvrrp.checkers.outcome import CheckFailed
from pyvrrp.model.checkers import SslCheck, Url
from pyvrrp.units import seconds
from pyvrrp.wire.http import Response

CHUNK = 16384

T = TypeVar("T")


async def check(checker: SslCheck) -> None:
    """Ask for the check's one url. CheckFailed or CheckNotStarted."""
    (url,) = checker.urls
    await judge_all(url, await fetch(checker, url), seconds(checker.connect.connect_timeout))


async def fetch(checker: SslCheck, url: Url) -> Response:
    """What comes back. CheckFailed or CheckNotStarted. Connecting, the handshake and all reads may each take
    connect_timeout."""
    options = checker.connect
    asked = question(checker, url)
    loop = asyncio.get_running_loop()
    limit = seconds(options.connect_timeout)
    with open_socket(options, socket.SOCK_STREAM) as connected:
        try:
            await _within(limit, "no answer", loop.sock_connect(connected, sockaddr(options, options.target)))
        except OSError as error:
            raise blame(error, f"connect to {options.target}", limit) from error
        response = Response()
        try:
            session = tls.Session(connected, checker, url)
            await _within(limit, "no TLS handshake", session.handshake())
            await _within(limit, "cannot send the request", session.send(asked))
            await _within(limit, "Timeout SSL read", _read(session, response))
            await session.close()
        except OSError as error:
            raise CheckFailed(tls.reason(error)) from error
    return response


async def _read(session: tls.Session, response: Response) -> None:
    """Until the peer closes, or it is no HTTP."""
    while True:
        try:
            chunk = await session.receive(CHUNK)
        except OSError:
            # Who closes without a close_notify, as many do, has sent all the same.
            if response.body_at is None:
                raise
            return
        if not chunk or not response.feed(chunk):
            return
        if len(response.data) > BODY_MAX:
            raise CheckFailed(endless())


async def _within(limit: float, what: str, work: Awaitable[T]) -> T:
    """CheckFailed if it takes longer."""
    try:
        async with asyncio.timeout(limit) as deadline:
            return await work
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise CheckFailed(f"{what} in {limit:g} s") from error
