"""Which network devices a configuration names, and where: whether they exist is not for this room to know."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span


@dataclass(frozen=True, slots=True)
class InterfaceUse:
    """One place where a device is named."""

    name: str
    span: Span
    user: str
    """What needs it: ``vrrp_instance V``."""


def absent_interfaces(
    uses: Iterable[InterfaceUse], present: Collection[str], *, dynamic: bool
) -> tuple[ConfigProblem, ...]:
    """A problem for each use of a device that is not among `present`.

    Without dynamic_interfaces keepalived does not start then, and neither do we.
    """
    return tuple(
        ConfigProblem(
            span=use.span,
            severity=Severity.NOTICE if dynamic else Severity.FATAL,
            message=f"interface {use.name} does not exist (for {use.user})",
            effect=f"{use.user} waits for it" if dynamic else "the daemon does not start",
            suggestion=None
            if dynamic
            else "create it first, correct its name, or set dynamic_interfaces in global_defs",
            kind=ProblemClass.OK if dynamic else ProblemClass.GENERAL,
        )
        for use in uses
        if use.name not in present
    )
