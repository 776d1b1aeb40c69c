"""Gratuitous ARP and unsolicited neighbor advertisements, paced without ever making anybody wait.

On each interface and for each family at most one goes out in `vrrp_garp_interval` or `vrrp_gna_interval`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from pyvrrp.model.config import GlobalDefs
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.units import Micros, seconds

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

    def configure(self, global_defs: GlobalDefs) -> None:
        self._intervals = {4: global_defs.garp_interval, 6: global_defs.gna_interval}

    def burst(self, instance: str, addresses: tuple[VirtualAddress, ...], repeat: int) -> None:
        """`repeat` rounds over the addresses (keepalived's order)."""
        for _ in range(repeat):
            for address in addresses:
                self._announce(instance, address)

    def forget(self, instance: str) -> None:
        """The instance gave up its addresses: nothing that still waits may go out."""
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
