"""Which of the daemons on this machine is meant."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pyvrrp.observe.control import (
    SOCKET_DIRECTORY,
    ControlError,
    NoDaemonError,
    NotAllowedError,
    ask,
    sockets,
)
from pyvrrp.observe.picture import DaemonSnapshot, Picture

NAMESPACES: Final = "/run/netns"


class AmbiguousError(ControlError):
    """Several daemons run and nothing says which one is meant."""


@dataclass(frozen=True, slots=True)
class Found:
    """A daemon that answered."""

    path: str
    picture: Picture


def own_namespace() -> int:
    """Inode of this process's network namespace."""
    return os.stat("/proc/self/ns/net").st_ino


def find(
    *,
    path: str | None = None,
    netns: str | None = None,
    like: DaemonSnapshot | None = None,
    directory: str = SOCKET_DIRECTORY,
    namespaces: str = NAMESPACES,
    timeout: float = 2.0,
) -> Found:
    """The daemon at `path`; else the one in `netns`; else the one `like` an earlier one; else the only one; else the
    only one in our own network namespace. ControlError where there is none, or more than one.
    """
    if path is not None:
        return Found(path, ask(path, timeout))
    found: list[Found] = []
    failed: dict[str, ControlError] = {}
    for each in sockets(directory):
        try:
            found.append(Found(each, ask(each, timeout)))
        except NoDaemonError:  # left behind by one that died
            continue
        except ControlError as error:
            failed[each] = error
    if not found and not failed:
        raise NoDaemonError(f"no pyvrrpd runs here: nothing listens in {directory}")
    if not found:
        errors = list(failed.values())
        raise next((error for error in errors if isinstance(error, NotAllowedError)), errors[0])
    wanted, where = _filter(netns, like, namespaces, alone=len(found) + len(failed) == 1)
    chosen = [each for each in found if wanted(each.picture.daemon)]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen and (netns is not None or like is not None):
        raise NoDaemonError(f"no pyvrrpd runs {where}; there are:\n{_listing(found, failed)}")
    listing = _listing(chosen, {}) if chosen else _listing(found, failed)
    raise AmbiguousError(f"several pyvrrpd run, say which one you mean:\n{listing}")


def _filter(
    netns: str | None, like: DaemonSnapshot | None, namespaces: str, *, alone: bool
) -> tuple[Callable[[DaemonSnapshot], bool], str]:
    if netns is not None:
        inode = _inode(namespaces, netns)
        return (
            lambda daemon: daemon.net_namespace == netns or daemon.net_namespace_id == inode,
            f"in the network namespace {netns}",
        )
    if like is not None:
        return lambda daemon: _identity(daemon) == _identity(like), f"with {like.config_file}"
    if alone:
        return lambda daemon: True, "here"
    own = own_namespace()
    return lambda daemon: daemon.net_namespace_id == own, "in this network namespace"


def _identity(daemon: DaemonSnapshot) -> tuple[object, ...]:
    """What stays over a restart; the inode of a namespace with a name does not."""
    return daemon.config_file, daemon.pid_file, daemon.instance, daemon.net_namespace or daemon.net_namespace_id


def _inode(namespaces: str, name: str) -> int | None:
    try:
        return os.stat(os.path.join(namespaces, os.path.basename(name))).st_ino
    except OSError:
        return None


def _listing(found: list[Found], failed: Mapping[str, ControlError]) -> str:
    """One line a daemon, beginning with what chooses it."""
    lines = []
    for each in found:
        daemon = each.picture.daemon
        facts = [f"pid {daemon.pid}", f"namespace {daemon.net_namespace or daemon.net_namespace_id}"]
        if daemon.instance:
            facts.append(f"instance {daemon.instance}")
        lines.append(f"  --socket {each.path}  {', '.join([*facts, daemon.config_file])}")
    return "\n".join([*lines, *(f"  --socket {path}  {error}" for path, error in failed.items())])
