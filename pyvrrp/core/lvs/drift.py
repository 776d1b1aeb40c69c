"""Where IPVS does not hold what it should, in words for an operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pyvrrp.core.lvs.ipvs_table import Destination, Service, Table
from pyvrrp.core.lvs.snapshot import Difference
from pyvrrp.model.lvs import Forwarding, ServiceFlag, ServiceKey
from pyvrrp.net import AF_INET6

_METHODS: Final[Mapping[int, str]] = {**{method: method.name for method in Forwarding}, 1: "LOCAL", 4: "BYPASS"}
_FLAGS: Final[Mapping[ServiceFlag, str]] = {
    ServiceFlag.ONE_PACKET: "ops",
    ServiceFlag.SCHED_1: "flag-1",
    ServiceFlag.SCHED_2: "flag-2",
    ServiceFlag.SCHED_3: "flag-3",
}


def differences(wanted: Table, present: Table) -> Iterator[Difference]:
    """Those of the services that are wanted; what else there is in IPVS is somebody else's."""
    for key, (service, destinations) in wanted.items():
        name = service_name(key)
        held = present.get(key)
        if held is None:
            yield Difference(service=name, destination=None, wanted=service_text(service), present=None)
            continue
        there, others = held
        if there != service:
            want, have = service_text(service), service_text(there)
            yield Difference(service=name, destination=None, wanted=want, present=have)
        if destinations == others:
            continue
        for endpoint in dict.fromkeys([*destinations, *others]):
            mine, theirs = destinations.get(endpoint), others.get(endpoint)
            if mine != theirs:
                yield Difference(
                    service=name,
                    destination=str(endpoint),
                    wanted=None if mine is None else destination_text(mine),
                    present=None if theirs is None else destination_text(theirs),
                )


def service_name(key: ServiceKey) -> str:
    """``TCP 192.0.2.10:80``, ``FWM 7``, ``FWM 7 inet6``."""
    if key.endpoint is None or key.protocol is None:
        return f"FWM {key.fwmark}{' inet6' if key.family == AF_INET6 else ''}"
    return f"{key.protocol.name} {key.endpoint}"


def service_text(service: Service) -> str:
    """Its settings: ``wlc``, ``sh flag-2 persistent 360 s mask 255.255.255.0``."""
    words = [service.scheduler, *(name for flag, name in _FLAGS.items() if service.flags & flag)]
    if service.flags & ServiceFlag.PERSISTENT:
        words.append(f"persistent {service.timeout} s")
        if service.netmask is not None:
            words.append(f"mask {service.netmask}")
        if service.persistence_engine is not None:
            words.append(f"engine {service.persistence_engine}")
    return " ".join(words)


def destination_text(destination: Destination) -> str:
    """Its settings: ``NAT weight 100``, ``TUN gue port 6080 weight 1 threshold 10 to 20``."""
    words = [_METHODS.get(destination.forwarding, f"method {destination.forwarding}")]
    if tunnel := destination.tunnel:
        words.append(tunnel.type.name.lower())
        if tunnel.port:
            words.append(f"port {tunnel.port}")
        if tunnel.checksum:
            words.append(tunnel.checksum.name.lower())
    words.append(f"weight {destination.weight}")
    if destination.upper_threshold or destination.lower_threshold:
        words.append(f"threshold {destination.lower_threshold} to {destination.upper_threshold}")
    return " ".join(words)
