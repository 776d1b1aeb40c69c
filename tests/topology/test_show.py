"""`pyvrrp show` tells what is true, of the daemon that is meant."""

from __future__ import annotations

import json

import pytest

from tests.topology.daemons import OURS, show
from tests.topology.lab import VIP, Lab, instance, sync_group

pytestmark = pytest.mark.root


def test_it_tells_states_causes_and_counts(lab: Lab) -> None:
    group = sync_group("G", "VI_1")
    lab.start("d1", OURS, group, instance(priority=150))
    lab.until_master("d1")
    lab.start("d2", OURS, group, instance(priority=100))
    lab.until_backup("d2")
    lab.until(lambda: len(lab.adverts("d1")) > 5, within=3, what="d1 advertises")
    sent = len(lab.adverts("d1"))

    master, backup = lab.daemons["d1"].instance("VI_1"), lab.daemons["d2"].instance("VI_1")
    assert (master["state"], backup["state"]) == ("MASTER", "BACKUP")
    assert master["master_address"] == backup["master_address"] == lab.address("d1")
    assert sent <= master["stats"]["advert_sent"] <= len(lab.adverts("d1"))
    lab.until(
        lambda: lab.daemons["d2"].instance("VI_1")["stats"]["advert_rcvd"] > 3, within=3, what="d2 counts what it hears"
    )
    assert [(address["address"], address["present"]) for address in master["addresses"]] == [(f"{VIP}/24", True)]
    assert [(address["address"], address["present"]) for address in backup["addresses"]] == [(f"{VIP}/24", False)]
    assert master["transitions"][-1]["new"] == "MASTER"
    assert master["transitions"][-1]["cause"] == "no advertisement from the master"
    assert lab.daemons["d1"].show()["vrrp"]["sync_groups"][0]["state"] == "MASTER"


def test_it_tells_why_an_instance_is_in_fault(lab: Lab) -> None:
    lab.start("d1", OURS, instance(priority=150))
    lab.until_master("d1")
    lab.set_cable("d1", up=False)
    lab.until(lambda: lab.daemons["d1"].instance("VI_1")["state"] == "FAULT", within=3, what="d1 is in FAULT")
    fault = lab.daemons["d1"].instance("VI_1")
    assert fault["cause"] == "interface down"
    assert any("eth0" in reason for reason in fault["faults"])
    assert not lab.holders()


@pytest.mark.parametrize("before", ["", "global_defs {\n    dynamic_interfaces\n}\n"], ids=["plain", "dynamic"])
def test_a_missing_interface_is_a_fault_until_it_comes(lab: Lab, before: str) -> None:
    lab.start("d1", OURS, before, instance(priority=150, device="later0"))
    lab.until_started("d1")
    lab.until(lambda: lab.daemons["d1"].instance("VI_1")["state"] == "FAULT", within=3, what="the instance is in FAULT")
    assert any("later0" in reason for reason in lab.daemons["d1"].instance("VI_1")["faults"])
    host = lab.hosts["d1"]
    lab.net.plug(host, "later0", "br0")
    host.set_link("later0", up=True)
    host.add_address("later0", "192.0.2.9/24")
    lab.until_master("d1")


def test_vrrp_goes_on_where_nothing_can_be_balanced(lab: Lab) -> None:
    service = (
        f"virtual_server {VIP} 80 {{\n    delay_loop 1\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"
        "    real_server 192.0.2.2 80 {\n        weight 1\n    }\n}\n"
    )
    lab.start("d1", OURS, instance(priority=150), service)
    lab.until_master("d1")
    lab.until(lambda: lab.daemons["d1"].show()["lvs"], within=5, what="the checkers worker answers")
    lvs = lab.daemons["d1"].show()["lvs"]
    assert lvs["ipvs_ready"] or "IPVS" in lvs["ipvs_problem"]
    lab.until(lambda: len(lab.adverts("d1")) > 10, within=3, what="d1 advertises on")


def test_several_daemons_on_one_machine(lab: Lab) -> None:
    for name, priority in (("d1", 150), ("d2", 100)):
        lab.start(name, OURS, instance(name.upper(), priority=priority))
    lab.until_master("d1")
    lab.until(lambda: "Entering BACKUP STATE" in lab.daemons["d2"].log(), within=5, what="d2 listens")

    for name in ("d1", "d2"):
        host = lab.hosts[name]
        by_name = show("--json", "--netns", host.namespace)
        assert by_name.returncode == 0, by_name.stderr
        picture = json.loads(by_name.stdout)
        assert picture["daemon"]["pid"] == lab.daemons[name].pid
        assert [each["name"] for each in picture["vrrp"]["instances"]] == [name.upper()]

    unclear = show("--json")
    assert unclear.returncode == 2
    for daemon in lab.daemons.values():
        assert str(daemon.pid) in unclear.stderr
    assert show("--netns", "no-such-namespace").returncode == 3
