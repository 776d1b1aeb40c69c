"""The effective priority and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyvrrp.core.vrrp.timing import OWNER_PRIORITY
from pyvrrp.model.vrrp import TrackedInterface

Summand = tuple[str, int]
"""What it comes from, for people, and how much it adds."""


def summands(base: int, tracked: Iterable[TrackedInterface], up: Mapping[str, bool]) -> tuple[Summand, ...]:
    """The configured priority and each tracker's part. `up` says which devices are up; absent ones are down.

    A positive weight is added while the device is up, a negative one while it is down.
    """
    parts: list[Summand] = [("priority", base)]
    if base == OWNER_PRIORITY:
        return tuple(parts)
    for track in tracked:
        is_up = up.get(track.name, False)
        if track.weight and is_up == (track.weight > 0):
            parts.append((f"track_interface {track.name} {'up' if is_up else 'down'}", track.weight))
    return tuple(parts)


def effective(parts: tuple[Summand, ...]) -> int:
    """The sum of `summands`, kept in 1..254; weights can neither reach nor leave the address owner's 255."""
    if parts[0][1] == OWNER_PRIORITY:
        return OWNER_PRIORITY
    return max(1, min(OWNER_PRIORITY - 1, sum(value for _, value in parts)))
