"""The virtual network: who hears whom, and what happens to packets on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random

from pyvrrp.net import Address
from pyvrrp.simulate.steps import Partition, Quality
from pyvrrp.simulate.topology import Port
from pyvrrp.units import MILLISECOND, Micros

CERTAIN = 1_000_000
REORDERED = 50 * MILLISECOND
"""So much later at most comes a packet that others overtake."""


@dataclass(frozen=True, slots=True)
class Path:
    """From one director to another; shares are parts of a million."""

    loss: int = 0
    duplicate: int = 0
    reorder: int = 0
    delay: Micros = 200
    jitter: Micros = 0
    """Up to so much more than the delay."""

    @property
    def longest(self) -> Micros:
        """No packet is longer under way."""
        return self.delay + self.jitter + (REORDERED if self.reorder else 0)


@dataclass(slots=True, eq=False)
class Route:
    """Where a packet goes that is sent from one port."""

    receiver: str
    interface: str
    path: Path | None
    """None: it does not arrive."""


class Network:
    def __init__(self, segments: Mapping[Port, str], addresses: Mapping[Address, Port], usual: Path) -> None:
        """`addresses`: of which port each unicast address is."""
        self._segments = segments
        self._addresses = addresses
        self._usual = usual
        self._default = usual
        self._special: dict[tuple[str, str], Path] = {}
        self._partitions: list[Partition] = []
        self._down: set[Port] = set()
        self._routes: dict[tuple[Port, Address | None], list[Route]] = {}
        self.directors = list(dict.fromkeys(name for name, _ in segments))

    # What the world does to it.

    def link(self, port: Port, up: bool) -> None:
        (self._down.discard if up else self._down.add)(port)
        self._routes.clear()

    def is_up(self, port: Port) -> bool:
        return port not in self._down

    def partition(self, step: Partition) -> None:
        self._partitions.append(step)
        self._routes.clear()

    def heal(self) -> None:
        """As it was at the start; links stay as they are."""
        self._partitions.clear()
        self._special.clear()
        self._default = self._usual
        self._routes.clear()

    def change(self, step: Quality) -> None:
        change = {step.what: step.value}
        if step.path is None:
            self._default = replace(self._default, **change)
            self._special = {path: replace(old, **change) for path, old in self._special.items()}
        else:
            self._special[step.path] = replace(self._special.get(step.path, self._default), **change)
        self._routes.clear()

    # What packets and judges ask.

    @property
    def longest(self) -> Micros:
        """No packet is longer under way, whatever its path."""
        return max(path.longest for path in (self._default, *self._special.values()))

    def routes(self, port: Port, destination: Address) -> list[Route]:
        """Where a packet to `destination` goes."""
        key = (port, None if destination.is_multicast else destination)
        known = self._routes.get(key)
        if known is None:
            known = self._routes[key] = [
                Route(name, dev, self.path(port, (name, dev))) for name, dev in self._targets(port, destination)
            ]
        return known

    def path(self, sender: Port, receiver: Port) -> Path | None:
        """How packets go from port to port; None: not at all."""
        if sender in self._down or receiver in self._down:
            return None
        segment = self._segments[sender] if self._segments[sender] == self._segments[receiver] else None
        for partition in self._partitions:
            if partition.segment in (None, segment) and _apart(partition, sender[0], receiver[0]):
                return None
        path = self._special.get((sender[0], receiver[0]), self._default)
        return None if path.loss >= CERTAIN else path

    def arrivals(self, path: Path, at: Micros, random: Random) -> Iterable[Micros]:
        """When a packet sent now arrives: not at all, once, or twice."""
        if path.loss and random.randrange(CERTAIN) < path.loss:
            return ()
        first = at + path.delay + (random.randint(0, path.jitter) if path.jitter else 0)
        if path.reorder and random.randrange(CERTAIN) < path.reorder:
            first += random.randint(0, REORDERED)
        if path.duplicate and random.randrange(CERTAIN) < path.duplicate:
            return first, at + path.delay + (random.randint(0, path.jitter) if path.jitter else 0)
        return (first,)

    def _targets(self, port: Port, destination: Address) -> list[Port]:
        if not destination.is_multicast:
            owner = self._addresses.get(destination)
            return [] if owner is None or owner[0] == port[0] else [owner]
        segment = self._segments[port]
        return [other for other, where in self._segments.items() if where == segment and other[0] != port[0]]


def _apart(partition: Partition, one: str, other: str) -> bool:
    def side(name: str) -> int:
        return next((n for n, members in enumerate(partition.sides) if name in members), -1)

    return side(one) != side(other)
