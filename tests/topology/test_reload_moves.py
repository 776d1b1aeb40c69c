"""SIGHUP: what moves from one instance to another, or changes its ways, and what must be heard of it.

All stories of a kind are told by one reload; each has virtual routers and addresses of its own.
"""

from __future__ import annotations

import itertools
import re
import subprocess

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, sync_group
from tests.topology.test_reload import until_reloaded

pytestmark = [pytest.mark.root, pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)]


def vip(number: int) -> str:
    return f"192.0.2.{100 + number}/24"


def one(name: str, vrid: int, *vips: str, more: str = "", interval: float = 0.1, priority: int = 150) -> str:
    return instance(name, vrid=vrid, vips=vips, more=more, interval=interval, priority=priority)


PEER = "unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n}\n"
EXCLUDED = "virtual_ipaddress_excluded {\n%s\n}\n"
ROUTE = "virtual_routes {\n10.%d.0.0/16 dev eth0\n}\n"

STAYS = {
    "an address moves to another instance": (
        one("A", 1, vip(1), vip(2)) + one("B", 2, vip(3)),
        one("A", 1, vip(1)) + one("B", 2, vip(3), vip(2)),
    ),
    "an instance goes, another takes its address": (
        one("C", 3, vip(4)) + one("D", 4, vip(5)),
        one("C", 3, vip(4), vip(5)),
    ),
    "from unicast to multicast": (one("E", 5, vip(6), more=PEER), one("E", 5, vip(6))),
    "from multicast to unicast": (one("F", 6, vip(7)), one("F", 6, vip(7), more=PEER)),
    "a sync group is made": (
        one("G", 7, vip(8)) + one("H", 8, vip(9)),
        one("G", 7, vip(8)) + one("H", 8, vip(9)) + sync_group("GH", "G", "H"),
    ),
    "a sync group is renamed": (
        one("I", 9, vip(10)) + one("J", 10, vip(11)) + sync_group("IJ", "I", "J"),
        one("I", 9, vip(10)) + one("J", 10, vip(11)) + sync_group("JI", "I", "J"),
    ),
    "a sync group gets another member": (
        one("K", 11, vip(12)) + one("L", 12, vip(13)) + sync_group("KL", "K", "L"),
        one("K", 11, vip(12)) + one("L", 12, vip(13)) + one("M", 13, vip(14)) + sync_group("KL", "K", "L", "M"),
    ),
    "an address is no longer advertised": (
        one("N", 14, vip(15), vip(16)),
        one("N", 14, vip(15), more=EXCLUDED % vip(16)),
    ),
    "another name": (one("O", 15, vip(17)), one("P", 15, vip(17))),
    "names change places": (
        one("Q", 16, vip(18)) + one("R", 17, vip(19)),
        one("R", 16, vip(18)) + one("Q", 17, vip(19)),
    ),
    "addresses change places": (
        one("S", 18, vip(20)) + one("T", 19, vip(21)),
        one("S", 18, vip(21)) + one("T", 19, vip(20)),
    ),
    "another order": (one("U", 20, vip(22), vip(23)), one("U", 20, vip(23), vip(22))),
    "another interval": (one("V", 21, vip(24)), one("V", 21, vip(24), interval=0.2)),
    "another priority": (one("W", 22, vip(25)), one("W", 22, vip(25), priority=255)),
    "nopreempt": (one("X", 23, vip(26)), one("X", 23, vip(26), more="nopreempt")),
    "a route moves": (
        one("Y", 24, vip(27), more=ROUTE % 9) + one("Z", 25, vip(28)),
        one("Y", 24, vip(27)) + one("Z", 25, vip(28), more=ROUTE % 9),
    ),
    "another source": (one("AA", 26, vip(29)), one("AA", 26, vip(29), more="mcast_src_ip 198.51.100.1")),
    "an address is there for good": (
        one("AB", 27, vip(30)) + "static_ipaddress {\n10.1.1.1/24 dev eth0\n}\n",
        one("AB", 27, vip(30)) + "static_ipaddress {\n10.1.1.1/24 dev eth0\n10.1.2.1/24 dev eth0\n}\n",
    ),
}


def test_what_stays_is_not_touched(lab: Lab) -> None:
    """Each address is there all the while, each virtual router speaks on, and nobody changes its state."""
    before, after = ("".join(texts) for texts in zip(*STAYS.values(), strict=True))
    lab.start("d1", OURS, before)
    held = {f"192.0.2.{100 + number}" for number in range(1, 31)} - {"192.0.2.114"}
    lab.until(lambda: all(lab.hosts["d1"].holds(address) for address in held), within=10, what="d1 has all")
    lab.until(lambda: "dev eth0" in lab.hosts["d1"].run("ip", "route", "show", "10.9.0.0/16"), within=3, what="routes")
    entered = lab.daemons["d1"].log().count("Entering")
    monitor = lab.hosts["d1"].command("timeout", "3", "ip", "-o", "monitor", "address", "route")
    with subprocess.Popen(monitor, stdout=subprocess.PIPE, text=True) as watched:
        reloaded = lab.reload("d1", after)
        until_reloaded(lab, "d1")
        lab.until(lambda: lab.hosts["d1"].holds("192.0.2.114"), within=5, what="the new one is master, too")
        seen = watched.communicate()[0]
    assert "Deleted" not in seen, seen
    assert all(lab.hosts["d1"].holds(address) for address in held)
    new = re.findall(r"\((.*)\) Entering (\w+)", lab.daemons["d1"].log())[entered:]
    assert set(new) == {("D", "DELETED"), ("M", "BACKUP"), ("M", "MASTER")}
    farewell = {advert.vrid for advert in lab.tap.adverts(since=reloaded) if advert.priority == 0}
    assert farewell == {4}
    for vrid in {*range(1, 28)} - {4, 13}:
        times = [advert.at for advert in lab.tap.adverts(vrid, since=reloaded - 0.3)]
        longest = max(later - earlier for earlier, later in itertools.pairwise(times))
        assert longest < 0.2 + SLACK, f"{vrid} was silent for {longest} s"


