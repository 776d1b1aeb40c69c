"""Instances that change state together, or one alone: the router treats both as a `Unit`.

Rules (keepalived's): a unit becomes MASTER when the timers of all its members have run out; the last one
pulls the others along. One member that loses an election takes all to BACKUP, one that faults takes all to
FAULT, and only when no member has a fault do all return, to BACKUP.
"""

from __future__ import annotations

from pyvrrp.core.vrrp.machine import Machine
from pyvrrp.core.vrrp.snapshot import GroupSnapshot
from pyvrrp.core.vrrp.timing import OWNER_PRIORITY
from pyvrrp.model.vrrp import State
from pyvrrp.units import Micros


class Unit:
    """The members of a sync group, or an instance without one (`name` None)."""

    __slots__ = ("_since", "_state", "members", "name")

    def __init__(self, name: str | None, members: list[Machine]) -> None:
        self.name = name
        self.members = members
        self._state = State.INIT
        self._since: Micros = 0

    def agrees_to_master(self, machine: Machine) -> bool:
        """Do all members but this one want to be MASTER?"""
        return all(other is machine or other.want is State.MASTER for other in self.members)

    @property
    def faulted(self) -> Machine | None:
        """The first member that has a fault of its own."""
        return next((member for member in self.members if member.faults), None)

    @property
    def awaits(self) -> bool:
        """Is a script's first result still to come?"""
        return any(member.awaits for member in self.members)

    @property
    def is_owner(self) -> bool:
        """Priority 255 counts at start only if it is that of all members: otherwise they would part at once."""
        return all(member.config.priority == OWNER_PRIORITY for member in self.members)

    @property
    def state(self) -> State:
        """What all members are; while they differ BACKUP, or FAULT."""
        states = {member.state for member in self.members}
        if len(states) == 1:
            return states.pop()
        return State.FAULT if State.FAULT in states else State.BACKUP

    @property
    def is_new(self) -> bool:
        """Nothing was told of it yet."""
        return self._state is State.INIT

    def note(self, at: Micros) -> State | None:
        """The unit's new state if it changed since the last call."""
        state = self.state
        if state is self._state:
            return None
        self._state, self._since = state, at
        return state

    def snapshot(self) -> GroupSnapshot:
        assert self.name is not None
        return GroupSnapshot(
            name=self.name,
            state=self._state.name,
            since=self._since,
            members=tuple(member.config.name for member in self.members),
        )
