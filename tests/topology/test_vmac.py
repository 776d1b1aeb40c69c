"""VMACs through deletions, deaths and reloads: the device, the addresses on it and the settings around it."""

from __future__ import annotations

import os
import signal

import pytest

from tests.interop.test_vmac import settings
from tests.topology.daemons import OURS
from tests.topology.lab import VIP, Lab, instance

pytestmark = pytest.mark.root

NAME = "vrrp.51"
MAC = "00:00:5e:00:01:33"
SILENCE = "net.ipv4.igmp_link_local_mcast_reports"


def conf(more: str = "", priority: int = 150, device: str = "eth0") -> str:
    return instance(priority=priority, more=f"use_vmac\n    {more}", device=device)


def setting(lab: Lab, path: str) -> str:
    return lab.hosts["d1"].run("sysctl", "-n", path).strip()


def index(lab: Lab, device: str = NAME) -> int:
    found = lab.hosts["d1"].netlink.link_lookup(ifname=device)
    return int(found[0]) if found else 0


def transitions(lab: Lab) -> list[str]:
    return [one["new"] for one in lab.daemons["d1"].instance("VI_1")["transitions"]]


def until_holds(lab: Lab, device: str = NAME) -> None:
    host = lab.hosts["d1"]
    lab.until(lambda: index(lab, device) and f"{VIP}/24" in host.addresses(device), within=10, what=f"VIP on {device}")


def test_a_vmac_that_somebody_deletes_is_made_again_without_an_election(lab: Lab) -> None:
    lab.start("d1", OURS, conf())
    until_holds(lab)
    before, since = index(lab), len(lab.tap.adverts())
    lab.hosts["d1"].netlink.link("del", index=before)
    lab.until(lambda: index(lab) not in (0, before), within=5, what="another device")
    until_holds(lab)
    lab.until(lambda: len(lab.tap.adverts()) > since + 5, within=5, what="advertisements go on")
    assert {advert.mac for advert in lab.tap.adverts()} == {MAC}
    assert transitions(lab) == ["BACKUP", "MASTER"]


def test_a_vmac_that_is_down_is_a_fault(lab: Lab) -> None:
    lab.start("d1", OURS, conf())
    until_holds(lab)
    lab.until(lambda: lab.daemons["d1"].instance("VI_1")["stats"]["advert_sent"] > 12, within=5, what="it has settled")
    lab.hosts["d1"].set_link(NAME, up=False)
    lab.until(lambda: transitions(lab)[-1] == "FAULT", within=5, what="a fault")
    lab.hosts["d1"].set_link(NAME, up=True)
    lab.until(lambda: transitions(lab)[-1] == "MASTER", within=5, what="it leads again")


def test_a_parent_that_comes_late_goes_and_comes_again(lab: Lab) -> None:
    host = lab.hosts["d1"]
    lab.start("d1", OURS, conf(device="late0"))
    lab.until(lambda: "Entering FAULT STATE" in lab.daemons["d1"].log(), within=10, what="it waits")
    for _ in range(2):
        lab.net.plug(host, "late0", "br0")
        host.add_address("late0", "203.0.113.1/24")
        host.set_link("late0", up=True)
        until_holds(lab)
        assert setting(lab, "net.ipv4.conf.late0.arp_ignore") == "1"
        host.netlink.link("del", index=index(lab, "late0"))
        lab.until(lambda: not index(lab) and transitions(lab)[-1] == "FAULT", within=5, what="both are gone")


def test_a_worker_that_dies_leaves_its_vmac_to_its_successor(lab: Lab) -> None:
    start(lab, conf(), 1)
    before = index(lab)
    os.kill(int((lab.directory / "d1.vrrp.pid").read_text()), signal.SIGKILL)
    lab.until(lambda: lab.daemons["d1"].log().count("Entering MASTER STATE") == 2, within=10, what="a successor leads")
    assert index(lab) == before
    assert setting(lab, "net.ipv4.conf.eth0.arp_ignore") == "1"
    lab.stop("d1")
    assert not index(lab)
    assert setting(lab, "net.ipv4.conf.eth0.arp_ignore") == "0"


