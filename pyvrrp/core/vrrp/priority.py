"""The effective priority and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyvrrp.core.vrrp.timing import OWNER_PRIORITY
from pyvrrp.model.tracked import Tracked

Summand = tuple[str, int]
"""What it comes from, for people, and how much it adds."""

WEIGHT_MAX: Final = OWNER_PRIORITY - 2
"""More than that takes no priority further."""


def contribution(track: Tracked, value: bool | int) -> int | None:
    """What a tracker adds to the priority; None: it is a fault. `value`: up or down, or the number in a file."""
    if isinstance(value, bool):
        if track.weight == 0:
            return None if value is track.reverse else 0
        added = track.weight if value is (track.weight > 0) else 0
        return -added if track.reverse else added
    if track.weight == 0:
        return None if (value != 0) is not track.reverse else 0
    added = value * (-track.weight if track.reverse else track.weight)
    return None if added < -WEIGHT_MAX else min(WEIGHT_MAX, added)


def summands(base: int, parts: Iterable[Summand]) -> tuple[Summand, ...]:
    """The configured priority and each tracker's part."""
    return (("priority", base), *(() if base == OWNER_PRIORITY else parts))


def effective(parts: tuple[Summand, ...]) -> int:
    """The sum of `summands`, kept in 1..254; weights can neither reach nor leave the address owner's 255."""
    if parts[0][1] == OWNER_PRIORITY:
        return OWNER_PRIORITY
    return max(1, min(OWNER_PRIORITY - 1, sum(value for _, value in parts)))
