"""Every option of a virtual address, as the kernel has it afterwards: the same of ours and of keepalived."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import VIP, Lab, instance

pytestmark = [pytest.mark.root, pytest.mark.keepalived]

ADVERTISED = (
    f"{VIP}/24 brd 192.0.2.255 dev eth0 label eth0:vip",
    "192.0.2.101",
    "192.0.2.102/32 scope link",
    "192.0.2.103/24 brd +",
    "192.0.2.104/32 scope host",
    "192.0.2.105/32 scope site",
    "192.0.2.106/32 scope 7",
    "198.51.100.77/24 dev eth1",
    "10.1.1.1 peer 10.1.1.2 dev eth0",
    "10.1.2.1 peer 10.1.2.2 label eth0:p scope link",
    "10.2.0.1/30 brd -",
    "10.2.1.1/24 noprefixroute",
    "10.2.2.1/24 label eth0:x scope link",
    "10.2.3.1/24 brd 10.2.3.9 dev eth1 label eth1:1",
    "10.2.4.1/24 scope nowhere",
    "10.2.5.1/24 preferred_lft 500",
    "10.2.6.1/24 mngtmpaddr",
    "10.2.7.1/24 home",
    "10.2.8.1/24 no_track",
    "10.2.9.1/24 -nodad",
    "10.2.10.1/31",
    "10.2.11.1/8",
)
EXCLUDED = (
    "2001:db8::1/64",
    "2001:db8::2",
    "2001:db8::3/64 home",
    "2001:db8::4/64 -nodad",
    "2001:db8::5/64 preferred_lft 3000",
    "2001:db8::6/64 preferred_lft forever",
    "2001:db8::7/64 noprefixroute",
    "2001:db8::8/64 preferred_lft 0",
    "2001:db8::9 preferred_lft 100",
    "2001:db8::a/64 mngtmpaddr",
    "2001:db8::b peer 2001:db8:1::1",
    "2001:db8::c/64 dev eth1 home noprefixroute",
    "2001:db8::d/128 preferred_lft forever",
    "2001:db8::e/64 scope link",
    "2001:db8::f/64 label eth0:6",
    "fe80::77/64",
    "fe80::78",
    "203.0.113.9/24 dev eth1 noprefixroute",
)
STATIC = (
    "10.3.0.1/24 dev eth0",
    "10.3.1.1/24 dev eth1 brd + label eth1:s",
    "10.3.2.1 peer 10.3.2.2 dev eth0",
    "10.3.3.1/24 dev eth0 no_track",
    "10.3.4.1/24 dev eth0 track_group G",
    "10.3.5.1/24 scope link dev eth0",
    "10.3.6.1/24",
    "2001:db8:3::1/64 dev eth1 home",
    "2001:db8:3::2 dev eth0",
)
LIFE = ("valid_life_time", "preferred_life_time")


def found(lab: Lab, name: str) -> dict[str, dict[str, Any]]:
    """By address: all that ip says of it but how many seconds are left of a life time."""
    before = {"127.0.0.1", "::1", lab.address(name, 0), lab.address(name, 1), f"fe80::ff:fe00:{name[1:]}"}
    before.add(f"fe80::ff:fe00:10{name[1:]}")
    addresses: dict[str, dict[str, Any]] = {}
    for device in json.loads(lab.hosts[name].run("ip", "-j", "-d", "addr")):
        for info in device.get("addr_info", []):
            text = info["local"]
            if text not in before:
                lives = {key: min(info[key], 1) if info[key] < 1_000_000 else "forever" for key in LIFE}
                addresses[text] = info | lives | {"dev": device["ifname"]}
                addresses[text].pop("tentative", None)  # of -nodad, for a second
    return addresses


@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)
def test_they_are_as_keepalived_s(lab: Lab) -> None:
    excluded, static = "\n".join(EXCLUDED), "\n".join(STATIC)
    more = f"virtual_ipaddress_excluded {{\n{excluded}\n}}\n"
    always = f"track_group G {{\ngroup {{\nVI_1\n}}\n}}\nstatic_ipaddress {{\n{static}\n}}\n"
    lab.set_isolated(True)
    for name, program in (("d1", OURS), ("d2", KEEPALIVED)):
        lab.start(name, program, always, instance(priority=150, vips=ADVERTISED, more=more))
    everything = len(ADVERTISED) + len(EXCLUDED) + len(STATIC)
    for name in ("d1", "d2"):
        lab.until(lambda n=name: len(found(lab, n)) == everything, within=10, what=f"all are on {name}")  # type: ignore[misc]
    ours, theirs = found(lab, "d1"), found(lab, "d2")
    for text, told in theirs.items():
        assert ours[text] == told, text
    lab.stop("d1")
    assert found(lab, "d1") == {}, "keepalived leaves those with a peer"


@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)
@pytest.mark.parametrize("program", [OURS, KEEPALIVED])
def test_addresses_elsewhere_get_virtual_mac_addresses_too(lab: Lab, program: str) -> None:
    """use_vmac_addr."""
    more = "use_vmac\n use_vmac_addr\n"
    lab.start("d1", program, instance(priority=150, vips=(f"{VIP}/24", "198.51.100.100/24 dev eth1"), more=more))
    mac = "00:00:5e:00:01:33"
    lab.until(lambda: lab.taps[1].garps("198.51.100.100", mac=mac), within=10, what="announced on the other segment")
    assert not lab.taps[1].garps("198.51.100.100", mac=lab.mac("d1", 1))
    assert lab.tap.garps(VIP, mac=mac)


def test_an_address_that_the_kernel_refuses_is_told_once_and_not_announced(lab: Lab) -> None:
    """Its scope differs from that of the address that the network has already; the others are not touched by it."""
    lab.start("d1", OURS, instance(priority=150, vips=(f"{VIP}/24", "192.0.2.104/24 scope host")))
    lab.until_master("d1")
    told = "add 192.0.2.104/24 to eth0: "
    lab.until(lambda: told in lab.daemons["d1"].log(), within=3, what="the refusal is told")
    lab.until(lambda: len(lab.adverts("d1")) > 25, within=5, what="it has been tried again")
    assert lab.daemons["d1"].log().count(told) == 1
    assert lab.garps("d1")
    assert not lab.garps("d1", "192.0.2.104")
    shown = lab.daemons["d1"].instance("VI_1")["addresses"]
    assert [entry["present"] for entry in shown] == [True, False]
