"""What an instance knows of the master of its virtual router, while that is another one."""

from __future__ import annotations

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.admission import Accepted
from pyvrrp.core.vrrp.snapshot import Cause
from pyvrrp.net import Address
from pyvrrp.units import Micros, format_seconds


class Incumbent:
    __slots__ = ("_who", "advert", "heard_at", "interval", "said_zero")

    def __init__(self, interval: Micros) -> None:
        self.advert: Accepted | None = None
        """Its last advertisement."""
        self._who = ""
        """In words, which must be ready when it is gone."""
        self.heard_at: Micros | None = None
        """When that came; kept when the master is forgotten."""
        self.interval = interval
        """How often it advertises: ours as long as nothing else is known."""
        self.said_zero = False
        """Its last word was priority 0."""

    def note(self, advert: Accepted, at: Micros) -> None:
        self.advert, self.heard_at = advert, at
        self._who = f"{advert.source} (priority {advert.priority})"

    def learn(self, advert: Accepted, at: Micros, version: int, instance: str) -> list[Log]:
        """Somebody that we defer to; what is new about it, in words."""
        logs = []
        if version == 3 and advert.advert_int != self.interval:
            ours, theirs = format_seconds(self.interval), format_seconds(advert.advert_int)
            text = f"advertisement interval updated from {ours} to {theirs} s by master {advert.source}"
            logs.append(Log(Level.INFO, f"({instance}) {text}"))
            self.interval = advert.advert_int
        if self.advert is not None and self.advert.source != advert.source:
            text = f"({instance}) master changed from {self.advert.source} to {advert.source}"
            logs.append(Log(Level.INFO, text))
        self.note(advert, at)
        self.said_zero = False
        return logs

    def is_at(self, source: Address) -> bool:
        return self.advert is not None and self.advert.source == source

    def why_gone(self, at: Micros, priority: int, *, discarded: bool) -> tuple[Cause, str]:
        """Why we, of that priority, take its place. `discarded`: it was heard, and did not restart our timer."""
        if self.advert is None or self.heard_at is None:
            return Cause.MASTER_DOWN, "none was heard since the start"
        if self.said_zero:
            return Cause.PRIORITY_ZERO, str(self.advert.source)
        if discarded:
            return Cause.HIGHER, f"ours is {priority}; {self._who}"
        silence = format_seconds(at - self.heard_at)
        return Cause.MASTER_DOWN, f"the last one came {silence} s before, from {self._who}"
