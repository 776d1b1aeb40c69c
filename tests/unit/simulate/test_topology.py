from __future__ import annotations

from ipaddress import ip_address

from pyvrrp.net import VRRP_GROUP6
from pyvrrp.simulate.topology import lay_out
from tests.conformance.play import vip
from tests.unit.simulate.stage import config, instance, pair


def test_interfaces_of_one_name_are_on_one_segment_and_have_addresses_beside_the_virtual_ones() -> None:
    topology = lay_out(pair())
    assert topology.segments == {("a", "eth0"): "eth0", ("b", "eth0"): "eth0"}
    assert topology.facts["a", "eth0"].addresses == (ip_address("192.0.2.1"),)
    assert topology.facts["b", "eth0"].addresses == (ip_address("192.0.2.2"),)
    assert topology.facts["a", "eth0"].mac != topology.facts["b", "eth0"].mac


def test_interfaces_of_other_names_are_joined_by_their_virtual_router() -> None:
    configs = {
        "a": config(instance()),
        "b": config(instance(interface="ens3", virtual_ipaddress=(vip("192.0.2.100/24", "ens3"),))),
    }
    assert lay_out(configs).segments == {("a", "eth0"): "eth0", ("b", "ens3"): "eth0"}


def test_the_same_id_on_two_segments_does_not_join_them() -> None:
    two = (instance("V"), instance("W", interface="eth1"))
    topology = lay_out({name: config(*two) for name in "ab"})
    assert topology.segments["a", "eth1"] == "eth1"
    assert topology.segments["b", "eth0"] == "eth0"


def test_what_is_told_goes_before_what_is_made_up() -> None:
    port = ("a", "eth0")
    topology = lay_out(pair(), {port: "lan"}, {port: [ip_address("203.0.113.7")]})
    assert topology.segments[port] == "lan"
    assert topology.facts[port].addresses == (ip_address("203.0.113.7"),)


def test_unicast_directors_have_the_addresses_under_which_the_others_know_them() -> None:
    one, two, three = (ip_address(f"10.0.0.{n}") for n in (7, 8, 9))
    configs = {
        "a": config(instance(unicast_peer=(two, three))),
        "b": config(instance(unicast_peer=(one, three))),
        "c": config(instance(unicast_peer=(one, two))),
    }
    topology = lay_out(configs)
    assert [topology.facts[name, "eth0"].addresses[0] for name in "abc"] == [one, two, three]


def test_ipv6_speaks_from_a_link_local_address_that_is_not_virtual() -> None:
    fields = {
        "version": 3,
        "virtual_ipaddress": (vip("fe80::1:1/64"), vip("2001:db8::1/64")),
        "mcast_dst_ip": VRRP_GROUP6,
    }
    topology = lay_out(pair(**fields))
    (link_local,) = [a for a in topology.facts["a", "eth0"].addresses if a.version == 6]
    assert link_local.is_link_local
    assert link_local != ip_address("fe80::1:1")


def test_the_address_owner_has_the_virtual_address_for_itself() -> None:
    topology = lay_out({"a": config(instance(priority=255))})
    assert ip_address("192.0.2.100") in topology.facts["a", "eth0"].addresses
