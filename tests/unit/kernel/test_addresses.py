"""Messages as pyroute2 reads them, which knows nothing of our encoder."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_interface
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

from pyvrrp.kernel.addresses import encode_add, encode_remove
from pyvrrp.kernel.netlink import HEADER, Message
from pyvrrp.kernel.rtnetlink import RTM_DELADDR, RTM_NEWADDR, device_index, parse_address
from pyvrrp.model.vrrp import Scope, VirtualAddress


def read(message: Message) -> Any:
    kind, flags, body = message
    parsed = ifaddrmsg(HEADER.pack(16 + len(body), kind, flags, 1, 0) + body)
    parsed.decode()
    return parsed


def test_a_plain_address() -> None:
    virtual = VirtualAddress(interface=ip_interface("192.0.2.100/25"), dev="bond1")
    message = encode_add(virtual, 7)
    parsed = read(message)
    assert (message[0], message[1]) == (RTM_NEWADDR, 0)
    assert (parsed["family"], parsed["prefixlen"], parsed["flags"], parsed["scope"], parsed["index"]) == (
        2,
        25,
        0,
        0,
        7,
    )
    assert parsed.get("local") == parsed.get("address") == "192.0.2.100"
    assert parsed.get("proto") == 18
    assert parsed.get("label") is None
    assert parsed.get("broadcast") is None


def test_everything_that_can_be_said() -> None:
    virtual = VirtualAddress(
        interface=ip_interface("192.0.2.100/24"),
        dev="eth0",
        label="eth0:vip",
        broadcast=IPv4Address("192.0.2.255"),
        scope=Scope.LINK,
    )
    parsed = read(encode_add(virtual, 3))
    assert (parsed.get("label"), parsed.get("broadcast"), parsed["scope"]) == ("eth0:vip", "192.0.2.255", 253)


def test_removing_ignores_the_label() -> None:
    virtual = VirtualAddress(interface=ip_interface("192.0.2.100/24"), dev="eth0", label="eth0:vip")
    kind, flags, body = encode_remove(virtual, 3)
    parsed = read((kind, flags, body))
    assert (kind, flags, parsed.get("label")) == (RTM_DELADDR, 0, None)
    assert parsed.get("local") == "192.0.2.100"


def test_ipv6_is_added_without_detection_and_a_host_address_deprecated() -> None:
    host = read(encode_add(VirtualAddress(interface=ip_interface("2001:db8::1/128"), dev="eth0"), 3))
    assert (host["family"], host["flags"]) == (10, 0x02)
    cache = host.get("cacheinfo")
    assert (cache["ifa_preferred"], cache["ifa_valid"]) == (0, 0xFFFFFFFF)
    network = read(encode_add(VirtualAddress(interface=ip_interface("2001:db8::1/64"), dev="eth0"), 3))
    assert network.get("cacheinfo") is None


def test_our_own_reader() -> None:
    virtual = VirtualAddress(interface=ip_interface("192.0.2.100/25"), dev="bond1")
    parsed = parse_address(encode_add(virtual, 7)[2])
    assert parsed is not None
    assert (parsed.index, parsed.address, parsed.prefix_length, parsed.usable) == (7, virtual.address, 25, True)


def test_device_index() -> None:
    assert device_index("lo") == 1
    assert device_index("no-such-device") == 0
