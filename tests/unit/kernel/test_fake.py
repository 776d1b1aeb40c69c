from __future__ import annotations

import errno
import select
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_interface

import pytest

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.api import Addresses, Links, Packets
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import VRRP_GROUP4, Address
from tests.fakes.kernel import FakeKernel, Operation, Segment, Verb

A, B = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
VIP = VirtualAddress(interface=ip_interface("192.0.2.100/24"), dev="eth0")
ADVERT = bytes([0x21, 51, 100, 1, 0, 1, 0, 0])


def facts(address: IPv4Address) -> InterfaceFacts:
    return InterfaceFacts(index=2, up=True, mac=bytes(5) + b"\1", addresses=(address,))


@pytest.fixture
def kernels() -> Iterator[tuple[FakeKernel, FakeKernel, Segment]]:
    left, right, segment = FakeKernel({"eth0": facts(A)}), FakeKernel({"eth0": facts(B)}), Segment()
    segment.connect(left, "eth0")
    segment.connect(right, "eth0")
    yield left, right, segment
    left.close()
    right.close()


def readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def received(kernel: FakeKernel) -> list[tuple[str, Address, Address, int, bytes, int, int, int]]:
    got: list[tuple[str, Address, Address, int, bytes, int, int, int]] = []
    count = kernel.packets.receive(lambda _, *datagram: got.append(datagram))
    assert count == len(got)
    return got


def test_it_is_what_the_protocols_ask_for(kernels: tuple[FakeKernel, FakeKernel, Segment]) -> None:
    links: Links = kernels[0].links
    addresses: Addresses = kernels[0].addresses
    packets: Packets = kernels[0].packets
    assert links.dump() == {"eth0": facts(A)}
    assert addresses.present([VIP]) == []
    assert not readable(packets.filenos()[0])


def test_a_segment_carries_what_the_other_listens_for(kernels: tuple[FakeKernel, FakeKernel, Segment]) -> None:
    left, right, segment = kernels
    left.packets.open("eth0", 2, VRRP_GROUP4, [51])
    right.packets.open("eth0", 2, VRRP_GROUP4, [51])
    left.packets.send("eth0", A, [VRRP_GROUP4], ADVERT, 1)
    left.packets.send("eth0", A, [VRRP_GROUP4], b"\x21\x34" + ADVERT[2:], 2)
    assert readable(right.packets.filenos()[0])
    assert received(right) == [("eth0", A, VRRP_GROUP4, 255, ADVERT, 112, 1, 0)]
    assert not readable(right.packets.filenos()[0])
    assert received(left) == []
    segment.broken = True
    left.packets.send("eth0", A, [VRRP_GROUP4], ADVERT, 3)
    assert received(right) == []
    segment.broken = False
    right.set_up("eth0", False)
    left.packets.send("eth0", A, [VRRP_GROUP4], ADVERT, 4)
    assert received(right) == []
    right.set_up("eth0", True)
    right.packets.close("eth0")
    left.packets.send("eth0", A, [VRRP_GROUP4], ADVERT, 5)
    assert received(right) == []
    assert len(left.done(Verb.SEND)) == 5


def test_addresses_come_and_go_and_the_watcher_hears(kernels: tuple[FakeKernel, FakeKernel, Segment]) -> None:
    kernel = kernels[0]
    told: list[object] = []
    descriptor = kernel.links.watch(lambda *news: told.append(news), lambda *news: told.append(news))
    assert kernel.addresses.add([VIP, VIP]) == []
    assert kernel.addresses.present([VIP]) == [VIP]
    assert kernel.virtual == {("eth0", VIP.address): VIP}
    with_vip = replace(facts(A), addresses=(A, VIP.address))
    assert readable(descriptor)
    kernel.links.read()
    assert told == [("eth0", with_vip)]
    told.clear()
    kernel.take_address("eth0", VIP.address)
    kernel.links.read()
    assert told == [("eth0", facts(A)), ("eth0", VIP.address)]
    assert kernel.virtual == {}
    assert kernel.addresses.remove([VIP]) == []
    told.clear()
    kernel.set_device("eth0", None)
    kernel.links.read()
    assert told[0] == ("eth0", None)
    assert not readable(descriptor)
    ((virtual, error),) = kernel.addresses.add([VIP])
    assert (virtual, error.fault) == (VIP, KernelFault.ABSENT)


def test_it_refuses_what_it_is_told_to_refuse(kernels: tuple[FakeKernel, FakeKernel, Segment]) -> None:
    kernel = kernels[0]
    kernel.refuse(Verb.ADD, errno.EPERM)
    ((_, error),) = kernel.addresses.add([VIP])
    assert error.fault is KernelFault.DENIED
    kernel.refuse(Verb.ADD, 0)
    assert kernel.addresses.add([VIP]) == []
    kernel.refuse(Verb.ANNOUNCE, errno.ENETDOWN, "eth0")
    with pytest.raises(KernelError, match=r"announce 192\.0\.2\.100 on eth0"):
        kernel.packets.announce("eth0", VIP.address)
    assert kernel.operations == [Operation(Verb.ADD, "eth0", VIP.address)]
