"""What a valid LVS configuration is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from pyvrrp.model.checkers import Checker, Follower
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.scripts import Command
from pyvrrp.net import AF_INET, Address, family

WEIGHT_MAX: Final = 2147483647


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


class TunnelType(IntEnum):
    """lb_kind TUN type, with IPVS's numbers."""

    IPIP = 0
    GUE = 1
    GRE = 2


class TunnelChecksum(IntEnum):
    """Of the outer header, with IPVS's bits."""

    NOCSUM = 0
    CSUM = 1
    REMCSUM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """What follows TUN where it is not plain ipip."""

    type: TunnelType
    port: int = 0
    """Of gue; the others have none."""
    checksum: TunnelChecksum = TunnelChecksum.NOCSUM


@dataclass(frozen=True, slots=True, kw_only=True)
class RealServer:
    """real_server ADDR PORT."""

    endpoint: Endpoint
    """The port as programmed: the virtual server's for DR and TUN. In a virtual server of a group as written: with DR
    and TUN each service has its own."""
    weight: int = 1
    """0..WEIGHT_MAX."""
    forwarding: Forwarding = Forwarding.NAT
    tunnel: Tunnel | None = None
    """None with TUN: ipip."""
    upper_threshold: int = 0
    """uthreshold."""
    lower_threshold: int = 0
    inhibit_on_failure: bool = False
    """A failed server keeps its place with weight 0."""
    checkers: tuple[Checker, ...] = ()
    followers: tuple[Follower, ...] = ()
    notify_up: Command | None = None
    """Not acted on, as those that follow."""
    notify_down: Command | None = None
    smtp_alert: bool | None = None
    """None: as global_defs say, else on."""
    virtualhost: str | None = None
    """Its checks have it already."""
    snmp_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SorryServer:
    """sorry_server ADDR PORT."""

    endpoint: Endpoint
    forwarding: Forwarding = Forwarding.NAT
    tunnel: Tunnel | None = None
    inhibit: bool = False


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """What identifies a virtual server: an address, port and protocol, a firewall mark, or its place among those of a
    group. IPVS knows the first two; for the third there is a service for each entry of the group (`services`)."""

    family: int
    """AF_INET or AF_INET6; 0 for a group."""
    protocol: Protocol | None
    endpoint: Endpoint | None
    fwmark: int = 0
    group: str | None = None
    ordinal: int = 0
    """0, 1, … among the virtual servers of the group."""

    @classmethod
    def of(cls, endpoint: Endpoint, protocol: Protocol) -> ServiceKey:
        return cls(family(endpoint.address), protocol, endpoint)

    def __str__(self) -> str:
        """keepalived's display name: ``[10.77.0.1]:tcp:80``, ``FWM 7``, ``[GROUP]:0``."""
        if self.group is not None:
            return f"[{self.group}]:{self.ordinal}"
        if self.endpoint is None or self.protocol is None:
            return f"FWM {self.fwmark}"
        return f"[{self.endpoint.address}]:{self.protocol.name.lower()}:{self.endpoint.port}"


@dataclass(frozen=True, slots=True)
class AddressRange:
    """A line of a virtual_server_group: ``ADDR``, ``ADDR-END`` or ``ADDR/LENGTH``, and a port."""

    first: Address
    last: Address
    """Included."""
    port: int = 0
    """0: none given."""

    def __len__(self) -> int:
        return int(self.last) - int(self.first) + 1

    def __iter__(self) -> Iterator[Address]:
        return (self.first + at for at in range(len(self)))

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, (IPv4Address, IPv6Address)) or address.version != self.first.version:
            return False
        return int(self.first) <= int(address) <= int(self.last)

    def __str__(self) -> str:
        span = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{span} {self.port}" if self.port else span


@dataclass(frozen=True, slots=True)
class GroupMark:
    """A line of a virtual_server_group: ``fwmark N [inet|inet6]``."""

    mark: int
    """1..4294967295."""
    family: int | None = None
    """AF_INET or AF_INET6; None: that of the real servers."""

    def __str__(self) -> str:
        return f"fwmark {self.mark}" + ("" if self.family is None else " inet" if self.family == AF_INET else " inet6")


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServerGroup:
    """virtual_server_group NAME: addresses and marks that share a pool."""

    name: str
    ranges: tuple[AddressRange, ...] = ()
    marks: tuple[GroupMark, ...] = ()
    mark: int = 0
    """nftables_ipvs: what packets to the addresses are marked with; 0: each address is a service of its own."""

    @property
    def families(self) -> frozenset[int]:
        """Of the addresses, and of the marks that say theirs."""
        marks = {mark.family for mark in self.marks if mark.family is not None}
        return frozenset({family(range_.first) for range_ in self.ranges} | marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServer:
    """virtual_server ADDR PORT, fwmark N, or group NAME."""

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
    group: VirtualServerGroup | None = None
    """What it serves, with the family of each mark."""
    ha_suspend: bool = False
    """Not acted on, as those that follow."""
    quorum_up: Command | None = None
    quorum_down: Command | None = None
    smtp_alert: bool | None = None
    """None: as global_defs say, else off."""
    virtualhost: str | None = None
    """Its checks have it already."""
    snmp_name: str | None = None

    def serves(self, addresses: Collection[Address]) -> bool:
        """Is one of them an address of this virtual server?"""
        if self.group is None:
            return self.key.endpoint is not None and self.key.endpoint.address in addresses
        return any(address in range_ for range_ in self.group.ranges for address in addresses)

    def services(self) -> Iterator[ServiceKey]:
        """What there is in IPVS for it, in the order in which keepalived makes them."""
        if self.group is None:
            yield self.key
            return
        if self.group.mark:
            for kind in sorted(self.group.families):
                yield ServiceKey(kind, None, None, self.group.mark)
        elif self.key.protocol is not None:
            for range_ in self.group.ranges:
                for address in range_:
                    yield ServiceKey.of(Endpoint(address, range_.port), self.key.protocol)
        for mark in self.group.marks:
            yield ServiceKey(mark.family or AF_INET, None, None, mark.mark)
