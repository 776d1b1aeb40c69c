"""How this host would reach others: what its routes say, without sending anything."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from pyvrrp.errors import KernelError
from pyvrrp.kernel.netlink import NETLINK_ROUTE, Netlink, attribute, attributes
from pyvrrp.kernel.rtroutes import RTA_DST, RTA_GATEWAY, RTA_OIF, RTM_GETROUTE, RTMSG
from pyvrrp.model.routing import MAIN
from pyvrrp.net import Address, family


def ways(addresses: Iterable[Address]) -> dict[Address, Address | None] | None:
    """The gateway by which each is reached, None where it is on the link; those to which no route leads are absent.

    None if the kernel does not tell, or this host has no network to speak of (no route of either family).
    """
    found: dict[Address, Address | None] = {}
    try:
        netlink = Netlink(NETLINK_ROUTE)
    except KernelError:
        return None
    try:
        if not any(_routes(netlink, kind) for kind in (socket.AF_INET, socket.AF_INET6)):
            return None
        for address in addresses:
            try:
                found[address] = _way(netlink, address)
            except KernelError:
                continue
    except KernelError:
        return None
    finally:
        netlink.close()
    return found


def _way(netlink: Netlink, address: Address) -> Address | None:
    header = RTMSG.pack(family(address), address.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
    (answer, *_) = netlink.get(
        RTM_GETROUTE, 0, header + attribute(RTA_DST, address.packed), f"ask the way to {address}"
    )
    gateway = attributes(answer, RTMSG.size).get(RTA_GATEWAY)
    return None if gateway is None else IPv4Address(gateway) if len(gateway) == 4 else IPv6Address(gateway)


def _routes(netlink: Netlink, kind: int) -> bool:
    """Is there a route of the main table, of a device that is more than the loopback?"""
    bodies = netlink.dump(RTM_GETROUTE, 0, RTMSG.pack(kind, 0, 0, 0, 0, 0, 0, 0, 0), "list routes")
    loopback = socket.if_nametoindex("lo")
    return any(
        body[4] == MAIN and int.from_bytes(attributes(body, RTMSG.size).get(RTA_OIF, b""), sys.byteorder) != loopback
        for body in bodies
    )
