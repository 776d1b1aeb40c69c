"""The effective priority and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable

from pyvrrp.core.vrrp.timing import OWNER_PRIORITY

Summand = tuple[str, int]
"""What it comes from, for people, and how much it adds."""

Weighted = tuple[str, int, bool | None]
"""What is tracked, its weight, and whether all is well with it; None: not known yet, which adds nothing."""


def summands(base: int, tracked: Iterable[Weighted]) -> tuple[Summand, ...]:
    """The configured priority and each tracker's part: a positive weight while all is well, a negative while not."""
    if base == OWNER_PRIORITY:
        return (("priority", base),)
    parts = [(what, weight) for what, weight, good in tracked if weight and good is (weight > 0)]
    return (("priority", base), *parts)


def effective(parts: tuple[Summand, ...]) -> int:
    """The sum of `summands`, kept in 1..254; weights can neither reach nor leave the address owner's 255."""
    if parts[0][1] == OWNER_PRIORITY:
        return OWNER_PRIORITY
    return max(1, min(OWNER_PRIORITY - 1, sum(value for _, value in parts)))
