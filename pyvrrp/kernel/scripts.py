"""Scripts as the file system has them: whether their user can run them, and whether others could change them."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat

from pyvrrp.config.scripts import Finding, Weakness
from pyvrrp.kernel.accounts import account


class ScriptFiles:
    """The machine's accounts and files (`pyvrrp.config.scripts.Accounts`)."""

    def account(self, user: str | None, group: str | None) -> tuple[int, int] | str:
        return account(user, group)

    def inspect(self, program: str, uid: int, gid: int) -> Finding:
        path = program if "/" in program else _search(program, uid, gid)
        if path is None:
            return Finding(missing=f"there is no {program} in PATH")
        try:
            real = os.path.realpath(path, strict=True)
            status = os.stat(real)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return Finding(missing=f"{path}: {reason}")
        closed = _closed(real, uid, gid)
        if closed is not None:
            return Finding(missing=f"{closed} cannot be entered by {_user(uid)}")
        setuid = (status.st_mode & stat.S_ISUID and status.st_uid == 0) or (
            status.st_mode & stat.S_ISGID and status.st_gid == 0
        )
        if not stat.S_ISREG(status.st_mode):
            return Finding(refused=f"{path} is not a regular file", irregular=True)
        refused = None
        if not _may(status, uid, gid, 1):
            refused = f"{path} may not be executed by {_user(uid)} (mode {stat.S_IMODE(status.st_mode):04o})"
        weakness = _weakness(real) if uid == 0 or gid == 0 or setuid else None
        return Finding(refused=refused, weakness=weakness)


def _weakness(path: str) -> Weakness | None:
    """The first component of an absolute path that others than root could change."""
    component = ""
    for name in ("", *path.strip("/").split("/")):
        component = f"{component.rstrip('/')}/{name}"
        status = os.lstat(component)
        mode = stat.S_IMODE(status.st_mode)
        shown = shlex.quote(component)
        if status.st_uid != 0:
            return Weakness(component, f"is owned by {_user(status.st_uid)}", f"chown root {shown}")
        if stat.S_ISDIR(status.st_mode) and mode & stat.S_ISVTX:
            continue
        if mode & stat.S_IWOTH:
            return Weakness(component, f"may be written by everybody (mode {mode:04o})", f"chmod o-w {shown}")
        if mode & stat.S_IWGRP and status.st_gid != 0:
            reason = f"may be written by group {_group(status.st_gid)} (mode {mode:04o})"
            return Weakness(component, reason, f"chmod g-w {shown}")
    return None


def _search(program: str, uid: int, gid: int) -> str | None:
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(directory or ".", program)
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            continue
        if (
            stat.S_ISREG(status.st_mode)
            and _may(status, uid, gid, 1)
            and _closed(os.path.realpath(path), uid, gid) is None
        ):
            return path
    return None


def _closed(path: str, uid: int, gid: int) -> str | None:
    """The first directory on the way that the user may not search."""
    directory = "/"
    for name in path.strip("/").split("/"):
        if not _may(os.stat(directory), uid, gid, 1):
            return directory
        directory = os.path.join(directory, name)
    return None


def _may(status: os.stat_result, uid: int, gid: int, bit: int) -> bool:
    """Whether the mode gives the user that bit (4 read, 2 write, 1 execute); root needs one execute bit, of anybody."""
    if uid == 0:
        return bit != 1 or stat.S_ISDIR(status.st_mode) or bool(status.st_mode & 0o111)
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
    return bool(status.st_mode >> shift & bit)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"gid {gid}"
