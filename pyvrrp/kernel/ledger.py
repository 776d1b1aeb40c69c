"""What the kernel was like before us, written down where the death of all our processes does not reach.

A daemon that is killed together with its workers undoes nothing. The next one in the same network namespace finds the
file, which nobody holds any more, and takes over what stands in it. The directory is emptied by a boot, as the
kernel's state is.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from typing import Final

from pyvrrp.kernel.netns import current_id
from pyvrrp.kernel.refusals import translated

DIRECTORY: Final = "/run/pyvrrp"
_SUFFIX: Final = ".before"
_SO_NETNS_COOKIE: Final = 71
"""Of a socket: the number of its network namespace, which no other one ever gets. Linux 5.14; missing in Python."""


def namespace() -> str:
    """What the names of this network namespace's files begin with."""
    with socket.socket(socket.AF_UNIX) as any_socket, suppress(OSError):
        cookie = any_socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)
        return f"{int.from_bytes(cookie, 'little'):x}"
    return f"inode-{current_id():x}"


def files(directory: str = DIRECTORY) -> list[str]:
    """Ledgers of this network namespace. Looking costs next to nothing."""
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    own = [name for name in names if name.endswith(_SUFFIX)]
    prefix = f"{namespace()}." if own else ""
    return sorted(os.path.join(directory, name) for name in own if name.startswith(prefix))


class LinuxLedger:
    """What we have changed, kept where it outlives us. Refusals are KernelErrors: then it does not."""

    def __init__(self, directory: str = DIRECTORY) -> None:
        self._directory = directory
        self._fd: int | None = None
        self._path = ""
        self._entries: dict[str, str] = {}

    def inherit(self) -> dict[str, str]:
        """What daemons of this network namespace that are no more have left changed; it is this one's from now on."""
        found: dict[str, str] = {}
        done: list[tuple[str, int]] = []
        with translated("read what an earlier daemon has left"):
            for path in files(self._directory):
                with suppress(FileNotFoundError):
                    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
                    if _locked(fd):
                        found = _read(fd) | found
                        done.append((path, fd))
                    else:
                        os.close(fd)
        for what, before in found.items():
            self.enter(what, before)
        for path, fd in done:
            with suppress(FileNotFoundError):
                os.unlink(path)
            os.close(fd)
        return found

    def enter(self, what: str, before: str) -> None:
        """Before it is changed; the first entry counts."""
        if what not in self._entries:
            self._entries[what] = before
            self._write([what, before])

    def strike(self, what: str) -> None:
        """It has been undone."""
        if self._entries.pop(what, None) is None:
            return
        self._write([what])
        if not self._entries and self._fd is not None:
            with suppress(FileNotFoundError):
                os.unlink(self._path)
            os.close(self._fd)
            self._fd = None

    def _write(self, entry: list[str]) -> None:
        with translated("write down what is changed for VMACs"):
            if self._fd is None:
                self._open()
            assert self._fd is not None
            os.write(self._fd, json.dumps(entry).encode() + b"\n")

    def _open(self) -> None:
        with suppress(FileExistsError):
            os.mkdir(self._directory)
            os.chmod(self._directory, 0o755)  # the umask is stricter
        # In a container a successor may well get the process id of the dead.
        self._path = os.path.join(self._directory, f"{namespace()}.{os.getpid()}-{time.monotonic_ns()}{_SUFFIX}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self._path, flags, 0o600)
        _locked(self._fd)


def _locked(fd: int) -> bool:
    """It is ours now, until we end."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(fd: int) -> dict[str, str]:
    entries: dict[str, str] = {}
    for line in os.pread(fd, os.fstat(fd).st_size, 0).splitlines():
        with suppress(ValueError):  # cut off by the end of its writer
            what, *before = json.loads(line)
            if before:
                entries[what] = before[0]
            else:
                entries.pop(what, None)
    return entries
