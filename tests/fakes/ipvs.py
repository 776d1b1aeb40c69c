"""An IPVS table in memory. It refuses what the kernel would refuse, keeps what it is asked, and can be told to fail."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Sequence

from pyvrrp.core.lvs.ipvs_settings import SetTimeouts, Settings, StartSync, StopSync, SyncRole
from pyvrrp.core.lvs.ipvs_table import (
    AddDestination,
    AddService,
    Destination,
    DestinationState,
    Dump,
    Flush,
    Operation,
    RemoveDestination,
    RemoveService,
    Service,
    ServiceState,
    SetDestination,
    SetService,
    Table,
)
from pyvrrp.core.lvs.snapshot import Traffic
from pyvrrp.errors import KernelError
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.globals import IpvsTimeouts, SyncDaemon
from pyvrrp.model.lvs import ServiceKey
from tests.fakes.kernel import Bell


class FakeIpvs:
    def __init__(self) -> None:
        self.services: dict[ServiceKey, tuple[Service, dict[Endpoint, Destination]]] = {}
        self.timeouts = IpvsTimeouts(tcp=900, tcpfin=120, udp=300)
        self.daemons: dict[SyncRole, SyncDaemon] = {}
        self.applied: list[Operation] = []
        """All that was asked for, refused or not."""
        self.absent: KernelError | None = None
        """Raised by everything, while set: a kernel without IPVS."""
        self.refuses: Callable[[Operation], bool] = lambda operation: False
        """Whether to refuse this with EINVAL."""
        self.traffic: dict[tuple[ServiceKey, Endpoint | None], Traffic] = {}
        """Counters of services (None) and destinations."""
        self._bell = Bell()
        self._changed: Callable[[KernelError | None], None] = lambda gone: None

    def set_absent(self, why: KernelError | None) -> None:
        """The module goes, or comes (None), and whoever watches hears of it."""
        self.absent = why
        self._bell.ring()

    def watch(self, changed: Callable[[KernelError | None], None]) -> int:
        self._changed = changed
        return self._bell.descriptor

    def read(self) -> None:
        self._bell.still()
        self._changed(self.absent)

    def ready(self) -> None:
        if self.absent is not None:
            raise self.absent

    def apply(self, operations: Sequence[Operation]) -> list[tuple[Operation, KernelError]]:
        self.ready()
        refused: list[tuple[Operation, KernelError]] = []
        for operation in operations:
            self.applied.append(operation)
            number = errno.EINVAL if self.refuses(operation) else self._apply(operation)
            if number:
                refused.append((operation, kernel_error(number, type(operation).__name__)))
        return refused

    def dump(self, keys: Iterable[ServiceKey]) -> Dump:
        self.ready()
        held = ((key, *self.services[key]) for key in keys if key in self.services)
        return {
            key: (
                ServiceState(service=service, traffic=self.traffic.get((key, None), Traffic())),
                {
                    endpoint: DestinationState(
                        destination=destination,
                        active_connections=0,
                        inactive_connections=0,
                        traffic=self.traffic.get((key, endpoint), Traffic()),
                    )
                    for endpoint, destination in destinations.items()
                },
            )
            for key, service, destinations in held
        }

    def table(self, keys: Iterable[ServiceKey] | None = None) -> Table:
        self.ready()
        return {key: (service, dict(destinations)) for key, (service, destinations) in self._chosen(keys)}

    def settings(self) -> Settings:
        self.ready()
        return Settings(timeouts=self.timeouts, daemons=dict(self.daemons))

    def _chosen(
        self, keys: Iterable[ServiceKey] | None
    ) -> Iterable[tuple[ServiceKey, tuple[Service, dict[Endpoint, Destination]]]]:
        if keys is None:
            return self.services.items()
        return [(key, self.services[key]) for key in keys if key in self.services]

    def _apply(self, operation: Operation) -> int:
        """errno, 0 for success."""
        match operation:
            case Flush():
                self.services.clear()
            case SetTimeouts(timeouts):
                self.timeouts = IpvsTimeouts(
                    tcp=timeouts.tcp or self.timeouts.tcp,
                    tcpfin=timeouts.tcpfin or self.timeouts.tcpfin,
                    udp=timeouts.udp or self.timeouts.udp,
                )
            case StartSync(role, daemon):
                if role in self.daemons:
                    return errno.EEXIST
                self.daemons[role] = daemon
            case StopSync(role):
                self.daemons.pop(role, None)
            case AddService(service) if service.key not in self.services:
                self.services[service.key] = (service, {})
            case AddService(service) | SetService(service):
                if service.key not in self.services:
                    return errno.ESRCH
                self.services[service.key] = (service, self.services[service.key][1])
            case RemoveService(key):
                self.services.pop(key, None)
            case RemoveDestination(key, endpoint):
                if key in self.services:
                    self.services[key][1].pop(endpoint, None)
            case AddDestination(key, destination) | SetDestination(key, destination):
                if key not in self.services:
                    return errno.ESRCH
                destinations = self.services[key][1]
                if isinstance(operation, SetDestination) and destination.endpoint not in destinations:
                    return errno.ENOENT
                if destination.lower_threshold > destination.upper_threshold:
                    return errno.ERANGE
                destinations[destination.endpoint] = destination
        return 0
