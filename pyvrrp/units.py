"""Durations and instants: integer microseconds, everywhere inside the program.

Floats appear only where the kernel or asyncio asks for them. A float that carried a
skew time would lose the 3.9 ms steps of RFC 3768 §5.3.3 to rounding sooner or later.
"""

from __future__ import annotations

from typing import TypeAlias

Micros: TypeAlias = int
"""A duration, or an instant of CLOCK_MONOTONIC, in microseconds."""

MILLISECOND: Micros = 1_000
CENTISECOND: Micros = 10_000
SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND


def seconds(duration: Micros) -> float:
    """The duration in seconds, for APIs that want a float."""
    return duration / SECOND


def format_seconds(duration: Micros) -> str:
    """The duration as decimal seconds without superfluous zeros: ``3.609375``, ``1``, ``0.01``."""
    whole, fraction = divmod(abs(duration), SECOND)
    text = f"{whole}.{fraction:06d}".rstrip("0").rstrip(".")
    return f"-{text}" if duration < 0 else text


def format_age(duration: Micros) -> str:
    """The duration for people, two units at most: ``7s``, ``3m12s``, ``5h02m``, ``12d04h``."""
    total = max(0, duration) // SECOND
    minutes, second = divmod(total, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour:02d}h"
    if hours:
        return f"{hours}h{minute:02d}m"
    if minutes:
        return f"{minutes}m{second:02d}s"
    return f"{second}s"
