"""Routes and rules beside the addresses: what comes, goes and is put back, in which order; and what is static."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface
from typing import Any

from pyvrrp.core.vrrp.events import (
    AddressRemoved,
    InterfaceFacts,
    KernelRefused,
    Reconfigured,
    RoutingRemoved,
    StopRequested,
)
from pyvrrp.model.config import Config
from pyvrrp.model.routing import Route, Rule, RuleAction
from tests.conformance.play import Director, director, instance, us, vip

VIP = vip("192.0.2.100/24")


def route(prefix: str = "10.9.0.0/16", dev: str = "eth0", **rest: Any) -> Route:
    return Route(destination=ip_interface(prefix), dev=dev, **rest)


ROUTE = route()
RULE = Rule(action=RuleAction.TABLE, table=100, priority=5)
FULL = instance(virtual_routes=(ROUTE,), virtual_rules=(RULE,), priority=255, garp=replace(instance().garp, delay=0))
ADDED = "V adds route 10.9.0.0/16 dev eth0, rule from all table 100 preference 5"
REMOVED = "V removes rule from all table 100 preference 5, route 10.9.0.0/16 dev eth0"


def kernel_changes(lines: list[str]) -> list[str]:
    return [line for line in lines if " adds " in line or " removes " in line]


def removed(d: Director, at: float, *entries: Route | Rule) -> list[str]:
    return d.do(RoutingRemoved(us(at), frozenset(entries)))


def owner(*others: Any) -> Director:
    d = director(FULL, *others)
    d.start()
    return d


def test_they_come_after_the_addresses_and_go_before_them() -> None:
    d = director(FULL)
    began = kernel_changes(d.start())
    assert began == ["V adds 192.0.2.100/24", ADDED]
    stopped = kernel_changes(d.do(StopRequested(us(1))))
    assert stopped == [REMOVED, "V removes 192.0.2.100/24"]
    assert not any(entry.present for entry in d.view().routing)


def test_what_is_removed_is_put_back_at_most_once_a_second() -> None:
    d = owner()
    d.run(1)
    assert "V adds route 10.9.0.0/16 dev eth0" in removed(d, 1, ROUTE)
    assert kernel_changes(removed(d, 1.5, RULE)) == []
    assert "2 V adds rule from all table 100 preference 5" in d.run(2.5)
    assert all(entry.present for entry in d.view().routing)


def test_with_an_address_the_routes_are_added_again() -> None:
    d = owner()
    lines = d.do(AddressRemoved(us(1), "eth0", VIP.address))
    assert kernel_changes(lines) == ["V adds 192.0.2.100/24", ADDED]


def test_no_track_stays_away() -> None:
    free = replace(ROUTE, track=False)
    d = director(replace(FULL, virtual_routes=(free,)))
    d.start()
    lines = removed(d, 0, free)
    assert "with no_track it stays away" in d.logs[-1]
    assert kernel_changes(lines + d.run(5)) == []


def test_a_refused_route_is_tried_again() -> None:
    d = owner()
    d.run(1)
    d.do(KernelRefused(us(1), "V", "add route: no", (ROUTE,)))
    assert [entry.present for entry in d.view().routing] == [False, True]
    assert "2 V adds route 10.9.0.0/16 dev eth0" in d.run(2.5)


def test_a_reload_is_a_difference() -> None:
    d = owner()
    other = route("10.8.0.0/16")
    lines = d.do(Reconfigured(us(1), Config(vrrp_instances=(replace(FULL, virtual_routes=(other,)),))))
    assert kernel_changes(lines) == ["V removes route 10.9.0.0/16 dev eth0", "V adds route 10.8.0.0/16 dev eth0"]


def test_a_device_that_a_route_names_is_tracked() -> None:
    d = director(instance(virtual_routes=(route(dev="eth1"),)))
    d.interfaces["eth1"] = InterfaceFacts(9, True, b"")
    d.start()
    d.run(5)
    assert d.state() == "MASTER"
    d.link(5, "eth1", False)
    assert d.view().faults == ("interface down: eth1, which a virtual route names",)
    free = director(instance(virtual_routes=(route(dev="eth1", track=False),)))
    free.start()
    free.run(5)
    assert free.state() == "MASTER"


def test_what_is_static() -> None:
    config = Config(static_ipaddress=(vip("10.8.0.1/24"),), static_routes=(ROUTE,), static_rules=(RULE,))
    d = Director(config)
    assert d.start() == ["static adds 10.8.0.1/24", ADDED.replace("V", "static")]
    assert "static adds route 10.9.0.0/16 dev eth0" in removed(d, 1, ROUTE)
    assert [entry.present for entry in d.router.snapshot().static] == [True] * 3
    lines = d.do(Reconfigured(us(2), replace(config, static_rules=())))
    assert lines == ["static removes rule from all table 100 preference 5"]
    d.link(3, "eth0", False)
    assert "static adds route 10.9.0.0/16 dev eth0" in d.link(4, "eth0", True), "the kernel has dropped it meanwhile"
    assert d.do(StopRequested(us(5))) == ["static removes route 10.9.0.0/16 dev eth0", "static removes 10.8.0.1/24"]
    assert kernel_changes(removed(d, 6, ROUTE)) == []
