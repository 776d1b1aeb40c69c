"""no_accept and VMACs: what a neighbour may reach and what it may hear, beside keepalived's rules."""

from __future__ import annotations

import os
import signal

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import VIP, Lab, instance
from tests.topology.net import Host, inside

pytestmark = pytest.mark.root

EXCLUDED, GLOBAL, LINK_LOCAL = "192.0.2.101", "2001:db8::100", "fe80::55"
PROGRAMS = [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)]
ANY = pytest.mark.parametrize("program", PROGRAMS)


def reaches(host: Host, address: str) -> bool:
    """A datagram to a port that nobody listens on: whoever accepts it answers that it is closed."""
    import socket

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    where: tuple[object, ...] = (address, 9)
    if address.startswith("fe80"):
        where = (address, 9, 0, host.index("eth0"))
    with inside(host.namespace), socket.socket(family, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.5)
        asker.connect(where)
        try:
            asker.send(b"?")
            asker.recv(1)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
    raise AssertionError("somebody answered")


def resolved(host: Host, address: str) -> str:
    """The hardware address that the neighbour has learnt."""
    words = host.run("ip", "neigh", "show", "to", address, "dev", "eth0").split()
    return words[words.index("lladdr") + 1] if "lladdr" in words else ""


def tables(host: Host) -> str:
    return host.run("nft", "list", "ruleset")


def alone(lab: Lab, program: str, more: str, vips: tuple[str, ...] = (f"{VIP}/24",)) -> None:
    neighbor = lab.hosts["d2"]
    neighbor.run("ip", "addr", "add", "2001:db8::2/64", "dev", "eth0", "nodad")
    usable = ("ip", "-6", "addr", "show", "dev", "eth0", "scope", "link", "-tentative")
    lab.until(lambda: "fe80" in neighbor.run(*usable), within=10, what="a link-local address")
    lab.start("d1", program, instance(priority=150, more=more, vips=vips))
    lab.until_master("d1", vips[-1].partition("/")[0])


@ANY
def test_packets_to_an_address_of_no_accept_are_dropped(lab: Lab, program: str) -> None:
    alone(lab, program, f"no_accept\n    virtual_ipaddress_excluded {{\n {EXCLUDED}/24\n {GLOBAL}/64\n }}")
    neighbor = lab.hosts["d2"]
    assert reaches(neighbor, lab.address("d1"))
    for address in (VIP, EXCLUDED, GLOBAL):
        assert not reaches(neighbor, address), address
        assert resolved(neighbor, address) == lab.mac("d1"), "addresses are resolved all the same"
    lab.stop("d1")
    assert not tables(lab.hosts["d1"])


@ANY
def test_link_local_addresses_of_no_accept(lab: Lab, program: str) -> None:
    alone(lab, program, "no_accept", (f"{LINK_LOCAL}/64", f"{GLOBAL}/64"))
    for address in (LINK_LOCAL, GLOBAL):
        assert not reaches(lab.hosts["d2"], address), address
        assert resolved(lab.hosts["d2"], address) == lab.mac("d1")


@ANY
def test_nothing_is_left_with_a_virtual_mac_address_either(lab: Lab, program: str) -> None:
    alone(lab, program, "use_vmac\n    no_accept")
    assert not reaches(lab.hosts["d2"], VIP)
    lab.stop("d1")
    assert not tables(lab.hosts["d1"])


@ANY
@pytest.mark.parametrize("more", ["", "no_accept\n    priority 255"], ids=["accept", "owner"])
def test_others_are_accepted(lab: Lab, program: str, more: str) -> None:
    alone(lab, program, more)
    assert reaches(lab.hosts["d2"], VIP)


def test_rules_come_and_go_with_mastership_and_come_back(lab: Lab) -> None:
    lab.start("d1", OURS, instance(priority=100, more="no_accept"))
    lab.until_master("d1")
    host = lab.hosts["d1"]
    assert VIP in tables(host)
    host.run("nft", "flush", "ruleset")
    lab.until(lambda: VIP in tables(host), within=5, what="the rules are back")
    assert "somebody removed rules of table keepalived" in lab.daemons["d1"].log()
    host.run("nft", "delete", "element", "ip", "keepalived", "vips", f"{{ {VIP} }}")
    lab.until(lambda: VIP in tables(host), within=5, what="the address is back")
    lab.start("d2", KEEPALIVED, instance(priority=200))
    lab.until_master("d2")
    assert "table ip keepalived" in tables(host)
    assert VIP not in tables(host)


def test_keywords_of_iptables_are_mapped(lab: Lab) -> None:
    conf = "global_defs {\n vrrp_iptables IN OUT\n nftables own\n nftables_counters\n nftables_priority -7\n}\n"
    lab.start("d1", OURS, conf + instance(priority=100, more="no_accept"))
    lab.until_master("d1")
    found = tables(lab.hosts["d1"])
    assert "table ip own" in found
    assert "counter packets 0 bytes 0 drop" in found
    assert "filter - 7" in found
    assert not reaches(lab.hosts["d2"], VIP)
    assert lab.daemons["d1"].log().count("an nftables table does what they are for") == 1


def test_guarded_also_after_a_worker_died(lab: Lab) -> None:
    lab.start("d1", OURS, instance(priority=100, more="no_accept"))
    lab.until(lambda: led(lab) == 1, within=10, what="d1 is MASTER and has said so")
    os.kill(int((lab.directory / "d1.vrrp.pid").read_text()), signal.SIGKILL)
    lab.until(lambda: led(lab) == 2, within=10, what="a successor leads")
    assert VIP in tables(lab.hosts["d1"])
    assert not reaches(lab.hosts["d2"], VIP)


def led(lab: Lab) -> int:
    return lab.daemons["d1"].log().count("Entering MASTER STATE")
