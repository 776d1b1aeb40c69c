"""IPVS is not there when the daemon starts, comes later, goes and comes back. In a guest of our own only: its module is
taken away.

Nothing is tried in between (`test_without_ipvs_nothing_is_tried_until_it_comes` of tests/unit/lvs): whatever fills the
table here is the kernel's announcement.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, Net
from tests.waiting import until

pytestmark = [
    pytest.mark.uml,
    pytest.mark.root,
    pytest.mark.skipif(os.environ.get("UML") == "host", reason="this machine's modules are not ours to take away"),
]

RULE = Path("/etc/modprobe.d/pyvrrp-test.conf")
CONF = """vrrp_instance VI {
 interface dummy0
 virtual_router_id 5
 priority 150
 advert_int 1
 virtual_ipaddress {
  10.77.0.1/24
 }
}
virtual_server 10.77.0.1 80 {
 lvs_sched rr
 lvs_method NAT
 protocol TCP
 real_server 127.0.0.11 80 {
  weight 3
 }
}
"""


def modules() -> list[str]:
    """Those of IPVS that are loaded, the schedulers first."""
    loaded = re.findall(r"^(ip_vs\S*)", Path("/proc/modules").read_text(), re.MULTILINE)
    return sorted(loaded, key=lambda name: name == "ip_vs")


RULES = ["-A -t 10.77.0.1:80 -s rr", "-a -t 10.77.0.1:80 -r 127.0.0.11:80 -m -w 3"]
SYNC = """global_defs {
 lvs_sync_daemon dummy0 VI id 7
}
"""


def rules(host: Host) -> list[str]:
    return [" ".join(line.split()) for line in host.run("ipvsadm", "-Sn").splitlines()]


def load() -> None:
    RULE.unlink(missing_ok=True)
    subprocess.run(["modprobe", "ip_vs"], check=True)


def unloaded() -> bool:
    for name in modules():
        subprocess.run(["modprobe", "-r", name], check=False, capture_output=True)
    return not modules()


@pytest.fixture
def host() -> Iterator[Host]:
    # Namespaces of tests before this one may still be going.
    until(unloaded, "IPVS is not in use any more")
    RULE.write_text("install ip_vs /bin/false\n")
    try:
        with contextlib.closing(Net()) as net:
            made = net.add_host("d1")
            made.netlink.link("add", ifname="dummy0", kind="dummy")
            made.set_link("dummy0", up=True)
            made.add_address("dummy0", "10.77.0.2/24")
            yield made
    finally:
        load()


def test_the_table_is_filled_when_the_module_comes(host: Host, tmp_path: Path) -> None:
    with Daemon(OURS, host, tmp_path, CONF) as daemon:
        until(lambda: "NOTHING IS BALANCED" in daemon.log(), "it is told")
        assert "this kernel has no IPVS. Load it with `modprobe ip_vs`" in daemon.log()
        until(lambda: daemon.instance("VI")["state"] == "MASTER", "VRRP goes on")
        lvs = daemon.show()["lvs"]
        assert not lvs["ipvs_ready"]
        assert "this kernel has no IPVS" in lvs["ipvs_problem"]
        load()
        until(lambda: rules(host) == RULES, "the table is filled")
        assert "IPVS is there now" in daemon.log()
        assert daemon.show()["lvs"]["ipvs_ready"]
        assert daemon.log().count("NOTHING IS BALANCED") == 1
        assert daemon.stop() == 0
        assert rules(host) == []


def test_a_module_that_goes_is_told_and_one_that_comes_back_is_filled(host: Host, tmp_path: Path) -> None:
    load()
    with Daemon(OURS, host, tmp_path, CONF) as daemon:
        until(lambda: rules(host) == RULES, "the table is filled")

        def gone() -> bool:
            host.run("ipvsadm", "-C")  # or the module is in use
            return unloaded()

        until(gone, "the module goes")
        until(lambda: "Can't use ipvs: its module was unloaded" in daemon.log(), "it is told")
        until(lambda: not daemon.show()["lvs"]["ipvs_ready"], "it is shown")
        assert modules() == [], "nobody loads it behind the operator's back"
        load()
        until(lambda: rules(host) == RULES, "the table is filled again")
        until(lambda: daemon.show()["lvs"]["ipvs_ready"], "it is shown")
        assert daemon.log().count("NOTHING IS BALANCED") == 1
        assert daemon.stop() == 0


def test_the_table_of_another_namespace_is_filled_and_connections_are_synchronised(host: Host, tmp_path: Path) -> None:
    with contextlib.closing(Net()) as net:
        table = net.add_host("table")
        named = f"net_namespace_ipvs {table.namespace}\n{SYNC}"
        table.netlink.link("add", ifname="dummy0", kind="dummy")
        table.set_link("dummy0", up=True)
        table.add_address("dummy0", "10.78.0.2/24")
        with Daemon(OURS, host, tmp_path, named + CONF) as daemon:
            until(lambda: "connections are not synchronised" in daemon.log(), "the vrrp worker tells")
            until(lambda: "NOTHING IS BALANCED" in daemon.log(), "the checkers worker tells")
            load()
            until(lambda: rules(table) == RULES, "the table is filled")
            until(lambda: "syncid=7" in table.run("ipvsadm", "-L", "--daemon"), "connections are synchronised")
            assert rules(host) == []
            assert daemon.stop() == 0


def test_keepalived_ends(host: Host, tmp_path: Path) -> None:
    """The other way, for the record."""
    with Daemon(KEEPALIVED, host, tmp_path, CONF) as daemon:
        assert daemon.process.wait(30) == 1
        assert "Can't initialize ipvs" in daemon.log()
