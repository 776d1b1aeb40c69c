"""A small synchronous netlink socket, for rtnetlink and generic netlink alike.

Why not pyroute2, which the rest of the project uses: `import pyroute2` takes 126 ms and draws in ssl and
multiprocessing, and the vrrp worker must start at once and know neither. And the speed of a takeover is the speed of
this file: many messages go out in one send, and only the last one asks for an acknowledgement.

What that rests on (measured): the kernel carries out all messages of one send in order, inside the send call; one that
fails does not stop the next; a failure is reported whether or not an acknowledgement was asked for. So whatever comes
back before the last sequence number is an error, and its sequence number says whose.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import Final, TypeAlias

from pyvrrp.errors import KernelError
from pyvrrp.kernel import bpf
from pyvrrp.kernel.refusals import kernel_error, translated

NETLINK_ROUTE: Final = 0
NETLINK_GENERIC: Final = 16

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_DUMP_INTR: Final = 0x10
NLM_F_DUMP: Final = 0x300
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400
NLM_F_APPEND: Final = 0x800
_NLM_F_ACK_TLVS: Final = 0x200
_NLM_F_CAPPED: Final = 0x100

NLMSG_NOOP: Final = 1
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3

_SOL_NETLINK: Final = 270
_NETLINK_CAP_ACK: Final = 10
_NETLINK_EXT_ACK: Final = 11
_NETLINK_GET_STRICT_CHK: Final = 12
_NLMSGERR_ATTR_MSG: Final = 1
_SO_RCVBUFFORCE: Final = 33

HEADER: Final = Struct("=IHHII")
"""Length with header, type, flags, sequence number, port."""
_ATTRIBUTE: Final = Struct("=HH")
_INT: Final = Struct("=i")
_NESTED_MASK: Final = 0x3FFF

_BATCH_MESSAGES: Final = 100
"""A batch's errors must fit the receive buffer (about 250 of them do); beyond 100 a batch gains nothing."""
_BATCH_BYTES: Final = 65_536
"""Well below the default send buffer of 212,992 bytes, which one send must fit."""
_BUFFER_BYTES: Final = 65_536
_MONITOR_BUFFER: Final = 1 << 20
_DUMP_ATTEMPTS: Final = 5

Message: TypeAlias = tuple[int, int, bytes]
"""Type, flags (without NLM_F_REQUEST and NLM_F_ACK), body (a multiple of four bytes long)."""


