"""Routes and policy rules: lines of virtual_routes, static_routes, virtual_rules and static_rules.

Numbers are the kernel's (rtnetlink, fib_rules); names of tables, scopes and protocols are resolved.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pyvrrp.net import Address, Interface

MAIN: Final = 254
"""RT_TABLE_MAIN."""
KEEPALIVED: Final = 18
"""RTPROT_KEEPALIVED: whose route or rule it is."""


class RouteType(IntEnum):
    """RTN_*, as far as they have names; others are plain numbers."""

    UNICAST = 1
    LOCAL = 2
    BROADCAST = 3
    ANYCAST = 4
    MULTICAST = 5
    BLACKHOLE = 6
    UNREACHABLE = 7
    PROHIBIT = 8
    THROW = 9
    NAT = 10
    XRESOLVE = 11


class EncapType(IntEnum):
    """LWTUNNEL_ENCAP_*."""

    MPLS = 1
    IP = 2
    ILA = 3
    IP6 = 4


class RuleAction(IntEnum):
    """FR_ACT_*."""

    TABLE = 1
    GOTO = 2
    NOP = 3
    BLACKHOLE = 6
    UNREACHABLE = 7
    PROHIBIT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Encap:
    """encap: the lightweight tunnel that packets of a route go into."""

    type: EncapType
    labels: tuple[int, ...] = ()
    """mpls: the label stack, outermost first; each 0..2**20-1."""
    locator: bytes | None = None
    """ila: 8 bytes."""
    id: int | None = None
    """ip, ip6: tunnel id, 64 bit."""
    dst: Address | None = None
    src: Address | None = None
    tos: int | None = None
    """tos of ip, tc of ip6."""
    ttl: int | None = None
    """ttl of ip, hoplimit of ip6."""
    flags: int | None = None
    """16 bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nexthop:
    """One of several ways of a route."""

    via: Address | None = None
    dev: str | None = None
    weight: int = 1
    """1..256."""
    onlink: bool = False
    encap: Encap | None = None
    realms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What the route tells its sockets (RTAX_*); None: nothing is said."""

    mtu: int | None = None
    window: int | None = None
    rtt: int | None = None
    """Eighths of a millisecond."""
    rttvar: int | None = None
    """Quarters of a millisecond."""
    ssthresh: int | None = None
    cwnd: int | None = None
    advmss: int | None = None
    reordering: int | None = None
    hoplimit: int | None = None
    initcwnd: int | None = None
    features: int | None = None
    """1: ecn."""
    rto_min: int | None = None
    """Milliseconds."""
    initrwnd: int | None = None
    quickack: int | None = None
    congctl: str | None = None
    fastopen_no_cookie: int | None = None
    lock: tuple[str, ...] = ()
    """Fields that sockets must not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of virtual_routes or static_routes."""

    destination: Interface
    """/0 for `default`."""
    type: int = RouteType.UNICAST
    source: Interface | None = None
    """from: IPv6 only."""
    src: Address | None = None
    """Preferred source address."""
    via: Address | None = None
    dev: str | None = None
    table: int = MAIN
    vrf: str | None = None
    """Instead of the table: that of this device."""
    protocol: int = KEEPALIVED
    scope: int | None = None
    """None: as the kernel finds right."""
    metric: int | None = None
    tos: int = 0
    onlink: bool = False
    realms: int = 0
    """Source realm << 16 | destination realm."""
    encap: Encap | None = None
    expires: int | None = None
    """Seconds; IPv6 only."""
    pref: int | None = None
    """Router preference (RFC 4191); IPv6 only."""
    ttl_propagate: bool | None = None
    metrics: Metrics | None = None
    nexthops: tuple[Nexthop, ...] = ()
    add: bool = False
    """Only where there is none yet; otherwise it goes before an equal one."""
    append: bool = False
    """After equal ones."""
    track: bool = True
    """False with no_track: whoever removes it may do so, and its device may be down."""
    track_group: str | None = None

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.destination.version

    @property
    def text(self) -> str:
        """What tells it from others, as ``ip route`` has it."""
        type_ = RouteType(self.type).name.lower() if self.type in RouteType._value2member_map_ else str(self.type)
        words = ["route", *([type_] if self.type != RouteType.UNICAST else [])]
        words.append(str(self.destination) if self.destination.network.prefixlen else "default")
        if self.version == 6 and not self.destination.network.prefixlen:
            words.append("inet6")
        table = None if self.table == MAIN else self.table
        named = {"via": self.via, "dev": self.dev, "src": self.src, "metric": self.metric, "table": table}
        words += [f"{word} {value}" for word, value in {**named, "vrf": self.vrf}.items() if value is not None]
        words += [" ".join(("nexthop", *_hop(hop))) for hop in self.nexthops]
        return " ".join(words)

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices that it names."""
        named = (self.dev, *(hop.dev for hop in self.nexthops))
        return tuple(dict.fromkeys(dev for dev in named if dev is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of virtual_rules or static_rules."""

    version: int = 4
    """4 or 6."""
    action: RuleAction
    priority: int
    """preference: the lower, the earlier."""
    table: int | None = None
    """None: none, or that of the VRF (l3mdev)."""
    goto: int | None = None
    invert: bool = False
    """not."""
    source: Interface | None = None
    """from; None for all."""
    destination: Interface | None = None
    """to."""
    tos: int = 0
    fwmark: int | None = None
    fwmask: int | None = None
    realms: int = 0
    suppress_prefixlength: int | None = None
    suppress_ifgroup: int | None = None
    iif: str | None = None
    oif: str | None = None
    tunnel_id: int = 0
    uidrange: tuple[int, int] | None = None
    l3mdev: bool = False
    protocol: int = KEEPALIVED
    ipproto: int | None = None
    sport: tuple[int, int] | None = None
    dport: tuple[int, int] | None = None
    track: bool = True
    track_group: str | None = None

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(dev for dev in (self.iif, self.oif) if dev is not None))

    @property
    def text(self) -> str:
        """What tells it from others, as ``ip rule`` has it."""
        source = self.source if self.source is not None and self.source.network.prefixlen else "all"
        mask = "" if self.fwmask is None else f"/{self.fwmask}"
        mark = None if self.fwmark is None else f"{self.fwmark}{mask}"
        words = ["rule", *(["not"] if self.invert else []), f"from {source}"]
        named = {"to": self.destination, "iif": self.iif, "oif": self.oif, "fwmark": mark, "table": self.table}
        words += [f"{word} {value}" for word, value in {**named, "goto": self.goto}.items() if value is not None]
        if self.l3mdev:
            words.append("l3mdev")
        elif self.table is None and self.goto is None:
            words.append(self.action.name.lower())
        return " ".join((*words, f"preference {self.priority}"))


def _hop(hop: Nexthop) -> list[str]:
    named = {"via": hop.via, "dev": hop.dev, "weight": hop.weight if hop.weight > 1 else None}
    return [f"{word} {value}" for word, value in named.items() if value is not None]
