"""VRRP's raw sockets over IPv4: we write the IP header, and read it.

The sending sockets are of protocol IPPROTO_RAW, to which the kernel never delivers anything.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address
from struct import Struct
from typing import Final

from pyvrrp.errors import WireError
from pyvrrp.kernel.packets6 import Interpreted, raw_socket
from pyvrrp.net import IPPROTO_VRRP, VRRP_TOS, VRRP_TTL, Address
from pyvrrp.wire.ip import decode_ipv4, encode_ipv4_header

_IP_FREEBIND: Final = 15
_IP_MULTICAST_ALL: Final = 49
_IP_MREQN = Struct("=4s4si")


def listen(interface: str, index: int, group: Address, protocol: int = IPPROTO_VRRP) -> socket.socket:
    """A socket that receives what comes to `group` (or to an address of ours) on `interface`; so far it drops all."""
    with raw_socket(socket.AF_INET, protocol, interface) as listener:
        listener.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        if group.is_multicast:
            membership = _IP_MREQN.pack(group.packed, bytes(4), index)
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        else:
            listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        listener.bind((str(group), 0))
    return listener


def sender(interface: str, index: int) -> socket.socket:
    """A socket that only sends."""
    with raw_socket(socket.AF_INET, socket.IPPROTO_RAW, interface) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _IP_MREQN.pack(bytes(4), bytes(4), index))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        # The header's ToS is ours; this one makes the device's queue treat the packet accordingly.
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, VRRP_TOS)
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
    """What sends it, as often as it is called with an identification (two bytes); OSError as it comes."""
    before, behind, flags, where = _envelope(
        source, destination, len(message), VRRP_TTL if ttl is None else ttl, protocol
    )
    behind += message
    send = sock.sendto
    return lambda identification: send(before + identification + behind, flags, where)


@lru_cache(maxsize=4096)
def _envelope(
    source: Address, destination: Address, length: int, ttl: int, protocol: int
) -> tuple[bytes, bytes, int, tuple[str, int]]:
    """What is the same each time: the IP header before and behind the identification, flags, socket address.

    The kernel writes the header's checksum (raw(7), IP_HDRINCL), whatever stands there.
    """
    assert isinstance(source, IPv4Address)
    assert isinstance(destination, IPv4Address)
    header = encode_ipv4_header(source, destination, 0, length, ttl, protocol=protocol)
    # A group is on the link whatever the routes say.
    flags = socket.MSG_DONTROUTE if destination.is_multicast else 0
    return header[:4], header[6:], flags, (str(destination), 0)


def interpret(data: bytes, ancillary: list[tuple[int, int, bytes]], sender: str) -> Interpreted | None:
    """None for what is no IP datagram."""
    read = _read(data[:4], data[6:10], data[12:])
    return None if read is None else (*read, int.from_bytes(data[4:6], "big"))


@lru_cache(maxsize=2048)
def _read(before: bytes, between: bytes, behind: bytes) -> tuple[Address, Address, int, bytes, int] | None:
    """A datagram without identification and checksum: a master sends the same all day."""
    try:
        datagram = decode_ipv4(b"".join((before, bytes(2), between, bytes(2), behind)))
    except WireError:
        # The kernel checks the header before it delivers; there is nobody to blame and nothing to read.
        return None
    return datagram.source, datagram.destination, datagram.ttl, datagram.payload, datagram.protocol
