"""One picture of a running daemon, which all views render: numbers cannot differ between them.

The supervisor makes it from what its workers tell, the control socket carries it as one JSON object.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.units import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSnapshot:
    role: str
    """vrrp, checkers."""
    pid: int | None
    """None while it is not running."""
    restarts: int
    problem: str | None
    """Why it does not run, or does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSnapshot:
    pid: int
    version: str
    started: Micros
    """CLOCK_MONOTONIC."""
    config_file: str
    pid_file: str
    instance: str | None
    net_namespace: str | None
    """Name, where the daemon was told one or one in /run/netns is ours."""
    net_namespace_id: int
    """Inode of the network namespace."""
    router_id: str
    workers: tuple[WorkerSnapshot, ...]
    last_reload: str | None
    """What came of the last SIGHUP; None before the first."""
    problems: tuple[str, ...]
    """Configuration problems of severity FATAL, ERROR or INACTIVE, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    taken: Micros
    """CLOCK_MONOTONIC of the moment."""
    taken_epoch: Micros
    """The same moment in UTC since 1970: epoch of X = taken_epoch - (taken - X)."""
    daemon: DaemonSnapshot
    vrrp: VrrpSnapshot | None
    """None: no VRRP worker, or it does not answer (see daemon.workers)."""
    lvs: LvsSnapshot | None
