"""Pid files: keepalived's names, places and locks, so that its scripts find us and both never run on the same files."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from typing import Final

from pyvrrp.daemon.options import Options
from pyvrrp.model.config import GlobalDefs

RUN: Final = "/run"
_WHOLE_FILE: Final = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
"""struct flock of a write lock on the whole file. Open-file-description locks survive the fork of daemonising."""


@dataclass(frozen=True, slots=True)
class PidFiles:
    """Where a daemon's pid files lie."""

    daemon: str
    roles: dict[str, str]
    directories: tuple[str, ...]
    """To be made where missing, outermost first, and removed at the end where empty."""


def pid_files(options: Options, global_defs: GlobalDefs) -> PidFiles:
    """keepalived's rules: names given on the command line count as they are.

    Otherwise NAME.pid in /run, in /run/keepalived where use_pid_dir, an instance or a namespace asks for it, as
    NAME_INSTANCE.pid for an instance, and in a directory named after the namespace. (keepalived mounts that one
    over /run/keepalived for itself; seen from outside it is the same path.)
    """
    namespace = options.net_namespace or global_defs.net_namespace
    directories: tuple[str, ...] = ()
    if global_defs.use_pid_dir or global_defs.instance or namespace:
        directories = (os.path.join(RUN, "keepalived"),)
        if namespace:
            directories += (os.path.join(RUN, "keepalived", namespace),)
    directory = directories[-1] if directories else RUN
    suffix = f"_{global_defs.instance}" if global_defs.instance else ""

    def path(given: str | None, name: str) -> str:
        return given or os.path.join(directory, f"{name}{suffix}.pid")

    daemon = path(options.pid_file, "keepalived")
    roles = {"vrrp": path(options.vrrp_pid_file, "vrrp"), "checkers": path(options.checkers_pid_file, "checkers")}
    in_use = any(os.path.dirname(file) == directory for file in (daemon, *roles.values()))
    return PidFiles(daemon, roles, directories if in_use else ())


class InUseError(Exception):
    """Another process holds this pid file."""

    def __init__(self, path: str, pid: int | None) -> None:
        super().__init__(f"{path} belongs to process {pid or 'unknown'}, which is running")
        self.path = path
        self.pid = pid


class PidFile:
    """A pid file that we hold; released by `remove`, or by the death of the process."""

    def __init__(self, path: str) -> None:
        """Create and lock the file. InUseError where somebody else has it; OSError where it cannot be written."""
        self.path = path
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                _lock(fd, path)
                if _is(path, fd):
                    break
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # its owner removed it between our open and our lock: begin again
        os.fchmod(fd, 0o644)  # the umask is stricter
        self._fd = fd

    def write(self, pid: int) -> None:
        """Say whose file it is."""
        line = b"%d\n" % pid
        os.pwrite(self._fd, line, 0)
        os.ftruncate(self._fd, len(line))  # after it: the first line is a process id at every moment

    def remove(self) -> None:
        """Delete the file, then let go of it: in this order nobody else's file is ever deleted."""
        if _is(self.path, self._fd):
            os.unlink(self.path)
        os.close(self._fd)


def _lock(fd: int, path: str) -> None:
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise InUseError(path, _pid_in(fd)) from None
        raise
    # keepalived before 2.3 does not lock its pid files.
    pid = _pid_in(fd)
    if pid is not None and _command(pid) == "keepalived":
        raise InUseError(path, pid)


def _pid_in(fd: int) -> int | None:
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _command(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return None


def _is(path: str, fd: int) -> bool:
    """Whether the file of that name is the open one."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(fd))
    except FileNotFoundError:
        return False


def make_directories(directories: tuple[str, ...]) -> None:
    """Make those that are missing, for everybody to look into. OSError where that fails."""
    for directory in directories:
        try:
            os.mkdir(directory)
        except FileExistsError:
            continue
        os.chmod(directory, 0o755)  # the umask is stricter


def remove_directories(directories: tuple[str, ...]) -> None:
    """Remove those that are empty; another daemon's files may still be in there."""
    for directory in reversed(directories):
        try:
            os.rmdir(directory)
        except OSError:
            return
