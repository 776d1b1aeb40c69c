"""Listening to a segment as it is: frames with VRRP, gratuitous ARP and neighbor advertisements, others' too."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from struct import Struct
from typing import Final

from pyvrrp.kernel import bpf
from pyvrrp.kernel.refusals import translated
from pyvrrp.net import IPPROTO_AH, IPPROTO_VRRP
from pyvrrp.units import Micros

_ETH_P_ALL: Final = 3
_SOL_PACKET: Final = 263
_ADD_MEMBERSHIP: Final = 1
_ALL_MULTICAST: Final = 2
_MEMBERSHIP = Struct("@iHH8s")
_LONGEST: Final = 65_535
_LOAD_HALF: Final = 0x28
_ARP, _IPV4, _IPV6 = 0x0806, 0x0800, 0x86DD
_ICMPV6, _NEIGHBOR_ADVERTISEMENT = 58, 136


_DROP, _KEEP = 13, 14
_PROGRAM: Final[tuple[tuple[int, int] | tuple[int, int, int], ...]] = (
    (_LOAD_HALF, 12),
    (_ARP, _KEEP, 2),
    (_IPV4, 5, 3),
    (_IPV6, 8, 4),
    (_ARP, _DROP, _DROP),
    (bpf.LOAD_BYTE, 23),
    (IPPROTO_VRRP, _KEEP, 7),
    (IPPROTO_AH, _KEEP, _DROP),
    (bpf.LOAD_BYTE, 20),
    (IPPROTO_VRRP, _KEEP, 10),
    (_ICMPV6, 11, _DROP),
    (bpf.LOAD_BYTE, 54),
    (_NEIGHBOR_ADVERTISEMENT, _KEEP, _DROP),
)
"""Loads (operation and offset) and comparisons (value, where to go if equal, where if not)."""


def program() -> list[bpf.Instruction]:
    """What of all frames is let through."""
    steps: list[bpf.Instruction] = []
    for number, step in enumerate(_PROGRAM, 1):
        if len(step) == 2:
            steps.append((step[0], 0, 0, step[1]))
        else:
            steps.append((bpf.JUMP_EQUAL, step[1] - number, step[2] - number, step[0]))
    return [*steps, bpf.DROP, bpf.KEEP]


class Capture:
    """KernelError where it is not allowed, or there is no such device."""

    def __init__(self, interface: str | None) -> None:
        """None: all devices."""
        with translated(f"listen on {interface or 'all devices'}"):
            # Of one device nothing slips in before the filter is there; all of them cannot be bound to afterwards.
            protocol = socket.htons(_ETH_P_ALL) if interface is None else 0
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
            try:
                bpf.attach(self._socket, program())
                self._empty()
                names = [name for _, name in socket.if_nameindex()] if interface is None else [interface]
                for name in names:
                    # Groups that nobody on this machine has joined are to come in, too.
                    wanted = _MEMBERSHIP.pack(socket.if_nametoindex(name), _ALL_MULTICAST, 0, bytes(8))
                    self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, wanted)
                if interface is not None:
                    self._socket.bind((interface, _ETH_P_ALL))
            except BaseException:
                self._socket.close()
                raise

    def _empty(self) -> None:
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(1)
        self._socket.setblocking(True)

    def frames(self) -> Iterator[tuple[Micros, str, bytes]]:
        """When it came (since 1970), on which device, and the frame; for ever."""
        while True:
            data, (name, *_) = self._socket.recvfrom(_LONGEST)
            yield time.time_ns() // 1000, name, data

    def close(self) -> None:
        self._socket.close()
