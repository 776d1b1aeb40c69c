"""Raw sockets between two namespaces; what is on the wire is read by scapy from a packet socket."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

import pytest

from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.bpf import Part
from pyvrrp.kernel.packets import LinuxPackets
from pyvrrp.kernel.timer import monotonic
from pyvrrp.net import IPPROTO_AH, IPPROTO_VRRP, VRRP_GROUP4, VRRP_GROUP6, Address
from pyvrrp.units import Micros
from pyvrrp.wire.ip import encode_ipv4_header
from pyvrrp.wire.vrrp import AdvertV2, encode_v2
from tests.golden.pcap import gratuitous_arps
from tests.topology.net import Host, Net, inside
from tests.topology.tap import Advert, Tap

pytestmark = pytest.mark.root

PATIENCE = 10.0
A, B = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
MAC_A = "02:00:00:00:00:0a"


def advert(vrid: int, priority: int = 100) -> bytes:
    return encode_v2(
        AdvertV2(virtual_router_id=vrid, priority=priority, advert_int=1, addresses=(IPv4Address("192.0.2.100"),))
    )


@dataclass
class Station:
    host: Host
    packets: LinuxPackets
    got: list[tuple[str, Address, Address, int, bytes]] = field(default_factory=list)
    times: list[Micros] = field(default_factory=list)
    lost: int = 0

    def open(self, *ids: int, group: Address = VRRP_GROUP4, interface: str = "eth0") -> None:
        with inside(self.host.namespace):
            self.packets.open(interface, self.host.index(interface), group, ids)

    def read(self) -> None:
        self.packets.receive(self.take)

    def take(
        self,
        at: Micros,
        interface: str,
        source: Address,
        destination: Address,
        ttl: int,
        payload: bytes,
        protocol: int,
        identification: int,
        lost: int,
    ) -> None:
        self.lost += lost
        self.times.append(at)
        self.got.append((interface, source, destination, ttl, payload))

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            left = deadline - time.monotonic()
            assert left > 0, f"never came: {self.got}"
            if select.select(self.packets.filenos(), [], [], min(left, 0.1))[0]:
                self.read()


@dataclass
class Scene:
    net: Net
    tap: Tap
    a: Station
    b: Station

    def send_raw(self, datagram: bytes) -> None:
        """From B's namespace, past our own sender."""
        with inside(self.b.host.namespace), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
            raw.sendto(datagram, (str(IPv4Address(datagram[16:20])), 0))


@pytest.fixture
def scene() -> Iterator[Scene]:
    net = Net()
    stations: list[Station] = []
    try:
        net.add_bridge("lan")
        for name, address, mac in (("a", A, MAC_A), ("b", B, "02:00:00:00:00:0b")):
            host = net.add_host(name)
            net.plug(host, "eth0", "lan", mac=mac)
            host.set_link("eth0", up=True)
            host.add_address("eth0", f"{address}/24")
            with inside(host.namespace):
                stations.append(Station(host, LinuxPackets()))
        tap = Tap(net.switch, "lan")
        yield Scene(net, tap, *stations)
        tap.close()
    finally:
        for station in stations:
            station.packets.close_all()
        net.close()


def carried(scene: Scene, interface: str = "eth0") -> None:
    """The bridge's ports forward as soon as the carrier is seen; adverts of A until one arrives at B."""
    scene.a.open(250)
    scene.b.open(250, 51, 52, interface=interface)

    def arrived() -> bool:
        scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(250), 1)
        scene.b.read()
        return any(name == interface for name, *_ in scene.b.got)

    scene.b.until(arrived)
    for station in (scene.a, scene.b):
        station.read()
        station.got.clear()


def test_what_is_on_the_wire(scene: Scene) -> None:
    carried(scene)
    since = time.time()
    scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(51), 4711)
    scene.b.until(lambda: bool(scene.b.got))
    assert scene.b.got == [("eth0", A, VRRP_GROUP4, 255, advert(51))]
    (seen,) = scene.tap.adverts(51, since=since)
    assert isinstance(seen, Advert)
    assert (seen.source, seen.destination, seen.ttl, seen.tos, seen.mac) == (str(A), "224.0.0.18", 255, 0xC0, MAC_A)
    assert (seen.version, seen.priority, seen.interval, seen.addresses) == (2, 100, 1.0, ("192.0.2.100",))
    assert seen.sound, "IP and VRRP checksums"


