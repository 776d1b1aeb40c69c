"""What happens to the files of a directory, as inotify(7) tells it."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from pyvrrp.kernel.refusals import kernel_error

_EVENT: Final = struct.Struct("=iIII")
_BUFFER: Final = 65536


class _Mask(IntFlag):
    CLOSE_WRITE = 0x8
    MOVED_FROM = 0x40
    MOVED_TO = 0x80
    DELETE = 0x200
    Q_OVERFLOW = 0x4000
    IGNORED = 0x8000
    ONLYDIR = 0x01000000


_CONTENTS: Final = _Mask.CLOSE_WRITE | _Mask.MOVED_FROM | _Mask.MOVED_TO | _Mask.DELETE | _Mask.ONLYDIR


@dataclass(frozen=True, slots=True)
class FileEvent:
    """A file in a watched directory was written, replaced or removed; or, without a name, look at everything there."""

    directory: str | None
    """None: in any of them, for events were lost."""
    name: str | None
    gone: bool = False
    """The directory itself is gone, and watched no longer."""


class Inotify:
    """Watches directories. `fileno()` becomes readable when there is something to `read`."""

    def __init__(self) -> None:
        """KernelError where the system has no more of them."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise kernel_error(ctypes.get_errno(), "watch files")
        self._directories: dict[int, str] = {}

    def fileno(self) -> int:
        return self._fd

    def add(self, directory: str) -> None:
        """Watch it. KernelError where it is no directory."""
        number = self._libc.inotify_add_watch(self._fd, os.fsencode(directory), int(_CONTENTS))
        if number < 0:
            raise kernel_error(ctypes.get_errno(), f"watch {directory}")
        self._directories[number] = directory

    def remove(self, directory: str) -> None:
        for number in [number for number, path in self._directories.items() if path == directory]:
            del self._directories[number]
            self._libc.inotify_rm_watch(self._fd, number)

    def read(self) -> list[FileEvent]:
        """What has happened since the last call."""
        events: list[FileEvent] = []
        while True:
            try:
                data = os.read(self._fd, _BUFFER)
            except BlockingIOError:
                return events
            at = 0
            while at < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size
                name = os.fsdecode(data[at : at + length].rstrip(b"\0"))
                at += length
                if mask & _Mask.Q_OVERFLOW:
                    events.append(FileEvent(None, None))
                elif (directory := self._directories.get(number)) is not None:
                    gone = bool(mask & _Mask.IGNORED)
                    if gone:
                        del self._directories[number]
                    events.append(FileEvent(directory, name or None, gone))

    def close(self) -> None:
        os.close(self._fd)


def read_start(path: str, size: int) -> bytes | None:
    """The first bytes of a file; None where there is none that can be read. Never waits, not for a FIFO either."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        return os.read(descriptor, size)
    except OSError as error:
        return b"" if error.errno == errno.EAGAIN else None
    finally:
        os.close(descriptor)
