"""Gratuitous ARP, paced: at most one an interface in `vrrp_garp_interval`, without ever making anybody wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.units import Micros, seconds

Send = Callable[[str, VirtualAddress], None]
"""instance, address."""


class Announcer:
    """Bursts go out at once where no interval is configured, else one by one."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._interval: Micros = 0
        self._waiting: dict[str, deque[tuple[str, VirtualAddress]]] = {}

    def configure(self, interval: Micros) -> None:
        self._interval = interval

    def burst(self, instance: str, addresses: tuple[VirtualAddress, ...], repeat: int) -> None:
        """`repeat` rounds over the addresses (keepalived's order)."""
        rounds = [(instance, address) for _ in range(repeat) for address in addresses]
        if not self._interval:
            for item in rounds:
                self._send(*item)
            return
        for item in rounds:
            queue = self._waiting.get(item[1].dev)
            if queue is None:
                self._waiting[item[1].dev] = deque()
                self._send(*item)
                self._later(item[1].dev)
            else:
                queue.append(item)

    def forget(self, instance: str) -> None:
        """The instance gave up its addresses: nothing that still waits may go out."""
        for dev, queue in self._waiting.items():
            self._waiting[dev] = deque(item for item in queue if item[0] != instance)

    def _later(self, dev: str) -> None:
        asyncio.get_running_loop().call_later(seconds(self._interval), self._next, dev)

    def _next(self, dev: str) -> None:
        queue = self._waiting[dev]
        if not queue:
            del self._waiting[dev]
            return
        self._send(*queue.popleft())
        self._later(dev)