def test_we_do_not_hear_ourselves(scene: Scene) -> None:
    carried(scene)
    scene.a.open(51)
    scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(51), 1)
    scene.b.until(lambda: bool(scene.b.got))
    scene.b.packets.send("eth0", B, [VRRP_GROUP4], advert(51, 90), 1)
    scene.a.until(lambda: bool(scene.a.got))
    assert [(source, payload) for _, source, _, _, payload in scene.a.got] == [(B, advert(51, 90))]


def test_foreign_virtual_routers_never_reach_us(scene: Scene) -> None:
    carried(scene)
    for vrid in (1, 50, 53, 255, 51):
        scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(vrid), 1)
    scene.b.until(lambda: bool(scene.b.got))
    assert [payload[1] for *_, payload in scene.b.got] == [51]
    scene.b.open(53)
    scene.b.got.clear()
    for vrid in (51, 53):
        scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(vrid), 1)
    scene.b.until(lambda: bool(scene.b.got))
    assert [payload[1] for *_, payload in scene.b.got] == [53], "the ids of the second open are in force"


def test_a_wrong_ttl_does_reach_us_to_be_counted(scene: Scene) -> None:
    carried(scene)
    scene.a.open(51)
    message = advert(51)
    scene.send_raw(encode_ipv4_header(B, VRRP_GROUP4, 1, len(message), ttl=1) + message)
    scene.a.until(lambda: bool(scene.a.got))
    assert scene.a.got == [("eth0", B, VRRP_GROUP4, 1, message)]


def test_of_many_with_a_wrong_ttl_some_are_seen_and_all_are_counted(scene: Scene) -> None:
    carried(scene)
    scene.a.open(51)
    message = advert(51)
    stray = encode_ipv4_header(B, VRRP_GROUP4, 1, len(message), ttl=64) + message
    for _ in range(500):
        scene.send_raw(stray)
    scene.a.read()
    assert 0 < len(scene.a.got) < 100
    assert len(scene.a.got) + scene.a.lost == 500
    for _ in range(100):
        scene.b.packets.send("eth0", B, [VRRP_GROUP4], message, 1)
    scene.send_raw(stray)
    scene.a.read()
    assert [ttl for _, _, _, ttl, _ in scene.a.got].count(255) == 100, "they have a socket of their own"
    assert scene.a.got[-1][3] == 64
    assert len(scene.a.got) + scene.a.lost == 601, "what the filter drops is not counted in"


def test_a_wrong_hop_limit_is_told_apart_too(scene: Scene) -> None:
    source = IPv6Address("fe80::b")
    scene.b.host.run("ip", "addr", "add", f"{source}/64", "dev", "eth0", "nodad")
    scene.a.open(51, group=VRRP_GROUP6)
    scene.b.open(51, group=VRRP_GROUP6)
    listener = scene.a.packets._listeners["eth0", VRRP_GROUP6, IPPROTO_VRRP]
    for ttl, part in ((255, Part.ALL), (64, Part.STRAY)):

        def arrived() -> bool:
            scene.b.packets.send("eth0", source, [VRRP_GROUP6], advert(51), 1, ttl)  # noqa: B023
            return bool(select.select([listener.sockets[part]], [], [], 0.1)[0])  # noqa: B023

        scene.a.until(arrived)
        scene.a.read()
        assert {got[3] for got in scene.a.got} == {ttl}
        scene.a.got.clear()


def test_only_this_interface_and_only_this_group(scene: Scene) -> None:
    for host, address in ((scene.a.host, "198.51.100.1/24"), (scene.b.host, "198.51.100.2/24")):
        scene.net.plug(host, "eth1", "lan")
        host.set_link("eth1", up=True)
        host.add_address("eth1", address)
    carried(scene)
    carried(scene, "eth1")
    other = IPv4Address("224.0.0.19")
    scene.a.open(51)
    scene.a.open(51, group=other)
    scene.b.open(51, interface="eth1")
    scene.b.got.clear()
    # The same segment: eth0 and eth1 of B both get this frame, and only eth1 tells of vrid 51 to both groups.
    scene.b.open(52)
    scene.a.packets.send("eth0", A, [other], advert(51), 1)
    scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(51), 2)
    scene.b.until(lambda: bool(scene.b.got))
    assert [(name, destination) for name, _, destination, _, _ in scene.b.got] == [("eth1", VRRP_GROUP4)]
    scene.b.packets.send("eth0", B, [other], advert(51, 7), 1)
    scene.a.until(lambda: bool(scene.a.got))
    assert scene.a.got == [("eth0", B, other, 255, advert(51, 7))]
    assert len(scene.a.packets.filenos()) == 1


