"""What a valid LVS configuration is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from pyvrrp.model.checkers import Checker
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.net import AF_INET, family


class Forwarding(IntEnum):
    """lb_kind, with IPVS's numbers."""

    NAT = 0
    TUN = 2
    DR = 3


class Protocol(IntEnum):
    TCP = 6
    UDP = 17
    SCTP = 132


class ServiceFlag(IntEnum):
    """IPVS service flags."""

    PERSISTENT = 0x1
    ONE_PACKET = 0x4
    SCHED_1 = 0x8
    SCHED_2 = 0x10
    SCHED_3 = 0x20


@dataclass(frozen=True, slots=True, kw_only=True)
class RealServer:
    """real_server ADDR PORT."""

    endpoint: Endpoint
    """The port as programmed: the virtual server's for DR and TUN."""
    weight: int = 1
    """0..65535."""
    forwarding: Forwarding = Forwarding.NAT
    upper_threshold: int = 0
    """uthreshold."""
    lower_threshold: int = 0
    inhibit_on_failure: bool = False
    """A failed server keeps its place with weight 0."""
    checkers: tuple[Checker, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SorryServer:
    """sorry_server ADDR PORT."""

    endpoint: Endpoint
    forwarding: Forwarding = Forwarding.NAT
    inhibit: bool = False


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """What identifies a virtual server in IPVS: either an address, port and protocol, or a firewall mark."""

    family: int
    """AF_INET or AF_INET6."""
    protocol: Protocol | None
    endpoint: Endpoint | None
    fwmark: int = 0

    @classmethod
    def of(cls, endpoint: Endpoint, protocol: Protocol) -> ServiceKey:
        return cls(family(endpoint.address), protocol, endpoint)

    def __str__(self) -> str:
        """keepalived's display name: ``[10.77.0.1]:tcp:80``, ``FWM 7``."""
        if self.endpoint is None or self.protocol is None:
            return f"FWM {self.fwmark}"
        return f"[{self.endpoint.address}]:{self.protocol.name.lower()}:{self.endpoint.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServer:
    """virtual_server ADDR PORT, or fwmark N."""

    key: ServiceKey
    scheduler: str = "wlc"
    """lb_algo."""
    flags: int = 0
    """ServiceFlag bits."""
    persistence_timeout: int = 0
    """Seconds; 0 is off."""
    persistence_netmask: IPv4Address | int | None = None
    """persistence_granularity: an IPv4 mask or an IPv6 prefix length; None is one client each."""
    persistence_engine: str | None = None
    quorum: int = 1
    hysteresis: int = 0
    sorry_server: SorryServer | None = None
    omega: bool = False
    real_servers: tuple[RealServer, ...] = ()

    @property
    def is_ipv4(self) -> bool:
        return self.key.family == AF_INET
