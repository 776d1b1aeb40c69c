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
    "10.1.1.1 peer 10.1.1.2 dev eth0",
    "198.51.100.77/24 dev eth1",
)
EXCLUDED = (
    "2001:db8::1/64",
    "2001:db8::2",
    "2001:db8::3/64 home",
    "2001:db8::4/64 -nodad",
    "2001:db8::5/64 preferred_lft 3000",
    "2001:db8::6/64 preferred_lft forever",
    "2001:db8::7/64 noprefixroute",
    "203.0.113.9/24 dev eth1 noprefixroute",
)
COMPARED = (
    "local",
    "prefixlen",
    "broadcast",
    "address",
    "scope",
    "label",
    "deprecated",
    "noprefixroute",
    "home",
    "nodad",
)


def found(lab: Lab, name: str) -> dict[str, dict[str, Any]]:
    """By address; only what is a matter of the configuration."""
    devices = json.loads(lab.hosts[name].run("ip", "-j", "-d", "addr"))
    addresses: dict[str, dict[str, Any]] = {}
    for device in devices:
        for info in device.get("addr_info", []):
            text = info.get("local")
            if text is None or text.startswith(("fe80", "127.", "::1")) or text == lab.address(name, 0):
                continue
            addresses[text] = {key: info[key] for key in COMPARED if key in info} | {"dev": device["ifname"]}
            forever = info["preferred_life_time"] > 1_000_000
            addresses[text]["preferred"] = "forever" if forever else bool(info["preferred_life_time"])
    addresses.pop(lab.address(name, 1), None)
    return addresses


@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)
def test_they_are_as_keepalived_s(lab: Lab) -> None:
    lines = "\n".join(EXCLUDED)
    more = f"virtual_ipaddress_excluded {{\n{lines}\n}}\n"
    lab.set_isolated(True)
    for name, program in (("d1", OURS), ("d2", KEEPALIVED)):
        lab.start(name, program, instance(priority=150, vips=ADVERTISED, more=more))
    everything = len(ADVERTISED) + len(EXCLUDED)
    for name in ("d1", "d2"):
        lab.until(lambda n=name: len(found(lab, n)) == everything, within=10, what=f"all are on {name}")  # type: ignore[misc]
    ours, theirs = found(lab, "d1"), found(lab, "d2")
    for text, told in theirs.items():
        assert ours[text] == told, text
    lab.stop("d1")
    assert found(lab, "d1") == {}, "2.2.7 leaves the one with a peer"


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
