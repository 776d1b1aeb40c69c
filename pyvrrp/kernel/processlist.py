"""Which processes run: /proc, and the kernel's process events (the proc connector, linux/cn_proc.h).

The connector exists in the first network namespace only, so that is where its socket is opened; a socket stays where
it was opened. Without it /proc is looked through again and again.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pyvrrp.errors import KernelError
from pyvrrp.kernel.bpf import DROP, JUMP_EQUAL, KEEP, Instruction, attach
from pyvrrp.kernel.netns import place, visit
from pyvrrp.kernel.refusals import kernel_error, translated

_NETLINK_CONNECTOR: Final = 11
_CN_IDX_PROC: Final = 1
_LISTEN: Final = 1
_NLMSG_DONE: Final = 3
_HEADER: Final = struct.Struct("=IHHIIIIIIHH")
"""struct nlmsghdr and struct cn_msg."""
_EVENT: Final = struct.Struct("=IIQIIII")
"""struct proc_event up to its fourth number; the event of a start alone uses all four."""
_SO_RCVBUFFORCE: Final = 33
_CONFIRMED: Final = 0
"""PROC_EVENT_NONE."""
_PATIENCE: Final = 0.05
"""Seconds for the confirmation, which comes at once."""
_LONGEST: Final = 65536
"""Bytes of a command line that are looked at."""
_LOAD_WORD: Final = 0x20  # A = 32 bits of the packet at k
_COPY: Final = 0x07  # X = A
_JUMP_EQUAL_INDEX: Final = 0x1D  # A == X


class ProcessChange(Enum):
    """PROC_EVENT_*: those that matter."""

    FORK = 0x1
    EXEC = 0x2
    RENAME = 0x200
    EXIT = 0x80000000


def _filter() -> list[Instruction]:
    """Keeps the four kinds and the answer to ours, of processes only: threads come and go by the thousand."""

    def same(one: int, other: int) -> list[Instruction]:
        first, second = ((_LOAD_WORD, 0, 0, _HEADER.size + 16 + 4 * number) for number in (one, other))
        return [first, (_COPY, 0, 0, 0), second, (_JUMP_EQUAL_INDEX, 0, 1, 0), KEEP, DROP]

    of_itself, of_child = same(0, 1), same(2, 3)
    others = [_CONFIRMED, *(change.value for change in ProcessChange if change is not ProcessChange.FORK)]
    behind = len(of_child) + 1
    return [
        (_LOAD_WORD, 0, 0, _HEADER.size),
        *((JUMP_EQUAL, len(others) - at + behind, 0, socket.htonl(what)) for at, what in enumerate(others)),
        (JUMP_EQUAL, 1, 0, socket.htonl(ProcessChange.FORK.value)),
        DROP,
        *of_child,
        *of_itself,
    ]


_CHANGES: Final = {change.value: change for change in ProcessChange}


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    """A process (not a thread of one) began, became another program, got another name, or ended."""

    change: ProcessChange
    pid: int
    parent: int = 0
    """After FORK."""


class ProcessEvents:
    """The connector. `fileno()` becomes readable when there is something to `read`."""

    def __init__(self, buffer: int = 0, *, force: bool = False) -> None:
        """`buffer`: bytes (process_monitor_rcv_bufs). KernelError where the kernel does not let us listen."""
        try:
            with visit(place("")):
                self._socket = _open()
        except KernelError:  # then here is the first one, or it is closed to us
            self._socket = _open()
        try:
            if buffer:
                option = _SO_RCVBUFFORCE if force else socket.SO_RCVBUF
                self._socket.setsockopt(socket.SOL_SOCKET, option, buffer)
            attach(self._socket, _filter())
            self._socket.bind((0, _CN_IDX_PROC))
            self._socket.send(_listen())
            # In a container the order is taken and nothing ever comes; where it counts it is confirmed.
            if not select.select([self._socket], [], [], _PATIENCE)[0]:
                raise OSError(errno.EOPNOTSUPP, "")
        except OSError as error:
            self._socket.close()
            raise kernel_error(error.errno or 0, "listen to process events") from error
        except KernelError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> list[ProcessEvent] | None:
        """What has happened since the last call; None where events were lost: all must be looked at again."""
        events: list[ProcessEvent] = []
        lost = False
        while True:
            try:
                data = self._socket.recv(4096)
            except BlockingIOError:
                return None if lost else events
            except OSError:  # ENOBUFS: there were more than the buffer holds
                lost = True
                continue
            if len(data) < _HEADER.size + _EVENT.size:
                continue
            what, _, _, first, second, third, fourth = _EVENT.unpack_from(data, _HEADER.size)
            change = _CHANGES.get(what)
            if change is ProcessChange.FORK:
                if third == fourth:
                    events.append(ProcessEvent(change, third, second))
            elif change is not None and first == second:
                events.append(ProcessEvent(change, second))

    def close(self) -> None:
        self._socket.close()


def _open() -> socket.socket:
    with translated("listen to process events"):
        return socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _NETLINK_CONNECTOR)


def _listen() -> bytes:
    length = _HEADER.size + 4
    header = _HEADER.pack(length, _NLMSG_DONE, 0, 0, os.getpid(), _CN_IDX_PROC, 1, 0, 0, 4, 0)
    return header + struct.pack("=I", _LISTEN)


def process_ids() -> list[int]:
    """All processes that run now."""
    return [int(name) for name in os.listdir("/proc") if name.isascii() and name.isdigit()]


def process_name(pid: int) -> bytes | None:
    """What the kernel calls it: 15 bytes at most. None where it has ended."""
    content = _read(pid, "comm")
    return None if content is None else content.rstrip(b"\n")


def process_command(pid: int) -> bytes | None:
    """Its words, each with a NUL behind it; empty for a kernel thread. None where it has ended."""
    return _read(pid, "cmdline")


def _read(pid: int, name: str) -> bytes | None:
    try:
        descriptor = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, _LONGEST)
    except OSError:
        return None
    finally:
        os.close(descriptor)
