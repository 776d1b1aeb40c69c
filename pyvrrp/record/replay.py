"""Playing a recording through the same machine: what each event led to, why, and whether it is what it led to then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyvrrp.core.log import Log
from pyvrrp.core.lvs.actions import ApplyTable, ReportRealServer, ReportVirtualServer, StartCheck
from pyvrrp.core.vrrp.actions import ReportTransition, SendAdvert
from pyvrrp.core.vrrp.edges import Kind, Moment
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.router import Router
from pyvrrp.record.graph import to_graph
from pyvrrp.record.reading import Recording, RecordingError
from pyvrrp.record.telling import lvs_action, lvs_event, vrrp_action, vrrp_event
from pyvrrp.units import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One event and what came of it now."""

    number: int
    at: Micros
    """Since the recording began."""
    event: str
    meant: tuple[tuple[str, str], ...]
    """For each instance that took it in: its name, and what it meant to it in that state."""
    actions: tuple[str, ...]
    difference: str | None
    """What is other than then; None: nothing."""
    instances: frozenset[str]
    """Those that are concerned."""
    matters: bool
    """It changed something, or said something."""


def replay(recording: Recording) -> Iterator[Decision]:
    """RecordingError where it is damaged, or of a release whose values this one cannot play."""
    machine: Any = recording.header.machine
    is_vrrp = isinstance(machine, Router)
    began = recording.header.began
    for entry in recording.entries():
        before = _taken(machine) if is_vrrp else {}
        try:
            actions: list[Any] | None = machine.handle(entry.event)
        except Exception as error:
            if entry.actions is not None:
                raise RecordingError(f"event {entry.number} cannot be played by this release: {error!r}") from error
            actions = None
        graphs = None if actions is None else [to_graph(action) for action in actions]
        meant = _meanings(before, machine) if is_vrrp else ()
        done = actions or []
        tell_event, tell_action = (vrrp_event, vrrp_action) if is_vrrp else (lvs_event, lvs_action)
        told: tuple[str, ...] = tuple(map(tell_action, done))
        if actions is None:
            told = ("the machine failed, as it did then",)
        yield Decision(
            number=entry.number,
            at=entry.event.at - began,
            event=tell_event(entry.event),
            meant=meant,
            actions=told,
            difference=_difference(entry.actions, graphs, told),
            instances=frozenset((*(name for name, _ in meant), *map(_instance, done))) - {""},
            matters=_matters(done) or actions is None,
        )


def _taken(router: Router) -> dict[str, object]:
    return {machine.config.name: machine.taken for machine in router.machines}


def _meanings(before: dict[str, object], router: Router) -> tuple[tuple[str, str], ...]:
    """What the event meant to the instances that took it in."""
    return tuple(
        (machine.config.name, _meaning(*machine.taken))
        for machine in router.machines
        if machine.taken is not None and machine.taken is not before.get(machine.config.name)
    )


def _meaning(what: Kind | str | None, where: Moment | DatagramReceived) -> str:
    if not isinstance(where, Moment):
        return f"refused: {what}"
    return f"{what}: {where.detail}" if where.detail else str(what)


def _difference(then: list[Any] | None, now: list[Any] | None, told: tuple[str, ...]) -> str | None:
    if then == now:
        return None
    if then is None or now is None:
        return f"then the machine {'failed' if then is None else 'did not fail'}"
    for number, (old, new) in enumerate(zip(then, now, strict=False)):
        if old != new:
            names = [name for name in new if old.get(name) != new[name]] if isinstance(new, dict) else []
            return f"action {number + 1} ({told[number]}) differs in {', '.join(names) or 'kind'}"
    return f"{len(then)} actions then, {len(now)} now"


def _matters(actions: list[Any]) -> bool:
    """A master's advertisements and a checker's rounds are what happens while nothing happens."""
    quiet = (SendAdvert, StartCheck)
    return any(not isinstance(action, quiet) for action in actions)


def _instance(action: Any) -> str:
    if isinstance(action, ReportTransition):
        return action.transition.instance
    if isinstance(action, ReportRealServer | ReportVirtualServer):
        return str(action.service)
    if isinstance(action, ApplyTable):
        return ""
    if isinstance(action, Log) and action.text.startswith("("):
        return action.text[1:].partition(")")[0]
    return str(getattr(action, "instance", ""))
