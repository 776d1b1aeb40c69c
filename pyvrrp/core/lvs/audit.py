"""When to look again at which services of the kernel's table, in case somebody else changed them.

IPVS announces nothing, so what others do is only seen by looking. All services are looked at in turn, a slice at a
time: once in PERIOD, and never more than RATE entries a second, so that a large table costs no more than a small one.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from pyvrrp.model.lvs import ServiceKey
from pyvrrp.units import SECOND, Micros

PERIOD: Final[Micros] = 10 * SECOND
RATE: Final = 500
"""Entries (services and destinations) a second."""
SLICE: Final = 100
"""Entries that are looked at in one go, unless one service alone has more."""


class Audit:
    def __init__(self) -> None:
        self.due: Micros | None = None
        self._sizes: Mapping[ServiceKey, int] = {}
        self._total = 0
        self._next = 0
        """Place in the order of the services."""

    def begin(self, at: Micros, sizes: Mapping[ServiceKey, int]) -> None:
        """Everything was just looked at; `sizes`: how many entries each service has."""
        self._sizes, self._total, self._next = sizes, sum(sizes.values()), 0
        self.due = at + self._pause(0) if sizes else None

    def stop(self) -> None:
        self.due = None

    def slice(self, at: Micros) -> tuple[ServiceKey, ...]:
        """Those to look at now, and `due` says when to ask again."""
        chosen: list[ServiceKey] = []
        entries = 0
        for key in islice(self._sizes, self._next, None):
            if chosen and entries + self._sizes[key] > SLICE:
                break
            chosen.append(key)
            entries += self._sizes[key]
        self._next += len(chosen)
        if self._next >= len(self._sizes):
            self._next = 0
        self.due = at + self._pause(entries)
        return tuple(chosen)

    def _pause(self, entries: int) -> Micros:
        share = PERIOD * (entries or min(SLICE, self._total)) // max(1, self._total)
        return max(share, entries * SECOND // RATE)
