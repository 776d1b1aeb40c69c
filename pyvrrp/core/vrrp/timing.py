"""The protocol's intervals (RFC 3768 §6.1, RFC 9568 §6.1), in integer microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyvrrp.units import SECOND, Micros

OWNER_PRIORITY: Final = 255
_FEW: Final = 16
"""Advertisements at one moment that are no burst."""
_MOST_SLOTS: Final = 16


def skew_time(version: int, priority: int, master_advert_int: Micros) -> Micros:
    """How much longer than the others a director of this priority (1..255) waits.

    v2 divides one second whatever the interval (RFC 3768 §6.1); v3 divides the master's interval (RFC 9568 §6.1).
    """
    return (256 - priority) * (SECOND if version == 2 else master_advert_int) // 256


def master_down_interval(version: int, priority: int, master_advert_int: Micros, down_timer_adverts: int) -> Micros:
    """Silence after which the master counts as gone; `down_timer_adverts` is 3 in the RFCs."""
    return down_timer_adverts * master_advert_int + skew_time(version, priority, master_advert_int)


@dataclass(frozen=True, slots=True)
class Slot:
    """One of `count` equal parts of every advertisement interval, in which an instance advertises.

    Many instances that became MASTER at one moment would go on sending at one moment: a burst for the network, for
    those who listen, and later for whoever takes all of them over.
    """

    number: int
    count: int

    def after(self, at: Micros, interval: Micros) -> Micros:
        """When the slot comes next: at most an interval from now, as every advertisement."""
        return at + interval - (at - interval * self.number // self.count) % interval


def slots(groups: int) -> int:
    """Into how many slots so many groups of instances (or single ones) are divided; 1: each keeps its own time."""
    return max(1, min(_MOST_SLOTS, groups // _FEW))
