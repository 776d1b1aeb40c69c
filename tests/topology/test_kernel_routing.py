"""Routes and rules in a real kernel: what iproute2 shows of ours, and of keepalived's for the same configuration."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import ANY

import pytest

from pyvrrp.config import load
from pyvrrp.config.expand import expand
from pyvrrp.errors import KernelFault
from pyvrrp.kernel.addresses import LinuxAddresses
from pyvrrp.kernel.files import Files
from pyvrrp.kernel.routing import LinuxRouting
from pyvrrp.model.config import Config
from tests.topology.net import Host, Net, inside

pytestmark = pytest.mark.root

ADDRESSES = """\
10.1.0.1/24
10.7.0.2/24 label eth0:1 brd + scope link
10.1.0.3 peer 10.1.0.9
10.1.0.4/24 noprefixroute brd 10.1.0.7
10.1.0.5/24 dev eth1 home
2001:db8::1/64
2001:db8::2/64 preferred_lft 1000 noprefixroute
2001:db8::3
2001:db8::4/64 -nodad home
2001:db8::5 peer 2001:db8::9
2001:db8::6/64 mngtmpaddr preferred_lft forever
"""
ROUTES = """\
10.2.0.0/16 dev eth0
10.2.1.0/24 via 192.0.2.9 dev eth0
10.2.2.0/24 via 192.0.2.9 dev eth0 metric 100 src 192.0.2.2 table 100
10.2.3.0/24 via 192.0.2.9 dev eth0 table 1000 tos 0x10
10.2.4.0/24 dev eth0 scope link mtu lock 1400 advmss 1300 window 1000 hoplimit 9 reordering 3 initcwnd 5 initrwnd 6
10.2.5.0/24 dev eth0 rtt 300ms rttvar 250ms rto_min 1s cwnd lock 7 ssthresh 8 quickack 1 fastopen_no_cookie 1
10.2.6.0/24 dev eth0 features ecn congctl cubic
10.2.7.0/24 via 10.99.0.9 dev eth0 onlink
blackhole 10.2.8.0/24 no_track
unreachable 10.2.9.0/24 no_track
prohibit 10.2.10.0/24 no_track
throw 10.2.11.0/24 no_track table 100
10.2.12.0/24 no_track nexthop via 192.0.2.9 dev eth0 weight 3 nexthop via 198.51.100.9 dev eth1
10.2.13.0/24 no_track nexthop via 10.99.0.9 dev eth0 onlink nexthop dev eth1 weight 2
10.2.14.0/24 dev eth0 protocol 77 no_track
10.2.15.0/24 dev eth0 append
default via 192.0.2.9 dev eth0 metric 7
2001:db8:2::/64 dev eth0
2001:db8:3::/64 via fe80::9 dev eth0 metric 50
2001:db8:4::/64 via fe80::9 dev eth0 pref high expires 1000 mtu 1400
blackhole 2001:db8:5::/64 no_track
2001:db8:6::/64 no_track nexthop via fe80::9 dev eth0 nexthop via fe80::9 dev eth1 weight 2
2001:db8:7::/64 dev eth0 table 100
default dev eth1 inet6
"""
RULES = """\
from 10.3.0.0/16 table 100 preference 100
to 10.3.1.0/24 lookup 1000 preference 101
from 10.3.2.0/24 to 10.3.3.0/24 not table 100 preference 102
fwmark 5 table 100 preference 103
fwmark 0x10/0xff table 100 preference 104
iif eth0 table 100 preference 105
oif eth1 tos 8 table 100 preference 106
from 10.3.4.0/24 blackhole preference 107
from 10.3.4.0/24 unreachable preference 108
from 10.3.4.0/24 type prohibit preference 109
from 10.3.4.0/24 goto 32766 preference 110
from 10.3.4.0/24 nop preference 111
from 10.3.5.0/24 table 100 suppress_prefixlength 8 preference 112
from 10.3.5.0/24 table 100 suppress_ifgroup 5 preference 113
uidrange 5-9 table 100 preference 114
ipproto tcp sport 10-19 dport 80-81 table 100 preference 115
tunnel-id 7 table 100 preference 116
l3mdev preference 117
from 10.3.6.0/24 table 100 preference 118 protocol 77 no_track
from 2001:db8::/32 table 100 preference 200
iif eth1 blackhole preference 201 inet6
from all table 100 preference 119
"""
CONFIG = """\
global_defs {{
router_id r
}}
static_ipaddress {{
{addresses}}}
static_routes {{
{routes}}}
static_rules {{
{rules}}}
"""


TEXT = CONFIG.format(addresses=ADDRESSES, routes=ROUTES, rules=RULES)


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    net = Net()
    try:
        made = net.add_host("a"), net.add_host("b")
        for host in made:
            net.add_bridge(host.name)
            for device, address in (("eth0", "192.0.2.2/24"), ("eth1", "198.51.100.2/24")):
                net.plug(host, device, host.name, mac="02:00:00:00:00:07")
                host.set_link(device, up=True)
                host.add_address(device, address)
                host.run("ip", "-6", "addr", "flush", "dev", device)
                host.run("ip", "addr", "add", "fe80::7/64", "dev", device, "nodad")
        yield made
    finally:
        net.close()


def configured(path: Path, text: str = TEXT) -> Config:
    path.write_text(text)
    return load(expand(str(path), Files(), "host", {})).config


def shown(host: Host) -> dict[str, list[str]]:
    """What iproute2 shows, a text an object, without what time and chance make of it."""
    queries = ("-4 route show table all", "-6 route show table all", "-4 rule", "-6 rule", "addr")
    return {query: [clean(line) for line in lines(host, query)] for query in queries}


def lines(host: Host, query: str) -> list[str]:
    found = host.run("ip", "-d", *query.split()).splitlines()
    if query == "addr":
        found = [line for line in found if line.lstrip().startswith(("inet", "valid_lft"))]
    return sorted(line.strip() for line in found) if "route" in query else [line.strip() for line in found]


def clean(line: str) -> str:
    return re.sub(r"(expires|valid_lft|preferred_lft) [0-9]+sec", r"\1 some", line)


@pytest.mark.keepalived
def test_the_kernel_has_what_keepalived_gives_it(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    ours, theirs = hosts
    config = configured(tmp_path / "keepalived.conf")
    assert (len(config.static_routes), len(config.static_rules)) == (ROUTES.count("\n"), RULES.count("\n"))
    with inside(ours.namespace):
        addresses, routing = LinuxAddresses(), LinuxRouting()
        assert addresses.add(config.static_ipaddress) == []
        assert routing.add([*config.static_routes, *config.static_rules]) == []
        assert routing.present([*config.static_routes, *config.static_rules]) == [
            *config.static_routes,
            *config.static_rules,
        ]
        addresses.close()
    command = ["keepalived", "-n", "-l", "-P", "-f", str(tmp_path / "keepalived.conf"), "-p", str(tmp_path / "pid")]
    command += ["-r", str(tmp_path / "vrrp.pid")]
    with subprocess.Popen(theirs.command(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as daemon:
        deadline = time.monotonic() + 10
        while shown(theirs) != shown(ours) and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            for query, found in shown(ours).items():
                assert found == shown(theirs)[query], query
        finally:
            daemon.terminate()
    with inside(ours.namespace):
        assert routing.remove([*config.static_rules[::-1], *config.static_routes[::-1]]) == []
    routing.close()
    assert [line for query in ("-4", "-6") for line in lines(ours, f"{query} route show table all proto 18")] == []
    assert len(lines(ours, "-4 rule")) == 3


@pytest.mark.parametrize(
    "line", ["10.2.0.0/16 dev gone", "10.2.0.0/16 via 203.0.113.9 dev eth0", "10.2.0.1/16 dev eth0"]
)
def test_a_refusal_names_the_route_and_holds_nobody_up(hosts: tuple[Host, Host], tmp_path: Path, line: str) -> None:
    text = CONFIG.format(addresses="", routes=f"{line}\n10.4.0.0/16 dev eth0\n", rules="")
    wrong, good = configured(tmp_path / "keepalived.conf", text).static_routes
    with inside(hosts[0].namespace):
        routing = LinuxRouting()
        ((refused, error),) = routing.add([wrong, good])
        assert refused == wrong
        assert str(error).startswith(("add route 10.2.", "find gone: No such device"))
        assert routing.present([wrong, good]) == [good]
        assert routing.remove([wrong, good]) in ([], [(wrong, ANY)])
        assert routing.present([good]) == []
        routing.close()


def test_removals_are_told(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    text = CONFIG.format(addresses="", routes="10.4.0.0/16 dev eth0\n", rules="from 10.4.0.0/16 table 5 preference 9\n")
    config = configured(tmp_path / "keepalived.conf", text)
    told: list[None] = []
    with inside(hosts[0].namespace):
        routing = LinuxRouting()
        routing.watch(lambda: told.append(None))
        routing.add([*config.static_routes, *config.static_rules])
        routing.read()
        assert told == []
        hosts[0].run("ip", "route", "del", "10.4.0.0/16")
        routing.read()
        hosts[0].run("ip", "rule", "del", "preference", "9")
        routing.read()
        assert told == [None, None]
        routing.close()


def test_what_is_no_vrf_is_refused(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    text = CONFIG.format(addresses="", routes="10.4.0.0/16 dev eth0 vrf red\n", rules="")
    (route,) = configured(tmp_path / "keepalived.conf", text).static_routes
    with inside(hosts[0].namespace):
        routing = LinuxRouting()
        assert [error.fault for _, error in routing.add([route])] == [KernelFault.ABSENT]
        hosts[0].run("ip", "link", "add", "red", "type", "bridge")
        ((_, error),) = routing.add([route])
        assert str(error).startswith("red is no VRF")
        routing.close()
