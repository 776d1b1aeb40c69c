"""Which network devices a configuration names, and where: whether they exist is not for this room to know."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span

WAITED_FOR: Final = "it is waited for; keepalived does not start"


@dataclass(frozen=True, slots=True)
class InterfaceUse:
    """One place where a device is named."""

    name: str
    span: Span
    user: str
    """What needs it: ``V``, ``track_interface of V``."""
    needed: bool = True
    """False: keepalived starts without it too, but complains."""
    kind: ProblemClass = ProblemClass.GENERAL
    """Of keepalived's complaint."""


def absent_interfaces(
    uses: Iterable[InterfaceUse], present: Collection[str], *, dynamic: bool
) -> tuple[ConfigProblem, ...]:
    """A problem for each use of a device that is not among `present`.

    Without dynamic_interfaces keepalived does not start then. We do: one that is created later is found.
    """
    return tuple(_absent(use, dynamic) for use in uses if use.name not in present)


def stop_keepalived(problems: Iterable[ConfigProblem]) -> bool:
    """Whether keepalived's VRRP ends with them, so that it does not come to judge anything further."""
    return any(problem.severity is Severity.FATAL or problem.effect == WAITED_FOR for problem in problems)


def _absent(use: InterfaceUse, dynamic: bool) -> ConfigProblem:
    severity, effect, kind = Severity.ERROR, WAITED_FOR, use.kind
    suggestion: str | None = "correct its name, or set dynamic_interfaces in global_defs if it comes later"
    if not use.needed:
        severity, effect, suggestion = Severity.ERROR, "the line is ignored", None
    elif dynamic:
        severity, effect, kind, suggestion = Severity.NOTICE, "it is waited for", ProblemClass.OK, None
    return ConfigProblem(
        span=use.span,
        severity=severity,
        message=f"interface {use.name} does not exist (for {use.user})",
        effect=effect,
        suggestion=suggestion,
        kind=kind,
    )
