"""The rtnetlink messages about devices and addresses, as values (rtnetlink(7))."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import Final

from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.netlink import Netlink, attribute, attributes
from pyvrrp.net import AF_INET, AF_INET6, Address, Interface, family

RTM_NEWLINK: Final = 16
RTM_DELLINK: Final = 17
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_DELADDR: Final = 21
RTM_GETADDR: Final = 22

RTMGRP_LINK: Final = 0x1
RTMGRP_IPV4_IFADDR: Final = 0x10
RTMGRP_IPV6_IFADDR: Final = 0x100

IFLA_ADDRESS: Final = 1
IFLA_IFNAME: Final = 3
IFLA_MTU: Final = 4
IFLA_LINKINFO: Final = 18
IFLA_INFO_KIND: Final = 1
IFLA_INFO_DATA: Final = 2

IFA_ADDRESS: Final = 1
IFA_LOCAL: Final = 2
IFA_LABEL: Final = 3
IFA_BROADCAST: Final = 4
IFA_CACHEINFO: Final = 6
IFA_FLAGS: Final = 8
IFA_PROTO: Final = 11

IFA_F_NODAD: Final = 0x02
IFA_F_DADFAILED: Final = 0x08
IFA_F_HOMEADDRESS: Final = 0x10
IFA_F_TENTATIVE: Final = 0x40
IFA_F_MANAGETEMPADDR: Final = 0x100
IFA_F_NOPREFIXROUTE: Final = 0x200
IFA_F_MCAUTOJOIN: Final = 0x400

IFF_UP: Final = 0x1
IFF_LOOPBACK: Final = 0x8
IFF_RUNNING: Final = 0x40
IFF_NOARP: Final = 0x80

IFINFOMSG = Struct("=BxHiII")
"""Family, hardware type, index, flags, change mask."""
IFADDRMSG = Struct("=BBBBI")
"""Family, prefix length, flags, scope, device index."""
CACHEINFO = Struct("=IIII")
"""Preferred and valid lifetime (seconds), and two that only the kernel writes."""
U32 = Struct("=I")
FOREVER: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """What a RTM_NEWLINK or RTM_DELLINK says."""

    family: int
    """0 for the device itself; AF_BRIDGE for its port of a bridge, whose end is not the device's."""
    index: int
    flags: int
    name: str
    mac: bytes
    mtu: int


@dataclass(frozen=True, slots=True)
class AddressMessage:
    """What a RTM_NEWADDR or RTM_DELADDR says."""

    index: int
    address: Address
    prefix_length: int
    flags: int

    @property
    def usable(self) -> bool:
        """Duplicate address detection is over and found none."""
        return not self.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)


def parse_link(body: bytes) -> LinkMessage:
    family, _, index, flags, _ = IFINFOMSG.unpack_from(body)
    found = attributes(body, IFINFOMSG.size)
    name = found.get(IFLA_IFNAME, b"").rstrip(b"\0").decode("utf-8", "surrogateescape")
    mtu = U32.unpack(found[IFLA_MTU])[0] if IFLA_MTU in found else 0
    return LinkMessage(family, index, flags, name, found.get(IFLA_ADDRESS, b""), mtu)


def parse_address(body: bytes) -> AddressMessage | None:
    """None for families other than IPv4 and IPv6."""
    kind, prefix_length, flags, _, index = IFADDRMSG.unpack_from(body)
    found = attributes(body, IFADDRMSG.size)
    # On a point-to-point link IFA_ADDRESS is the other end.
    packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
    if packed is None or kind not in (AF_INET, AF_INET6):
        return None
    if IFA_FLAGS in found:
        flags = U32.unpack(found[IFA_FLAGS])[0]
    address = IPv4Address(packed) if kind == AF_INET else IPv6Address(packed)
    return AddressMessage(index, address, prefix_length, flags)


def address_body(address: Interface, index: int, flags: int, scope: int, peer: Address | None = None) -> bytes:
    """What names an address on a device, for adding as for removing."""
    return (
        IFADDRMSG.pack(family(address.ip), address.network.prefixlen, flags, scope, index)
        + attribute(IFA_LOCAL, address.ip.packed)
        + attribute(IFA_ADDRESS, (peer or address.ip).packed)
    )


def device_index(name: str) -> int:
    """0 if there is no such device."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def dump_links(netlink: Netlink) -> list[LinkMessage]:
    return [parse_link(body) for body in netlink.dump(RTM_GETLINK, 0, IFINFOMSG.pack(0, 0, 0, 0, 0), "list links")]


def dump_addresses(netlink: Netlink, index: int = 0) -> list[AddressMessage]:
    """In the kernel's order; those of one device, or all if `index` is 0. None of a device that has gone."""
    found: list[AddressMessage] = []
    for kind in (AF_INET, AF_INET6):
        try:
            bodies = netlink.dump(RTM_GETADDR, 0, IFADDRMSG.pack(kind, 0, 0, 0, index), "list addresses")
        except KernelError as error:
            if error.fault is KernelFault.ABSENT:
                return []
            raise
        for body in bodies:
            message = parse_address(body)
            # Kernels before 4.20 list all devices whatever they are asked.
            if message is not None and index in (0, message.index):
                found.append(message)
    return found
