"""What a valid LVS configuration is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from typing import TypeAlias

from pyvrrp.net import AF_INET, Address, family
from pyvrrp.units import SECOND, Micros


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


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Address and port; port 0 is "none given"."""

    address: Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """Where and how a check connects, common to all checkers."""

    target: Endpoint
    """connect_ip and connect_port; the real server where not given."""
    bindto: Endpoint | None = None
    """bindto and bind_port."""
    bind_if: str | None = None
    fwmark: int = 0
    connect_timeout: Micros = 5 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTiming:
    """When a check runs and when it counts."""

    delay_loop: Micros = 60 * SECOND
    """From one check to the next."""
    retry: int = 1
    """Further failures tolerated before the server is down (retry; nb_get_retry)."""
    delay_before_retry: Micros = SECOND
    warmup: Micros = 60 * SECOND
    """The first check comes 1 s + random(0..warmup) after start."""
    alpha: bool = False
    """Down until the first success."""
    log_all_failures: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpCheck:
    timing: CheckTiming
    connect: ConnectOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpCheck:
    timing: CheckTiming
    connect: ConnectOptions
    payload: bytes = b""
    """payload; 32 filler bytes where empty."""
    require_reply: bytes | None = None
    """None: silence is success. b"": any reply will do. Otherwise the bytes that the reply must begin with."""
    min_reply_length: int = 0
    max_reply_length: int = 255


Checker: TypeAlias = TcpCheck | UdpCheck


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


class FlushOnStop(Enum):
    """lvs_flush_on_stop."""

    NO = "no"
    SERVICES = "VS"
    ALL = "all"
