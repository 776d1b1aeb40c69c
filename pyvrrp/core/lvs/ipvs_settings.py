"""What IPVS has besides its table: time-outs of connections, and the daemons that share connections with a peer.

As with the table, what should be is a value, and what is sent is the difference to what is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from pyvrrp.model.globals import IpvsTimeouts, SyncDaemon


class SyncRole(IntEnum):
    """Which of the two daemons, with IPVS's numbers."""

    MASTER = 1
    """Tells the peers of its connections."""
    BACKUP = 2
    """Listens."""


@dataclass(frozen=True, slots=True)
class SetTimeouts:
    """A value of 0 leaves that time-out as it is."""

    timeouts: IpvsTimeouts


@dataclass(frozen=True, slots=True)
class StartSync:
    role: SyncRole
    daemon: SyncDaemon


@dataclass(frozen=True, slots=True)
class StopSync:
    """Of one that does not run: nothing."""

    role: SyncRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    timeouts: IpvsTimeouts = field(default_factory=IpvsTimeouts)
    """As wanted: 0 is "whatever it is"."""
    daemons: Mapping[SyncRole, SyncDaemon] = field(default_factory=dict)
    """Those that run."""


def plan_timeouts(wanted: IpvsTimeouts, present: IpvsTimeouts) -> list[SetTimeouts]:
    """Those that are not as wanted."""
    names = ("tcp", "tcpfin", "udp")
    changes = {n: getattr(wanted, n) for n in names if getattr(wanted, n) not in (0, getattr(present, n))}
    return [SetTimeouts(IpvsTimeouts(**changes))] if changes else []


def plan_sync(
    wanted: Mapping[SyncRole, SyncDaemon], present: Mapping[SyncRole, SyncDaemon]
) -> list[StartSync | StopSync]:
    """Stop what should not run, or should run otherwise; start what is missing."""
    right = {role for role, daemon in wanted.items() if role in present and _serves(present[role], daemon)}
    return [
        *(StopSync(role) for role in present if role not in right),
        *(StartSync(role, daemon) for role, daemon in wanted.items() if role not in right),
    ]


def _serves(present: SyncDaemon, wanted: SyncDaemon) -> bool:
    """It runs as asked for; what is not said may be as it is."""
    if (present.interface, present.id or 0) != (wanted.interface, wanted.id or 0):
        return False
    asked = ((getattr(wanted, name), getattr(present, name)) for name in ("maxlen", "port", "ttl", "group"))
    return all(want is None or want == have for want, have in asked)
