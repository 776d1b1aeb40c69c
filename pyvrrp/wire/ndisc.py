"""Unsolicited neighbor advertisements over Ethernet (RFC 4861 §4.4, §7.2.6): IPv6's gratuitous ARP::

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|  Type = 136   |   Code = 0    |          Checksum             |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|R|S|O|                     Reserved                            |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                       Target Address (16)                     |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|   Option 2    |  Length = 1   |  Target link-layer address (6)
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from ipaddress import IPv6Address
from struct import Struct
from typing import Final

from pyvrrp.wire.checksum import checksum, pseudo_header6

ETHERTYPE_IPV6: Final = 0x86DD
ALL_NODES: Final = IPv6Address("ff02::1")
ALL_NODES_MAC: Final = bytes.fromhex("333300000001")
IPPROTO_ICMPV6: Final = 58
NEIGHBOR_ADVERTISEMENT: Final = 136
ROUTER: Final = 0x80000000
OVERRIDE: Final = 0x20000000
TARGET_LINK_LAYER_ADDRESS: Final = 2
HOP_LIMIT: Final = 255

_ETHERNET = Struct("!6s6sH")
_IPV6 = Struct("!IHBB16s16s")
_MESSAGE = Struct("!BBHI16sBB6s")


def unsolicited(mac: bytes, address: IPv6Address, *, router: bool) -> bytes:
    """The frame of 86 bytes that tells all nodes that `address` is at `mac` now.

    Its source is the address itself; Override is set, so that caches change at once (RFC 9568 §8.2.2). `router`: the
    device forwards IPv6, and neighbors that use it as their router must go on doing so.
    """
    flags = OVERRIDE | (ROUTER if router else 0)

    def message(value: int) -> bytes:
        return _MESSAGE.pack(NEIGHBOR_ADVERTISEMENT, 0, value, flags, address.packed, TARGET_LINK_LAYER_ADDRESS, 1, mac)

    pseudo = pseudo_header6(address, ALL_NODES, IPPROTO_ICMPV6, _MESSAGE.size)
    header = _IPV6.pack(6 << 28, _MESSAGE.size, IPPROTO_ICMPV6, HOP_LIMIT, address.packed, ALL_NODES.packed)
    return _ETHERNET.pack(ALL_NODES_MAC, mac, ETHERTYPE_IPV6) + header + message(checksum(pseudo + message(0)))