def attribute(kind: int, data: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    length = 4 + len(data)
    return _ATTRIBUTE.pack(length, kind) + data + bytes(-length & 3)


def attributes(buffer: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes in `buffer` from `offset` on, by kind (without the nested and byte-order bits)."""
    found: dict[int, bytes] = {}
    end = len(buffer)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(buffer, offset)
        if length < 4 or offset + length > end:
            break
        found[kind & _NESTED_MASK] = buffer[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def _messages(buffer: memoryview) -> Iterator[tuple[int, int, int, memoryview]]:
    """Type, flags, sequence number and body of each message in one datagram."""
    offset, end = 0, len(buffer)
    while offset + 16 <= end:
        length, kind, flags, sequence, _ = HEADER.unpack_from(buffer, offset)
        if length < 16 or offset + length > end:
            break
        yield kind, flags, sequence, buffer[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _explanation(flags: int, body: bytes) -> str:
    """The kernel's own words in an error message (extended acknowledgement), if it has any."""
    if not flags & _NLM_F_ACK_TLVS:
        return ""
    # The answer repeats our header, and our body too unless capped.
    echoed = 16 if flags & _NLM_F_CAPPED else HEADER.unpack_from(body, 4)[0]
    text = attributes(body, 4 + ((echoed + 3) & ~3)).get(_NLMSGERR_ATTR_MSG, b"")
    return text.rstrip(b"\0").decode(errors="replace")


class _Socket:
    """What both kinds of netlink sockets share. KernelError if the kernel lacks the protocol."""

    def __init__(self, protocol: int, groups: int, *, blocking: bool) -> None:
        with translated("open a netlink socket"):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
            self._socket.setblocking(blocking)
            self._socket.bind((0, groups))
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> memoryview:
        """One datagram; valid until the next call."""
        length = self._socket.recv_into(self._buffer, 0, socket.MSG_TRUNC)
        if length > _BUFFER_BYTES:
            raise OSError(errno.EMSGSIZE, "netlink message too long")
        return self._view[:length]


class Netlink(_Socket):
    """Requests and their answers. Not to be shared by threads."""

    def __init__(self, protocol: int) -> None:
        super().__init__(protocol, 0, blocking=True)
        self._sequence = 0
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
            try:
                self._socket.setsockopt(_SOL_NETLINK, option, 1)
            except OSError:
                # Kernels before 4.20: longer answers, fewer words, unfiltered dumps; nothing else changes.
                continue

    @property
    def port(self) -> int:
        """By which the kernel names this socket in announcements of what it did."""
        port: int = self._socket.getsockname()[0]
        return port

    def transact(
        self, messages: Sequence[Message], operation: str | Callable[[int], str]
    ) -> list[tuple[int, KernelError]]:
        """Carry out all messages, in order; the index of each one refused, with the reason.

        `operation` names what was tried, for the error: one text for all or a function of the index. KernelError
        only if the socket itself fails.
        """
        refused: list[tuple[int, KernelError]] = []
        start = 0
        while start < len(messages):
            end, size = start, 0
            while end < len(messages) and end - start < _BATCH_MESSAGES:
                size += 16 + len(messages[end][2])
                if size > _BATCH_BYTES and end > start:
                    break
                end += 1
            for index, number, detail in self._exchange(messages[start:end]):
                what = operation if isinstance(operation, str) else operation(start + index)
                refused.append((start + index, kernel_error(number, what, detail)))
            start = end
        return refused

    def _exchange(self, messages: Sequence[Message]) -> list[tuple[int, int, str]]:
        """One send; index, errno and explanation of each message refused."""
        first = self._sequence + 1
        last = self._sequence + len(messages)
        self._sequence = last
        parts: list[bytes] = []
        for sequence, (kind, flags, body) in enumerate(messages, first):
            flags |= NLM_F_REQUEST | NLM_F_ACK if sequence == last else NLM_F_REQUEST
            parts.append(HEADER.pack(16 + len(body), kind, flags, sequence & 0xFFFFFFFF, 0))
            parts.append(body)
        refused: list[tuple[int, int, str]] = []
        with translated("netlink"):
            self._socket.send(b"".join(parts))
            while True:
                for answer, answer_flags, sequence, data in _messages(self._receive()):
                    index = (sequence - first) & 0xFFFFFFFF
                    if answer != _NLMSG_ERROR or index >= len(messages):
                        continue
                    number = -_INT.unpack_from(data)[0]
                    if number:
                        refused.append((index, number, _explanation(answer_flags, bytes(data))))
                    if index == len(messages) - 1:
                        return refused

    def dump(self, kind: int, flags: int, body: bytes, operation: str = "netlink dump") -> list[bytes]:
        """The bodies of all objects. Repeated when they changed meanwhile. KernelError if refused."""
        for _ in range(_DUMP_ATTEMPTS):
            bodies, interrupted = self._ask(kind, flags | NLM_F_DUMP, body, operation)
            if not interrupted:
                break
        return bodies

    def get(self, kind: int, flags: int, body: bytes, operation: str = "netlink request") -> list[bytes]:
        """The bodies of the answers to a request that is no dump. KernelError if refused."""
        return self._ask(kind, flags | NLM_F_ACK, body, operation)[0]

    def _ask(self, kind: int, flags: int, body: bytes, operation: str) -> tuple[list[bytes], bool]:
        self._sequence += 1
        expected = self._sequence & 0xFFFFFFFF
        bodies: list[bytes] = []
        interrupted = False
        with translated(operation):
            self._socket.send(HEADER.pack(16 + len(body), kind, flags | NLM_F_REQUEST, expected, 0) + body)
            while True:
                for answer, answer_flags, sequence, data in _messages(self._receive()):
                    if sequence != expected:
                        continue
                    interrupted = interrupted or bool(answer_flags & NLM_F_DUMP_INTR)
                    if answer in (_NLMSG_ERROR, _NLMSG_DONE):
                        number = -_INT.unpack_from(data)[0] if len(data) >= 4 else 0
                        if number > 0:
                            detail = _explanation(answer_flags, bytes(data)) if answer == _NLMSG_ERROR else ""
                            raise kernel_error(number, operation, detail)
                        return bodies, interrupted
                    if answer != NLMSG_NOOP:
                        bodies.append(bytes(data))


class Monitor(_Socket):
    """The kernel's announcements to `groups` (a bit mask, RTMGRP_*)."""

    def __init__(self, protocol: int, groups: int, without: tuple[int, int] | None = None) -> None:
        """`without`: type and port of announcements that are dropped before they cost anything."""
        super().__init__(protocol, groups, blocking=False)
        if without is not None:
            bpf.attach(self._socket, bpf.netlink_filter(*without))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _MONITOR_BUFFER)
        except OSError:
            # Not the privilege for more than the system's limit: an overrun is survived, only dearer.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MONITOR_BUFFER)

    def read(self) -> tuple[list[tuple[int, bytes]], bool]:
        """Type and body of each announcement that waits, and whether some were lost (ENOBUFS)."""
        found: list[tuple[int, bytes]] = []
        lost = False
        while True:
            try:
                buffer = self._receive()
            except BlockingIOError:
                return found, lost
            except OSError as error:
                if error.errno not in (errno.ENOBUFS, errno.EMSGSIZE):
                    raise kernel_error(error.errno or 0, "read from the netlink monitor") from error
                lost = True
                continue
            found.extend((kind, bytes(body)) for kind, _, _, body in _messages(buffer))
