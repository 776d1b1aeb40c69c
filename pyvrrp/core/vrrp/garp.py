"""When gratuitous ARP is due while an instance is MASTER."""

from __future__ import annotations

from pyvrrp.model.vrrp import Garp
from pyvrrp.units import Micros


class GarpSchedule:
    """The bursts still to come. The first burst of a mastership is the machine's own, at once."""

    __slots__ = ("_again", "_lower", "_refresh")

    def __init__(self) -> None:
        self._again: Micros | None = None
        self._refresh: Micros | None = None
        self._lower: Micros | None = None

    def start(self, garp: Garp, at: Micros) -> None:
        """Mastership began: a second burst after `delay`, and one every `refresh`."""
        self._again = at + garp.delay if garp.delay else None
        self._refresh = at + garp.refresh if garp.refresh else None
        self._lower = None

    def lower_priority_met(self, garp: Garp, at: Micros) -> None:
        """A lower-priority advertisement was answered: once more after `lower_prio_delay`."""
        if garp.lower_prio_delay and garp.lower_prio_repeat:
            self._lower = at + garp.lower_prio_delay

    def clear(self) -> None:
        self._again = self._refresh = self._lower = None

    def deadline(self) -> Micros | None:
        return min((due for due in (self._again, self._refresh, self._lower) if due is not None), default=None)

    def due(self, garp: Garp, at: Micros) -> int:
        """How many rounds to send now (0: none); what was due is rescheduled or done with."""
        repeat = 0
        if self._again is not None and self._again <= at:
            self._again = None
            repeat = garp.repeat
        if self._lower is not None and self._lower <= at:
            self._lower = None
            repeat = max(repeat, garp.lower_prio_repeat)
        if self._refresh is not None and self._refresh <= at:
            self._refresh = at + garp.refresh if garp.refresh else None
            repeat = max(repeat, garp.refresh_repeat)
        return repeat
