"""Where and how eagerly the vrrp worker listens.

A packet wakes it at once, with two exceptions. Behind a socket with many BACKUPs and no MASTER nothing but a farewell
needs an answer before a deadline comes: it is read every quarter of an interval, and before any deadline is judged.
And when packets come faster than anybody with good intentions sends them, all sockets are read every few
milliseconds, so that the price of a flood is its packets and not a wake-up for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from pyvrrp.core.log import Level
from pyvrrp.daemon.sockets import Key, Wanted, wanted_sockets
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.timer import monotonic
from pyvrrp.model.vrrp import State
from pyvrrp.units import MILLISECOND, Micros

if TYPE_CHECKING:
    import asyncio

    from pyvrrp.core.vrrp.events import InterfaceFacts
    from pyvrrp.core.vrrp.snapshot import Transition
    from pyvrrp.daemon.role import Host
    from pyvrrp.kernel.api import Packets, Received
    from pyvrrp.model.config import Config
    from pyvrrp.net import Address

_REST: Final = 5 * MILLISECOND
"""Between two looks during a flood; and at least."""
_WINDOW: Final = 10 * MILLISECOND
_FLOOD: Final = 100
"""More packets than that in a window, beyond what the instances' masters send, and we stop to be woken for each."""
_CALM: Final = 10
"""Fewer than that in a look, and we are again."""
_PORTIONS: Final = 4
_MOST: Final = 16
"""Portions that the kernel keeps for us, roughly: a flood must not keep us reading for ever."""


class Listening:
    """The sockets of all instances, and when to look at those that wake nobody (`look_at`)."""

    def __init__(self, packets: Packets, host: Host, received: Received) -> None:
        self.look_at: Micros | None = None
        self.surplus = False
        """Is anything open for last words only?"""
        self._packets = packets
        self._host = host
        self._received = received
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: Callable[[], None] = lambda: None
        self._open: dict[Key, Wanted] = {}
        self._where: dict[str, tuple[str, Address]] = {}
        """Where each instance listens."""
        self._masters: set[str] = set()
        self._busy: Counter[tuple[str, Address]] = Counter()
        """How many of them there are, where there are any."""
        self._shortest: Micros = 0
        """Advertisement interval of all instances."""
        self._most: int = _FLOOD
        """Packets in a window that are no flood."""
        self._flooded = False
        self._window_from: Micros = 0
        self._window_count = 0

    def wake(self, loop: asyncio.AbstractEventLoop, woken: Callable[[], None]) -> None:
        """Call `woken` when there is something to read."""
        self._loop, self._woken = loop, woken
        self._choose()

    def open(
        self,
        config: Config,
        interfaces: Mapping[str, InterfaceFacts],
        virtual: frozenset[Address],
        *,
        keep: bool = False,
    ) -> None:
        """Be ready to receive and send wherever an instance is and its interface exists.

        `keep`: whoever has to leave an interface may still say goodbye there, until this is called again.
        """
        wanted, self._where = wanted_sockets(config, interfaces, virtual)
        self._count()
        self._shortest = min((instance.advert_int for instance in config.vrrp_instances), default=0)
        patience = max(_WINDOW, self._pause)
        self._most = _FLOOD + int(2 * patience * sum(1 / instance.advert_int for instance in config.vrrp_instances))
        self.surplus = keep and not self._open.keys() <= wanted.keys()
        for interface in () if keep else {key[0] for key in self._open.keys() - wanted.keys()}:
            self._packets.close(interface)
            self._open = {key: value for key, value in self._open.items() if key[0] != interface}
        for key, need in wanted.items():
            if self._open.get(key) == need:
                continue
            interface, where, protocol = key
            try:
                self._packets.open(interface, need.index, where, need.routers, protocol, need.buffer)
            except KernelError as error:
                if error.fault is KernelFault.DENIED:
                    raise
                # The device is on its way: its next change brings us here again.
                self._host.log(Level.WARNING, str(error))
            else:
                self._open[key] = need
        self._choose()

    def note(self, transitions: Iterable[Transition]) -> None:
        """Instances have changed state."""
        before = self._busy.keys()
        busy = self._busy.copy()
        for transition in transitions:
            name, step = transition.instance, 1 if transition.new == State.MASTER.name else -1
            if (step == 1) == (name in self._masters):
                continue
            self._masters ^= {name}
            if name in self._where:
                busy[self._where[name]] += step
        self._busy = +busy
        if self._busy.keys() != before:
            self._choose()

    def know(self, masters: Iterable[str]) -> None:
        """After a reload, which gives instances other names: these are MASTER."""
        self._masters = set(masters)
        self._count()
        self._choose()

    def _count(self) -> None:
        self._busy = Counter(self._where[name] for name in self._masters if name in self._where)

    @property
    def all_masters(self) -> bool:
        """No instance listens for a master."""
        return len(self._masters) == len(self._where)

    def read(self) -> None:
        """Take in what waits, but not so much that a deadline would suffer."""
        now = monotonic()
        count = self._read(_PORTIONS)
        if now - self._window_from > _WINDOW:
            self._window_from, self._window_count = now, 0
        self._window_count += count
        if self._window_count > self._most and not self._flooded:
            self._flooded = True
            self._choose()
        elif self._flooded and count < _CALM:
            self._flooded = False
            self._choose()
        elif self.look_at is not None:
            self._look_later()

    def drain(self) -> None:
        """Take in everything that arrived before this moment."""
        self._read(_MOST)

    def _read(self, portions: int) -> int:
        count = 0
        for _ in range(portions):
            portion = self._packets.receive(self._received)
            count += portion
            if not portion:
                break
        return count

    def _choose(self) -> None:
        for where in {key[:2] for key in self._open}:
            self._packets.relax(*where, relaxed=where not in self._busy)
        if self._loop is not None:
            for descriptor in self._packets.filenos():
                if self._flooded:
                    self._loop.remove_reader(descriptor)
                else:
                    self._loop.add_reader(descriptor, self._woken)
        if self._flooded or self._packets.relaxed:
            self._look_later()
        else:
            self.look_at = None

    def _look_later(self) -> None:
        self.look_at = monotonic() + (_REST if self._flooded else self._pause)

    @property
    def _pause(self) -> Micros:
        """Between two looks at sockets that wake nobody."""
        return max(_REST, self._shortest // 4)
