"""The IPVS table as a value, and the way from one table to another.

What should be in the kernel is a `Table`; `plan(wanted, present)` says what to send. Start, a server
going down, reload, repair after somebody else's change and clean stop are all this one function
with other arguments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Address
from typing import Final, TypeAlias

from pyvrrp.core.lvs.ipvs_settings import SetTimeouts, StartSync, StopSync
from pyvrrp.core.lvs.snapshot import Traffic
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Forwarding, ServiceFlag, ServiceKey, Tunnel, VirtualServer
from pyvrrp.net import AF_INET


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
    forwarding: int
    """A `Forwarding`; somebody else's entry may have a number that we never set (1 local, 4 bypass)."""
    weight: int
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel: Tunnel | None = None
    """None: ipip where it is a tunnel at all."""


ALL_ONES: Final = IPv4Address("255.255.255.255")

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
    AddService
    | SetService
    | RemoveService
    | AddDestination
    | SetDestination
    | RemoveDestination
    | Flush
    | SetTimeouts
    | StartSync
    | StopSync
)


def services_of(config: VirtualServer) -> dict[ServiceKey, Service]:
    """The virtual services that a virtual server asks for: one, or one for each address and mark of its group.

    "Each client on its own" is always netmask None, and what only persistence uses is left out without
    it: a service read back from the kernel then compares equal.
    """
    persistent = config.persistence_timeout > 0
    flags = config.flags | ServiceFlag.PERSISTENT if persistent else config.flags & ~ServiceFlag.PERSISTENT
    mask = config.persistence_netmask
    return {
        key: Service(
            key=key,
            scheduler=config.scheduler,
            flags=flags,
            timeout=config.persistence_timeout,
            # In a group of both families it is of one of them.
            netmask=mask if persistent and mask not in (ALL_ONES, 128) and _is_mask_of(mask, key.family) else None,
            persistence_engine=config.persistence_engine if persistent else None,
        )
        for key in config.services()
    }


def _is_mask_of(mask: IPv4Address | int | None, family: int) -> bool:
    return isinstance(mask, IPv4Address) == (family == AF_INET)


def placed(destination: Destination, key: ServiceKey) -> Destination:
    """The destination as it is in that service: only NAT can change the port, and a mark has none."""
    port = 0 if key.endpoint is None else key.endpoint.port
    if destination.forwarding == Forwarding.NAT or destination.endpoint.port == port:
        return destination
    return replace(destination, endpoint=Endpoint(destination.endpoint.address, port))


def plan(wanted: Table, present: Table, ours: Collection[ServiceKey]) -> list[Operation]:
    """What turns `present` into `wanted`, in the order in which to do it; nothing if they agree.

    `ours`: the services that we answer for or once did; of these, one that is not wanted goes. All
    others are somebody else's and are left alone. In a service that is wanted all destinations are
    ours, so a stranger among them is removed.

    A service that stays is edited in place, and gets its new destinations before it loses old
    ones: neither it nor its pool is gone for a moment.
    """
    operations: list[Operation] = []
    for key, (service, destinations) in wanted.items():
        if key in present:
            old_service, old = present[key]
            if service != old_service:
                operations.append(SetService(service))
            if destinations == old:  # of most, and without the price of a hash for each
                continue
        else:
            old = {}
            operations.append(AddService(service))
        operations += [AddDestination(key, new) for endpoint, new in destinations.items() if endpoint not in old]
        operations += [
            SetDestination(key, new)
            for endpoint, new in destinations.items()
            if endpoint in old and old[endpoint] != new
        ]
        operations += [RemoveDestination(key, endpoint) for endpoint in old if endpoint not in destinations]
    operations += [RemoveService(key) for key in present if key in ours and key not in wanted]
    return operations


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


Dump: TypeAlias = Mapping[ServiceKey, tuple[ServiceState, Mapping[Endpoint, DestinationState]]]


def total(several: Iterable[Traffic]) -> Traffic:
    """All of them together; there is one at least."""
    first, *others = several
    if not others:
        return first
    return Traffic(
        **{field.name: sum(getattr(traffic, field.name) for traffic in (first, *others)) for field in fields(first)}
    )


def together(several: Sequence[DestinationState]) -> DestinationState:
    """One server's destinations in several services as one: the first one's settings, the counters of all."""
    return DestinationState(
        destination=several[0].destination,
        active_connections=sum(state.active_connections for state in several),
        inactive_connections=sum(state.inactive_connections for state in several),
        traffic=total(state.traffic for state in several),
    )
