"""Identical checks are made once.

The same server often stands in many virtual servers, checked each time in the same way. Checkers that ask the same
question (the same kind of check, target and parameters) share a probe. Its answer goes to those whose check is due:
each keeps its own delay_loop, retries and alpha. Those with the same delay_loop are drawn into the same rhythm by
moving checks earlier, never later: what is shared is noticed no later than what is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from pyvrrp.core.lvs.checking import Checking, Draw
from pyvrrp.model.checkers import Checker
from pyvrrp.units import SECOND, Micros

_GOLDEN: Final = (5**0.5 - 1) / 2


class Spread:
    """Draws durations up to a longest one that lie evenly, however many are drawn: multiples of the golden ratio."""

    def __init__(self, seed: int) -> None:
        self._at = Random(seed).random()

    def __call__(self, longest: Micros) -> Micros:
        self._at = (self._at + _GOLDEN) % 1.0
        return int(self._at * (longest + 1))


@dataclass(slots=True, eq=False)
class Probe:
    """One question to one server."""

    id: int
    question: Checker
    checkers: int = 0
    """How many ask it."""
    waiting: list[Checking] = field(default_factory=list)
    """Those that the answer is for. It is under way while there are any."""
    started: Micros = 0
    """The last time."""
    rhythm: dict[Micros, Micros] = field(default_factory=dict)
    """When the next check of those with that delay_loop is due."""


class Probes:
    """Who asks what. Checkers are known by their `probes`, one for each question they have."""

    def __init__(self) -> None:
        self._by_question: dict[Checker, Probe] = {}
        self._by_id: dict[int, Probe] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def join(self, checking: Checking, at: Micros, draw: Draw) -> None:
        """A new checker: arrange its first check, along with those of others where one is near enough."""
        self._find(checking)
        timing = checking.timing
        rhythm = checking.probes[checking.position].rhythm
        beat = rhythm.get(timing.delay_loop, 0)
        if at < beat <= at + SECOND + timing.warmup:
            checking.due = beat
        else:
            checking.begin(at, draw)
            assert checking.due is not None
            rhythm[timing.delay_loop] = checking.due

    def leave(self, checkings: Iterable[Checking]) -> list[int]:
        """These are no more. Returns the probes that are under way and nobody waits for any more."""
        idle: list[int] = []
        for checking in checkings:
            for probe in checking.probes:
                if checking in probe.waiting:
                    probe.waiting.remove(checking)
                    if not probe.waiting:
                        idle.append(probe.id)
            self._drop(checking.probes)
            checking.probes = ()
        return idle

    def ask(self, checking: Checking, at: Micros) -> Probe | None:
        """Its check is due. Returns the probe if that has to be started."""
        if checking.stale:
            before, checking.stale = checking.probes, False
            self._find(checking)
            self._drop(before)
        probe = checking.probes[checking.position]
        probe.waiting.append(checking)
        if len(probe.waiting) > 1:
            return None
        probe.started = at
        return probe

    def answered(self, id_: int) -> list[Checking]:
        """The checkers that the answer is for; none if nobody waits for it."""
        probe = self._by_id.get(id_)
        if probe is None:
            return []
        waiting, probe.waiting = probe.waiting, []
        return waiting

    def align(self, checking: Checking, at: Micros) -> None:
        """Let the next check of one that has just been arranged come along with those of others."""
        due = checking.due
        if due is None or checking.failures:  # a retry has its own time
            return
        delay_loop = checking.timing.delay_loop
        probe = checking.probes[checking.position]
        rhythm = probe.rhythm
        beat = rhythm.get(delay_loop, 0)
        # A check may have been begun, and even ended, a little before its time.
        if max(at, probe.started) < beat < due:
            checking.due = beat
        else:
            rhythm[delay_loop] = due

    def _find(self, checking: Checking) -> None:
        found = []
        for question in checking.questions():
            fresh = Probe(self._last_id + 1, question)
            probe = self._by_question.setdefault(question, fresh)  # which looks once
            if probe is fresh:
                self._last_id += 1
                self._by_id[probe.id] = probe
            probe.checkers += 1
            found.append(probe)
        checking.probes = tuple(found)

    def _drop(self, probes: Iterable[Probe]) -> None:
        for probe in probes:
            probe.checkers -= 1
            if not probe.checkers:
                del self._by_question[probe.question]
                del self._by_id[probe.id]
