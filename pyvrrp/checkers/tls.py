"""A TLS session on a connected socket, driven by the event loop.

asyncio's own transports insist on ends that the standard knows (close_notify) and on a deadline of their own.
Certificates are not verified: a check asks whether the server works, by its address.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Final, TypeVar

from pyvrrp.checkers.outcome import CheckNotStarted
from pyvrrp.model.checkers import TlsFiles, Url

T = TypeVar("T")
OP_LEGACY_SERVER_CONNECT: Final = 0x4
"""OpenSSL's; Python 3.12 has a name for it."""


@lru_cache(maxsize=1)
def _made(files: TlsFiles | None, times: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # An old server that works is a server that works.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= OP_LEGACY_SERVER_CONNECT
    if files is None:
        return context
    if files.ca is not None:
        context.load_verify_locations(files.ca)
    if files.certificate is not None:
        # Without a password OpenSSL would ask the terminal.
        context.load_cert_chain(files.certificate, files.key, files.password or "")
    return context


def context(files: TlsFiles | None) -> ssl.SSLContext:
    """The client's settings. CheckNotStarted if the files cannot be used."""
    try:
        named = () if files is None else (files.ca, files.certificate, files.key)
        # A renewed certificate counts from the next check on.
        return _made(files, tuple(os.stat(name).st_mtime_ns for name in named if name is not None))
    except OSError as error:
        raise CheckNotStarted(f"the files of the SSL block cannot be used: {error}") from error


class Session:
    """Raises OSError (ssl.SSLError is one) where the peer or the connection fails."""

    def __init__(self, connected: socket.socket, settings: ssl.SSLContext, url: Url) -> None:
        self._socket = connected
        self._close_notify = url.close_notify
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = settings.wrap_bio(self._incoming, self._outgoing, server_hostname=url.server_name)

    async def handshake(self) -> None:
        await self._drive(self._tls.do_handshake)

    async def send(self, data: bytes) -> None:
        await self._drive(lambda: self._tls.write(data))

    async def receive(self, most: int) -> bytes:
        """b"" at the end."""
        return await self._drive(lambda: self._tls.read(most))

    async def close(self) -> None:
        """Say so to the peer, if the configuration wants it; its answer is not waited for."""
        if not self._close_notify:
            return
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        with suppress(OSError):
            await self._flush()

    async def _drive(self, step: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                await self._flush()
                if chunk := await loop.sock_recv(self._socket, 16384):
                    self._incoming.write(chunk)
                else:
                    self._incoming.write_eof()
            else:
                await self._flush()
                return done

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await asyncio.get_running_loop().sock_sendall(self._socket, self._outgoing.read())
