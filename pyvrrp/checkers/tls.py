"""A TLS session on a connected socket, driven by the event loop.

asyncio's own transports insist on ends that the standard knows (close_notify) and on a deadline of their own.
Certificates are not verified unless tls_verify asks for it: a check asks whether the server works, by its address.
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

from pyvrrp.checkers.connecting import words
from pyvrrp.checkers.outcome import CheckNotStarted
from pyvrrp.model.checkers import SslCheck, TlsFiles, Url

T = TypeVar("T")
OP_LEGACY_SERVER_CONNECT: Final = 0x4
"""OpenSSL's; Python 3.12 has a name for it."""


@lru_cache(maxsize=2)
def _made(files: TlsFiles | None, verify: bool, times: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if verify:
        if files is None or files.ca is None:
            context.load_default_certs()
    else:
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


def context(files: TlsFiles | None, *, verify: bool) -> ssl.SSLContext:
    """The client's settings. CheckNotStarted if the files cannot be used."""
    try:
        named = () if files is None else (files.ca, files.certificate, files.key)
        # A renewed certificate counts from the next check on.
        return _made(files, verify, tuple(os.stat(name).st_mtime_ns for name in named if name is not None))
    except OSError as error:
        raise CheckNotStarted(f"the files of the SSL block cannot be used: {error}") from error


def expected_name(checker: SslCheck, url: Url) -> str:
    """For whom the certificate must be, where it is verified: the name that is asked for, else the address."""
    if url.server_name is not None:
        return url.server_name
    host = "" if url.host is None else url.host[1 : url.host.find("]")] if url.host[:1] == "[" else url.host
    if host.count(":") == 1:
        host = host.partition(":")[0]
    return host or str(checker.connect.target.address)


def reason(error: OSError) -> str:
    """In the words of an operator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError) or not error.errno:
        return str(error)
    return words(error.errno)


class Session:
    """Raises OSError (ssl.SSLError is one) where the peer or the connection fails, CheckNotStarted where the settings
    or the name cannot be used."""

    def __init__(self, connected: socket.socket, checker: SslCheck, url: Url) -> None:
        self._socket = connected
        self._close_notify = url.close_notify
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        settings = context(checker.tls, verify=checker.verify)
        name = expected_name(checker, url) if checker.verify else url.server_name
        try:
            self._tls = settings.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        except ValueError as error:
            raise CheckNotStarted(f"TLS cannot ask for `{name}`: {error}") from error

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
