"""Interfaces that go and come again as something else: dynamic_interfaces, beside keepalived."""

from __future__ import annotations

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import VIP, Lab, instance

pytestmark = pytest.mark.root

PROGRAMS = [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)]
DEVICE = "late0"
MORE = {"veth": ("peer", "name", "peer0"), "macvlan": ("mode", "bridge")}


def make(lab: Lab, kind: str) -> None:
    """A device of that name: one end of a cable to itself, or one on top of eth0."""
    host = lab.hosts["d1"]
    host.run("ip", "link", "add", *(["link", "eth0"] if kind == "macvlan" else []), DEVICE, "type", kind, *MORE[kind])
    host.add_address(DEVICE, "203.0.113.1/24")
    host.set_link(DEVICE, up=True)
    if kind == "veth":
        host.set_link("peer0", up=True)


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_interface_may_come_back_as_another_kind_on_another_parent(lab: Lab, program: str) -> None:
    definitions = "global_defs {\ndynamic_interfaces allow_if_changes\n}\n"
    make(lab, "veth")
    lab.start("d1", program, definitions, instance(priority=150, device=DEVICE))
    lab.until_master("d1")
    for number, kind in enumerate(("macvlan", "veth"), 1):
        lab.hosts["d1"].netlink.link("del", index=lab.hosts["d1"].index(DEVICE))
        lab.until(lambda n=number: faults(lab) == n, within=5, what="it is missed")  # type: ignore[misc]
        make(lab, kind)
        lab.until(lambda: f"{VIP}/24" in lab.hosts["d1"].addresses(DEVICE), within=10, what=f"it leads on a {kind}")


def faults(lab: Lab) -> int:
    return lab.daemons["d1"].log().count("Entering FAULT STATE")
