"""SMTP_CHECK: the server must greet, answer HELO, and say something to QUIT. RFC 5321 §4.2."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Final

from pyvrrp.checkers.connecting import blame, open_socket, sockaddr, words
from pyvrrp.checkers.outcome import CheckFailed
from pyvrrp.model.checkers import SmtpCheck
from pyvrrp.units import seconds

REPLY_MAX: Final = 16384
"""Bytes."""
LINE: Final = re.compile(rb"([0-9]{3})(-?)[^\n]*\n")


async def check(checker: SmtpCheck) -> None:
    """Talk to it. CheckFailed or CheckNotStarted. Connecting and each answer may take connect_timeout."""
    options = checker.connect
    limit = seconds(options.connect_timeout)
    loop = asyncio.get_running_loop()
    with open_socket(options, socket.SOCK_STREAM) as connected:
        try:
            async with asyncio.timeout(limit):
                await loop.sock_connect(connected, sockaddr(options, options.target))
        except OSError as error:
            raise blame(error, f"connect to {options.target}", limit) from error
        helo = f"HELO {checker.helo_name}\r\n".encode(errors="surrogateescape")
        try:
            for step, command, wanted in (("greeting", b"", 220), ("HELO", helo, 250), ("QUIT", b"QUIT\r\n", None)):
                async with asyncio.timeout(limit):
                    await loop.sock_sendall(connected, command)
                    code = await _reply(connected, step)
                if wanted not in (None, code):
                    raise CheckFailed(f"{step} answered with {code:03}, not {wanted}")
        except OSError as error:
            if error.errno is None:
                raise CheckFailed(f"no answer to {step} in {limit:g} s") from error
            raise CheckFailed(words(error.errno)) from error


async def _reply(connected: socket.socket, step: str) -> int:
    """The code of a reply of one line or of several."""
    loop = asyncio.get_running_loop()
    received = b""
    while len(received) <= REPLY_MAX:
        chunk = await loop.sock_recv(connected, 4096)
        if not chunk:
            raise CheckFailed(f"closed the connection instead of answering ({step})")
        received += chunk
        at = 0
        while (end := received.find(b"\n", at)) >= 0:
            line = LINE.fullmatch(received, at, end + 1)
            if line is None:
                raise CheckFailed(f"{step} answered with something that is not SMTP")
            if not line[2]:
                return int(line[1])
            at = end + 1
    raise CheckFailed(f"{step} answered with more than {REPLY_MAX} bytes")
