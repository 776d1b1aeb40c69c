"""Addresses and the few numbers that every room needs, without sockets."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Interface: TypeAlias = IPv4Interface | IPv6Interface
"""An address with its prefix length (the ipaddress module's word, not a network device)."""

AF_INET: Final = 2
AF_INET6: Final = 10

IPPROTO_AH: Final = 51
IPPROTO_VRRP: Final = 112

VRRP_GROUP4: Final = IPv4Address("224.0.0.18")
"""Where VRRP speaks over IPv4 (RFC 9568 §5.1.1.2)."""
VRRP_GROUP6: Final = IPv6Address("ff02::12")
VRRP_TTL: Final = 255
VRRP_TOS: Final = 0xC0
"""Internetwork control: precedence 6, as keepalived sends it."""


def family(address: Address) -> int:
    """AF_INET or AF_INET6."""
    return AF_INET if address.version == 4 else AF_INET6
