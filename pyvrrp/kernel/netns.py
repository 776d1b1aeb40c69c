"""Network namespaces by name, as `ip netns` keeps them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pyvrrp.kernel.refusals import translated

NAMED: Final = Path("/run/netns")
_HERE: Final = "/proc/thread-self/ns/net"
_CLONE_NEWNET: Final = 0x40000000

if sys.version_info >= (3, 12):
    from os import setns as _setns
else:

    def _setns(descriptor: int, kind: int) -> None:
        import ctypes

        if ctypes.CDLL(None, use_errno=True).setns(descriptor, kind) < 0:
            raise OSError(ctypes.get_errno(), "setns")


def enter(name: str) -> None:
    """Move the calling thread into the namespace `name`. KernelError(ABSENT) if there is none, DENIED without root."""
    with translated(f"enter the network namespace {name}"):
        descriptor = os.open(NAMED / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(descriptor, _CLONE_NEWNET)
        finally:
            os.close(descriptor)


@contextmanager
def visit(path: str | None) -> Iterator[None]:
    """Have the body run in the namespace that `path` leads to: a socket made there stays there. None: where we are."""
    if path is None:
        yield
        return
    with translated(f"enter the network namespace {path}"), _opened(_HERE) as home, _opened(path) as there:
        _setns(there, _CLONE_NEWNET)
        try:
            yield
        finally:
            _setns(home, _CLONE_NEWNET)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def place(name: str | None) -> str | None:
    """The path for `visit` of the namespace with that name; of the system's own one where the name is empty."""
    if name is None:
        return None
    return str(NAMED / name) if name else "/proc/1/ns/net"


def current_id() -> int:
    """The number (inode) of the calling thread's network namespace, the same for all who are in it."""
    with translated("look at the network namespace"):
        return os.stat(_HERE).st_ino


def name_of(identity: int) -> str | None:
    """The name of the namespace with that number; None if it has none."""
    try:
        names = os.listdir(NAMED)
    except FileNotFoundError:
        return None
    for name in names:
        try:
            # A name whose namespace is gone is an empty file with another inode: never a match.
            if os.stat(NAMED / name).st_ino == identity:
                return name
        except OSError:
            continue
    return None
