"""Which way leads to a real server, asked of a real kernel."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from pyvrrp.cli.check import examine
from pyvrrp.kernel.ways import ways
from tests.topology.net import Net, inside

pytestmark = pytest.mark.root


def test_on_link_by_a_gateway_and_not_at_all() -> None:
    net = Net()
    try:
        net.add_bridge("lan")
        host = net.add_host("director")
        asked = [ip_address(text) for text in ("192.0.2.9", "198.51.100.9", "203.0.113.9", "2001:db8::9")]
        with inside(host.namespace):
            assert ways(asked) is None, "without any route there is no network to speak of"
        net.plug(host, "eth0", "lan")
        host.set_link("eth0", up=True)
        host.add_address("eth0", "192.0.2.2/24")
        host.run("ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.1")
        host.run("ip", "route", "add", "unreachable", "203.0.113.0/24")
        with inside(host.namespace):
            assert ways(asked) == {asked[0]: None, asked[1]: ip_address("192.0.2.1")}
    finally:
        net.close()


def test_of_twelve_thousand_the_one_without_a_route_is_named(tmp_path: Path) -> None:
    servers = [ip_address("10.1.0.1") + number for number in range(12_000)]
    servers.insert(11_500, ip_address("203.0.113.9"))
    path = tmp_path / "keepalived.conf"
    path.write_text(
        "virtual_server 192.0.2.10 80 {\n lvs_sched rr\n lvs_method NAT\n protocol TCP\n"
        + "".join(f" real_server {server} 80 {{\n }}\n" for server in servers)
        + "}\n"
    )
    net = Net()
    try:
        net.add_bridge("lan")
        host = net.add_host("director")
        net.plug(host, "eth0", "lan")
        host.set_link("eth0", up=True)
        host.add_address("eth0", "10.1.255.254/16")
        with inside(host.namespace):
            found = examine(str(path), advice=True)
    finally:
        net.close()
    assert [(problem.span.line, "no route" in problem.message) for problem in found] == [(5 + 2 * 11_500, True)], found