def test_unicast(scene: Scene) -> None:
    carried(scene)
    scene.a.open(51, group=A)
    scene.b.open(51, group=B)
    scene.a.packets.send("eth0", A, [B, IPv4Address("192.0.2.3")], advert(51), 9)
    scene.b.until(lambda: bool(scene.b.got))
    assert scene.b.got == [("eth0", A, B, 255, advert(51))]


def test_unicast_by_another_interface_is_not_ours(scene: Scene) -> None:
    mac = "02:00:00:00:00:1a"
    scene.net.plug(scene.a.host, "eth1", "lan", mac=mac)
    scene.a.host.set_link("eth1", up=True)
    for name in ("all", "eth1"):
        scene.a.host.run("sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0")
    carried(scene)
    scene.a.open(51, group=A)
    scene.a.open(51, group=A, interface="eth1")
    scene.b.host.run("ip", "neigh", "replace", str(A), "lladdr", mac, "dev", "eth0")

    def arrived() -> bool:
        scene.b.packets.send("eth0", B, [A], advert(51), 1)
        scene.a.read()
        return bool(scene.a.got)

    scene.a.until(arrived)
    assert {name for name, *_ in scene.a.got} == {"eth1"}


def test_unicast_source_need_not_be_there_yet(scene: Scene) -> None:
    scene.a.open(51, group=IPv4Address("203.0.113.5"))


def test_order_and_drain(scene: Scene) -> None:
    carried(scene)
    for priority in range(200):
        scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(51, priority), 1)
    scene.b.until(lambda: len(scene.b.got) == 200)
    assert [payload[2] for *_, payload in scene.b.got] == list(range(200))
    assert scene.b.packets.receive(lambda *_: None) == 0


def test_close(scene: Scene) -> None:
    carried(scene)
    scene.b.packets.close("eth0")
    scene.b.packets.close("eth0")
    scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(51), 1)
    since = time.time()
    scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(52), 1)
    scene.a.until(lambda: bool(scene.tap.adverts(52, since=since - 1)))
    scene.b.read()
    assert scene.b.got == []
    with pytest.raises(KernelError, match="no socket is open there"):
        scene.b.packets.send("eth0", B, [VRRP_GROUP4], advert(51), 1)


def test_a_device_down_deleted_and_created_again(scene: Scene) -> None:
    carried(scene)
    scene.b.host.set_link("eth0", up=False)
    scene.b.read()
    with pytest.raises(KernelError, match="send an advertisement on eth0"):
        scene.b.packets.send("eth0", B, [VRRP_GROUP4], advert(51), 1)
    with pytest.raises(KernelError, match="announce"):
        scene.b.packets.announce("eth0", B)
    scene.b.host.run("ip", "link", "del", "eth0")
    scene.b.read()
    scene.net.plug(scene.b.host, "eth0", "lan")
    scene.b.host.set_link("eth0", up=True)
    scene.b.host.add_address("eth0", f"{B}/24")
    scene.b.open(51)

    def arrived() -> bool:
        scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(51), 1)
        scene.b.read()
        return bool(scene.b.got)

    scene.b.until(arrived)
    since = time.time()
    scene.b.packets.send("eth0", B, [VRRP_GROUP4], advert(51), 1)
    scene.a.until(lambda: bool(scene.tap.adverts(51, source=str(B), since=since)))


def test_gratuitous_arp_is_keepalived_s_to_the_byte(scene: Scene) -> None:
    golden = gratuitous_arps("garp-default")[0]
    with inside(scene.b.host.namespace):
        listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    with listener:
        listener.bind(("eth0", 0x0806))
        listener.settimeout(PATIENCE)
        carried(scene)
        scene.a.packets.announce("eth0", IPv4Address("192.0.2.100"))
        while (frame := listener.recv(2048))[28:32] != golden[28:32]:
            continue
    assert frame == golden
    assert len(golden) == 42


