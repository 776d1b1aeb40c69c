"""Virtual and static routes and rules, with real daemons: they come and go as keepalived's do."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.interop.conftest import Pair
from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import VIP, Lab, instance

pytestmark = pytest.mark.root

ROUTES = f"""virtual_routes {{
        10.9.0.0/16 via 192.0.2.200 dev eth0 src {VIP}
        2001:db8:9::/64 dev eth0
        blackhole 10.10.0.0/16 no_track
    }}
    virtual_rules {{
        from 10.9.0.0/16 table 100 preference 1000
        from 2001:db8:9::/64 table 100 preference 1001
    }}
    virtual_ipaddress_excluded {{
        2001:db8::100/64
    }}
"""
STATIC = """static_ipaddress {
    10.8.0.1/24 dev eth0
}
static_routes {
    10.7.0.0/16 via 10.8.0.9 dev eth0
}
static_rules {
    from 10.7.0.0/16 table 101 preference 1002
}
"""
PAIRS = [
    pytest.param(Pair(OURS, OURS), id="ours-ours"),
    pytest.param(Pair(OURS, KEEPALIVED), id="ours-keepalived", marks=pytest.mark.keepalived),
    pytest.param(Pair(KEEPALIVED, OURS), id="keepalived-ours", marks=pytest.mark.keepalived),
]


def conf(priority: int, more: str = ROUTES) -> str:
    return STATIC + instance(priority=priority, more=more)


def routing(lab: Lab, name: str) -> list[str]:
    """What is keepalived's in that kernel, as iproute2 shows it."""
    run = lab.hosts[name].run
    routes = [line for v in "46" for line in run("ip", f"-{v}", "route", "show", "proto", "keepalived").splitlines()]
    rules = [line for v in "46" for line in run("ip", f"-{v}", "rule").splitlines() if "proto keepalived" in line]
    return sorted(" ".join(line.split()) for line in routes + rules)


def virtual(lab: Lab, name: str) -> list[str]:
    return [line for line in routing(lab, name) if "10.7.0.0" not in line]


def static(lab: Lab, name: str) -> bool:
    lines = [line for line in routing(lab, name) if "10.7.0.0" in line]
    return len(lines) == 2 and lab.hosts[name].holds("10.8.0.1")


def holds_all(lab: Lab, name: str) -> bool:
    return len(virtual(lab, name)) == 5 and lab.holders() == [name]


@pytest.mark.parametrize("pair", PAIRS)
def test_they_move_with_the_address(lab: Lab, pair: Pair) -> None:
    lab.start("d2", pair.d2, conf(100))
    lab.until(lambda: holds_all(lab, "d2"), within=10, what="d2 has all")
    before = virtual(lab, "d2")
    lab.start("d1", pair.d1, conf(150))
    lab.until(lambda: holds_all(lab, "d1"), within=10, what="d1 has all")
    assert virtual(lab, "d1") == before
    lab.until(lambda: virtual(lab, "d2") == [], within=3, what="d2 has none")
    assert static(lab, "d1")
    assert static(lab, "d2")
    lab.stop("d1")
    lab.until(lambda: holds_all(lab, "d2"), within=5, what="d2 has all again")
    assert routing(lab, "d1") == []
    assert not lab.hosts["d1"].holds("10.8.0.1")


def test_what_somebody_removes_is_put_back_without_an_election(lab: Lab) -> None:
    lab.start("d1", OURS, conf(150))
    lab.until(lambda: holds_all(lab, "d1") and static(lab, "d1"), within=10, what="d1 has all")
    run = lab.hosts["d1"].run
    for command in ("route del 10.9.0.0/16", "rule del preference 1000", "-6 rule del preference 1001"):
        run("ip", *command.split())
        lab.until(lambda: holds_all(lab, "d1"), within=3, what=f"back after {command}")
    for command in ("route del 10.7.0.0/16", "rule del preference 1002", "addr del 10.8.0.1/24 dev eth0"):
        run("ip", *command.split())
        lab.until(lambda: static(lab, "d1"), within=3, what=f"back after {command}")
    run("ip", "addr", "del", f"{VIP}/24", "dev", "eth0")
    lab.until(lambda: holds_all(lab, "d1"), within=3, what="the route with that source is back too")
    run("ip", "route", "del", "blackhole", "10.10.0.0/16")
    lab.until(lambda: "with no_track it stays away" in lab.daemons["d1"].log(), within=3, what="told")
    assert len(virtual(lab, "d1")) == 4
    assert lab.daemons["d1"].log().count("Entering MASTER STATE") == 1
    assert lab.daemons["d1"].log().count("by somebody else; it is put back") >= 7
    shown = lab.daemons["d1"].instance("VI_1")
    assert [entry["present"] for entry in shown["routing"]] == [True, True, False, True, True]


