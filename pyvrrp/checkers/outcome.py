"""How a check ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Passed:
    """The server is well."""

    status: int = 0
    """Of a script with misc_dynamic: its exit status, which sets the weight."""


PASSED: Final = Passed()


class CheckFailed(Exception):  # noqa: N818 - an outcome, not an error
    """The server did not pass; the text says why."""


class CheckNotStarted(Exception):  # noqa: N818
    """The check could not be made at all, which says nothing about the server; the text says why."""


def bare(outcome: CheckFailed | CheckNotStarted) -> CheckFailed | CheckNotStarted:
    """The same without its traceback.

    That leads to the frame or the task that keeps the outcome: a circle that only the collector of garbage finds, which
    stops everything for a while and therefore does not run (`daemon.worker`).
    """
    return type(outcome)(*outcome.args)


Outcome: TypeAlias = Passed | CheckFailed | CheckNotStarted
Done: TypeAlias = Callable[[Outcome], None]
"""Told once how it ended, unless the check was cancelled; never while the check is being started."""


class Running(Protocol):
    """A check under way."""

    def cancel(self) -> None:
        """Nobody waits for the outcome any more: end it at once. Once it has ended this does nothing."""
        ...