LEAVES = {
    "another virtual router": (one("A", 1, vip(1)), one("A", 51, vip(1))),
    "another interface": (one("B", 2, vip(2)), instance("B", priority=150, vrid=2, device="eth1", vips=(vip(2),))),
    "another family": (one("C", 3, vip(3)), one("C", 3, "fe80::55/64", "2001:db8::100/64")),
    "with a VMAC": (one("D", 4, vip(4)), one("D", 4, vip(4), more="use_vmac")),
    "without a VMAC": (one("E", 5, vip(5), more="use_vmac"), one("E", 5, vip(5))),
    "no more": (one("F", 6, vip(6)), ""),
    "no more on its interface": (
        instance("G", priority=150, vrid=7, device="eth1", vips=("198.51.100.107/24",)) + one("H", 8, vip(8)),
        one("H", 8, vip(8)),
    ),
}


@pytest.mark.parametrize("program", [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)])
def test_what_leaves_says_goodbye_and_what_comes_listens_first(lab: Lab, program: str) -> None:
    """A backup elsewhere need not wait for an advertisement that will never come."""
    before, after = ("".join(texts) for texts in zip(*LEAVES.values(), strict=True))
    lab.start("d1", program, before)

    def heard() -> dict[int, list[int]]:
        """What the virtual routers have said of their priority, in this order; over IPv4."""
        adverts = sorted((a for tap in lab.taps for a in tap.adverts() if ":" not in a.source), key=lambda a: a.at)
        return {
            vrid: [priority for priority, _ in itertools.groupby(a.priority for a in adverts if a.vrid == vrid)]
            for vrid in (1, 2, 3, 4, 5, 6, 7, 8, 51)
        }

    lab.until(lambda: all(heard()[vrid] == [150] for vrid in range(1, 9)), within=10, what="all are masters")
    lab.reload("d1", after)
    again, gone = [150, 0, 150], [150, 0]
    wanted = {1: gone, 2: again, 3: gone, 4: again, 5: again, 6: gone, 7: gone, 8: [150], 51: [150]}
    lab.until(lambda: heard() == wanted, within=10, what=f"{wanted}")
    lab.until(lambda: lab.holders("2001:db8::100") == ["d1"], within=5, what="the other family has its address")
    assert all(lab.hosts["d1"].holds(vip(number).partition("/")[0]) for number in (1, 2, 4, 5, 8))
    for address in (vip(3), vip(6), "198.51.100.107/24"):
        assert not lab.hosts["d1"].holds(address.partition("/")[0])
    assert not re.search(r"\([DE]\) Entering FAULT", lab.daemons["d1"].log())


def test_static_lines_need_no_instance(lab: Lab) -> None:
    """They come with a reload that leaves no instance, and go with one that brings the address as a virtual one."""
    static = "static_ipaddress {\n10.1.1.1/24 dev eth0\n}\nstatic_routes {\n10.9.0.0/16 dev eth0\n}\n"
    lab.start("d1", OURS, instance(priority=150))
    lab.until_master("d1")
    lab.reload("d1", static)
    lab.until(lambda: lab.hosts["d1"].holds("10.1.1.1"), within=5, what="the static address is there")
    lab.until(lambda: "10.9.0.0/16" in lab.hosts["d1"].run("ip", "route"), within=3, what="and the static route")
    assert lab.tap.adverts(51)[-1].priority == 0
    assert lab.holders(VIP) == []
    lab.reload("d1", instance(priority=150, vips=("10.1.1.1/24",)))
    lab.until_master("d1", "10.1.1.1")
    lab.until(lambda: "10.9.0.0/16" not in lab.hosts["d1"].run("ip", "route"), within=3, what="the route is gone")
    lab.stop("d1")
    lab.start("d1", OURS, static)
    lab.until(lambda: lab.hosts["d1"].holds("10.1.1.1"), within=5, what="so at a start")
    lab.stop("d1")
    assert lab.holders("10.1.1.1") == []


def test_a_vmac_gets_another_name(lab: Lab) -> None:
    """Two devices with one MAC address cannot both be up: the old one goes first. (keepalived loses the address.)"""
    lab.start("d1", OURS, one("A", 1, vip(1), more="use_vmac"))
    lab.until_master("d1", "192.0.2.101")
    assert vip(1) in lab.hosts["d1"].addresses("vrrp.1")
    reloaded = lab.reload("d1", one("A", 1, vip(1), more="use_vmac other"))
    lab.until(lambda: "other" in lab.hosts["d1"].run("ip", "link"), within=5, what="the new device")
    lab.until(lambda: vip(1) in lab.hosts["d1"].addresses("other"), within=5, what="d1 is master again")
    lab.until(lambda: lab.tap.adverts(1)[-1].priority == 150, within=2, what="it advertises")
    assert [a.priority for a in lab.tap.adverts(1, since=reloaded) if a.priority != 150] == [0]
    assert "vrrp.1" not in lab.hosts["d1"].run("ip", "link")
    assert not re.search("FAULT|in use", lab.daemons["d1"].log())
