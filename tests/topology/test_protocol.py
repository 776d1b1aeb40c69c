"""On a real kernel: AH across the death of the worker, unicast without an interface, IGMP, big and small buffers."""

from __future__ import annotations

import os
import signal

import pytest

from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down, skew

pytestmark = pytest.mark.root

AH = "authentication {\nauth_type AH\nauth_pass ahpasswd\n}\n"
SETTING = "net.ipv4.igmp_link_local_mcast_reports"


def test_the_number_of_ah_outlives_the_worker(lab: Lab) -> None:
    """Else the backup would take its successor for a replay, and be the second master."""
    conf = {"version": 2, "interval": 1, "more": AH}
    lab.start("d1", OURS, instance(priority=150, **conf))  # type: ignore[arg-type]
    lab.until_master("d1")
    lab.start("d2", OURS, instance(priority=100, **conf))  # type: ignore[arg-type]
    lab.until_backup("d2")
    heard = lab.adverts("d1")[-1].at
    lab.until(lambda: len(lab.adverts("d1", since=heard)) >= 3, within=5, what="d2 hears d1")
    worker = int((lab.directory / "d1.vrrp.pid").read_text())
    before = lab.adverts("d1")[-1]
    os.kill(worker, signal.SIGKILL)
    lab.until(lambda: lab.adverts("d1", since=before.at + 0.001), within=3.5, what="its successor advertises")
    assert lab.adverts("d1", since=before.at + 0.001)[0].sequence > before.sequence
    lab.holds_for(lambda: not lab.adverts("d2"), seconds=master_down(100, version=2, interval=1), what="d2 believes it")
    assert not lab.daemons["d2"].instance("VI_1")["last_reject"]


def test_a_reload_keeps_the_number(lab: Lab) -> None:
    conf = {"version": 2, "interval": 1, "more": AH}
    lab.start("d1", OURS, instance(priority=150, **conf))  # type: ignore[arg-type]
    lab.until_master("d1")
    before = lab.adverts("d1")[-1]
    lab.reload("d1", instance(priority=150, vips=(f"{VIP}/24", "192.0.2.101/24"), **conf))  # type: ignore[arg-type]
    lab.until(lambda: lab.hosts["d1"].holds("192.0.2.101"), within=3, what="the new address")
    sequences = [advert.sequence for advert in lab.adverts("d1", since=before.at)]
    assert len(sequences) > 1
    assert sequences == list(range(before.sequence, before.sequence + len(sequences)))


def unbound(number: int, priority: int, more: str = "") -> str:
    """unicast_src_ip without an interface; the address on eth0."""
    peer = f"unicast_src_ip 192.0.2.{number}\nunicast_peer {{\n192.0.2.{3 - number}\n}}\n{more}"
    conf = instance(priority=priority, vips=(f"{VIP}/24 dev eth0",), more=peer)
    return conf.replace("    interface eth0\n", "")


def test_unicast_without_an_interface(lab: Lab) -> None:
    lab.start("d1", OURS, unbound(1, 150))
    lab.until_master("d1")
    lab.start("d2", OURS, unbound(2, 100, "track_src_ip\n"))
    lab.until_backup("d2")
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=4 * master_down(100), what="d2 believes d1")
    assert {advert.destination for advert in lab.adverts("d1")} == {"192.0.2.2"}
    assert not lab.adverts("d2")
    lab.stop("d1")
    lab.until_master("d2", within=skew(100) + 2 * SLACK)
    lab.hosts["d2"].run("ip", "addr", "del", "192.0.2.2/24", "dev", "eth0")
    lab.until(lambda: "Entering FAULT STATE" in lab.daemons["d2"].log(), within=3, what="its source address is gone")
    lab.hosts["d2"].run("ip", "addr", "add", "192.0.2.2/24", "dev", "eth0")
    lab.until_master("d2")


def test_no_igmp_for_the_link(lab: Lab) -> None:
    lab.start("d1", OURS, "global_defs {\ndisable_local_igmp\n}\n" + instance())
    lab.until_master("d1")
    assert lab.hosts["d1"].run("sysctl", "-n", SETTING).strip() == "0"
    lab.stop("d1")
    assert lab.hosts["d1"].run("sysctl", "-n", SETTING).strip() == "1"


def test_unknown_virtual_routers_are_told_where_that_is_asked_for(lab: Lab) -> None:
    lab.start("d1", OURS, "global_defs {\nlog_unknown_vrids\n}\n" + instance())
    lab.until_master("d1")
    lab.start("d2", OURS, instance(vrid=77, vips=("192.0.2.101/24",)))
    text = "(unknown virtual router) 77 in an advertisement of 192.0.2.2 on eth0"
    lab.until(lambda: text in lab.daemons["d1"].log(), within=5, what="the stranger is named")
    lab.until(lambda: lab.daemons["d1"].instance("VI_1")["stats"]["vrid_err"], within=3, what="and counted")
