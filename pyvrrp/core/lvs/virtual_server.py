"""One virtual server: its real servers, its quorum, and what IPVS should hold of it.

In IPVS it is one service, or one for each address and mark of its group, all with the same pool.

The quorum is measured in the weight of the servers that are alive:

    gained   weight > 0 and weight >= quorum + hysteresis
    lost     weight = 0 or weight < quorum - hysteresis

Below quorum the sorry server, if there is one, takes the place of the whole pool; without one, those
that are alive stay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pyvrrp.core.log import Level, Log
from pyvrrp.core.lvs.actions import Action, ApplyTable, ReportRealServer, ReportVirtualServer
from pyvrrp.core.lvs.checking import Checking, Draw
from pyvrrp.core.lvs.drift import differences, service_name
from pyvrrp.core.lvs.following import Follow
from pyvrrp.core.lvs.ipvs_table import (
    Destination,
    DestinationState,
    Dump,
    Operation,
    Service,
    Table,
    placed,
    plan,
    services_of,
    together,
    total,
)
from pyvrrp.core.lvs.real_server import NewChecking, Server, display_name, server_snapshot
from pyvrrp.core.lvs.snapshot import Difference, RealServerSnapshot, VirtualServerSnapshot
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import RealServer, ServiceKey, VirtualServer
from pyvrrp.net import Address, family
from pyvrrp.units import Micros

EntryOf = Callable[[ServiceKey], tuple[Service, Mapping[Endpoint, Destination]]]


@dataclass(slots=True, eq=False)
class Virtual:
    config: VirtualServer
    since: Micros
    """When the sorry server was last put in or taken out."""
    servers: dict[Endpoint, Server] = field(default_factory=dict)
    quorum_up: bool = False
    pool: dict[Endpoint, Destination] = field(default_factory=dict)
    """What IPVS should hold, with the ports as configured."""
    services: dict[ServiceKey, Service] = field(init=False)
    alive_weight: int = 0
    """Of all servers alive together; kept up to date, as pools may be large and die server by server."""

    def __post_init__(self) -> None:
        self.services = services_of(self.config)

    @property
    def key(self) -> ServiceKey:
        return self.config.key

    @property
    def name(self) -> str:
        return str(self.config.key)

    @property
    def sorry_in_use(self) -> bool:
        return self.config.sorry_server is not None and not self.quorum_up

    def suspended(self, present: Collection[Address]) -> bool:
        """ha_suspend, while no address of it is among those of this host."""
        if not self.config.ha_suspend:
            return False
        return not self.config.serves(present)

    def begin(self, at: Micros, new: NewChecking, follow: Follow) -> None:
        """Make the servers; `open` must follow."""
        for config in self.config.real_servers:
            self._add(config, at, new, follow)

    def adopt(self, told: VirtualServerSnapshot) -> None:
        """Carry on where another process left off; `open` must follow."""
        self.quorum_up = told.quorum_up
        states = {server.address: server for server in told.real_servers if not server.sorry}
        for endpoint, server in self.servers.items():
            if state := states.get(str(endpoint)):
                server.adopt(state)

    def open(self, at: Micros) -> list[Action]:
        """Judge the quorum for the first time and fill the pool."""
        self.alive_weight = sum(server.weight for server in self.servers.values() if server.alive)
        actions = self._judge_quorum(at)
        if self.sorry_in_use:
            actions.append(Log(Level.NOTICE, f"Starting with quorum down for VS {self.name}"))
            actions += self._log_sorry()
            actions.append(ReportVirtualServer(self.key, False, "Starting with quorum down"))
        self._update(self.endpoints())
        return actions

    def judge(self, endpoint: Endpoint, at: Micros) -> list[Action]:
        """A checker of this server had a result: draw the consequences."""
        server = self.servers[endpoint]
        alive, weight = server.alive, server.weight
        if not server.judge(at):
            return []
        self.alive_weight += server.weight * server.alive - weight * alive
        actions = self._log_weight(server, weight)
        if server.alive != alive:
            actions += self._log_server(server)
        touched: Iterable[Endpoint] = (endpoint,)
        if quorum := self._judge_quorum(at):
            actions += [*quorum, *self._log_sorry()]
            touched = self.endpoints() if self.config.sorry_server else touched
        return [*actions, ApplyTable(tuple(self._update(touched)))]

    def reconfigure(
        self, config: VirtualServer, at: Micros, new: NewChecking, draw: Draw, follow: Follow
    ) -> tuple[list[Action], list[Checking]]:
        """Go over to another configuration of the same virtual server; also returns the checkers that are no more."""
        touched = self.endpoints()
        stand_in = self.config.sorry_server if self.sorry_in_use else None
        self.config, before, self.servers = config, self.servers, {}
        actions: list[Action] = []
        gone: list[Checking] = []
        for wanted in config.real_servers:
            server = before.pop(wanted.endpoint, None)
            if server is None:
                self._add(wanted, at, new, follow)
                continue
            self.servers[wanted.endpoint] = server
            alive, weight = server.alive, server.weight
            gone += server.reconfigure(wanted, at, new, draw, follow(wanted.followers))
            server.judge(at)
            actions += self._log_weight(server, weight)
            if server.alive != alive:
                actions += self._log_server(server)
        for server in before.values():
            gone += server.checkers
            actions.append(Log(Level.NOTICE, f"service {server.name} no longer exist in VS {self.name}"))
            if server.alive:
                actions.append(ReportRealServer(self.key, server.config.endpoint, False))
        self.alive_weight = sum(server.weight for server in self.servers.values() if server.alive)
        actions += self._judge_quorum(at)
        if (self.config.sorry_server if self.sorry_in_use else None) != stand_in:
            actions += self._log_sorry()
        self.services = services_of(config)
        self._update(touched | self.endpoints())
        return actions, gone

    def close(self) -> list[Action]:
        """The lines that a stop writes."""
        return [
            Log(
                Level.INFO,
                "Shutting down "
                f"{'(inhibited) ' if server.config.inhibit_on_failure and not server.alive else ''}"
                f"service {server.name} from VS {self.name}",
            )
            for server in self.servers.values()
        ]

    def entry(self, key: ServiceKey) -> tuple[Service, Mapping[Endpoint, Destination]]:
        """What IPVS should hold of one of its services."""
        return self.services[key], self._placed(self.pool.values(), key) if self.config.group else self.pool

    def knows(self, key: ServiceKey, endpoint: Endpoint) -> bool:
        """Whether that destination of the service is one of its servers."""
        if self.config.group is None:
            return endpoint in self.endpoints()
        address = endpoint.address
        return any(known.address == address for known in self.endpoints())

    def snapshot(self, kernel: Dump | None, entry: EntryOf) -> VirtualServerSnapshot:
        """`entry`: what IPVS should hold of a service, of which others may want something too."""
        return replace(self.outline(kernel, entry), real_servers=tuple(self.server_snapshots(kernel)))

    def outline(self, kernel: Dump | None, entry: EntryOf) -> VirtualServerSnapshot:
        """Of the snapshot all but the real servers."""
        states = self._states(kernel)
        table_read = kernel is not None
        key = self.key
        return VirtualServerSnapshot(
            name=self.name,
            address=self.name if key.endpoint is None else str(key.endpoint),
            protocol="FWM" if key.protocol is None else key.protocol.name,
            scheduler=self.config.scheduler,
            persistence_timeout=self.config.persistence_timeout,
            quorum=self.config.quorum,
            quorum_up=self.quorum_up,
            in_kernel=len(states) == len(self.services) if table_read else None,
            real_servers=(),
            traffic=total(state.traffic for state, _ in states.values()) if states else None,
            services=self._service_names(),
            drift=tuple(self._drift(states, entry)) if table_read else (),
        )

    def server_snapshots(self, kernel: Dump | None) -> Iterator[RealServerSnapshot]:
        """Each as it is when its turn comes; the sorry server last."""
        destinations = self._in_kernel(self._states(kernel))
        table_read = kernel is not None
        for endpoint, server in list(self.servers.items()):
            yield server.snapshot(endpoint in self.pool, destinations.get(endpoint), table_read)
        if sorry := self.config.sorry_server:
            yield server_snapshot(
                sorry.endpoint,
                forwarding=sorry.forwarding.name,
                alive=True,
                since=self.since,
                in_pool=self.sorry_in_use or (sorry.inhibit and sorry.endpoint in self.pool),
                weight=1,
                kernel=destinations.get(sorry.endpoint),
                table_read=table_read,
                sorry=True,
            )

    def _states(self, kernel: Dump | None) -> Dump:
        return {} if kernel is None else {key: kernel[key] for key in self.services if key in kernel}

    def _service_names(self) -> tuple[str, ...]:
        """Of a group."""
        group = self.config.group
        if group is None:
            return ()
        if not group.mark:
            return tuple(service_name(key) for key in self.services)
        many = {key: sum(len(one) for one in group.ranges if family(one.first) == key.family) for key in self.services}
        return tuple(f"{service_name(key)} for {number} addresses" for key, number in many.items())

    def _in_kernel(self, states: Dump) -> Mapping[Endpoint, DestinationState]:
        """What the kernel has of each server, added up over the services of a group."""
        if self.config.group is None:
            return next((held for _, held in states.values()), {})
        found: dict[Endpoint, list[DestinationState]] = {}
        for endpoint in self.endpoints():
            destination = self.pool.get(endpoint)
            for key, (_, held) in states.items():
                at = endpoint if destination is None else placed(destination, key).endpoint
                if state := held.get(at):
                    found.setdefault(endpoint, []).append(state)
        return {endpoint: together(several) for endpoint, several in found.items()}

    def _drift(self, states: Dump, entry: EntryOf) -> Iterable[Difference]:
        present: Table = {
            key: (state.service, {endpoint: one.destination for endpoint, one in held.items()})
            for key, (state, held) in states.items()
        }
        return differences({key: entry(key) for key in self.services}, present)

    def _add(self, config: RealServer, at: Micros, new: NewChecking, follow: Follow) -> None:
        server = Server(config, display_name(config.endpoint, self.key), at)
        server.begin(at, new, follow(config.followers))
        self.servers[config.endpoint] = server

    def endpoints(self) -> dict[Endpoint, None]:
        """All that may be in the pool. A dict for its order: that of a set of addresses differs from run to run."""
        sorry = self.config.sorry_server
        return dict.fromkeys([*self.servers, *self.pool, *((sorry.endpoint,) if sorry else ())])

    def _destination(self, endpoint: Endpoint) -> Destination | None:
        server, sorry = self.servers.get(endpoint), self.config.sorry_server
        wanted = server.destination(in_use=not self.sorry_in_use) if server else None
        if sorry is None or endpoint != sorry.endpoint:
            return wanted
        # The sorry server may be one of the real servers, too.
        if self.sorry_in_use:
            return Destination(endpoint=endpoint, forwarding=sorry.forwarding, weight=1, tunnel=sorry.tunnel)
        if wanted is None and sorry.inhibit:
            return Destination(endpoint=endpoint, forwarding=sorry.forwarding, weight=0, tunnel=sorry.tunnel)
        return wanted

    def _update(self, endpoints: Iterable[Endpoint]) -> list[Operation]:
        """Bring the pool up to date for these endpoints; returns what that means for IPVS."""
        # Servers of a group that differ in their ports only may be one destination of one of its services.
        whole = self.config.group is not None
        before = list(self.pool.values()) if whole else []
        old: dict[Endpoint, Destination] = {}
        new: dict[Endpoint, Destination] = {}
        for endpoint in endpoints:
            if (present := self.pool.pop(endpoint, None)) is not None:
                old[endpoint] = present
            if (wanted := self._destination(endpoint)) is not None:
                new[endpoint] = self.pool[endpoint] = wanted
        if not whole:
            (service,) = self.services.values()
            return plan({self.key: (service, new)}, {self.key: (service, old)}, ())
        then = {key: (service, self._placed(before, key)) for key, service in self.services.items()}
        return plan({key: self.entry(key) for key in self.services}, then, ())

    def _placed(self, destinations: Iterable[Destination], key: ServiceKey) -> dict[Endpoint, Destination]:
        """As they are in that service; of two that are the same there the first counts."""
        found: dict[Endpoint, Destination] = {}
        for destination in destinations:
            there = placed(destination, key)
            found.setdefault(there.endpoint, there)
        return found

    def _judge_quorum(self, at: Micros) -> list[Action]:
        weight, quorum, hysteresis = self.alive_weight, self.config.quorum, self.config.hysteresis
        enough, too_little = quorum + hysteresis, quorum - hysteresis
        if not self.quorum_up and weight > 0 and weight >= enough:
            text = f"Gained quorum {quorum}+{hysteresis}={enough} <= {weight}"
        elif self.quorum_up and (weight == 0 or weight < too_little):
            text = f"Lost quorum {quorum}-{hysteresis}={too_little} > {weight}"
        else:
            return []
        self.quorum_up, self.since = not self.quorum_up, at
        return [
            Log(Level.NOTICE, f"{text} for VS {self.name}"),
            ReportVirtualServer(self.key, self.quorum_up, text),
        ]

    def _log_sorry(self) -> list[Action]:
        """The change between the pool and the sorry server, in keepalived's words."""
        sorry = self.config.sorry_server
        if sorry is None:
            return []
        name = display_name(sorry.endpoint, self.key)
        if self.sorry_in_use:
            change = f"Enabling sorry server {name} of" if sorry.inhibit else f"Adding sorry server {name} to"
            pool = "Removing alive servers from"
        else:
            change = f"Disabling sorry server {name} of" if sorry.inhibit else f"Removing sorry server {name} from"
            pool = "Adding alive servers to"
        return [
            Log(Level.NOTICE, f"{change} VS {self.name}"),
            Log(Level.NOTICE, f"{pool} the pool for VS {self.name}"),
        ]

    def _log_weight(self, server: Server, before: int) -> list[Action]:
        if before == server.weight:
            return []
        state = "active" if server.alive else "inactive"
        change = f"Changing weight from {before} to {server.weight} for {state} service {server.name}"
        return [Log(Level.NOTICE, f"{change} of VS {self.name}")]

    def _log_server(self, server: Server) -> list[Action]:
        if server.config.inhibit_on_failure:
            text = f"{'Enabling' if server.alive else 'Disabling'} service {server.name} of VS {self.name}"
        elif server.alive:
            text = f"Adding service {server.name} to VS {self.name}"
        else:
            text = f"Removing service {server.name} from VS {self.name}"
        why = f"CHECK {'succeed' if server.alive else 'failed'} on service"
        return [Log(Level.NOTICE, text), ReportRealServer(self.key, server.config.endpoint, server.alive, why)]