def test_a_reload_is_a_difference(lab: Lab) -> None:
    lab.start("d1", OURS, conf(150))
    lab.until(lambda: holds_all(lab, "d1"), within=10, what="d1 has all")
    other = ROUTES.replace("10.10.0.0/16", "10.11.0.0/16").replace("preference 1000", "preference 1003")
    text = conf(150, other).replace("10.7.0.0/16 via 10.8.0.9 dev eth0", "10.6.0.0/16 via 10.8.0.9 dev eth0")
    lab.reload("d1", text)
    lab.until(lambda: any("10.11.0.0" in line for line in virtual(lab, "d1")), within=3, what="the new route")
    lines = routing(lab, "d1")
    assert len(lines) == 7
    assert not any("10.10.0.0" in line or "10.7.0.0/16 via" in line or line.startswith("1000:") for line in lines)
    lab.reload("d1", instance(priority=150))
    lab.until(lambda: routing(lab, "d1") == [], within=3, what="all are gone")
    assert lab.daemons["d1"].log().count("Entering MASTER STATE") == 1


def test_what_moves_between_instances_stays(lab: Lab) -> None:
    first = instance(priority=150, more=ROUTES)
    second = instance("VI_2", priority=150, vrid=52, vips=("192.0.2.102/24",))
    lab.start("d1", OURS, first, second)
    lab.until(lambda: holds_all(lab, "d1"), within=10, what="d1 has all")
    lab.until_master("d1", "192.0.2.102")
    plain = ROUTES.replace(f" src {VIP}", "")
    lab.reload("d1", instance(priority=150, more=plain), second)
    lab.until(lambda: not any("src" in line for line in virtual(lab, "d1")), within=3, what="reloaded")
    monitor = lab.hosts["d1"].command("timeout", "4", "ip", "monitor", "route", "rule")
    moved = instance("VI_2", priority=150, vrid=52, vips=("192.0.2.102/24",), more=plain)
    with subprocess.Popen(monitor, stdout=subprocess.PIPE, text=True) as watched:
        lab.reload("d1", instance(priority=150), moved)
        lab.until(
            lambda: len(lab.daemons["d1"].instance("VI_2")["routing"]) == 5, within=3, what="they are the other's"
        )
        assert len(virtual(lab, "d1")) == 5
        seen = watched.communicate()[0]
    assert "Deleted" not in seen


@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)
def test_a_tracked_device_that_is_down_is_a_fault(lab: Lab) -> None:
    text = instance(priority=150, more="virtual_routes {\n10.9.0.0/16 dev eth1\n}")
    lab.start("d1", OURS, text)
    lab.until_master("d1")
    lab.set_cable("d1", 1, up=False)
    lab.until(lambda: lab.holders() == [], within=3, what="d1 lets go")
    assert "eth1, which a virtual route names" in str(lab.daemons["d1"].instance("VI_1")["faults"])
    lab.reload("d1", text.replace("dev eth1", "dev eth1 no_track"))
    lab.until_master("d1")


@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)
def test_a_track_group_follows_its_static_line(lab: Lab) -> None:
    static = "track_group G {\ngroup {\nVI_1\n}\n}\nstatic_routes {\n10.9.0.0/16 dev eth1 track_group G\n}\n"
    lab.start("d1", OURS, static + instance(priority=150))
    lab.until_master("d1")
    lab.set_cable("d1", 1, up=False)
    lab.until(lambda: lab.holders() == [], within=3, what="d1 lets go")
    lab.set_cable("d1", 1, up=True)
    lab.until_master("d1")
    lab.until(lambda: any("10.9.0.0" in line for line in routing(lab, "d1")), within=3, what="the route is there")


def test_a_worker_that_dies_leaves_them_where_they_are(lab: Lab) -> None:
    lab.start("d1", OURS, conf(150))
    lab.until(lambda: holds_all(lab, "d1") and static(lab, "d1"), within=10, what="d1 has all")
    before = routing(lab, "d1")
    monitor = lab.hosts["d1"].command("timeout", "5", "ip", "monitor", "route", "rule")
    with subprocess.Popen(monitor, stdout=subprocess.PIPE, text=True) as watched:
        os.kill(int(Path(lab.directory, "d1.vrrp.pid").read_text()), signal.SIGKILL)
        lab.until(lambda: "worker restarted" in lab.daemons["d1"].log(), within=5, what="a successor")
        lab.until(lambda: lab.daemons["d1"].instance("VI_1")["state"] == "MASTER", within=5, what="MASTER again")
        seen = watched.communicate()[0]
    assert routing(lab, "d1") == before
    assert "Deleted" not in seen
