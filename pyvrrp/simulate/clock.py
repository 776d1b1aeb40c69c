"""A director's own CLOCK_MONOTONIC: it began at some other moment, and runs a little fast or slow."""

from __future__ import annotations

from pyvrrp.units import Micros

MILLION = 1_000_000


class Clock:
    """Converts between the world's time and the director's."""

    __slots__ = ("_base", "_rate", "_since")

    def __init__(self, base: Micros = 0, ppm: int = 0) -> None:
        """At the world's beginning it shows `base`; `ppm`: how many microseconds a second it runs fast."""
        self._since: Micros = 0
        self._base = base
        self._rate = MILLION + ppm

    @property
    def ppm(self) -> int:
        return self._rate - MILLION

    def local(self, at: Micros) -> Micros:
        if self._rate == MILLION:
            return self._base + at - self._since
        return self._base + (at - self._since) * self._rate // MILLION

    def world(self, local: Micros) -> Micros:
        """The first moment at which the clock shows `local`."""
        if self._rate == MILLION:
            return self._since + local - self._base
        return self._since - (self._base - local) * MILLION // self._rate

    def set_rate(self, at: Micros, ppm: int) -> None:
        """From now on another rate; what it shows now stays."""
        self._base, self._since, self._rate = self.local(at), at, MILLION + ppm
