"""A virtual router with its own MAC address: the director may change, the neighbours' ARP tables need not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.interop.conftest import Pair
from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down
from tests.topology.net import Host
from tests.topology.tap import Advert

pytestmark = pytest.mark.root

VRID = 51
NAME = f"vrrp.{VRID}"
MAC4 = f"00:00:5e:00:01:{VRID:02x}"
MAC6 = f"00:00:5e:00:02:{VRID:02x}"
LINK_LOCAL, GLOBAL = "fe80::55", "2001:db8::100"


def conf(priority: int, more: str = "", vips: tuple[str, ...] = (f"{VIP}/24",)) -> str:
    return instance(priority=priority, vrid=VRID, more=f"use_vmac\n    {more}", vips=vips)


def link(host: Host, name: str = NAME) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(
        host.run("ip", "-d", "-j", "link", "show", "dev", name, check=False) or "[]"
    )
    return found[0] if found else {}


def adverts(lab: Lab, mac: str, since: float = 0) -> list[Advert]:
    return [advert for advert in lab.tap.adverts(VRID, since=since) if advert.mac == mac]


def settings(host: Host) -> dict[str, str]:
    """Those that matter for a VMAC, as `sysctl` has them."""
    words = "arp_ignore|arp_filter|accept_local|rp_filter|promote_secondaries|disable_ipv6|addr_gen_mode"
    lines = host.run("sysctl", "-a", "--pattern", rf"net\.ipv[46]\.conf\..*\.({words})$").splitlines()
    return dict(line.split(" = ") for line in lines if " = " in line)


def test_the_virtual_mac_goes_from_one_director_to_the_other(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    lab.start("d1", pair.d1, conf(150))
    lab.until_master("d1")
    lab.start("d2", pair.d2, conf(100))
    lab.until_backup("d2")
    lab.until(lambda: len(adverts(lab, MAC4)) >= 4, within=5, what="advertisements from the virtual MAC address")
    assert {advert.source for advert in adverts(lab, MAC4)} == {lab.address("d1")}
    assert f"{VIP}/24" in lab.hosts["d1"].addresses(NAME)
    for host in lab.hosts.values():
        found = link(host)
        assert found["address"] == MAC4
        assert (found["linkinfo"]["info_kind"], found["linkinfo"]["info_data"]["mode"]) == ("macvlan", "private")
    assert lab.tap.garps(VIP, mac=MAC4)
    at = lab.kill("d1")
    lab.until(
        lambda: VIP in str(lab.hosts["d2"].addresses(NAME)), within=master_down(100) + SLACK, what="d2 takes over"
    )
    lab.until(lambda: adverts(lab, MAC4, since=at), within=5, what="d2 advertises")
    lab.until(lambda: lab.tap.garps(VIP, mac=MAC4, since=at), within=5, what="d2 announces")
    assert not lab.tap.garps(VIP, mac=lab.mac("d2"))


def test_advertisements_from_the_parent(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    lab.start("d1", pair.d1, conf(150, "vmac_xmit_base"))
    lab.until_master("d1")
    lab.start("d2", pair.d2, conf(100, "vmac_xmit_base"))
    lab.until_backup("d2")
    lab.until(lambda: len(lab.adverts("d1")) >= 4, within=5, what="d1 advertises")
    assert {advert.mac for advert in lab.adverts("d1")} == {lab.mac("d1")}
    assert {garp.mac for garp in lab.tap.garps(VIP)} == {MAC4}
    lab.stop("d1")
    lab.until(lambda: f"{VIP}/24" in lab.hosts["d2"].addresses(NAME), within=5, what="d2 takes over")
    assert not link(lab.hosts["d1"])


def test_ipv6(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful

    def own(number: int) -> str:
        return f"fe80::ff:fe00:{number}"

    def usable(name: str) -> bool:
        return own(int(name[1:])) in lab.hosts[name].run("ip", "-6", "addr", "show", "dev", "eth0", "-tentative")

    lab.until(lambda: all(map(usable, lab.hosts)), within=10, what="link-local addresses")
    vips = (f"{LINK_LOCAL}/64", f"{GLOBAL}/64")
    lab.start("d1", pair.d1, conf(150, vips=vips))
    lab.until_master("d1", GLOBAL)
    lab.start("d2", pair.d2, conf(100, vips=vips))
    lab.until_backup("d2")
    lab.until(lambda: len(adverts(lab, MAC6)) >= 4, within=5, what="advertisements from the virtual MAC address")
    assert {advert.source for advert in adverts(lab, MAC6)} == {own(1)}
    assert {f"{own(1)}/64", f"{LINK_LOCAL}/64", f"{GLOBAL}/64"} == set(lab.hosts["d1"].addresses(NAME))
    at = lab.kill("d1")
    lab.until(lambda: f"{GLOBAL}/64" in lab.hosts["d2"].addresses(NAME), within=5, what="d2 takes over")
    lab.until(lambda: lab.tap.garps(GLOBAL, mac=MAC6, since=at), within=5, what="d2 announces")


@pytest.mark.keepalived
@pytest.mark.parametrize("vips", [(f"{VIP}/24",), (f"{LINK_LOCAL}/64", f"{GLOBAL}/64")], ids=["ipv4", "ipv6"])
def test_the_kernel_is_set_up_as_by_keepalived(lab: Lab, vips: tuple[str, ...]) -> None:
    """And left as it was found, which keepalived does not quite."""
    before = settings(lab.hosts["d1"])
    for name, program in (("d1", OURS), ("d2", KEEPALIVED)):
        lab.start(name, program, conf(100 if name == "d1" else 200, vips=vips))
        lab.until_started(name) if program == OURS else lab.until_backup(name)
        lab.until(lambda name=name: link(lab.hosts[name]).get("operstate") == "UP", within=5, what="the VMAC is up")  # type: ignore[misc]
    ours, theirs = settings(lab.hosts["d1"]), settings(lab.hosts["d2"])
    assert ours == theirs
    links = [link(lab.hosts[name]) for name in ("d1", "d2")]
    for key in ("address", "flags", "mtu", "group", "inet6_addr_gen_mode", "linkinfo", "link"):
        assert links[0].get(key) == links[1].get(key), key
    lab.stop("d1")
    assert settings(lab.hosts["d1"]) == before


@pytest.mark.keepalived
def test_a_vmac_is_in_the_group_of_its_parent(lab: Lab) -> None:
    """Of interfaces, by which `ip link` and packet filters name many at once; its MTU it has from there as well.
    So from keepalived 2.3 on; in 2.2.7 only the MTU."""
    for host in lab.hosts.values():
        host.run("ip", "link", "set", "dev", "eth0", "group", "42", "mtu", "1400")
    lab.start("d1", OURS, conf(150))
    lab.start("d2", KEEPALIVED, conf(100))
    for host in lab.hosts.values():
        lab.until(lambda h=host: link(h), within=5, what="a VMAC")  # type: ignore[misc]
    lab.until_master("d1")
    assert {link(host)["mtu"] for host in lab.hosts.values()} == {1400}
    assert link(lab.hosts["d1"])["group"] == "42"
    assert f"{VIP}/24" in lab.hosts["d1"].run("ip", "-o", "addr", "show", "group", "42", "dev", NAME)
    lab.stop("d1")
    lab.start("d1", OURS, conf(150).replace("use_vmac", "use_vmac group 7"))
    lab.until(lambda: link(lab.hosts["d1"]).get("group") == "7", within=5, what="the group that was asked for")
    lab.reload("d1", conf(150).replace("use_vmac", "use_vmac group 8"))
    lab.until(lambda: link(lab.hosts["d1"]).get("group") == "8", within=5, what="another one after a reload")