def test_what_we_cannot_do_is_said(scene: Scene) -> None:
    packets = scene.a.packets
    with pytest.raises(KernelError, match="no Ethernet device") as caught:
        packets.announce("lo", A)
    assert caught.value.fault is KernelFault.UNSUPPORTED
    with pytest.raises(KernelError, match=r"announce 192.*on nowhere: No such device") as caught:
        packets.announce("nowhere", A)
    assert caught.value.fault is KernelFault.ABSENT
    with pytest.raises(KernelError, match=r"listen for VRRP on nowhere to 224\.0\.0\.18: No such device"):
        packets.open("nowhere", 99, VRRP_GROUP4, [1])


def test_the_time_is_that_of_arrival_not_of_reading(scene: Scene) -> None:
    """A worker that was stalled counts from when an advertisement came."""
    scene.b.open(51)
    scene.a.open(51)
    before = monotonic()
    scene.a.packets.send("eth0", A, [VRRP_GROUP4], advert(51), 1)
    after = monotonic()
    deadline = after + 200_000
    while monotonic() < deadline:
        select.select([], [], [], 0.01)
    scene.b.until(lambda: bool(scene.b.got))
    # A veth delivers within the sender's call.
    assert before - 100 <= scene.b.times[0] <= after + 100


def test_a_relaxed_socket_wakes_for_farewells_only(scene: Scene) -> None:
    """With many virtual routers; and what it read late is told in the order in which it came."""
    carried(scene)
    many = range(1, 101)
    scene.b.open(*many)
    scene.b.packets.relax("eth0", VRRP_GROUP4, relaxed=True)
    sent = [advert(vrid) for vrid in many] + [advert(7, 0)]
    for message in sent[:-1]:
        scene.a.packets.send("eth0", A, [VRRP_GROUP4], message, 1)
    assert not select.select(scene.b.packets.filenos(), [], [], 0.1)[0], "nobody is woken"
    scene.a.packets.send("eth0", A, [VRRP_GROUP4], sent[-1], 1)
    assert select.select(scene.b.packets.filenos(), [], [], PATIENCE)[0]
    scene.b.read()
    assert [payload for *_, payload in scene.b.got] == sent
    assert scene.b.times == sorted(scene.b.times)
    scene.b.got.clear()
    scene.b.packets.relax("eth0", VRRP_GROUP4, relaxed=False)
    scene.a.packets.send("eth0", A, [VRRP_GROUP4], sent[0], 1)
    scene.b.until(lambda: bool(scene.b.got))
    scene.b.open(1, 2)
    scene.b.packets.relax("eth0", VRRP_GROUP4, relaxed=True)
    assert not scene.b.packets.relaxed, "few are heard at once"


def test_the_receive_buffer_has_the_size_asked_for(scene: Scene) -> None:
    """The kernel doubles it for its bookkeeping."""
    packets, index = scene.a.packets, scene.a.host.index("eth0")
    for size in (300_000, 50_000):
        with inside(scene.a.host.namespace):
            packets.open("eth0", index, VRRP_GROUP4, [51], IPPROTO_AH, size)
        ((_, listener),) = packets._listeners.items()
        for listening in [one for part, one in listener.sockets.items() if part is not Part.STRAY]:
            assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * size


def test_ah_is_let_through_for_our_routers_only(scene: Scene) -> None:
    def behind(message: bytes, protocol: int = 112) -> bytes:
        return bytes((protocol, 4)) + bytes(22) + message

    with inside(scene.b.host.namespace):
        scene.b.packets.open("eth0", scene.b.host.index("eth0"), VRRP_GROUP4, [51], IPPROTO_AH)
    scene.a.open(51)
    wanted = behind(advert(51))
    for payload in (behind(advert(52)), behind(advert(51), protocol=6), advert(51), wanted):
        scene.a.packets.send("eth0", A, [VRRP_GROUP4], payload, 1, protocol=IPPROTO_AH)
    scene.b.until(lambda: bool(scene.b.got))
    assert scene.b.got == [("eth0", A, VRRP_GROUP4, 255, wanted)]
