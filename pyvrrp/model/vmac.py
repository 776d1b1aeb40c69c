"""Devices of an instance's own: macvlans with the virtual MAC address (VMACs), and ipvlans."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyvrrp.net import Interface


class Kind(StrEnum):
    """What the kernel calls them."""

    MACVLAN = "macvlan"
    IPVLAN = "ipvlan"


class Mode(StrEnum):
    """Flags of an ipvlan: who of one parent reaches whom. A VMAC is always private."""

    BRIDGE = "bridge"
    PRIVATE = "private"
    VEPA = "vepa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vmac:
    """One device that is made on top of another and lives as long as the daemon."""

    name: str
    parent: str
    family: int
    """4 or 6: whose addresses it carries."""
    kind: Kind = Kind.MACVLAN
    mode: Mode = Mode.PRIVATE
    mac: bytes = b""
    """Six bytes; empty for an ipvlan, which has its parent's."""
    address: Interface | None = None
    """An ipvlan's own address, from which it advertises."""
    group: int | None = None
    """Interface group; None: the parent's."""
    named: bool = False
    """The name was written by somebody: it is not to be chosen anew if it is taken."""


def virtual_mac(virtual_router_id: int, family: int) -> bytes:
    """RFC 9568 §7.3."""
    return bytes((0, 0, 0x5E, 0, 1 if family == 4 else 2, virtual_router_id))
