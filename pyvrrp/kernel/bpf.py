"""Classic BPF: the filters that keep datagrams from ever reaching Python.

A flood of advertisements for other people's virtual routers must not cost us anything; the kernel drops them.
What carries the wrong TTL for our own ones is to be counted and named, but has a socket of its own, and a small one, so
that a flood of it drowns nothing. The version is not looked at.
"""

from __future__ import annotations

import socket
from array import array
from collections.abc import Iterable, Sequence
from enum import Enum
from struct import Struct
from typing import Final, TypeAlias

from pyvrrp.kernel.refusals import translated
from pyvrrp.net import IPPROTO_AH, IPPROTO_VRRP, VRRP_TTL

Instruction: TypeAlias = tuple[int, int, int, int]
"""Operation code, jump if true, jump if false, operand (jumps are relative to the next instruction)."""

LOAD_WORD: Final = 0x20  # A = packet[k:k + 4]
LOAD_HALF: Final = 0x28
LOAD_BYTE: Final = 0x30  # A = packet[k]
LOAD_BYTE_INDEXED: Final = 0x50  # A = packet[X + k]
LOAD_HEADER_LENGTH: Final = 0xB1  # X = 4 * (packet[k] & 15)
JUMP_EQUAL: Final = 0x15  # A == k
RETURN: Final = 0x06  # bytes of the packet to keep

DROP: Final[Instruction] = (RETURN, 0, 0, 0)
KEEP: Final[Instruction] = (RETURN, 0, 0, 0xFFFFFFFF)

_INSTRUCTION = Struct("=HBBI")
_PROGRAM = Struct("@HP")
_SO_ATTACH_FILTER: Final = 26
_TTL_OFFSET: Final = 8
_PROTOCOL_OFFSET: Final = 9
_HOP_LIMIT_OFFSET: Final = 7
_NETWORK_HEADER: Final = 0xFFF00000
"""SKF_NET_OFF: counted from the IP header, wherever the packet begins."""
_VIRTUAL_ROUTER_ID_OFFSET: Final = 1
_PRIORITY_OFFSET: Final = 2
_AH_LENGTH: Final = 24
_IDS: Final = 256
_NETLINK_TYPE_OFFSET: Final = 4
_NETLINK_PORT_OFFSET: Final = 12

DROP_ALL: Final[Sequence[Instruction]] = (DROP,)


class Part(Enum):
    """Which advertisements of our virtual routers a socket is for."""

    ALL = "all"
    URGENT = "priority 0"
    """The master stops: a backup has its skew time to answer in."""
    OTHER = "all but priority 0"
    STRAY = "a TTL other than 255"
    """From beyond a router, or forged: to be counted, but nothing to wait for."""


def vrrp_filter(
    version: int,
    virtual_router_ids: Iterable[int],
    part: Part = Part.ALL,
    protocol: int = IPPROTO_VRRP,
    *,
    on_link: bool = False,
) -> Sequence[Instruction]:
    """Keeps VRRP for these virtual routers; `version` is the IP's.

    The packets of a raw IPv4 socket begin with the IP header, those of IPv6 with the VRRP message. With the protocol AH
    (IPv4 only): VRRP behind an authentication header. `on_link`: by its TTL, 255, no router has forwarded it.
    """
    if version == 6:
        # The header that was cut off is there all the same.
        hop_limit = _ttl(_NETWORK_HEADER + _HOP_LIMIT_OFFSET, part, on_link=on_link)
        return *hop_limit, *_keep(LOAD_BYTE, virtual_router_ids, part)
    behind: Sequence[Instruction] = ()
    offset = 0
    if protocol == IPPROTO_AH:
        behind = ((LOAD_BYTE_INDEXED, 0, 0, 0), (JUMP_EQUAL, 1, 0, IPPROTO_VRRP), DROP)
        offset = _AH_LENGTH
    return (
        (LOAD_BYTE, 0, 0, _PROTOCOL_OFFSET),
        (JUMP_EQUAL, 1, 0, protocol),
        DROP,
        *_ttl(_TTL_OFFSET, part, on_link=on_link),
        (LOAD_HEADER_LENGTH, 0, 0, 0),
        *behind,
        *_keep(LOAD_BYTE_INDEXED, virtual_router_ids, part, offset),
    )


def _ttl(offset: int, part: Part, *, on_link: bool) -> Sequence[Instruction]:
    if not on_link:
        return ()
    stray = part is Part.STRAY
    return (LOAD_BYTE, 0, 0, offset), (JUMP_EQUAL, int(not stray), int(stray), VRRP_TTL), DROP


def _keep(load: int, virtual_router_ids: Iterable[int], part: Part, offset: int = 0) -> Sequence[Instruction]:
    """Ends a filter; `load` reads a byte of the message, which begins at `offset`.

    A packet too short to have one fails the load, which drops it. 255 comparisons at most, so the jumps fit their
    8 bits; all 256 ids are kept without.
    """
    ids = sorted(set(virtual_router_ids))
    compare = [(JUMP_EQUAL, len(ids) - position, 0, vrid) for position, vrid in enumerate(ids)]
    wanted: Sequence[Instruction] = (*compare, DROP) if len(ids) < _IDS else ()
    priority: Sequence[Instruction] = ()
    if part in (Part.URGENT, Part.OTHER):
        stopping = part is Part.URGENT
        priority = ((load, 0, 0, offset + _PRIORITY_OFFSET), (JUMP_EQUAL, int(stopping), int(not stopping), 0), DROP)
    return ((load, 0, 0, offset + _VIRTUAL_ROUTER_ID_OFFSET), *wanted, *priority, KEEP)


def netlink_filter(kind: int, port: int) -> Sequence[Instruction]:
    """For a netlink monitor: drops announcements of this type that the socket with this port is the cause of."""
    # The filter reads in network order what netlink writes in the machine's own.
    return (
        (LOAD_HALF, 0, 0, _NETLINK_TYPE_OFFSET),
        (JUMP_EQUAL, 0, 3, socket.htons(kind)),
        (LOAD_WORD, 0, 0, _NETLINK_PORT_OFFSET),
        (JUMP_EQUAL, 0, 1, socket.htonl(port)),
        DROP,
        KEEP,
    )


def attach(sock: socket.socket, program: Sequence[Instruction]) -> None:
    """Replace the socket's filter, for packets that arrive from now on."""
    code = array("B", b"".join(_INSTRUCTION.pack(*instruction) for instruction in program))
    with translated("attach a socket filter"):
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _PROGRAM.pack(len(program), code.buffer_info()[0]))
