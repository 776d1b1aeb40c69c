"""FILE_CHECK and BFD_CHECK: they ask nobody, but follow what is watched elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from pyvrrp.core.log import Level, Log
from pyvrrp.core.lvs.snapshot import CheckerSnapshot
from pyvrrp.model.checkers import BfdCheck, FileCheck, Follower
from pyvrrp.model.tracked import TrackFile

FAILED: Final = -(1 << 31)
_MOST: Final = (1 << 31) - 1


@dataclass(slots=True, eq=False)
class FileFollowing:
    """The number in a file is added to the weight. One that makes -2147483648, or with weight 0 any but 0, is failure.

    keepalived: track_file.c (behaviour only). There `reverse` with weight 0 counts from the first change on only.
    """

    check: FileCheck
    file: TrackFile
    value: int = 0

    @property
    def subject(self) -> str:
        """What it follows: the file's path."""
        return self.file.file

    @property
    def _weight(self) -> tuple[int, bool]:
        if self.check.weight is None:
            return self.file.weight, self.file.reverse
        return self.check.weight, bool(self.check.reverse)

    @property
    def up(self) -> bool:
        weight, reverse = self._weight
        return (self.value == 0) != reverse if weight == 0 else self._result() > FAILED

    @property
    def contribution(self) -> int:
        """To the weight of the server."""
        return self._result() if self.up else 0

    def _result(self) -> int:
        weight, reverse = self._weight
        result = -self.value * weight if reverse else self.value * weight
        return max(FAILED, min(_MOST, result))

    def changed(self, value: int, server: str) -> list[Log]:
        """The file holds another number."""
        before, self.value = self.up, value
        if self.up == before:
            return []
        return [Log(Level.INFO, f"File check of [{self.subject}] RS({server}) is {'UP' if self.up else 'DOWN'}")]

    def snapshot(self) -> CheckerSnapshot:
        error = None if self.up else f"the file says {self.value}"
        return CheckerSnapshot(
            kind="FILE_CHECK", target=self.subject, up=self.up, checked=True, last_error=error, last_run=None
        )


@dataclass(slots=True, eq=False)
class SessionFollowing:
    """As well as a BFD session; until that has spoken, up, and down with alpha."""

    check: BfdCheck
    heard: bool | None = None

    @property
    def subject(self) -> str:
        """What it follows: the session's name."""
        return self.check.name

    @property
    def up(self) -> bool:
        return not self.check.alpha if self.heard is None else self.heard

    @property
    def contribution(self) -> int:
        return 0

    def changed(self, value: int, server: str) -> list[Log]:
        """The session is up (1) or down (0)."""
        before, self.heard = self.heard, bool(value)
        if self.heard == before:
            return []
        return [Log(Level.INFO, f"BFD check of [{self.subject}] RS({server}) is {'UP' if self.heard else 'DOWN'}")]

    def snapshot(self) -> CheckerSnapshot:
        silent = f"no BFD session runs; it counts as {'up' if self.up else 'down'}"
        error = silent if self.heard is None else None if self.heard else "the session is down"
        return CheckerSnapshot(
            kind="BFD_CHECK",
            target=self.subject,
            up=self.up,
            checked=self.heard is not None,
            last_error=error,
            last_run=None,
        )


Following: TypeAlias = FileFollowing | SessionFollowing
Follow: TypeAlias = Callable[[tuple[Follower, ...]], list[Following]]
"""Makes what follows for a server."""


def follow(
    files: Mapping[str, TrackFile], values: Mapping[str, int], followers: tuple[Follower, ...]
) -> list[Following]:
    """`files` by their names; `values`: the numbers in them, by their paths."""
    made: list[Following] = []
    for follower in followers:
        if isinstance(follower, BfdCheck):
            made.append(SessionFollowing(follower))
        else:
            file = files[follower.track_file]
            made.append(FileFollowing(follower, file, values.get(file.file, 0)))
    return made
