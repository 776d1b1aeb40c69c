"""nftables_ipvs where IPVS is, and nftables for bridges only: the services of marks, and what is done without marks.

That packets get their marks is in tests/topology, that marked packets are balanced in test_traffic.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvrrp.core.lvs.actions import ApplyTable
from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.lvs.events import Started, TableRead
from pyvrrp.kernel.ipvs import LinuxIpvs
from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, Net, inside
from tests.unit.config.files import loaded
from tests.waiting import until

pytestmark = [pytest.mark.uml, pytest.mark.root]

CONF = """global_defs {
 nftables_ipvs
 nftables_ipvs_start_fwmark 7000
}
virtual_server_group G {
 10.77.0.5-6 80
 10.77.0.9 80
}
virtual_server_group H {
 fd77::5-6 80
}
""" + "".join(
    f"virtual_server group {group} {{\n lvs_sched rr\n lvs_method {method}\n protocol {protocol}\n"
    f" real_server {server} 80 {{\n  weight 3\n }}\n}}\n"
    for group, method, protocol, server in (
        ("G", "NAT", "TCP", "127.0.0.11"),
        ("G", "DR", "UDP", "127.0.0.12"),
        ("H", "NAT", "TCP", "::1"),
    )
)


def rules(host: Host) -> list[str]:
    return sorted(" ".join(line.split()) for line in host.run("ipvsadm", "-Sn").splitlines())


@pytest.fixture
def net() -> Iterator[Net]:
    with contextlib.closing(Net()) as made:
        yield made


def test_the_services_are_those_of_keepalived(net: Net, tmp_path: Path) -> None:
    theirs, ours = net.add_host("theirs"), net.add_host("ours")
    daemon = Daemon(KEEPALIVED, theirs, tmp_path, CONF)
    until(lambda: len(rules(theirs)) == 6, "keepalived fills its table", told=daemon.account)
    with inside(ours.namespace):
        ipvs = LinuxIpvs()
        ipvs.ready()
    balancer = Balancer(seed=1)
    balancer.handle(Started(0, loaded(CONF).config, marking=True))
    for action in balancer.handle(TableRead(0, ipvs.table())):
        if isinstance(action, ApplyTable):
            assert ipvs.apply(action.operations) == []
    ipvs.close()
    assert rules(ours) == rules(theirs)
    assert [rule for rule in rules(ours) if rule.startswith("-A")] == [
        "-A -f 7000 -s rr",
        "-A -f 7001 -s rr",
        "-A -f 7002 -6 -s rr",
    ]
    daemon.kill()


def test_where_nftables_cannot_each_address_is_a_service_of_its_own(net: Net, tmp_path: Path) -> None:
    """keepalived makes services of marks that no packet has."""
    host = net.add_host("d1")
    daemon = Daemon(OURS, host, tmp_path, CONF)
    until(lambda: len(rules(host)) == 16, "the table is filled", told=daemon.account)
    assert "-A -t 10.77.0.5:80 -s rr" in rules(host)
    assert "nftables_ipvs: each address gets its own IPVS service instead" in daemon.log()
    daemon.reload()
    until(lambda: "Reload complete" in daemon.log(), "the reload is over", told=daemon.account)
    assert len(rules(host)) == 16
    assert daemon.log().count("nftables_ipvs:") == 1, "told once"
    assert daemon.stop() == 0
