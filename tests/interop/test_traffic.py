"""A client's packets take the virtual route of the master, and after a failover that of the other director.

          client ──┬─ eth0  d1  eth1 ─┬── main   both have the address TARGET
                   └─ eth0  d2  eth1 ─┴── other
                  br0                br1

What the client sends from its ordinary address a virtual route leads to `main`; what it sends from its SPECIAL one a
virtual rule leads into another table, whose virtual route goes to `other`. The client's gateway is the VIP of br0, and
that of the answers the one of br1. Without mastership a director has no way to TARGET at all.
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pytest

from tests.interop.conftest import Pair
from tests.topology.lab import Lab, instance
from tests.topology.net import Host, inside

pytestmark = [pytest.mark.root, pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)]

PORT = 7


class Plan(NamedTuple):
    """The addresses of one family."""

    family: socket.AddressFamily
    vips: tuple[str, ...]
    gateway: str
    back: str
    client: str
    special: str
    near: str
    """The client's network."""
    hops: tuple[str, str]
    """`main` and `other` on br1."""
    target: str
    length: int
    everything: str

    @property
    def flag(self) -> str:
        return "-6" if self.family is socket.AF_INET6 else "-4"

    def conf(self, priority: int) -> str:
        main, other = self.hops
        network = f"{self.target}/{self.length}"
        more = f"""virtual_ipaddress_excluded {{
        {self.back}/64 dev eth1
    }}
    virtual_routes {{
        {network} via {main} dev eth1
        {network} via {other} dev eth1 table 100
    }}
    virtual_rules {{
        from {self.special} table 100 preference 1000
    }}
"""
        return instance(priority=priority, vips=self.vips, more=more.replace("/64", f"/{self.everything}"))


IPV4 = Plan(
    family=socket.AF_INET,
    vips=("192.0.2.100/24",),
    gateway="192.0.2.100",
    back="198.51.100.100",
    client="192.0.2.9",
    special="192.0.2.77",
    near="192.0.2.0/24",
    hops=("198.51.100.201", "198.51.100.202"),
    target="203.0.113.1",
    length=32,
    everything="24",
)
IPV6 = Plan(
    family=socket.AF_INET6,
    vips=("fe80::55/64", "2001:db8::100/64"),
    gateway="2001:db8::100",
    back="2001:db8:1::100",
    client="2001:db8::9",
    special="2001:db8::77",
    near="2001:db8::/64",
    hops=("2001:db8:1::201", "2001:db8:1::202"),
    target="2001:db8:9::1",
    length=128,
    everything="64",
)


class World:
    """The client and the two servers around the directors."""

    def __init__(self, lab: Lab, plan: Plan, stack: contextlib.ExitStack) -> None:
        self.lab = lab
        self.plan = plan
        for name in lab.hosts:
            for setting in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
                lab.hosts[name].run("sysctl", "-qw", f"{setting}=1")
        self.client = self._host("client", "br0", plan.client, plan.special)
        self._route(self.client, f"{plan.target}/{plan.length}", plan.gateway)
        self.servers = {}
        for name, hop in zip(("main", "other"), plan.hops, strict=True):
            host = self._host(name, "br1", hop)
            self._address(host, "lo", f"{plan.target}/{plan.length}")
            self._route(host, plan.near, plan.back)
            self.servers[name] = stack.enter_context(self._socket(host, plan.target, PORT))
        self.senders = {
            address: stack.enter_context(self._socket(self.client, address, 0))
            for address in (plan.client, plan.special)
        }

    def _host(self, name: str, bridge: str, *addresses: str) -> Host:
        host = self.lab.net.add_host(name)
        self.lab.net.plug(host, "eth0", bridge)
        host.set_link("eth0", up=True)
        for address in addresses:
            self._address(host, "eth0", f"{address}/{self.plan.everything}")
        return host

    def _address(self, host: Host, device: str, address: str) -> None:
        host.run("ip", "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def _route(self, host: Host, network: str, via: str) -> None:
        host.run("ip", self.plan.flag, "route", "add", network, "via", via, "dev", "eth0")

    def _socket(self, host: Host, address: str, port: int) -> socket.socket:
        with inside(host.namespace):
            made = socket.socket(self.plan.family, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((address, port))
        return made

    def answer(self, source: str) -> str:
        """Ask TARGET once more from that address: who has answered by now, or nothing."""
        sender = self.senders[source]
        with contextlib.suppress(OSError):  # a gateway may be nowhere for a moment
            sender.sendto(b"?", (self.plan.target, PORT))
        for name, server in self.servers.items():
            with contextlib.suppress(BlockingIOError):
                while True:
                    _, asker = server.recvfrom(16)
                    with contextlib.suppress(OSError):
                        server.sendto(name.encode(), asker)
        heard = ""
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                heard = sender.recv(16).decode()
        return heard

    def forwarded(self, name: str) -> int:
        """Packets that the director's kernel has passed on."""
        host = self.lab.hosts[name]
        if self.plan.family is socket.AF_INET6:
            return int(re.findall(r"^Ip6OutForwDatagrams\s+(\d+)", host.run("cat", "/proc/net/snmp6"), re.MULTILINE)[0])
        names, values = (line.split() for line in host.run("grep", "^Ip:", "/proc/net/snmp").splitlines())
        return int(values[names.index("ForwDatagrams")])

    def passes(self, by: str) -> None:
        """Both ways are open, and it is that director and no other who passes on what takes them."""
        self._both_answer()
        before = {name: self.forwarded(name) for name in self.lab.hosts}
        for _ in range(5):
            self._both_answer()
        gained = {name: self.forwarded(name) - before[name] for name in self.lab.hosts}
        assert {name for name, packets in gained.items() if packets} == {by}
        assert gained[by] >= 20, "five questions and answers each"

    def _both_answer(self) -> None:
        for source, name in ((self.plan.client, "main"), (self.plan.special, "other")):
            answered = partial(self._is_answered_by, source, name)
            self.lab.until(answered, within=5, what=f"{name} answers {source}")

    def _is_answered_by(self, source: str, name: str) -> bool:
        return self.answer(source) == name

    def knows_a_way(self, name: str) -> bool:
        """Is there a route to TARGET in that director's kernel?"""
        with inside(self.lab.hosts[name].namespace), socket.socket(self.plan.family, socket.SOCK_DGRAM) as asker:
            return asker.connect_ex((self.plan.target, PORT)) != errno.ENETUNREACH


@pytest.fixture(params=[IPV4, IPV6], ids=["ipv4", "ipv6"])
def world(request: pytest.FixtureRequest, lab: Lab) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        yield World(lab, request.param, stack)


def test_traffic_follows_the_master(world: World, pair: Pair) -> None:
    lab, plan = world.lab, world.plan
    lab.start("d2", pair.d2, plan.conf(100))
    lab.until_master("d2", plan.gateway)
    world.passes("d2")
    lab.start("d1", pair.d1, plan.conf(150))
    lab.until_master("d1", plan.gateway)
    world.passes("d1")
    assert world.knows_a_way("d1")
    lab.until(lambda: not world.knows_a_way("d2"), within=2, what="the backup keeps no way")
    lab.set_cable("d1", up=False)
    lab.until_master("d2", plan.gateway)
    world.passes("d2")
    lab.set_cable("d1", up=True)
    lab.until_master("d1", plan.gateway)
    world.passes("d1")
    lab.stop("d1")
    lab.until_master("d2", plan.gateway)
    world.passes("d2")