def test_a_filter_for_all_devices_is_given_to_each(lab: Lab) -> None:
    host = lab.hosts["d1"]
    before = {"all": "1", "eth0": "2", "lo": "0", "default": "0"}
    for device, value in before.items():
        host.run("sysctl", "-w", f"net.ipv4.conf.{device}.rp_filter={value}")
    lab.start("d1", OURS, conf("promote_secondaries"))
    until_holds(lab)
    now = {device: setting(lab, f"net.ipv4.conf.{device}.rp_filter") for device in before}
    assert now == {"all": "0", "eth0": "2", "lo": "1", "default": "1"}
    assert host.run("cat", f"/proc/sys/net/ipv4/conf/{NAME}/rp_filter").strip() == "0"
    lab.stop("d1")
    assert {device: setting(lab, f"net.ipv4.conf.{device}.rp_filter") for device in before} == before


def test_a_reload_makes_and_removes_devices(lab: Lab) -> None:
    lab.start("d1", OURS, instance(priority=150))
    until_holds(lab, "eth0")
    lab.reload("d1", conf())
    until_holds(lab)
    lab.until(lambda: f"{VIP}/24" not in lab.hosts["d1"].addresses("eth0"), within=5, what="it has moved")
    lab.reload("d1", instance(priority=150))
    until_holds(lab, "eth0")
    lab.until(lambda: not index(lab), within=5, what="the device is gone")
    assert setting(lab, "net.ipv4.conf.eth0.arp_ignore") == "0"


def test_devices_that_are_there_already(lab: Lab) -> None:
    """One that is as wanted is used under its own name; one of another kind keeps its name."""
    host = lab.hosts["d1"]
    host.run("ip", "link", "add", "mine", "link", "eth0", "address", MAC, "type", "macvlan", "mode", "private")
    host.run("ip", "link", "add", NAME, "type", "bridge")
    lab.start("d1", OURS, conf())
    until_holds(lab, "mine")
    shown = lab.daemons["d1"].instance("VI_1")
    assert shown["vmac"] == "mine"
    lab.stop("d1")
    host.run("ip", "link", "del", "mine", check=False)
    lab.start("d1", OURS, conf())
    until_holds(lab, "vrrp1.51")
    assert index(lab)


@pytest.mark.parametrize("after", [conf(), instance(priority=150)], ids=["with-vmac", "without"])
def test_what_stood_before_outlives_the_death_of_all_processes(lab: Lab, after: str) -> None:
    """Killed at one moment they undo nothing; whoever starts next must not take our settings for the machine's."""
    host = lab.hosts["d1"]
    host.run("sysctl", "-w", "net.ipv4.conf.all.rp_filter=1", SILENCE + "=1")
    before = settings(host)
    silent = "global_defs {\ndisable_local_igmp\n}\n"
    for number in range(1, 3):
        start(lab, silent + conf(), number)
        assert setting(lab, "net.ipv4.conf.eth0.arp_ignore") == "1"
        lab.kill("d1")
        assert host.ledgers()
        assert index(lab)
        assert setting(lab, SILENCE) == "0"
    start(lab, after, 3)
    until_holds(lab, NAME if "use_vmac" in after else "eth0")
    if "use_vmac" not in after:
        assert not index(lab)
        assert settings(host) == before
    lab.stop("d1")
    assert not index(lab)
    assert settings(host) == before
    assert setting(lab, SILENCE) == "1"
    assert not host.ledgers()


def start(lab: Lab, text: str, number: int) -> None:
    """The daemon on d1, which becomes MASTER for the so-manieth time."""
    lab.start("d1", OURS, text)
    lab.until(lambda: lab.daemons["d1"].log().count("Entering MASTER STATE") == number, within=10, what="it leads")
