"""Gratuitous ARP and unsolicited neighbor advertisements, paced without ever making anybody wait.

On each interface (a VMAC counts as its parent) and for each family at most one goes out in `vrrp_garp_interval` or
`vrrp_gna_interval`; the interfaces of a garp_group share one interval of their own.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from typing import Final

from pyvrrp.core.vrrp.actions import SendGratuitousArps
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.units import Micros, seconds

_AT_ONCE: Final = 64
"""Half a millisecond of packets."""
_BETWEEN_LOOKS: Final = 8
"""So many go out before a look at whether something more urgent waits."""

Send = Callable[[str, VirtualAddress], None]
"""instance, address."""
Lane = tuple[str | int, int]
"""Interface, or number of a garp_group, and IP version."""


class Announcer:
    """Bursts go out at once where no interval is configured, else one by one."""

    def __init__(self, send: Send, pressed: Callable[[], bool]) -> None:
        """`pressed`: does a deadline wait?"""
        self._send = send
        self._pressed = pressed
        self._intervals: dict[int, Micros] = {4: 0, 6: 0}
        self._grouped: dict[Lane, Micros] = {}
        """Intervals of garp_groups."""
        self._group_of: dict[str, int] = {}
        self._queued: Counter[tuple[str, VirtualAddress]] = Counter()
        """How often each stands in its lane's queue."""
        self._parents: dict[str, str] = {}
        self._most: dict[str, int] = {}
        """Packets of an instance's largest burst, an address: more than that of one are never worth the wait."""
        self._waiting: dict[Lane, deque[tuple[str, VirtualAddress]]] = {}
        self._first: deque[tuple[str, VirtualAddress]] = deque()
        self._again: deque[tuple[str, VirtualAddress]] = deque()
        """What goes out without delay: each address once, before any is repeated."""

    def configure(self, config: Config) -> None:
        self._intervals = {4: config.global_defs.garp_interval, 6: config.global_defs.gna_interval}
        self._parents = {vmac.name: vmac.parent for i in config.vrrp_instances for vmac in i.vmacs}
        self._group_of, self._grouped = {}, {}
        for number, group in enumerate(config.garp_groups):
            self._group_of |= dict.fromkeys(group.interfaces, number)
            self._grouped |= {(number, 4): group.garp_interval, (number, 6): group.gna_interval}
        self._most = {
            i.name: max(i.garp.repeat, i.garp.refresh_repeat, i.garp.lower_prio_repeat) for i in config.vrrp_instances
        }

    def announce(self, bursts: Iterable[SendGratuitousArps]) -> None:
        """Of each burst `repeat` rounds over its addresses (keepalived's order)."""
        idle = not (self._first or self._again)
        for burst in bursts:
            items = [(burst.instance, address) for address in burst.addresses]
            self._first += items
            self._again += items * (burst.repeat - 1)
        if idle:
            self._go_on()

    def _go_on(self) -> None:
        """Some now, the rest when the loop has looked at everything else: many take longer than an interval may be."""
        for number in range(1, _AT_ONCE + 1):
            queue = self._first or self._again
            if not queue:
                return
            self._announce(*queue.popleft())
            if number % _BETWEEN_LOOKS == 0 and self._pressed():
                break
        asyncio.get_running_loop().call_soon(self._go_on)

    def forget(self, instances: Collection[str]) -> None:
        """They gave up their addresses: nothing that still waits may go out."""
        for queue in (self._first, self._again, *self._waiting.values()):
            kept = [item for item in queue if item[0] not in instances]
            queue.clear()
            queue += kept
        for item in [item for item in self._queued if item[0] in instances]:
            del self._queued[item]

    def _announce(self, instance: str, address: VirtualAddress) -> None:
        lane = self._lane(address)
        queue = self._waiting.get(lane)
        if queue is not None:
            item = instance, address
            if self._queued[item] < self._most.get(instance, 1):
                self._queued[item] += 1
                queue.append(item)
            return
        self._send(instance, address)
        if self._interval(lane):
            self._waiting[lane] = deque()
            self._later(lane)

    def _lane(self, address: VirtualAddress) -> Lane:
        device = self._parents.get(address.dev, address.dev)
        return self._group_of.get(device, device), address.address.version

    def _interval(self, lane: Lane) -> Micros:
        return self._grouped.get(lane, self._intervals[lane[1]])

    def _later(self, lane: Lane) -> None:
        asyncio.get_running_loop().call_later(seconds(self._interval(lane)), self._next, lane)

    def _next(self, lane: Lane) -> None:
        queue = self._waiting[lane]
        if not queue:
            del self._waiting[lane]
            return
        item = queue.popleft()
        self._queued[item] -= 1
        if not self._queued[item]:
            del self._queued[item]
        self._send(*item)
        self._later(lane)
