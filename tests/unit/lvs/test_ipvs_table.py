"""The way from one IPVS table to another, operation by operation."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from pyvrrp.core.lvs.ipvs_table import (
    AddDestination,
    AddService,
    Destination,
    RemoveDestination,
    RemoveService,
    Service,
    SetDestination,
    SetService,
    Table,
    plan,
    services_of,
)
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Forwarding, Protocol, ServiceFlag, ServiceKey
from tests.unit.lvs.samples import RS1, RS2, VIP, endpoint, real_server, virtual_server

SERVICE = Service(key=VIP, scheduler="rr")
OTHER = ServiceKey.of(endpoint("192.0.2.99:80"), Protocol.TCP)


def destination(at: Endpoint, weight: int = 1) -> Destination:
    return Destination(endpoint=at, forwarding=Forwarding.NAT, weight=weight)


def table(*destinations: Destination, service: Service = SERVICE) -> Table:
    return {service.key: (service, {one.endpoint: one for one in destinations})}


def test_an_empty_kernel_gets_the_service_before_its_destinations() -> None:
    wanted = table(destination(RS1), destination(RS2))
    assert plan(wanted, {}, ()) == [
        AddService(SERVICE),
        AddDestination(VIP, destination(RS1)),
        AddDestination(VIP, destination(RS2)),
    ]


def test_equal_tables_need_nothing() -> None:
    assert plan(table(destination(RS1)), table(destination(RS1)), {VIP}) == []


def test_a_service_and_a_weight_are_edited_in_place() -> None:
    changed = replace(SERVICE, scheduler="wrr")
    wanted = table(destination(RS1, 5), destination(RS2), service=changed)
    assert plan(wanted, table(destination(RS1, 1), destination(RS2)), {VIP}) == [
        SetService(changed),
        SetDestination(VIP, destination(RS1, 5)),
    ]


def test_a_pool_that_is_exchanged_is_never_empty() -> None:
    assert plan(table(destination(RS2)), table(destination(RS1)), {VIP}) == [
        AddDestination(VIP, destination(RS2)),
        RemoveDestination(VIP, RS1),
    ]


def test_only_a_service_of_ours_is_removed() -> None:
    present = {**table(destination(RS1)), OTHER: (Service(key=OTHER, scheduler="lc"), {})}
    assert plan({}, present, {VIP}) == [RemoveService(VIP)]


def test_a_stranger_in_a_service_of_ours_goes() -> None:
    assert plan(table(destination(RS1)), table(destination(RS1), destination(RS2)), {VIP}) == [
        RemoveDestination(VIP, RS2)
    ]


def test_what_only_persistence_uses_is_left_out_without_it() -> None:
    plain = virtual_server(real_server(RS1), flags=ServiceFlag.SCHED_1, persistence_netmask=IPv4Address("255.255.0.0"))
    assert services_of(plain)[VIP] == Service(key=VIP, scheduler="rr", flags=ServiceFlag.SCHED_1)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (None, None),
        (IPv4Address("255.255.255.255"), None),
        (128, None),
        (IPv4Address("255.255.255.0"), IPv4Address("255.255.255.0")),
        (64, None),  # of a group's other family
    ],
)
def test_each_client_on_its_own_is_always_none(
    written: IPv4Address | int | None, kept: IPv4Address | int | None
) -> None:
    service = services_of(virtual_server(real_server(RS1), persistence_timeout=50, persistence_netmask=written))[VIP]
    assert service == Service(key=VIP, scheduler="rr", flags=ServiceFlag.PERSISTENT, timeout=50, netmask=kept)
