"""A reload carries what changed, and means all of it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from pyvrrp.daemon.abridged import abridged, complete
from pyvrrp.daemon.channel import Reload, order_frame, read_order
from pyvrrp.model.config import Config
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Protocol, RealServer, ServiceKey, VirtualServer


def virtual(number: int, *servers: int) -> VirtualServer:
    key = ServiceKey.of(Endpoint(ip_address(f"192.0.2.{number}"), 80), Protocol.TCP)
    pool = tuple(RealServer(endpoint=Endpoint(ip_address(f"10.0.0.{server}"), 80)) for server in servers)
    return VirtualServer(key=key, real_servers=pool)


def sent(reload: Reload) -> Reload:
    order = read_order(order_frame(reload))
    assert isinstance(order, Reload)
    return order


def test_only_what_changed_is_sent_and_the_rest_is_the_very_same() -> None:
    old = Config(virtual_servers=(virtual(1, 1), virtual(2, 1), virtual(3, 1)))
    new = Config(virtual_servers=(virtual(3, 1), virtual(4, 1), virtual(2, 1, 2), virtual(1, 1)))
    order = sent(abridged(old, new))
    assert [str(one.key) for one in order.config.virtual_servers] == ["[192.0.2.4]:tcp:80", "[192.0.2.2]:tcp:80"]
    meant = complete(order, old)
    assert meant == new
    assert meant.virtual_servers[0] is old.virtual_servers[2]
    assert meant.virtual_servers[3] is old.virtual_servers[0]


def test_nothing_changed_and_all_gone() -> None:
    old = Config(virtual_servers=(virtual(1, 1),))
    assert complete(sent(abridged(old, old)), old) == old
    assert complete(sent(abridged(old, Config())), old) == Config()
    other = replace(old, virtual_servers=(virtual(2, 1),))
    assert complete(sent(abridged(old, other)), old) == other
