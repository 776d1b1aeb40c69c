"""Running other people's programs: in a process group of their own, with nothing of ours but the environment."""

from __future__ import annotations

import errno
import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from pyvrrp.kernel.accounts import account
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.scripts import Command, ScriptRules

_SAID: Final = 65536
_KEPT: Final = 2048
_LINE: Final = 200
"""Bytes that are read in one go, and kept; letters of the last line."""
_PR_SET_PDEATHSIG: Final = 1
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
        self._said = b""
        if child.stderr is not None:
            os.set_blocking(child.stderr.fileno(), False)

    @property
    def stderr(self) -> int | None:
        """The descriptor of what it says, where that is listened to; `listen` when it is readable."""
        return None if self._child.stderr is None else self._child.stderr.fileno()

    def listen(self) -> bool:
        """Take what it said, and keep the end of it; False when it says no more."""
        if self._child.stderr is None:
            return False
        try:
            data = os.read(self._child.stderr.fileno(), _SAID)
        except BlockingIOError:
            return True
        self._said = (self._said + data)[-_KEPT:]
        return bool(data)

    @property
    def last_words(self) -> str:
        """The last line that it said, free of control characters."""
        lines = self._said.decode(errors="replace").split("\n")
        text = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return "".join(letter if letter.isprintable() else "?" for letter in text)[-_LINE:]

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
        if self._child.stderr is not None:
            self.listen()  # a child of its own may hold the other end: nobody waits for that
            self._child.stderr.close()
        return self._child.wait()


def spawn(
    words: Sequence[str],
    identity: Identity | None,
    *,
    listen: bool = False,
    mortal: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Process:
    """Start a program, as somebody else if that is not who we are. KernelError if it cannot be started.

    `listen`: keep the last that it says on its standard error. `mortal`: it gets SIGTERM when we die, of whatever.
    `variables`: added to its environment.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    environment |= variables or {}
    if identity is not None and identity == Identity(os.geteuid(), os.getegid(), tuple(os.getgroups())):
        identity = None
    prepare: list[Callable[[], None]] = []
    # A daemon that is still starting keeps signals waiting; that is nothing for a program to inherit.
    if signal.pthread_sigmask(signal.SIG_BLOCK, ()):
        prepare.append(_unmask)
    if mortal:
        prepare.append(partial(_follow, _prctl(), os.getpid()))
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if listen else subprocess.DEVNULL,
            env=environment,
            process_group=0,
            preexec_fn=(lambda: [step() for step in prepare]) if prepare else None,
            user=None if identity is None else identity.uid,
            group=None if identity is None else identity.gid,
            extra_groups=None if identity is None else identity.groups,
        )
    except OSError as error:
        raise kernel_error(error.errno or 0, f"run {words[0]}") from error
    return Process(child)


def _unmask() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


@cache
def _prctl() -> Callable[[int, int], int]:
    import ctypes

    prctl: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    return prctl


def _follow(prctl: Callable[[int, int], int], parent: int) -> None:
    """In the child, after its change to another account, which would undo it."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it has died already
        os.kill(os.getpid(), signal.SIGTERM)


def start(
    command: Command,
    rules: ScriptRules | None,
    *,
    listen: bool = False,
    mortal: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Process:
    """Run a command of the configuration as the account that it names, that script_user names, that keepalived_script
    is, or else as ourselves. KernelError if there is no such account or the program cannot be started.
    """
    identity = identify(command.user, command.group, rules)
    return spawn(command.words, identity, listen=listen, mortal=mortal, variables=variables)


def identify(user: str | None, group: str | None, rules: ScriptRules | None) -> Identity | None:
    """The account of that name, else that of script_user, else keepalived_script; None: our own. KernelError if there
    is no such account."""
    if user is None and rules is not None:
        user, group = rules.script_user, rules.script_group
    try:
        found = account(user, group)
    except KeyError:
        return None
    if isinstance(found, str):
        raise kernel_error(errno.EINVAL, "change to the account", found)
    uid, gid = found
    all_groups = (group or "").startswith(":") or (rules is not None and rules.set_supplementary_groups)
    groups = tuple(os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)) if all_groups else ()
    return Identity(uid, gid, groups)
