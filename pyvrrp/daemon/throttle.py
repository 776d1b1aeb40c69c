"""A flood of packets must be no flood of lines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pyvrrp.core.log import Level

MOST: Final = 9
"""Lines a second; the tenth says how many were left out."""
_WINDOW: Final = 1.0


class Throttle:
    """Passes on so many lines a second, counts the others, and tells their number when the second is over."""

    def __init__(self, log: Callable[[Level, str], None]) -> None:
        self._log = log
        self._passed = 0
        self._left_out = 0

    def __call__(self, level: Level, text: str) -> None:
        if not self._passed:
            asyncio.get_running_loop().call_later(_WINDOW, self._over)
        if self._passed < MOST:
            self._passed += 1
            self._log(level, text)
        else:
            self._left_out += 1

    def _over(self) -> None:
        if self._left_out:
            self._log(Level.WARNING, f"{self._left_out} more lines about advertisements were left out in a second")
        self._passed = self._left_out = 0
