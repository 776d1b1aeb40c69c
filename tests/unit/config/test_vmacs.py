"""use_vmac, use_ipvlan and their relatives: which devices come of them."""

from __future__ import annotations

import pytest

from pyvrrp.config.load import Loaded, load
from pyvrrp.model.vmac import Kind, Mode, Vmac
from pyvrrp.model.vrrp import VrrpInstance
from tests.unit.config.files import source


def read(*instances: str, globals_: str = "") -> Loaded:
    """Instances V0, V1 ... with virtual router ids 5, 6 ...; in each the lines given."""
    text = f"global_defs {{\n{globals_}\n}}\n" if globals_ else ""
    for number, lines in enumerate(instances):
        address = "" if "virtual_ipaddress {" in lines else "virtual_ipaddress {\n10.0.0.1/24\n}\n"
        text += f"vrrp_instance V{number} {{\ninterface eth0\nvirtual_router_id {5 + number}\n{address}{lines}\n}}\n"
    return load(source(text))


def only(lines: str, globals_: str = "") -> tuple[VrrpInstance, list[str]]:
    loaded = read(lines, globals_=globals_)
    return loaded.config.vrrp_instances[0], [problem.message for problem in loaded.problems]


def vmac(lines: str, globals_: str = "") -> Vmac:
    made = only(lines, globals_)[0].vmac
    assert made is not None
    return made


def test_a_vmac_has_the_rfcs_address_and_the_addresses_lie_on_it() -> None:
    instance, problems = only("use_vmac")
    assert problems == []
    assert instance.vmac == Vmac(name="vrrp.5", parent="eth0", family=4, mac=bytes.fromhex("00005e000105"))
    assert instance.interface == "eth0"
    assert instance.advert_dev == "vrrp.5"
    assert [address.dev for address in instance.addresses] == ["vrrp.5"]


def test_addresses_of_the_other_family_and_of_other_devices_stay_where_they_are() -> None:
    instance, _ = only("use_vmac\nvirtual_ipaddress_excluded {\n2001:db8::1/64\n10.1.0.1/24 dev eth1\n10.0.0.2/24\n}")
    assert [address.dev for address in instance.addresses] == ["vrrp.5", "eth0", "eth1", "vrrp.5"]


def test_ipv6_has_an_address_of_its_own() -> None:
    made = vmac("use_vmac\nvirtual_ipaddress {\nfe80::5/64\n}")
    assert made.mac == bytes.fromhex("00005e000205")


@pytest.mark.parametrize(
    ("words", "name", "mac"),
    [
        ("own", "own", "00005e000105"),
        ("name own", "own", "00005e000105"),
        ("name", "name", "00005e000105"),
        ("02:00:00:00:00:09", "vrrp.5", "020000000009"),
        ("02:00:00:00:09", "vrrp.5", "020000000905"),
        ("own 2:0:0:0:0:9 group 7 netlink_notify_msg", "own", "020000000009"),
    ],
)
def test_name_and_address_may_be_given(words: str, name: str, mac: str) -> None:
    instance, problems = only(f"use_vmac {words}")
    assert problems == []
    assert instance.vmac is not None
    assert (instance.vmac.name, instance.vmac.mac.hex()) == (name, mac)
    assert instance.vmac.group == (7 if "group" in words else None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("own other", "called own already"),
        ("averyveryverylongname", "no name for a network device"),
        ("00:00:5e:00:01:05", "another virtual router"),
        ("00:00:5e:00:02", "another virtual router"),
        ("01:00:00:00:00:05", "multicast"),
        ("02:00:00:00:00:zz", "not a MAC address"),
        ("group many", "no interface group"),
    ],
)
def test_what_is_wrong_with_them_is_told(words: str, message: str) -> None:
    _, problems = only(f"use_vmac {words}")
    assert len(problems) == 1
    assert message in problems[0]


def test_prefixes_of_names() -> None:
    assert vmac("use_vmac", "vmac_prefix dist").name == "dist.5"
    assert vmac("use_vmac", "vmac_prefix averylongprefix").name == "averylongpref.5"
    instance, _ = only(
        "use_vmac\nuse_vmac_addr\nvirtual_ipaddress {\n10.0.0.1/24\n10.1.0.1/24 dev eth1\n}", "vmac_addr_prefix more"
    )
    assert [made.name for made in instance.vmacs] == ["vrrp.5", "more.5"]
    assert [made.parent for made in instance.vmacs] == ["eth0", "eth1"]
    assert [address.dev for address in instance.addresses] == ["vrrp.5", "more.5"]


