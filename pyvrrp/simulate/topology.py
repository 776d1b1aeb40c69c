"""Which interface of which director is on which segment, and its addresses, where the files do not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from itertools import count

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.core.vrrp.timing import OWNER_PRIORITY
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import Address

Port = tuple[str, str]
"""Director and interface."""

_LINK_LOCAL = int(IPv6Address("fe80::"))
_FALLBACK = int(IPv4Address("10.0.0.0"))


@dataclass(slots=True)
class Topology:
    segments: dict[Port, str] = field(default_factory=dict)
    """The segment's name is that of the first interface on it."""
    facts: dict[Port, InterfaceFacts] = field(default_factory=dict)

    def ports(self, director: str) -> dict[str, InterfaceFacts]:
        return {interface: facts for (owner, interface), facts in self.facts.items() if owner == director}


def lay_out(
    configs: Mapping[str, Config],
    segments: Mapping[Port, str] | None = None,
    addresses: Mapping[Port, Sequence[Address]] | None = None,
) -> Topology:
    """A network for these directors; what `segments` and `addresses` say goes before what is made up."""
    ports = [(name, dev) for name, config in configs.items() for dev in _devices(config)]
    joined = _join(configs, ports, segments or {})
    topology = Topology(segments=joined)
    given = addresses or {}
    taken: set[Address] = {address for several in given.values() for address in several}
    taken |= {
        a.address for config in configs.values() for instance in config.vrrp_instances for a in instance.addresses
    }
    taken |= {
        peer for config in configs.values() for instance in config.vrrp_instances for peer in instance.unicast_peer
    }
    names = list(configs)
    order = list(dict.fromkeys(joined.values()))
    for index, port in enumerate(ports):
        name, dev = port
        segment = order.index(joined[port])
        instances = [i for i in configs[name].vrrp_instances if i.interface == dev]
        found = list(given.get(port, ())) or _addresses(configs, joined, port, segment, names.index(name), taken)
        taken.update(found)
        # The address owner has the virtual address as its own.
        found += [
            a.address for i in instances if i.priority == OWNER_PRIORITY for a in i.virtual_ipaddress if a.dev == dev
        ]
        mac = bytes((2, 0, 0, 0, segment, names.index(name) + 1))
        topology.facts[port] = InterfaceFacts(index + 2, True, mac, tuple(dict.fromkeys(found)))
    return topology


def _devices(config: Config) -> list[str]:
    """Everything that the configuration names as a device."""
    names: dict[str, None] = {}
    for instance in config.vrrp_instances:
        names |= dict.fromkeys((instance.interface, *(address.dev for address in instance.addresses)))
    for instance in config.vrrp_instances:
        names |= dict.fromkeys(track.name for track in instance.track_interface)
    return list(names)


def _join(configs: Mapping[str, Config], ports: Sequence[Port], told: Mapping[Port, str]) -> dict[Port, str]:
    """Interfaces of one name are on one segment; those of other names are if they carry the same virtual router."""
    names = {port: told.get(port, port[1]) for port in ports}
    carried: dict[tuple[int, int], list[Port]] = {}
    for name, config in configs.items():
        for instance in config.vrrp_instances:
            places = carried.setdefault((instance.virtual_router_id, instance.family), [])
            if (name, instance.interface) not in places:
                places.append((name, instance.interface))
    for places in carried.values():
        # An id may be used on several segments: only where each director has it once is it clear what belongs together.
        if len({owner for owner, _ in places}) == len(places):
            for port in places[1:]:
                if port not in told and not _has_namesake(configs, port, places):
                    names[port] = names[places[0]]
    return names


def _has_namesake(configs: Mapping[str, Config], port: Port, places: Sequence[Port]) -> bool:
    """Does another director carry the same virtual router on an interface of that name?"""
    return any(owner != port[0] and dev == port[1] for owner, dev in places)


def _addresses(
    configs: Mapping[str, Config],
    segments: Mapping[Port, str],
    port: Port,
    segment: int,
    number: int,
    taken: set[Address],
) -> list[Address]:
    name, dev = port
    instances = [i for i in configs[name].vrrp_instances if i.interface == dev]
    found = [i.mcast_src_ip for i in instances if i.mcast_src_ip is not None]
    for instance in instances:
        if instance.unicast_peer and instance.mcast_src_ip is None:
            found += [a for a in [_known_to_peers(configs, name, instance, found)] if a is not None]
    families = {address.version for address in found}
    if 6 in {i.family for i in instances} and not any(a.version == 6 and a.is_link_local for a in found):
        base = _LINK_LOCAL + ((segment + 1) << 16) + number + 1
        found.append(next(a for a in (IPv6Address(base + (n << 32)) for n in count()) if a not in taken))
    if 4 not in families:
        found.append(_free_host(_network(configs, segments, segments[port], segment), number, taken))
    return found


def _known_to_peers(
    configs: Mapping[str, Config], name: str, instance: VrrpInstance, found: Iterable[Address]
) -> Address | None:
    """The address under which the others' files know this director: a peer of theirs that is none of ours."""
    others = [
        other
        for owner, config in configs.items()
        if owner != name
        for other in config.vrrp_instances
        if (other.virtual_router_id, other.family) == (instance.virtual_router_id, instance.family)
    ]
    elsewhere = {other.mcast_src_ip for other in others} | set(instance.unicast_peer)
    for other in others:
        for peer in other.unicast_peer:
            if peer not in elsewhere and peer not in found:
                return peer
    return None


def _network(configs: Mapping[str, Config], segments: Mapping[Port, str], segment: str, number: int) -> IPv4Network:
    """That of the first virtual address on the segment which has one."""
    for name, config in configs.items():
        for instance in config.vrrp_instances:
            for address in instance.addresses:
                network = address.interface.network
                if (
                    segments[name, address.dev] == segment
                    and isinstance(network, IPv4Network)
                    and network.prefixlen < 30
                ):
                    return network
    return IPv4Network((_FALLBACK + (number << 8), 24))


def _free_host(network: IPv4Network, number: int, taken: set[Address]) -> IPv4Address:
    first = int(network.network_address) + 1
    free = (IPv4Address(value) for value in range(first, int(network.broadcast_address)))
    for address in free:
        if address not in taken:
            return address
    return IPv4Address(_FALLBACK + number + 1)
