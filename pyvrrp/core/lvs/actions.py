"""What the balancer wants done. Imperative: the daemon performs actions in the order given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from pyvrrp.core.log import Log
from pyvrrp.core.lvs.ipvs_table import Operation
from pyvrrp.core.lvs.marking import MarkTable
from pyvrrp.model.checkers import Checker
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import ServiceKey


@dataclass(frozen=True, slots=True)
class StartCheck:
    """Make one check; answer with CheckFinished or CheckNotStarted under the same id."""

    id: int
    checker: Checker


@dataclass(frozen=True, slots=True)
class CancelCheck:
    """Nobody waits for the outcome any more. The check may or may not be under way."""

    id: int


@dataclass(frozen=True, slots=True)
class ReadTable:
    """Look what IPVS holds, loading it if need be; answer with TableRead or IpvsFailed."""

    keys: tuple[ServiceKey, ...] | None = None
    """Of these services alone; None: all of them, and the settings."""


@dataclass(frozen=True, slots=True)
class ApplyTable:
    """Send these to IPVS in this order; answer with IpvsRefused if any fails."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class MarkPackets:
    """Have nftables do this, in place of what it did for us before."""

    table: MarkTable


@dataclass(frozen=True, slots=True)
class ReportRealServer:
    """A server of the service went up or down: tell whoever is to be told."""

    service: ServiceKey
    endpoint: Endpoint
    alive: bool
    why: str = field(default="", compare=False)
    """Of what its checkers found, as a mail says it; empty: for another reason."""


@dataclass(frozen=True, slots=True)
class ReportChecker:
    """A check of a server has another result than before, whatever becomes of the server."""

    service: ServiceKey
    endpoint: Endpoint
    kind: str
    """TCP_CHECK …"""
    up: bool


@dataclass(frozen=True, slots=True)
class ReportVirtualServer:
    """A virtual server gained or lost its quorum: tell whoever is to be told."""

    service: ServiceKey
    quorum_up: bool
    why: str = field(default="", compare=False)
    """``Lost quorum 1-0=1 > 0``; empty: it is removed, or began so."""


@dataclass(frozen=True, slots=True)
class ReportIpvs:
    """Whether IPVS can be programmed changed: tell whoever is to be told."""

    problem: str | None


Action: TypeAlias = (
    StartCheck
    | CancelCheck
    | ReadTable
    | ApplyTable
    | MarkPackets
    | ReportChecker
    | ReportRealServer
    | ReportVirtualServer
    | ReportIpvs
    | Log
)
