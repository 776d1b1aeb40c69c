"""HTTP_GET: a page must come, with the right status and the right content.

Each url has a connection of its own. The requests are keepalived's, byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Final

from pyvrrp.checkers.connecting import words
from pyvrrp.checkers.outcome import PASSED, CheckFailed, CheckNotStarted, Done, Outcome, bare
from pyvrrp.checkers.tcp import Connection
from pyvrrp.checkers.watcher import IN, Watcher
from pyvrrp.model.checkers import HttpCheck, HttpVersion, Url
from pyvrrp.units import seconds
from pyvrrp.wire.http import Response, request

CHUNK: Final = 65536
BODY_MAX: Final = 16 << 20
"""Bytes; keepalived reads on for ever."""


class Page(Connection):
    """Asks for one url, and reads until the peer closes."""

    __slots__ = ("_asked", "_judge", "_limit", "_reading", "_url", "response")

    def __init__(
        self, checker: HttpCheck, url: Url, watcher: Watcher, done: Done, judge: Callable[[Url, Response], None]
    ) -> None:
        self._asked = question(checker, url)
        self._url = url
        self._judge = judge
        self.response = Response()
        self._reading = False
        self._limit = seconds(checker.connect.connect_timeout)
        super().__init__(checker.connect, watcher, done)

    def connected(self) -> None:
        try:
            if self._reading:
                self._read()
                return
            self._asked = self._asked[self.socket.send(self._asked) :]
            if not self._asked:
                self._reading = True
                self.watcher.turn(self, IN, self._limit)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(CheckFailed(words(error.errno or 0)))

    def late(self) -> None:
        if self._connecting:
            super().late()
        else:
            what = "Timeout HTTP read" if self._reading else "cannot send the request"
            self.end(CheckFailed(f"{what} in {self._limit:g} s"))

    def _read(self) -> None:
        chunk = self.socket.recv(CHUNK)
        response = self.response
        if not chunk or not response.feed(chunk):
            try:
                self._judge(self._url, response)
            except CheckFailed as failure:
                self.end(failure)
            else:
                self.end(PASSED)
        elif len(response.data) > BODY_MAX:
            self.end(CheckFailed(endless()))
        else:
            self.watcher.extend(self, self._limit)


def start(checker: HttpCheck, watcher: Watcher, done: Done) -> Page:
    """Ask for the check's one url, which has no pattern. CheckNotStarted."""
    (url,) = checker.urls
    return Page(checker, url, watcher, done, judge)


async def check(checker: HttpCheck) -> None:
    """Ask for the check's one url. CheckFailed or CheckNotStarted."""
    (url,) = checker.urls
    await judge_all(url, await fetch(checker, url), seconds(checker.connect.connect_timeout))


async def fetch(checker: HttpCheck, url: Url) -> Response:
    """The page, whatever it is. CheckFailed or CheckNotStarted."""
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    watcher = Watcher()
    page: Page | None = None
    try:
        page = Page(checker, url, watcher, answer.set_result, lambda url, response: None)
        outcome = await answer
    finally:
        if page is not None:
            page.cancel()
        watcher.close()
    if isinstance(outcome, Exception):
        raise bare(outcome)
    return page.response


def question(checker: HttpCheck, url: Url) -> bytes:
    """The request. CheckNotStarted if it is too long."""
    host = url.host if url.host is not None else str(checker.connect.target)
    version = checker.version
    try:
        return request(
            url.path, host, minor=int(version is HttpVersion.HTTP_1_1), close=version is not HttpVersion.HTTP_1_0
        )
    except ValueError as error:
        raise CheckNotStarted(str(error)) from error


def endless() -> str:
    return f"more than {BODY_MAX >> 20} MB, and no end"


def judge(url: Url, response: Response) -> None:
    """CheckFailed if it is not what the url asks for: the status, then the digest."""
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


async def judge_all(url: Url, response: Response, limit: float) -> None:
    """The pattern too, which may take `limit` seconds. CheckFailed; CheckNotStarted."""
    judge(url, response)
    if url.pattern is None:
        return
    from pyvrrp.checkers.pattern import matches

    if await matches(url.pattern, response, limit) != url.pattern.wanted:
        raise CheckFailed(f"url({url.path}) {'does not match' if url.pattern.wanted else 'matches'} the regex")
