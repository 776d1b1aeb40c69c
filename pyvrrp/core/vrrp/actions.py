"""What the VRRP machines want done. Imperative: the daemon performs actions in the order given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pyvrrp.core.log import Log
from pyvrrp.core.vrrp.snapshot import Transition
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import IPPROTO_VRRP, VRRP_TTL, Address

if TYPE_CHECKING:  # most configurations have addresses only
    from pyvrrp.model.routing import Route, Rule


@dataclass(slots=True)  # frozen, making one would take five times as long, and thousands are sent in a second
class SendAdvert:
    """Send one VRRP message to each destination from `interface` (empty: wherever the routes lead), with ToS 0xC0."""

    instance: str
    interface: str
    source: Address
    destinations: tuple[Address, ...]
    message: bytes
    """The IP payload, checksum included; the IP header is the sender's."""
    identification: int
    """IP header identification, 1..65535."""
    ttl: int | None = VRRP_TTL
    """TTL or hop limit; None: the system's."""
    protocol: int = IPPROTO_VRRP
    """VRRP, or AH."""


@dataclass(frozen=True, slots=True)
class AddAddresses:
    """Put the addresses on their devices; one that is there already is a success."""

    instance: str
    addresses: tuple[VirtualAddress, ...]


@dataclass(frozen=True, slots=True)
class RemoveAddresses:
    """Take the addresses away; one that is not there is a success."""

    instance: str
    addresses: tuple[VirtualAddress, ...]


@dataclass(frozen=True, slots=True)
class AddRouting:
    """Add the routes and rules, in this order and after all addresses; one that is there already is a success."""

    instance: str
    entries: tuple[Route | Rule, ...]


@dataclass(frozen=True, slots=True)
class RemoveRouting:
    """Remove the rules and routes, in this order and before any address; one that is not there is a success."""

    instance: str
    entries: tuple[Route | Rule, ...]


@dataclass(frozen=True, slots=True)
class SendGratuitousArps:
    """One burst: `repeat` rounds over the addresses, each from the device it lies on."""

    instance: str
    addresses: tuple[VirtualAddress, ...]
    repeat: int


@dataclass(frozen=True, slots=True)
class ReportTransition:
    """An instance changed state: log it, journal it, tell whoever is to be told."""

    transition: Transition


@dataclass(frozen=True, slots=True)
class ReportGroup:
    """A sync group as a whole changed state (MASTER, BACKUP, FAULT, STOP)."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class ReportLowerPriority:
    """A MASTER heard an advertisement of lower priority."""

    instance: str
    priority: int
    """Its own, effective."""


@dataclass(frozen=True, slots=True)
class ReportPriority:
    """The effective priority of an instance moved."""

    instance: str
    state: str
    priority: int


Report: TypeAlias = ReportTransition | ReportGroup | ReportLowerPriority | ReportPriority | Log
"""Paperwork: what is told, after what is done."""

Change: TypeAlias = AddAddresses | RemoveAddresses | AddRouting | RemoveRouting
"""Of what the kernel has."""

Action: TypeAlias = SendAdvert | Change | SendGratuitousArps | Report
