"""VRRP's raw sockets over IPv6: the kernel writes and reads the IP header, the checksum stays ours.

Unlike keepalived we do not have the kernel verify the checksum: a damaged advertisement is to be counted and named.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address
from struct import Struct
from typing import Final

from pyvrrp.kernel import bpf
from pyvrrp.net import IPPROTO_VRRP, VRRP_TOS, VRRP_TTL, Address

_IPV6_MULTICAST_ALL: Final = 29
_IPV6_FREEBIND: Final = 78
_PKTINFO = Struct("@16si")
_HOP_LIMIT = Struct("@i")
Interpreted = tuple[Address, Address, int, bytes, int, int]
"""Source, destination, TTL or hop limit, payload, protocol and identification of what was received."""
ANCILLARY: Final = socket.CMSG_SPACE(_PKTINFO.size) + socket.CMSG_SPACE(_HOP_LIMIT.size)
"""Room for what `interpret` reads."""


@contextmanager
def raw_socket(family: int, protocol: int, interface: str) -> Iterator[socket.socket]:
    """A socket of the interface, to be set up by the body, which drops whatever comes until another filter is attached.

    That filter comes before anything else: a raw socket receives from all devices as soon as it exists.
    """
    sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    try:
        bpf.attach(sock, bpf.DROP_ALL)
        if interface:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        yield sock
    except BaseException:
        sock.close()
        raise


def listen(interface: str, index: int, group: Address, protocol: int = IPPROTO_VRRP) -> socket.socket:
    """A socket that receives what comes to `group` (or to an address of ours) on `interface`; so far it drops all."""
    with raw_socket(socket.AF_INET6, protocol, interface) as listener:
        listener.setsockopt(socket.IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        if group.is_multicast:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, _PKTINFO.pack(group.packed, index))
        else:
            listener.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
        listener.bind((str(group), 0, 0, index))
    return listener


def sender(interface: str, index: int) -> socket.socket:
    """A socket that only sends. Multicast has a hop limit of 255; unicast the system's, as keepalived's."""
    with raw_socket(socket.AF_INET6, IPPROTO_VRRP, interface) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, VRRP_TTL)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, VRRP_TOS)
    return sock


def packed(
    sock: socket.socket,
    index: int,
    source: Address,
    destination: Address,
    message: bytes,
    ttl: int | None,
    protocol: int,
) -> Callable[[bytes], object]:
    """What sends it, as often as it is called; OSError as it comes. IPv6 has no identification."""
    information = _PKTINFO.pack(source.packed, index)
    ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, information)]
    if ttl is not None:
        ancillary.append((socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, _HOP_LIMIT.pack(ttl)))
    where = str(destination), 0, 0, index
    return lambda identification: sock.sendmsg([message], ancillary, 0, where)


def interpret(data: bytes, ancillary: list[tuple[int, int, bytes]], sender: str) -> Interpreted | None:
    """None where the kernel did not tell all of it."""
    destination: IPv6Address | None = None
    hop_limit: int | None = None
    for level, kind, value in ancillary:
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            destination = IPv6Address(_PKTINFO.unpack(value)[0])
        elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_HOPLIMIT:
            (hop_limit,) = _HOP_LIMIT.unpack(value)
    if destination is None or hop_limit is None:
        return None
    return IPv6Address(sender.partition("%")[0]), destination, hop_limit, data, IPPROTO_VRRP, 0
