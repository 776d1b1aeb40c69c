"""IPVS is not there when the daemon starts, and comes later. In a guest of our own only: its module is taken away."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyvrrp.core.lvs.keeper import RETRY
from pyvrrp.units import SECOND
from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, Net

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


def until(truth: Callable[[], object], what: str, within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not truth():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


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
        RULE.unlink(missing_ok=True)
        subprocess.run(["modprobe", "ip_vs"], check=True)


def test_the_table_is_filled_when_the_module_comes(host: Host, tmp_path: Path) -> None:
    with Daemon(OURS, host, tmp_path, CONF) as daemon:
        until(lambda: "NOTHING IS BALANCED" in daemon.log(), "it is told")
        assert "this kernel has no IPVS. Load it with `modprobe ip_vs`" in daemon.log()
        until(lambda: daemon.instance("VI")["state"] == "MASTER", "VRRP goes on")
        lvs = daemon.show()["lvs"]
        assert not lvs["ipvs_ready"]
        assert "this kernel has no IPVS" in lvs["ipvs_problem"]
        RULE.unlink()
        subprocess.run(["modprobe", "ip_vs"], check=True)

        def rules() -> list[str]:
            return [" ".join(line.split()) for line in host.run("ipvsadm", "-Sn").splitlines()]

        until(lambda: len(rules()) == 2, "the table is filled", RETRY / SECOND + 10)
        assert rules() == ["-A -t 10.77.0.1:80 -s rr", "-a -t 10.77.0.1:80 -r 127.0.0.11:80 -m -w 3"]
        assert "IPVS is there now" in daemon.log()
        assert daemon.show()["lvs"]["ipvs_ready"]
        assert daemon.log().count("NOTHING IS BALANCED") == 1
        assert daemon.stop() == 0
        assert rules() == []


def test_keepalived_ends(host: Host, tmp_path: Path) -> None:
    """The other way, for the record."""
    with Daemon(KEEPALIVED, host, tmp_path, CONF) as daemon:
        assert daemon.process.wait(30) == 1
        assert "Can't initialize ipvs" in daemon.log()
