"""The IPVS table as a value, and the way from one table to another.

What should be in the kernel is a `Table`; `plan(wanted, present)` says what to send. Start, a server
going down, reload, repair after somebody else's change and clean stop are all this one function
with other arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TypeAlias

from pyvrrp.core.lvs.snapshot import Traffic
from pyvrrp.model.lvs import Endpoint, Forwarding, ServiceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A virtual service as IPVS keeps it."""

    key: ServiceKey
    scheduler: str
    flags: int = 0
    """ServiceFlag bits (without the kernel's own HASHED)."""
    timeout: int = 0
    """Persistence, seconds."""
    netmask: IPv4Address | int | None = None
    persistence_engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A real server of a service as IPVS keeps it; the endpoint is its key."""

    endpoint: Endpoint
    forwarding: Forwarding
    weight: int
    upper_threshold: int = 0
    lower_threshold: int = 0


Table: TypeAlias = Mapping[ServiceKey, tuple[Service, Mapping[Endpoint, Destination]]]


@dataclass(frozen=True, slots=True)
class AddService:
    service: Service


@dataclass(frozen=True, slots=True)
class SetService:
    service: Service


@dataclass(frozen=True, slots=True)
class RemoveService:
    key: ServiceKey


@dataclass(frozen=True, slots=True)
class AddDestination:
    key: ServiceKey
    destination: Destination


@dataclass(frozen=True, slots=True)
class SetDestination:
    key: ServiceKey
    destination: Destination


@dataclass(frozen=True, slots=True)
class RemoveDestination:
    key: ServiceKey
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Flush:
    """Empty the whole table."""


Operation: TypeAlias = (
    AddService | SetService | RemoveService | AddDestination | SetDestination | RemoveDestination | Flush
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """A service in the kernel, with its counters."""

    service: Service
    traffic: Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationState:
    """A destination in the kernel, with its counters."""

    destination: Destination
    active_connections: int
    inactive_connections: int
    traffic: Traffic
