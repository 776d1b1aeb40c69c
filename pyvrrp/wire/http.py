"""The HTTP of a check: one request, and as much of the response as keepalived looks at.

A response ends when the peer closes; Content-Length never ends it, and nothing is decoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

REQUEST_MAX: Final = 2047
"""Bytes."""
HEADERS_MAX: Final = 4095
"""Bytes; what has longer headers is no answer."""
END: Final = b"\r\n\r\n"

_STATUS = re.compile(rb"[^ ]* ([0-9]{3}) ")
_LENGTH = re.compile(rb"^Content-Length:[ \t]*([0-9]+)", re.MULTILINE)


def request(path: str, host: str, *, minor: int, close: bool) -> bytes:
    """GET of HTTP/1.`minor`; with `close` the server is asked to close. ValueError if it is too long."""
    lines = [f"GET {path} HTTP/1.{minor}", "User-Agent: KeepAliveClient"]
    if close:
        lines.append("Connection: close")
    lines.append(f"Host: {host}")
    made = ("\r\n".join(lines) + "\r\n\r\n").encode(errors="surrogateescape")
    if len(made) > REQUEST_MAX:
        raise ValueError(f"the request is longer than {REQUEST_MAX} bytes")
    return made


@dataclass(slots=True)
class Response:
    """What has come so far."""

    data: bytearray = field(default_factory=bytearray)
    body_at: int | None = None
    """Where the body begins; None while the headers are not complete."""
    searched_from: int = 0
    """Where a pattern is looked for: at the headers, if body came along with their end, else at the body."""

    def feed(self, chunk: bytes) -> bool:
        """Take in what was received; False if these are no headers, however much more comes."""
        known = len(self.data)
        self.data += chunk
        if self.body_at is None:
            end = self.data.find(END, max(0, known - len(END) + 1), HEADERS_MAX + 1)
            if end < 0:
                return len(self.data) <= HEADERS_MAX
            self.body_at = end + len(END)
            self.searched_from = 0 if len(self.data) > self.body_at else self.body_at
        return True

    @property
    def status(self) -> int:
        """0 where there is none: three digits between two blanks."""
        match = _STATUS.match(self.data)
        return int(match[1]) if match else 0

    @property
    def body(self) -> bytes:
        """At most Content-Length bytes of it."""
        assert self.body_at is not None
        match = _LENGTH.search(self.data, 0, self.body_at)
        end = len(self.data) if match is None else self.body_at + int(match[1])
        return bytes(self.data[self.body_at : end])
