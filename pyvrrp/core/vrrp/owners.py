"""Two directors with priority 255: a configuration error, which must not leave two masters for ever.

The one with the lower address yields at once. The other one gives it the time to hear that; if it goes on advertising
(it ignores us, or cannot hear us), we take 254 until it is silent.
"""

from __future__ import annotations

from pyvrrp.core.vrrp.timing import OWNER_PRIORITY
from pyvrrp.units import Micros


class Owners:
    """What the address owner with the higher address knows of the other one."""

    __slots__ = ("_last", "_since", "yields")

    def __init__(self) -> None:
        self._since: Micros | None = None
        self._last: Micros = 0
        self.yields = False
        """Our priority is one less than configured."""

    def base(self, priority: int) -> int:
        """The configured priority, or what it is for now."""
        return priority - 1 if self.yields and priority == OWNER_PRIORITY else priority

    def met(self, at: Micros, ours: Micros, theirs: Micros) -> bool:
        """It advertises (intervals: ours and its own). Is it time to yield?

        Two of our advertisements may be lost on their way, and its last one may have been.
        """
        patience = 2 * ours + 6 * max(ours, theirs) // 5
        if self._since is None or at - self._last > patience:
            self._since = at
        self._last = at
        self.yields = at - self._since > patience
        return self.yields

    def forget(self) -> bool:
        """The other one is silent, or is no owner any more. Was our priority less than configured?"""
        before, self.yields, self._since = self.yields, False, None
        return before
