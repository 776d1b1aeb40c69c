"""A flood of packets must be no flood of lines."""

from __future__ import annotations

import asyncio

from pyvrrp.core.log import Level
from pyvrrp.daemon.throttle import MOST, Throttle


async def test_what_is_too_much_is_counted() -> None:
    lines: list[str] = []
    throttle = Throttle(lambda _, text: lines.append(text))
    for number in range(1000):
        throttle(Level.INFO, f"line {number}")
    assert lines == [f"line {number}" for number in range(MOST)]
    async with asyncio.timeout(10):
        while len(lines) == MOST:
            await asyncio.sleep(0.01)
    assert lines[MOST:] == [f"{1000 - MOST} more lines about advertisements were left out in a second"]
    throttle(Level.INFO, "another")
    assert lines[-1] == "another"
