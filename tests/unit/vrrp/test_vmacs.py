"""Devices of instances' own, against what is there already."""

from __future__ import annotations

from ipaddress import ip_interface

from pyvrrp.core.vrrp.vmacs import Found, borrowed_settings, fits, own_settings, settle
from pyvrrp.model.config import Config
from pyvrrp.model.vmac import Kind, Vmac, virtual_mac
from pyvrrp.model.vrrp import VirtualAddress, VrrpInstance

MAC = virtual_mac(5, 4)
WANTED = Vmac(name="vrrp.5", parent="eth0", family=4, mac=MAC)
GOOD = Found(index=7, kind="macvlan", parent="eth0", mode="private", mac=MAC)
OTHER = Found(index=8, kind="dummy", parent="", mode="", mac=bytes(6))


def config(vmac: Vmac = WANTED) -> Config:
    address = VirtualAddress(interface=ip_interface("192.0.2.100/24"), dev=vmac.name)
    elsewhere = VirtualAddress(interface=ip_interface("192.0.2.101/24"), dev="eth1")
    return Config(
        vrrp_instances=(
            VrrpInstance(
                name="V",
                interface="eth0",
                virtual_router_id=5,
                virtual_ipaddress=(address, elsewhere),
                vmac=vmac,
                promote_secondaries=True,
            ),
        )
    )


def names(config: Config) -> list[str]:
    instance = config.vrrp_instances[0]
    assert instance.vmac is not None
    return [instance.vmac.name, *(address.dev for address in instance.addresses)]


def test_a_free_name_stays() -> None:
    assert settle(config(), {"eth0": OTHER}) is not None
    assert names(settle(config(), {"eth0": OTHER})) == ["vrrp.5", "vrrp.5", "eth1"]


def test_what_somebody_made_as_we_would_is_used() -> None:
    assert names(settle(config(), {"theirs": GOOD})) == ["theirs", "theirs", "eth1"]
    named = Vmac(name="mine", parent="eth0", family=4, mac=MAC, named=True)
    assert names(settle(config(named), {"theirs": GOOD}))[0] == "mine"


def test_a_device_of_another_kind_keeps_its_name() -> None:
    assert names(settle(config(), {"vrrp.5": OTHER})) == ["vrrp1.5", "vrrp1.5", "eth1"]
    assert names(settle(config(), {"vrrp.5": OTHER, "vrrp1.5": OTHER}))[0] == "vrrp2.5"


def test_a_macvlan_that_is_not_as_wanted_is_made_anew_under_its_name() -> None:
    wrong = Found(index=7, kind="macvlan", parent="eth0", mode="bridge", mac=MAC)
    assert not fits(WANTED, wrong)
    assert names(settle(config(), {"vrrp.5": wrong}))[0] == "vrrp.5"


def test_fits() -> None:
    assert fits(WANTED, GOOD)
    for change in ({"parent": "eth1"}, {"mode": "vepa"}, {"mac": bytes(6)}, {"kind": "ipvlan"}):
        fields = {"index": 7, "kind": "macvlan", "parent": "eth0", "mode": "private", "mac": MAC, **change}
        assert not fits(WANTED, Found(**fields))  # type: ignore[arg-type]
    ipvlan = Vmac(name="vrrp.5", parent="eth0", family=4, kind=Kind.IPVLAN)
    assert fits(ipvlan, Found(index=7, kind="ipvlan", parent="eth0", mode="private", mac=b"\x02\0\0\0\0\1"))


def test_settings() -> None:
    assert borrowed_settings(config()) == {
        "net/ipv4/conf/eth0/arp_ignore": "1",
        "net/ipv4/conf/eth0/arp_filter": "1",
        "net/ipv4/conf/eth1/promote_secondaries": "1",
    }
    assert "net/ipv6/conf/vrrp.5/disable_ipv6" in own_settings(WANTED, {4})
    assert "net/ipv6/conf/vrrp.5/disable_ipv6" not in own_settings(WANTED, {4, 6})
    six = Vmac(name="vrrp.6", parent="eth0", family=6, mac=virtual_mac(6, 6))
    assert own_settings(six, {6}) == {"net/ipv6/conf/vrrp.6/addr_gen_mode": "1"}
