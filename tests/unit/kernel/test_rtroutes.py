"""Messages as pyroute2 reads them, which knows nothing of our encoder. tests/topology compares the kernel's answers."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import Any

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from pyvrrp.kernel.netlink import HEADER, Message
from pyvrrp.kernel.rtroutes import (
    encode_add_route,
    encode_add_rule,
    encode_remove_route,
    encode_remove_rule,
    is_route,
    is_rule,
)
from pyvrrp.model.routing import Metrics, Nexthop, Route, Rule, RuleAction

ROUTE = Route(
    destination=ip_interface("10.9.0.0/16"),
    via=ip_address("192.0.2.9"),
    dev="eth0",
    metric=7,
    metrics=Metrics(mtu=1400, congctl="cubic", lock=("mtu",)),
)
RULE = Rule(action=RuleAction.TABLE, table=1000, priority=5, source=ip_interface("10.0.0.0/8"), iif="eth0")


def read(kind: type[Any], message: Message) -> Any:
    type_, flags, body = message
    parsed = kind(HEADER.pack(16 + len(body), type_, flags, 1, 0) + body)
    parsed.decode()
    return parsed


def added(route: Route, table: int = 254) -> Any:
    return read(rtmsg, encode_add_route(route, lambda _: 3, table))


def test_a_route() -> None:
    parsed = added(ROUTE)
    assert (parsed["family"], parsed["dst_len"], parsed["table"], parsed["proto"], parsed["type"]) == (
        2,
        16,
        254,
        18,
        1,
    )
    assert (parsed.get("dst"), parsed.get("gateway"), parsed.get("oif")) == ("10.9.0.0", "192.0.2.9", 3)
    assert parsed.get("priority") == 7
    metrics = parsed.get("metrics")
    assert (metrics.get("mtu"), metrics.get("lock")) == (1400, 1 << 2)


def test_a_table_with_a_large_number_and_several_ways() -> None:
    hops = (Nexthop(via=ip_address("192.0.2.8"), weight=5), Nexthop(dev="eth1"))
    parsed = added(Route(destination=ip_interface("0.0.0.0/0"), nexthops=hops), 1000)
    assert (parsed["table"], parsed.get("table"), parsed.get("dst")) == (0, 1000, None)
    assert [hop["hops"] for hop in parsed.get("multipath")] == [4, 0]


@pytest.mark.parametrize(("field", "flags"), [("add", 0x600), ("append", 0xC00), (None, 0x400)])
def test_where_it_goes_among_its_equals(field: str | None, flags: int) -> None:
    route = Route(destination=ip_interface("10.9.0.0/16"), **({field: True} if field else {}))  # type: ignore[arg-type]
    assert encode_add_route(route, lambda _: 3, 254)[1] == flags


def test_a_rule() -> None:
    parsed = read(fibmsg, encode_add_rule(RULE))
    assert (parsed["family"], parsed["src_len"], parsed["table"], parsed["action"]) == (2, 8, 0, 1)
    assert (parsed.get("src"), parsed.get("priority"), parsed.get("table")) == ("10.0.0.0", 5, 1000)
    assert (parsed.get("iifname"), parsed.get("protocol")) == ("eth0", 18)


def test_what_is_removed_is_what_was_added() -> None:
    route = encode_add_route(ROUTE, lambda _: 3, 254)[2]
    assert is_route(route, route)
    assert not is_route(encode_add_route(ROUTE, lambda _: 4, 254)[2], route)
    assert not is_route(encode_add_route(ROUTE, lambda _: 3, 253)[2], route)
    rule = encode_add_rule(RULE)[2]
    assert is_rule(rule, rule)
    assert encode_remove_rule(RULE)[2] == rule
    assert read(rtmsg, encode_remove_route(ROUTE, lambda _: 3, 254))["scope"] == 255
