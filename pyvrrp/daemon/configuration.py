"""What the daemon makes of a configuration: whether it can be used, and what to say about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.daemon.lifecycle import ExitStatus
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity
from pyvrrp.model.config import Config

LEVELS: Final = {
    Severity.FATAL: Level.ERROR,
    Severity.ERROR: Level.ERROR,
    Severity.WARNING: Level.WARNING,
    Severity.DEPRECATED: Level.NOTICE,
    Severity.INACTIVE: Level.WARNING,
    Severity.NOTICE: Level.NOTICE,
}
_NAMED: Final = frozenset({Severity.FATAL, Severity.ERROR, Severity.INACTIVE})
"""What the picture of the daemon shows for as long as it runs."""

_DAMAGED: Final = frozenset(
    {
        ProblemClass.UNEXPECTED_BOB,
        ProblemClass.MISSING_BOB,
        ProblemClass.UNEXPECTED_EOB,
        ProblemClass.MISSING_EOB,
        ProblemClass.UNMATCHED_QUOTE,
    }
)
"""Of a file that is only half written, say: a running daemon does not exchange a good configuration for it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A configuration as it was read."""

    config: Config
    problems: tuple[ConfigProblem, ...]
    status: ExitStatus = ExitStatus.OK
    """With which a start with this configuration ends; OK where it can be used."""


def refusal(reading: Reading) -> str | None:
    """Why a running daemon does not go over to this configuration; None where it does."""
    decisive = (p for p in reading.problems if p.severity is Severity.FATAL or p.kind in _DAMAGED)
    worst = next(decisive, None)
    if worst is not None:
        return line(worst)
    return None if reading.status is ExitStatus.OK else f"exit status {int(reading.status)}"


def line(problem: ConfigProblem) -> str:
    """The problem on one line, for a log."""
    span = problem.span
    place = f"{span.file}:{span.line}:{span.column}" if span.line else span.file
    advice = f"; {problem.suggestion}" if problem.suggestion else ""
    return f"{place}: {problem.severity.value}: {problem.message} ({problem.effect}){advice}"


def lines(problems: Iterable[ConfigProblem]) -> list[tuple[Level, str]]:
    return [(LEVELS[problem.severity], line(problem)) for problem in problems]


def named(problems: Iterable[ConfigProblem]) -> list[str]:
    """Those that the operator should be reminded of, a line each."""
    return [line(problem) for problem in problems if problem.severity in _NAMED]


def absent_devices(config: Config, present: Sequence[str]) -> list[str]:
    """A sentence for each network device that an instance needs from the start and that is not there."""
    if config.global_defs.dynamic_interfaces:
        return []
    there = set(present)
    found: dict[str, str] = {}
    for instance in config.vrrp_instances:
        devices = [(instance.interface, "runs on it")]
        devices += [(address.dev, f"has {address.interface} on it") for address in instance.addresses]
        devices += [(tracked.name, "tracks it") for tracked in instance.track_interface]
        for device, use in devices:
            if device not in there:
                found.setdefault(device, f"vrrp_instance {instance.name} {use}")
    for group in config.vrrp_sync_groups:
        for tracked in group.track_interface:
            if tracked.name not in there:
                found.setdefault(tracked.name, f"vrrp_sync_group {group.name} tracks it")
    return [
        f"network device {device} does not exist, and {use}: create it, correct its name (there are: "
        f"{', '.join(sorted(there))}), or say dynamic_interfaces in global_defs"
        for device, use in found.items()
    ]


def dump(config: object, name: str = "configuration", depth: int = 0) -> Iterator[str]:
    """The configuration with all defaults filled in, a line a value (--dump-conf)."""
    indent = "  " * depth
    if is_dataclass(config) and not isinstance(config, type):
        yield f"{indent}{name}: {type(config).__name__}"
        for member in fields(config):
            yield from dump(getattr(config, member.name), member.name, depth + 1)
    elif isinstance(config, tuple) and any(is_dataclass(item) for item in config):
        for item in config:
            yield from dump(item, name, depth)
    else:
        yield f"{indent}{name} = {_shown(config)}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none"
    return "none" if value is None else value.name if hasattr(value, "name") else str(value)
