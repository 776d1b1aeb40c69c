"""Virtual servers of a group: one service in IPVS for each address and mark, all with the same pool."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from typing import Any

from pyvrrp.core.lvs.actions import StartCheck
from pyvrrp.core.lvs.events import AddressesChanged, TableRead, TimePassed
from pyvrrp.core.lvs.ipvs_table import AddDestination, AddService, RemoveDestination, RemoveService, SetService
from pyvrrp.model.lvs import (
    AddressRange,
    Forwarding,
    GroupMark,
    Protocol,
    RealServer,
    ServiceKey,
    VirtualServer,
    VirtualServerGroup,
)
from pyvrrp.net import AF_INET
from pyvrrp.units import SECOND
from tests.fakes.ipvs import FakeIpvs
from tests.unit.lvs.samples import RS1, RS2, SORRY, VIP, Play, config, endpoint, real_server, virtual_server

MARK = ServiceKey(AF_INET, None, None, 7)


def addresses(first: str, last: str, port: int = 80) -> AddressRange:
    return AddressRange(ip_address(first), ip_address(last), port)


def group(*ranges: AddressRange, marks: tuple[int, ...] = (), name: str = "G") -> VirtualServerGroup:
    return VirtualServerGroup(name=name, ranges=ranges, marks=tuple(GroupMark(mark, AF_INET) for mark in marks))


def served(
    group: VirtualServerGroup, *servers: RealServer, protocol: Protocol = Protocol.TCP, ordinal: int = 0, **options: Any
) -> VirtualServer:
    key = ServiceKey(0, protocol, None, group=group.name, ordinal=ordinal)
    return virtual_server(*servers, key=key, group=group, **options)


def tcp(address: str, port: int = 80) -> ServiceKey:
    return ServiceKey.of(endpoint(f"{address}:{port}"), Protocol.TCP)


def test_each_address_and_mark_is_a_service_with_the_whole_pool() -> None:
    play = Play(config(served(group(addresses("192.0.2.10", "192.0.2.11"), marks=(7,)), real_server(RS1))), table={})
    wanted = play.balancer.wanted()
    assert list(wanted) == [tcp("192.0.2.10"), tcp("192.0.2.11"), MARK]
    assert [list(pool) for _, pool in wanted.values()] == [[RS1], [RS1], [RS1]]
    (virtual,) = play.balancer.snapshot(None).virtual_servers
    assert virtual.services == ("TCP 192.0.2.10:80", "TCP 192.0.2.11:80", "FWM 7")


def test_what_is_not_nat_has_the_port_of_each_service() -> None:
    tunnel = RealServer(endpoint=RS1, forwarding=Forwarding.TUN)
    nat = RealServer(endpoint=RS2)
    ranges = group(addresses("192.0.2.10", "192.0.2.10", 80), addresses("192.0.2.10", "192.0.2.10", 443), marks=(7,))
    play = Play(config(served(ranges, tunnel, nat)), table={})
    ports = [[str(at) for at in pool] for _, pool in play.balancer.wanted().values()]
    assert ports == [["10.0.0.1:80", "10.0.0.2:80"], ["10.0.0.1:443", "10.0.0.2:80"], ["10.0.0.1:0", "10.0.0.2:80"]]


def test_a_dead_server_leaves_all_services_and_the_sorry_server_enters_them() -> None:
    ranges = group(addresses("192.0.2.10", "192.0.2.12"))
    play = Play(config(served(ranges, real_server(RS1), sorry_server=SORRY)), table={})
    play.take_down(RS1)
    keys = [tcp(f"192.0.2.{n}") for n in (10, 11, 12)]
    assert [op.key for op in play.operations if isinstance(op, RemoveDestination)] == keys
    assert [op.key for op in play.operations if isinstance(op, AddDestination)] == keys


def test_a_reload_touches_the_services_that_come_and_go_only() -> None:
    before = group(addresses("192.0.2.1", "192.0.2.3"))
    after = group(addresses("192.0.2.2", "192.0.2.4"))
    play = Play(config(served(before, real_server(RS1))), table={})
    play.reload(config(served(after, real_server(RS1))))
    kept = [op for op in play.operations if not isinstance(op, (AddDestination, AddService))]
    assert kept == [RemoveService(tcp("192.0.2.1"))]
    assert [op.service.key for op in play.operations if isinstance(op, AddService)] == [tcp("192.0.2.4")]


def test_a_service_that_two_want_has_the_servers_of_both_and_stays_until_the_last_one_goes() -> None:
    tcps = served(group(addresses("192.0.2.10", "192.0.2.10"), marks=(7,)), real_server(RS1))
    udps = served(
        group(addresses("192.0.2.10", "192.0.2.10"), marks=(7,)),
        real_server(RS2),
        protocol=Protocol.UDP,
        ordinal=1,
    )
    play = Play(config(tcps, udps), table={})
    assert list(play.balancer.wanted()[MARK][1]) == [RS1, RS2]
    play.take_down(RS2)
    assert RemoveDestination(MARK, RS2) in play.operations
    assert list(play.balancer.wanted()[MARK][1]) == [RS1]
    play.reload(config(udps))
    assert RemoveService(MARK) not in play.operations
    assert RemoveDestination(MARK, RS1) in play.operations
    play.reload(config(virtual_server(real_server(RS1))))
    assert RemoveService(MARK) in play.operations


def test_servers_that_differ_in_their_ports_only_are_one_destination_of_a_service_that_sets_the_port() -> None:
    one = real_server(endpoint("10.0.0.1:80"), forwarding=Forwarding.DR)
    other = real_server(endpoint("10.0.0.1:81"), forwarding=Forwarding.DR)
    play = Play(config(served(group(addresses("192.0.2.10", "192.0.2.10")), one, other)), table={})
    play.take_down(endpoint("10.0.0.1:80"))
    assert not any(isinstance(op, RemoveDestination) for op in play.operations)
    play.take_down(endpoint("10.0.0.1:81"))
    assert RemoveDestination(tcp("192.0.2.10"), RS1) in play.operations


def test_a_changed_scheduler_is_changed_in_every_service() -> None:
    ranges = group(addresses("192.0.2.10", "192.0.2.11"))
    play = Play(config(served(ranges, real_server(RS1))), table={})
    changed = served(ranges, real_server(RS1), persistence_timeout=60, persistence_netmask=IPv4Address("255.255.0.0"))
    play.reload(config(changed))
    assert [type(op) for op in play.operations] == [SetService, SetService]


def test_the_counters_of_all_services_are_added_up() -> None:
    ranges = group(addresses("192.0.2.10", "192.0.2.11"))
    play = Play(config(served(ranges, real_server(RS1))), table={})
    kernel = FakeIpvs()
    kernel.apply(play.operations)
    (virtual,) = play.balancer.snapshot(kernel.dump(kernel.services)).virtual_servers
    assert virtual.in_kernel
    assert virtual.drift == ()
    del kernel.services[tcp("192.0.2.11")]
    (virtual,) = play.balancer.snapshot(kernel.dump(kernel.services)).virtual_servers
    assert not virtual.in_kernel
    assert [str(difference) for difference in virtual.drift] == ["TCP 192.0.2.11:80 (rr) is missing"]


def test_ha_suspend_rests_until_an_address_of_the_group_is_here() -> None:
    ranges = group(addresses("192.0.2.10", "192.0.2.11"))
    play = Play(config(served(ranges, real_server(RS1), ha_suspend=True)), table={})
    play.told(AddressesChanged(play.at, (ip_address("192.0.2.99"),)))
    for _ in range(3):
        play.at = max(play.at, play.balancer.deadline() or 0)
        assert not any(isinstance(action, StartCheck) for action in play.told(TimePassed(play.at)))
    play.told(AddressesChanged(play.at, (ip_address("192.0.2.11"),)))
    assert play.logs == ["Activating healthchecker for service [10.0.0.1]:tcp:80 for VS [G]:0"]
    arrived = play.at
    play.next_check()
    assert play.at <= arrived + 4 * SECOND, "warmup, not delay_loop"
    play.told(AddressesChanged(play.at, ()))
    assert play.logs == ["Suspending healthchecker for service [10.0.0.1]:tcp:80 for VS [G]:0"]


def test_a_plain_virtual_server_and_a_group_may_share_an_address() -> None:
    plain = virtual_server(real_server(RS1))
    grouped = served(group(addresses("192.0.2.10", "192.0.2.10")), real_server(RS2))
    play = Play(config(plain, grouped), table={})
    play.told(TableRead(play.at, play.balancer.wanted()))
    assert play.actions == []
    assert list(play.balancer.wanted()[VIP][1]) == [RS1, RS2]
