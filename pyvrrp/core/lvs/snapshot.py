"""The state of LVS as a value."""

from __future__ import annotations

from dataclasses import dataclass

from pyvrrp.units import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """IPVS counters of a service or destination, as ``ipvsadm -L --stats`` shows them."""

    connections: int = 0
    in_packets: int = 0
    out_packets: int = 0
    in_bytes: int = 0
    out_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A service or a destination that is not in IPVS as it should be."""

    service: str
    """``TCP 192.0.2.10:80``, ``FWM 7``."""
    destination: str | None
    """``10.71.12.69:15000``; None: it is about the service itself."""
    wanted: str | None
    """Its settings, ``rr`` or ``NAT weight 1``; None: it should not be there."""
    present: str | None
    """None: it is not there."""

    def __str__(self) -> str:
        subject = self.service if self.destination is None else f"{self.service} -> {self.destination}"
        if self.wanted is None:
            return f"{subject} ({self.present}) does not belong there"
        if self.present is None:
            return f"{subject} ({self.wanted}) is missing"
        return f"{subject} is {self.present}, not {self.wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckerSnapshot:
    kind: str
    """TCP_CHECK …"""
    target: str
    up: bool
    checked: bool
    """It has run at least once."""
    last_error: str | None
    """Why the last check failed; None after a success."""
    last_run: Micros | None
    shared: int = 1
    """How many checkers, this one included, the same check is made for."""
    status: int = 0
    """Exit status with which a script set the weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealServerSnapshot:
    address: str
    """``10.71.12.69:15000``."""
    forwarding: str
    alive: bool
    since: Micros
    """When `alive` last changed."""
    in_pool: bool
    """It is in the wanted table."""
    weight: int
    """Effective."""
    checkers: tuple[CheckerSnapshot, ...]
    in_kernel: bool | None = None
    """None: the table could not be read."""
    active_connections: int = 0
    inactive_connections: int = 0
    traffic: Traffic | None = None
    sorry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServerSnapshot:
    name: str
    """keepalived's display name: ``[192.0.2.10]:tcp:15000``."""
    address: str
    """``192.0.2.10:15000``, or ``FWM 7``."""
    protocol: str
    """``TCP``; ``FWM`` for a mark."""
    scheduler: str
    persistence_timeout: int
    quorum: int
    quorum_up: bool
    in_kernel: bool | None
    """All its services are; None: the table could not be read."""
    real_servers: tuple[RealServerSnapshot, ...]
    traffic: Traffic | None = None
    services: tuple[str, ...] = ()
    """Of a group: what it is in IPVS."""
    drift: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LvsSnapshot:
    ipvs_ready: bool
    ipvs_problem: str | None
    """Why nothing is balanced, in words for the operator."""
    virtual_servers: tuple[VirtualServerSnapshot, ...] = ()
    former_timeouts: tuple[int, int, int] | None = None
    """Seconds of tcp, tcpfin and udp before we changed them."""
    marks: tuple[tuple[str, str, int], ...] = ()
    """nftables_ipvs: group, protocol, and the mark that its packets get."""
