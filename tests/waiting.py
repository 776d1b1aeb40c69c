"""Waiting until something is so: polled, with a deadline, and what is known where it never is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PAUSE = 0.01


def until(
    condition: Callable[[], object], what: str = "so", *, within: float = 30, told: Callable[[], str] = str
) -> float:
    """How many seconds it took. AssertionError with `what`, and with what is `told` then, after `within` seconds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within, f"not within {within:g} s: {what}\n{told()}"
        time.sleep(PAUSE)
    return time.monotonic() - began


async def eventually(condition: Callable[[], object], *, within: float = 10, told: Callable[[], object] = str) -> None:
    """The same in an event loop."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:g} s; {told()}"
        await asyncio.sleep(PAUSE)
