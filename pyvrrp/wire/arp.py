"""ARP over Ethernet for IPv4 (RFC 826), as far as announcing an address needs it (RFC 5227 §1.1, §3)::

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|       Hardware Type = 1       |     Protocol Type = 0x0800    |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
| HW Length = 6 | PR Length = 4 |           Operation           |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|  Sender hardware (6) and protocol (4), target hardware (6) and protocol (4) address ...
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from struct import Struct
from typing import Final

from pyvrrp.errors import WireError, WireReason

ETHERTYPE_ARP: Final = 0x0806
BROADCAST: Final = b"\xff" * 6
REQUEST: Final = 1
REPLY: Final = 2

_FRAME = Struct("!6s6sHHHBBH6s4s6s4s")
_ETHERNET_IPV4: Final = (ETHERTYPE_ARP, 1, 0x0800, 6, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpFrame:
    """One Ethernet frame that carries ARP for IPv4. Hardware addresses are 6 bytes."""

    destination: bytes
    source: bytes
    operation: int
    """1 request, 2 reply."""
    sender_mac: bytes
    sender: IPv4Address
    target_mac: bytes
    target: IPv4Address


def gratuitous(mac: bytes, address: IPv4Address) -> ArpFrame:
    """What tells the segment that `address` is at `mac` now: a request to everybody, about oneself.

    The target hardware address is all ones, as in keepalived's; the field means nothing in a request (RFC 5227 §3).
    """
    return ArpFrame(
        destination=BROADCAST,
        source=mac,
        operation=REQUEST,
        sender_mac=mac,
        sender=address,
        target_mac=BROADCAST,
        target=address,
    )


def encode(frame: ArpFrame) -> bytes:
    """42 bytes; padding to Ethernet's minimum is the device's."""
    return _FRAME.pack(
        frame.destination,
        frame.source,
        *_ETHERNET_IPV4,
        frame.operation,
        frame.sender_mac,
        frame.sender.packed,
        frame.target_mac,
        frame.target.packed,
    )


def decode(data: bytes) -> ArpFrame:
    """An Ethernet frame; padding after it is ignored.

    WireError: TOO_SHORT below 42 bytes, PROTOCOL if it is not ARP for IPv4 over Ethernet.
    """
    if len(data) < _FRAME.size:
        raise WireError(WireReason.TOO_SHORT, f"{len(data)} bytes")
    destination, source, *kind, operation, sender_mac, sender, target_mac, target = _FRAME.unpack_from(data)
    if tuple(kind) != _ETHERNET_IPV4:
        raise WireError(WireReason.PROTOCOL, "no ARP for IPv4 over Ethernet")
    return ArpFrame(
        destination=destination,
        source=source,
        operation=operation,
        sender_mac=sender_mac,
        sender=IPv4Address(sender),
        target_mac=target_mac,
        target=IPv4Address(target),
    )
