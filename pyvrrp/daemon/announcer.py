"""Gratuitous ARP and unsolicited neighbor advertisements, paced without ever making anybody wait.

On each interface and for each family at most one goes out in `vrrp_garp_interval` or `vrrp_gna_interval`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from pyvrrp.model.config import GlobalDefs
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.units import Micros, seconds

_AT_ONCE: Final = 64
"""Half a millisecond of packets."""

Send = Callable[[str, VirtualAddress], None]
"""instance, address."""
Lane = tuple[str, int]
"""Interface and IP version."""


class Announcer:
    """Bursts go out at once where no interval is configured, else one by one."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._intervals: dict[int, Micros] = {4: 0, 6: 0}
        self._waiting: dict[Lane, deque[tuple[str, VirtualAddress]]] = {}
        self._ready: deque[tuple[str, VirtualAddress]] = deque()
        """What no interval holds back."""

    def configure(self, global_defs: GlobalDefs) -> None:
        self._intervals = {4: global_defs.garp_interval, 6: global_defs.gna_interval}

    def burst(self, instance: str, addresses: tuple[VirtualAddress, ...], repeat: int) -> None:
        """`repeat` rounds over the addresses (keepalived's order)."""
        idle = not self._ready
        for _ in range(repeat):
            self._ready.extend((instance, address) for address in addresses)
        if idle:
            self._go_on()

    def _go_on(self) -> None:
        """Some now, the rest when the loop has looked at everything else: many take longer than an interval may be."""
        for _ in range(min(_AT_ONCE, len(self._ready))):
            self._announce(*self._ready.popleft())
        if self._ready:
            asyncio.get_running_loop().call_soon(self._go_on)

    def forget(self, instance: str) -> None:
        """The instance gave up its addresses: nothing that still waits may go out."""
        self._ready = deque(item for item in self._ready if item[0] != instance)
        for lane, queue in self._waiting.items():
            self._waiting[lane] = deque(item for item in queue if item[0] != instance)

    def _announce(self, instance: str, address: VirtualAddress) -> None:
        lane = address.dev, address.address.version
        queue = self._waiting.get(lane)
        if queue is not None:
            queue.append((instance, address))
            return
        self._send(instance, address)
        if self._intervals[lane[1]]:
            self._waiting[lane] = deque()
            self._later(lane)

    def _later(self, lane: Lane) -> None:
        asyncio.get_running_loop().call_later(seconds(self._intervals[lane[1]]), self._next, lane)

    def _next(self, lane: Lane) -> None:
        queue = self._waiting[lane]
        if not queue:
            del self._waiting[lane]
            return
        self._send(*queue.popleft())
        self._later(lane)
