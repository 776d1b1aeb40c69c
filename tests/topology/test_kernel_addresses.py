"""Addresses on real devices, looked at with iproute2."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_interface
from typing import Any

import pytest

from pyvrrp.errors import KernelFault
from pyvrrp.kernel import netns
from pyvrrp.kernel.addresses import LinuxAddresses
from pyvrrp.model.vrrp import Scope, VirtualAddress
from tests.topology.net import Host, Net, inside

pytestmark = pytest.mark.root


@pytest.fixture
def host() -> Iterator[Host]:
    net = Net()
    try:
        made = net.add_host("a")
        net.add_bridge("lan")
        net.plug(made, "eth0", "lan")
        made.set_link("eth0", up=True)
        yield made
    finally:
        net.close()


@pytest.fixture
def addresses(host: Host) -> Iterator[LinuxAddresses]:
    with inside(host.namespace):
        made = LinuxAddresses()
        yield made
        made.close()


def virtual(text: str, dev: str = "eth0", **rest: Any) -> VirtualAddress:
    return VirtualAddress(interface=ip_interface(text), dev=dev, **rest)


def shown(host: Host) -> dict[str, dict[str, Any]]:
    """What `ip` says of the addresses of eth0."""
    (link,) = json.loads(host.run("ip", "-j", "addr", "show", "dev", "eth0"))
    return {entry["local"]: entry for entry in link["addr_info"]}


def test_a_rehearsal_adds_nothing_and_what_follows_it_is_done(host: Host, addresses: LinuxAddresses) -> None:
    wanted = [virtual("192.0.2.100/25"), virtual("192.0.2.101/25", "nowhere")]
    addresses.rehearse(wanted)
    addresses.rehearse([])
    assert addresses.present(wanted) == []
    assert [(refused, error.fault) for refused, error in addresses.add(wanted)] == [(wanted[1], KernelFault.ABSENT)]
    assert addresses.present(wanted) == wanted[:1]


def test_add_and_remove(host: Host, addresses: LinuxAddresses) -> None:
    plain = virtual("192.0.2.100/25")
    full = virtual("192.0.2.200/32", label="eth0:vip", broadcast=IPv4Address("192.0.2.255"), scope=Scope.LINK)
    host6 = virtual("2001:db8::100/128")
    net6 = virtual("2001:db8::101/64")
    everything = [plain, full, host6, net6]
    assert addresses.present(everything) == []
    assert addresses.add(everything) == []
    assert addresses.present(everything) == everything
    found = shown(host)
    assert found["192.0.2.100"]["prefixlen"] == 25
    assert found["192.0.2.100"]["label"] == "eth0"
    assert "broadcast" not in found["192.0.2.100"]
    assert (found["192.0.2.200"]["label"], found["192.0.2.200"]["broadcast"]) == ("eth0:vip", "192.0.2.255")
    assert found["192.0.2.200"]["scope"] == "link"
    assert found["2001:db8::100"]["nodad"] is True
    assert "tentative" not in found["2001:db8::100"]
    assert found["2001:db8::100"]["deprecated"] is True
    assert "deprecated" not in found["2001:db8::101"]
    assert addresses.remove(everything) == []
    assert addresses.present(everything) == []
    assert not {"192.0.2.100", "192.0.2.200", "2001:db8::100", "2001:db8::101"} & set(shown(host))


def test_what_is_there_or_gone_already_is_no_refusal(host: Host, addresses: LinuxAddresses) -> None:
    labelled = virtual("192.0.2.100/24", label="eth0:vip")
    host.add_address("eth0", "192.0.2.100/24")
    assert addresses.add([labelled, labelled]) == []
    assert addresses.remove([labelled]) == [], "put there by hand, without the label, and ours all the same"
    assert "192.0.2.100" not in shown(host)
    assert addresses.remove([labelled, virtual("192.0.2.1/24", dev="nowhere")]) == []


def test_refusals_name_the_address_and_do_not_hold_up_the_others(host: Host, addresses: LinuxAddresses) -> None:
    lost = virtual("192.0.2.50/24", dev="nowhere")
    wrong = virtual("192.0.2.51/24", label="other:1")
    wrong_scope = virtual("192.0.2.52/24", scope=Scope.HOST)
    good = virtual("192.0.2.53/24")
    refused = addresses.add([good, lost, wrong_scope, wrong])
    assert [address for address, _ in refused] == [lost, wrong_scope]
    assert refused[0][1].fault is KernelFault.ABSENT
    assert str(refused[0][1]) == "add 192.0.2.50/24 to nowhere: No such device"
    assert str(refused[1][1]).startswith("add 192.0.2.52/24 to eth0: Invalid argument")
    assert addresses.present([good, lost, wrong, wrong_scope]) == [good, wrong]


def test_a_device_that_was_replaced_is_found_again(host: Host, addresses: LinuxAddresses) -> None:
    vip = virtual("192.0.2.100/24", dev="eth9")
    for _ in range(2):
        host.run("ip", "link", "add", "eth9", "type", "veth", "peer", "name", "eth8")
        assert addresses.add([vip]) == []
        assert addresses.present([vip]) == [vip]
        host.run("ip", "link", "del", "eth9")
    assert addresses.present([vip]) == []


def test_a_thousand_at_once(host: Host, addresses: LinuxAddresses) -> None:
    many = [virtual(f"10.9.{number // 250}.{number % 250 + 1}/32") for number in range(1000)]
    before = time.process_time()
    assert addresses.add(many) == []
    # The bound is wide (the kernel's part included); one round trip an address would already break it.
    assert time.process_time() - before < 0.1 * len(many) / 1000 * 2
    assert addresses.present(many) == many
    assert addresses.remove(many) == []
    assert addresses.present(many) == []


def test_namespaces_have_names(host: Host) -> None:
    with inside(host.namespace):
        assert netns.name_of(netns.current_id()) == host.namespace


def test_enter(host: Host) -> None:
    before = netns.current_id()
    with inside(host.namespace):
        there = netns.current_id()
    with inside(host.namespace):
        # `inside` leads back, wherever we have gone meanwhile.
        netns.enter(host.namespace)
        assert netns.current_id() == there != before
    assert netns.current_id() == before
