"""Running other people's programs: in a process group of their own, with nothing of ours but the environment."""

from __future__ import annotations

import errno
import os
import pwd
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyvrrp.kernel.accounts import account
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.scripts import Command, ScriptRules

_NOT_PASSED_ON: Final = frozenset({"IFS", "LD_PRELOAD", "LD_LIBRARY_PATH", "NOTIFY_SOCKET"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who runs a program."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    """Supplementary groups."""


class Process:
    """A program that runs. `fileno()` becomes readable when it has ended."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._pidfd = os.pidfd_open(child.pid)

    @property
    def pid(self) -> int:
        return self._child.pid

    def fileno(self) -> int:
        return self._pidfd

    def end(self, *, kill: bool) -> None:
        """Signal the whole group: SIGKILL, or else SIGTERM."""
        try:
            os.killpg(self._child.pid, signal.SIGKILL if kill else signal.SIGTERM)
        except ProcessLookupError:
            return

    def status(self) -> int:
        """Exit status, or minus the signal, of a program that has ended. Call it once."""
        os.close(self._pidfd)
        return self._child.wait()


def spawn(words: Sequence[str], identity: Identity | None) -> Process:
    """Start a program, as somebody else if that is not who we are. KernelError if it cannot be started."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    if identity is not None and identity == Identity(os.geteuid(), os.getegid(), tuple(os.getgroups())):
        identity = None
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            process_group=0,
            user=None if identity is None else identity.uid,
            group=None if identity is None else identity.gid,
            extra_groups=None if identity is None else identity.groups,
        )
    except OSError as error:
        raise kernel_error(error.errno or 0, f"run {words[0]}") from error
    return Process(child)


def start(command: Command, rules: ScriptRules | None) -> Process:
    """Run a command of the configuration as the account that it names, that script_user names, that keepalived_script
    is, or else as ourselves. KernelError if there is no such account or the program cannot be started.
    """
    user = command.user or (None if rules is None else rules.script_user)
    group = command.group if command.user or rules is None else rules.script_group
    operation = f"run {command.words[0]}"
    try:
        found = account(user, group)
    except KeyError:
        return spawn(command.words, None)
    if isinstance(found, str):
        raise kernel_error(errno.EINVAL, operation, found)
    uid, gid = found
    all_groups = (group or "").startswith(":") or (rules is not None and rules.set_supplementary_groups)
    groups = tuple(os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)) if all_groups else ()
    return spawn(command.words, Identity(uid, gid, groups))
