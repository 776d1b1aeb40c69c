from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from pyvrrp.kernel.netlink import attribute
from pyvrrp.kernel.rtnetlink import (
    IFA_ADDRESS,
    IFA_F_DADFAILED,
    IFA_F_TENTATIVE,
    IFA_FLAGS,
    IFA_LOCAL,
    IFADDRMSG,
    IFINFOMSG,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_MTU,
    LinkMessage,
    parse_address,
    parse_link,
)


def test_link() -> None:
    body = (
        IFINFOMSG.pack(0, 1, 5, 0x1043, 0)
        + attribute(IFLA_IFNAME, b"bond1\0")
        + attribute(IFLA_ADDRESS, bytes.fromhex("02000000000a"))
        + attribute(IFLA_MTU, (9000).to_bytes(4, "little"))
    )
    assert parse_link(body) == LinkMessage(0, 5, 0x1043, "bond1", bytes.fromhex("02000000000a"), 9000)


def test_the_local_address_of_a_point_to_point_link() -> None:
    near, far = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
    body = IFADDRMSG.pack(2, 32, 0, 0, 5) + attribute(IFA_ADDRESS, far.packed) + attribute(IFA_LOCAL, near.packed)
    parsed = parse_address(body)
    assert parsed is not None
    assert parsed.address == near


def test_ipv6_is_usable_when_its_detection_ended_well() -> None:
    address = attribute(IFA_ADDRESS, IPv6Address("fe80::1").packed)
    for flags, usable in ((0x80, True), (0x80 | IFA_F_TENTATIVE, False), (0x80 | IFA_F_DADFAILED, False)):
        parsed = parse_address(
            IFADDRMSG.pack(10, 64, 0, 253, 5) + address + attribute(IFA_FLAGS, bytes([flags, 0, 0, 0]))
        )
        assert parsed is not None
        assert parsed.usable is usable


def test_other_families_are_passed_over() -> None:
    assert parse_address(IFADDRMSG.pack(28, 0, 0, 0, 5) + attribute(IFA_LOCAL, b"\0\0\0\1")) is None
