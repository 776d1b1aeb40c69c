"""What can happen to the VRRP machines. Past tense: an event is a fact, with the instant at which it was noticed."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, TypeAlias

from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracker
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import IPPROTO_VRRP, Address
from pyvrrp.units import Micros

if TYPE_CHECKING:  # most configurations have addresses only
    from pyvrrp.model.routing import Route, Rule


@dataclass(frozen=True, slots=True)
class InterfaceFacts:
    """What the kernel says of one network device."""

    index: int
    up: bool
    """IFF_UP and IFF_RUNNING."""
    mac: bytes
    """6 bytes; empty where the link has none."""
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    """In the kernel's order, primary first; usable ones only (no tentative IPv6)."""
    arp: bool = True
    """False on a NOARP or loopback device: no gratuitous ARP is sent there."""
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class Started:
    """The worker has looked at the interfaces (their InterfaceChanged came before) and opened its sockets."""

    at: Micros
    masters: frozenset[str] = frozenset()
    """Instances that were MASTER in a worker that died and that this one replaces: their addresses are still there."""


@dataclass(frozen=True, slots=True)
class InterfaceChanged:
    """A network device appeared, changed or went (facts None)."""

    at: Micros
    name: str
    facts: InterfaceFacts | None


@dataclass(frozen=True, slots=True)
class TrackerChanged:
    """What is tracked (other than an interface) is known for the first time, has become something else, or (None) is
    to be found out anew."""

    at: Micros
    kind: Tracker
    name: str
    value: bool | int | None
    """Up or down; of a file its number."""
    detail: str = ""
    """Why it is down, in words: ``exit status 1 after 0.02 s``."""


@dataclass(slots=True)  # frozen, making one would take five times as long, and thousands come in a second
class DatagramReceived:
    """An IP datagram on one of our sockets."""

    at: Micros
    interface: str
    source: Address
    destination: Address
    ttl: int
    """TTL or hop limit."""
    payload: bytes
    """What follows the IP header: the VRRP message, perhaps with an authentication header or trailer."""
    protocol: int = IPPROTO_VRRP
    """Of the IP header: VRRP, or AH with the message behind its header."""
    identification: int = 0
    """Of the IPv4 header."""
    lost: int = 0
    """So many others with a wrong TTL came before it and were dropped, counted but not looked at."""


@dataclass(frozen=True, slots=True)
class WallClock:
    """What time it is, or what it has become: before Started and whenever the clock was set. For auth_hmac only."""

    at: Micros
    utc: Micros
    """Microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The instant that `deadline()` named has come, and all datagrams that arrived before it have been delivered."""

    at: Micros


@dataclass(frozen=True, slots=True)
class AddressRemoved:
    """Somebody else removed one of our virtual addresses from `dev`."""

    at: Micros
    dev: str
    address: Address


@dataclass(frozen=True, slots=True)
class RoutingRemoved:
    """Routes and rules of the configuration that are not there; somebody has just removed some."""

    at: Micros
    missing: frozenset[Route | Rule]


@dataclass(frozen=True, slots=True)
class KernelRefused:
    """An action of ours failed."""

    at: Micros
    instance: str
    reason: str
    """What was refused and why, in words."""
    about: tuple[VirtualAddress | Route | Rule, ...] = ()
    """The addresses, routes and rules that it was about, if it was."""


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """A reload brought a new, valid configuration."""

    at: Micros
    config: Config


@dataclass(frozen=True, slots=True)
class StopRequested:
    at: Micros


Event: TypeAlias = (
    Started
    | InterfaceChanged
    | TrackerChanged
    | DatagramReceived
    | WallClock
    | TimePassed
    | AddressRemoved
    | RoutingRemoved
    | KernelRefused
    | Reconfigured
    | StopRequested
)
