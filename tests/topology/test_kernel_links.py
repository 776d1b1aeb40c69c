"""The monitor of devices, against what is really done to devices."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_interface

import pytest

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.kernel.addresses import LinuxAddresses
from pyvrrp.kernel.links import LinuxLinks
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import Address
from tests.topology.net import Host, Net, inside

pytestmark = pytest.mark.root

PATIENCE = 10.0


@dataclass
class Watched:
    net: Net
    host: Host
    links: LinuxLinks
    descriptor: int = -1
    changes: list[tuple[str, InterfaceFacts | None]] = field(default_factory=list)
    removals: list[tuple[str, Address]] = field(default_factory=list)
    state: dict[str, InterfaceFacts] = field(default_factory=dict)

    def start(self) -> None:
        self.state = dict(self.links.dump())
        self.descriptor = self.links.watch(self.changed, lambda *news: self.removals.append(news))

    def changed(self, name: str, facts: InterfaceFacts | None) -> None:
        self.changes.append((name, facts))
        if facts is None:
            self.state.pop(name, None)
        else:
            self.state[name] = facts

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            left = deadline - time.monotonic()
            assert left > 0, f"never came: {self.changes} {self.removals}"
            if select.select([self.descriptor], [], [], left)[0]:
                self.links.read()

    def addresses(self, name: str = "eth0") -> tuple[Address, ...]:
        return tuple(address for address in self.state[name].addresses if address.version == 4)


@pytest.fixture
def watched() -> Iterator[Watched]:
    net = Net()
    try:
        host = net.add_host("a")
        net.add_bridge("lan")
        net.plug(host, "eth0", "lan", mac="02:00:00:00:00:0a")
        host.set_link("eth0", up=True)
        host.add_address("eth0", "192.0.2.1/24")
        with inside(host.namespace):
            links = LinuxLinks()
        made = Watched(net, host, links)
        made.start()
        yield made
        links.close()
    finally:
        net.close()


def test_dump(watched: Watched) -> None:
    watched.until(lambda: watched.state["eth0"].up)
    facts = watched.links.dump()["eth0"]
    assert facts.index == watched.host.index("eth0")
    assert facts.mac == bytes.fromhex("02000000000a")
    assert facts.addresses[0] == IPv4Address("192.0.2.1")
    assert (facts.arp, facts.mtu) == (True, 1500)
    lo = watched.links.dump()["lo"]
    assert (lo.arp, lo.mac) == (False, b"")


def test_cable_and_device_down_and_up(watched: Watched) -> None:
    watched.until(lambda: watched.state["eth0"].up)
    watched.net.set_cable(watched.host, "eth0", up=False)
    watched.until(lambda: not watched.state["eth0"].up)
    watched.net.set_cable(watched.host, "eth0", up=True)
    watched.until(lambda: watched.state["eth0"].up)
    watched.host.set_link("eth0", up=False)
    watched.until(lambda: not watched.state["eth0"].up)
    watched.host.set_link("eth0", up=True)
    watched.until(lambda: watched.state["eth0"].up)


def test_a_short_flap_is_told_both_ways(watched: Watched) -> None:
    watched.until(lambda: watched.state["eth0"].up)
    watched.changes.clear()
    watched.host.set_link("eth0", up=False)
    watched.host.set_link("eth0", up=True)
    watched.until(lambda: watched.state["eth0"].up and bool(watched.changes))
    told = [facts.up for name, facts in watched.changes if name == "eth0" and facts is not None]
    assert False in told
    assert told[-1]


def test_addresses_in_the_kernels_order(watched: Watched) -> None:
    first, second, other = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.9"), IPv4Address("198.51.100.1")
    watched.host.add_address("eth0", "192.0.2.9/24")
    watched.host.add_address("eth0", "198.51.100.1/24")
    # Primary addresses stand before secondary ones, whenever they came.
    watched.until(lambda: watched.addresses() == (first, other, second))
    assert watched.removals == []
    watched.host.run("ip", "addr", "del", "198.51.100.1/24", "dev", "eth0")
    watched.until(lambda: watched.addresses() == (first, second))
    assert watched.removals == [("eth0", other)]


def test_losing_the_primary_address(watched: Watched) -> None:
    first, second = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.9")
    watched.host.run("sysctl", "-qw", "net.ipv4.conf.eth0.promote_secondaries=1")
    watched.host.add_address("eth0", "192.0.2.9/24")
    watched.until(lambda: watched.addresses() == (first, second))
    watched.host.run("ip", "addr", "del", "192.0.2.1/24", "dev", "eth0")
    watched.until(lambda: watched.addresses() == (second,))
    assert watched.removals == [("eth0", first)]


def test_taken_away_and_put_back_is_no_removal(watched: Watched) -> None:
    watched.host.run("ip", "addr", "del", "192.0.2.1/24", "dev", "eth0")
    watched.host.add_address("eth0", "192.0.2.1/24")
    watched.host.add_address("eth0", "203.0.113.1/24")
    watched.until(lambda: IPv4Address("203.0.113.1") in watched.addresses())
    assert watched.removals == []


def test_rename(watched: Watched) -> None:
    before = watched.state["eth0"]
    watched.host.run("ip", "link", "set", "eth0", "down")
    watched.host.run("ip", "link", "set", "eth0", "name", "wan0")
    watched.until(lambda: "wan0" in watched.state and "eth0" not in watched.state)
    assert watched.state["wan0"].index == before.index
    assert ("eth0", None) in watched.changes
    assert watched.addresses("wan0") == (IPv4Address("192.0.2.1"),)


def test_delete_and_create_again(watched: Watched) -> None:
    old = watched.state["eth0"].index
    watched.host.run("ip", "link", "del", "eth0")
    watched.until(lambda: "eth0" not in watched.state)
    assert watched.changes[-1] == ("eth0", None)
    assert ("eth0", IPv4Address("192.0.2.1")) in watched.removals
    watched.net.plug(watched.host, "eth0", "lan")
    watched.until(lambda: "eth0" in watched.state)
    assert watched.state["eth0"].index != old


def test_mac_mtu_and_arp(watched: Watched) -> None:
    watched.host.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:77", "mtu", "1400", "arp", "off")
    watched.until(lambda: watched.state["eth0"].mtu == 1400)
    watched.until(lambda: watched.state["eth0"].mac == bytes.fromhex("020000000077"))
    watched.until(lambda: not watched.state["eth0"].arp)


def test_leaving_a_bridge_is_not_leaving_the_world(watched: Watched) -> None:
    watched.host.run("ip", "link", "add", "br0", "type", "bridge")
    watched.host.run("ip", "link", "set", "eth0", "master", "br0")
    watched.host.run("ip", "link", "set", "eth0", "nomaster")
    watched.host.run("ip", "link", "del", "br0")
    watched.until(lambda: "br0" not in watched.state and ("br0", None) in watched.changes)
    assert ("eth0", None) not in watched.changes
    assert "eth0" in watched.state


def test_a_tentative_address_is_not_usable_yet(watched: Watched) -> None:
    mine = IPv6Address("2001:db8::77")
    watched.until(lambda: watched.state["eth0"].up)
    watched.host.run("ip", "addr", "add", "2001:db8::77/64", "dev", "eth0")
    watched.until(lambda: mine in watched.state["eth0"].addresses)
    shown = watched.host.run("ip", "-6", "addr", "show", "dev", "eth0", "to", "2001:db8::77")
    assert "tentative" not in shown


def test_what_happened_between_dump_and_watch(watched: Watched) -> None:
    with inside(watched.host.namespace):
        links = LinuxLinks()
    try:
        second = Watched(watched.net, watched.host, links)
        second.state = dict(links.dump())
        watched.host.add_address("eth0", "192.0.2.9/24")
        second.descriptor = links.watch(second.changed, lambda *news: second.removals.append(news))
        second.until(lambda: IPv4Address("192.0.2.9") in second.addresses())
    finally:
        links.close()


def test_an_overrun_loses_nothing(watched: Watched) -> None:
    watched.links._monitor._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    lines = [f"addr add 10.9.{number // 200}.{number % 200 + 1}/32 dev eth0" for number in range(400)]
    lines += ["addr del 192.0.2.1/24 dev eth0", "link add eth5 type veth peer name eth6", "link set eth0 mtu 1300"]
    watched.host.run("sh", "-c", f"printf '%s\\n' '{chr(10).join(lines)}' | ip -batch -")
    overruns = []
    read = watched.links._monitor.read

    def counted() -> tuple[list[tuple[int, bytes]], bool]:
        messages, lost = read()
        overruns.append(lost)
        return messages, lost

    watched.links._monitor.read = counted  # type: ignore[method-assign]
    watched.until(lambda: len(watched.addresses()) == 400 and watched.state["eth0"].mtu == 1300)
    assert any(overruns), "the test did not reach what it is about"
    assert watched.removals == [("eth0", IPv4Address("192.0.2.1"))]
    assert {"eth5", "eth6"} <= set(watched.state)


def test_what_we_add_ourselves_is_looked_at_when_there_is_time(watched: Watched) -> None:
    mine, other, last = (IPv4Address(f"198.51.100.{number}") for number in (1, 2, 3))
    with inside(watched.host.namespace):
        addresses = LinuxAddresses()
        links = LinuxLinks(addresses.port)

    def add(address: IPv4Address) -> None:
        with inside(watched.host.namespace):
            assert addresses.add([VirtualAddress(interface=ip_interface(f"{address}/32"), dev="eth0")]) == []

    again = Watched(watched.net, watched.host, links)
    again.start()
    try:
        again.until(lambda: again.state["eth0"].up)
        add(mine)
        links.touch(["eth0"])
        again.host.run("ip", "link", "set", "eth0", "mtu", "1400")
        again.until(lambda: again.state["eth0"].mtu == 1400)
        assert mine not in again.addresses(), "nobody asked for it yet"
        while links.catch_up():
            pass
        assert mine in again.addresses()

        # Taken away before it was looked at: that is told none the less.
        add(other)
        links.touch(["eth0"])
        again.host.run("ip", "addr", "del", f"{other}/32", "dev", "eth0")
        again.until(lambda: ("eth0", other) in again.removals)
        assert not links.catch_up()

        # With its device, too.
        add(last)
        links.touch(["eth0"])
        again.host.run("ip", "link", "del", "eth0")
        again.until(lambda: "eth0" not in again.state)
        assert ("eth0", last) in again.removals
    finally:
        links.close()
        addresses.close()
