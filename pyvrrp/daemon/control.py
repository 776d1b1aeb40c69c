"""The daemon's end of the control socket (the protocol is `observe.control`)."""

from __future__ import annotations

import asyncio
import grp
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from pyvrrp.daemon.pidfile import make_directories
from pyvrrp.observe.control import (
    GROUP,
    REQUEST_LIMIT,
    BadRequestError,
    RecordRequest,
    done_line,
    error_line,
    is_ours,
    read_request,
    socket_path,
)

_PATIENCE: Final = 5.0
"""Seconds a caller has for its request, and for taking the answer."""
_SIGN: Final = 0.5
"""Seconds after which a caller who waits is shown that we are at it."""


class Control:
    """A socket that answers each request of root's, and shows the picture to the members of a group."""

    def __init__(
        self,
        directory: str,
        picture: Callable[[], Awaitable[bytes]],
        record: Callable[[RecordRequest], Awaitable[str]],
        group: str = GROUP,
    ) -> None:
        """`picture` gives the whole line; `record` says what it has done; BadRequestError where it cannot."""
        self._group = group
        self._path = socket_path(os.getpid(), directory)
        self._directory = directory
        self._picture = picture
        self._record = record
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to answer. OSError where the socket cannot be made."""
        make_directories((self._directory,))
        remove_stale(self._directory)
        with suppress(FileNotFoundError):
            os.unlink(self._path)  # the process id is ours, so the socket is of a predecessor that had it
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            umask = os.umask(0o177)
            try:
                listener.bind(self._path)
            finally:
                os.umask(umask)
            with suppress(KeyError):  # no such group
                os.chown(self._path, -1, grp.getgrnam(self._group).gr_gid)
                os.chmod(self._path, 0o660)
            self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=REQUEST_LIMIT)
        except BaseException:
            listener.close()
            raise

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            with suppress(FileNotFoundError):
                os.unlink(self._path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                request = await reader.readline()
            answer = asyncio.ensure_future(self._answer(request, _user(writer)))
            while not (await asyncio.wait([answer], timeout=_SIGN))[0]:
                writer.write(b" ")
            writer.write(await answer)
            async with asyncio.timeout(_PATIENCE):
                await writer.drain()
        except (OSError, TimeoutError, ValueError):  # gone, too slow, or a line beyond the limit: the caller's loss
            return
        finally:
            writer.close()

    async def _answer(self, line: bytes, user: int) -> bytes:
        try:
            request = read_request(line)
            if isinstance(request, RecordRequest):
                if user not in (0, os.geteuid()):
                    raise BadRequestError("only root may have it record")  # it writes files where it is told to
                return done_line(await self._record(request))
            return await self._picture()
        except BadRequestError as error:
            return error_line(str(error))


def _user(writer: asyncio.StreamWriter) -> int:
    """The user id of the process at the other end."""
    credentials = struct.Struct("3i")  # struct ucred: pid, uid, gid
    line: socket.socket = writer.get_extra_info("socket")
    _, user, _ = credentials.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    return int(user)


def remove_stale(directory: str) -> None:
    """Remove the sockets that daemons left behind which could not do it themselves."""
    for name in filter(is_ours, os.listdir(directory)):
        if not _alive(int(name.partition(".")[0])):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, name))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True
