"""ipvlans and VRFs: only a kernel that has them can tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.topology.daemons import OURS
from tests.topology.lab import VIP, Lab, instance

pytestmark = [pytest.mark.root, pytest.mark.uml]

VRID = 51
NAME = f"vrrp.{VRID}"
PATIENT = 20
"""Seconds: that kernel has one slow processor."""


def link(lab: Lab, name: str, device: str = NAME) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(lab.hosts[name].run("ip", "-d", "-j", "link", "show", "dev", device))
    return found[0]


def test_an_ipvlan_advertises_from_its_own_address(lab: Lab) -> None:
    for number in (1, 2):
        own = f"use_ipvlan 192.0.2.2{number}/24 private"
        lab.start(f"d{number}", OURS, instance(priority=200 - 50 * number, interval=1, more=own))
        if number == 1:
            lab.until_master("d1", within=PATIENT)
    lab.until_backup("d2", within=PATIENT)
    lab.until(lambda: lab.tap.adverts(VRID, source="192.0.2.21"), within=PATIENT, what="d1 advertises")
    assert {f"{VIP}/24", "192.0.2.21/24"} <= set(lab.hosts["d1"].addresses(NAME))
    found = link(lab, "d1")["linkinfo"]
    assert (found["info_kind"], found["info_data"]["mode"]) == ("ipvlan", "l2")
    lab.stop("d1")
    lab.until(lambda: f"{VIP}/24" in lab.hosts["d2"].addresses(NAME), within=PATIENT, what="d2 takes over")
    assert "192.0.2.21/24" not in lab.hosts["d1"].addresses()


def test_a_vmac_belongs_to_the_vrf_of_its_parent(lab: Lab) -> None:
    host = lab.hosts["d1"]
    host.run("ip", "link", "add", "red", "type", "vrf", "table", "10")
    host.set_link("red", up=True)
    host.run("ip", "link", "set", "eth0", "master", "red")
    lab.start("d1", OURS, instance(priority=150, interval=1, more="use_vmac"))
    lab.until_master("d1", within=PATIENT)
    assert link(lab, "d1")["master"] == "red"


def test_unicast_in_a_vrf_needs_no_interface(lab: Lab) -> None:
    for number in (1, 2):
        host = lab.hosts[f"d{number}"]
        host.run("ip", "link", "add", "red", "type", "vrf", "table", "10")
        host.set_link("red", up=True)
        host.run("ip", "link", "set", "eth0", "master", "red")
        text = instance(priority=200 - 50 * number, interval=1, vips=(f"{VIP}/24 dev eth0",))
        more = f"vrf red\n unicast_src_ip 192.0.2.{number}\n unicast_peer {{\n 192.0.2.{3 - number}\n }}\n"
        lab.start(f"d{number}", OURS, text.replace("    interface eth0\n", more))
        if number == 1:
            lab.until_master("d1", within=PATIENT)
    lab.until_backup("d2", within=PATIENT)
    before = len(lab.tap.adverts(VRID))
    lab.until(lambda: len(lab.tap.adverts(VRID)) > before + 3, within=PATIENT, what="advertisements")
    assert lab.holders() == ["d1"]
    lab.stop("d1")
    lab.until_master("d2", within=PATIENT)