def test_names_do_not_meet() -> None:
    loaded = read("use_vmac vrrp.6", "use_vmac", "use_vmac vrrp.6", "use_vmac\nvirtual_ipaddress {\nfe80::1/64\n}")
    names = [instance.vmac.name for instance in loaded.config.vrrp_instances if instance.vmac]
    assert names == ["vrrp.6", "vrrp1.6", "vrrp.7", "vrrp.8"]
    assert "another instance has a device vrrp.6 already" in [problem.message for problem in loaded.problems]
    both = read("use_vmac", "use_vmac\nvirtual_router_id 5\nvirtual_ipaddress {\nfe80::1/64\n}")
    assert [i.vmac.name for i in both.config.vrrp_instances if i.vmac] == ["vrrp.5", "vrrp6.5"]


def test_unicast_goes_out_by_the_parent() -> None:
    instance, problems = only("use_vmac\nunicast_peer {\n10.0.0.9\n}")
    assert instance.advert_dev == "eth0"
    assert problems == ["unicast adverts cannot come from a virtual MAC address"]


def test_vmac_xmit_base() -> None:
    instance, problems = only("use_vmac\nvmac_xmit_base")
    assert (instance.advert_dev, problems) == ("eth0", [])
    assert only("vmac_xmit_base")[1] == ["there is no VMAC"]
    strict, problems = only("use_vmac\nvmac_xmit_base\nversion 3\nstrict_mode")
    assert strict.advert_dev == "vrrp.5"
    assert problems == ["strict mode: adverts come from the virtual MAC"]


def test_an_ipvlan_speaks_from_an_address_of_its_own() -> None:
    instance, problems = only("use_ipvlan own 10.0.0.7/24 vepa")
    made = instance.vmac
    assert problems == []
    assert made is not None
    assert (made.kind, made.mode, made.name, str(made.address)) == (Kind.IPVLAN, Mode.VEPA, "own", "10.0.0.7/24")
    assert str(instance.mcast_src_ip) == "10.0.0.7"
    assert only("use_ipvlan")[1] == ["an ipvlan has no IPv4 address of its own to advertise from"]
    assert "an ipvlan already" in only("use_ipvlan 10.0.0.7\nuse_ipvlan")[1][0]
    assert "bridge already" in only("use_ipvlan bridge private 10.0.0.7")[1][0]


def test_vrf_is_for_unicast_without_interface() -> None:
    alone = "vrrp_instance V {\nvirtual_router_id 5\nvrf red\nunicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.9\n}\n"
    loaded = load(source(alone + "virtual_ipaddress {\n10.0.0.1 dev eth1\n}\n}\n"))
    assert [instance.advert_dev for instance in loaded.config.vrrp_instances] == ["red"]
    assert only("vrf red")[1] == ["vrf is for instances without interface"]


def test_garp_extra_if() -> None:
    instance, problems = only("garp_extra_if all 7")
    assert problems == []
    assert instance.garp_extra_if is not None
    assert (instance.garp_extra_if.interval, instance.garp_extra_if.every_device) == (7_000_000, True)
    assert only("garp_extra_if 0", "vrrp_garp_extra_if 5")[0].garp_extra_if is None
    assert only("", "vrrp_garp_extra_if 5")[0].garp_extra_if is not None
    for wrong in ("86401", "foo", "all"):
        assert len(only(f"garp_extra_if {wrong}")[1]) == 1


def test_accept() -> None:
    assert only("")[0].accept
    assert not only("no_accept")[0].accept
    assert only("no_accept\npriority 255")[0].accept
    assert not only("strict_mode\nversion 3")[0].accept
    assert only("strict_mode\nversion 3\naccept")[0].accept


def test_an_address_may_have_a_vmac_alone() -> None:
    lines = (
        "virtual_ipaddress {\n10.0.0.1/24\n10.1.0.1/24 dev eth1 use_vmac\n10.1.0.2/24 dev eth1\n10.0.0.3/24 use_vmac\n}"
    )
    instance, _ = only(lines)
    assert instance.vmac is None
    assert [address.dev for address in instance.addresses] == ["eth0", "vrrp.5", "eth1", "vrrp1.5"]
    assert [(made.name, made.parent) for made in instance.vmacs] == [("vrrp.5", "eth1"), ("vrrp1.5", "eth0")]


def test_a_name_that_is_written_further_down_is_nobody_elses() -> None:
    loaded = read("use_vmac", "use_vmac vrrp.5")
    names = [instance.vmac.name for instance in loaded.config.vrrp_instances if instance.vmac]
    assert names == ["vrrp1.5", "vrrp.5"]
