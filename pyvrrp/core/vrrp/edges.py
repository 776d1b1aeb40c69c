"""The vocabulary of the transition table: what can happen, and what an edge is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from pyvrrp.core.vrrp.admission import Accepted
from pyvrrp.core.vrrp.snapshot import Cause
from pyvrrp.model.vrrp import State
from pyvrrp.units import Micros

if TYPE_CHECKING:
    from pyvrrp.core.vrrp.machine import Machine


class Kind(StrEnum):
    """What can happen to one instance, as the table knows it."""

    __hash__ = str.__hash__  # at each transition, and Enum's own is slow

    STARTED = "started"
    OWNER_STARTED = "started as address owner"
    RESUMED = "worker restarted, was MASTER"
    FAULT = "fault"
    CLEARED = "last fault cleared"
    OWNER_CLEARED = "last fault cleared, address owner"
    MASTER_DOWN = "master down interval over"
    VETOED = "master down interval over, sync group disagrees"
    PRIORITY_ZERO = "advertisement of priority 0"
    BETTER = "advertisement that wins"
    WORSE = "advertisement that loses"
    OURS = "equal advertisement from our own address"
    STALE = "advertisement due for too long"
    GROUP_MASTER = "sync group becomes MASTER"
    GROUP_BACKUP = "sync group becomes BACKUP"
    STOPPED = "stop"
    DELETED = "deleted by a reload"


@dataclass(frozen=True, slots=True)
class Moment:
    """What the effects of an edge may want to know."""

    at: Micros
    cause: Cause
    detail: str = ""
    advert: Accepted | None = None

    @property
    def heard(self) -> Accepted:
        """The advertisement, on edges that only advertisements take."""
        assert self.advert is not None
        return self.advert


Effect: TypeAlias = Callable[["Machine", Moment], None]


@dataclass(frozen=True, slots=True)
class Edge:
    """What follows a kind in a state."""

    target: State | None
    """None: the state stays."""
    does: tuple[Effect, ...] = ()
    """Done before the old state is left."""
