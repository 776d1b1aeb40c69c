"""The small language of scenarios: one step a line (docs/simulate.md)::

at 10s  crash a
at +5s  partition a | b c
at 1m   loss 20% a -> b
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from pyvrrp.model.tracked import Tracker
from pyvrrp.simulate import steps as do
from pyvrrp.simulate.steps import Step, Timed
from pyvrrp.units import MINUTE, SECOND, Micros

_UNITS: Final = {"us": 1, "ms": 1_000, "s": SECOND, "m": MINUTE, "h": 60 * MINUTE, "d": 24 * 60 * MINUTE}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)?")
_UP: Final = {"up": True, "ok": True, "succeeds": True, "down": False, "fails": False, "fail": False}
_TRACKERS: Final = {kind.value.removeprefix("track_"): kind for kind in Tracker if kind is not Tracker.INTERFACE}


class ScenarioError(ValueError):
    """A step that is none; the message begins with ``FILE:LINE:`` where there is one."""


def duration(text: str) -> Micros:
    """``10``, ``10s``, ``1.5s``, ``200ms``, ``1h30m``. ScenarioError."""
    total, at = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != at:
            break
        total += float(part[1]) * _UNITS[part[2] or "s"]
        at = part.end()
    if not text or at != len(text):
        raise ScenarioError(f"{text!r} is no duration: 10s, 1.5s, 200ms, 1h30m")
    return round(total)


def share(text: str) -> int:
    """``20%``, ``0.2`` as parts of a million. ScenarioError."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ScenarioError(f"{text!r} is no share: 20% or 0.2")
    return round(value * 1_000_000)


def parse(text: str, file: str, directors: dict[str, str]) -> list[Timed]:
    """All steps, in the order of their times. `directors`: what they may be called, and their names. ScenarioError."""
    steps: list[Timed] = []
    before: Micros = 0
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            if words[0] != "at" or len(words) < 3:
                raise ScenarioError("a step is `at TIME WHAT ...`")
            relative = words[1].startswith("+")
            before = (before if relative else 0) + duration(words[1].removeprefix("+"))
            steps.append(Timed(before, read_step(words[2:], directors)))
        except ScenarioError as error:
            raise ScenarioError(f"{file}:{number}: {error}") from error
    return sorted(steps, key=lambda timed: timed.at)


def read_step(words: list[str], directors: dict[str, str]) -> Step:
    """One step. ScenarioError."""
    verb, rest = words[0], words[1:]
    reader = _VERBS.get(verb)
    if reader is None:
        raise ScenarioError(f"{verb!r} is no step; there are {', '.join(_VERBS)}")
    usage, read = reader
    try:
        return read(rest, directors)
    except (IndexError, KeyError, ValueError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(f"it is `{verb} {usage}`".rstrip(" `") + "`") from error


def _who(word: str, directors: dict[str, str]) -> str:
    name = directors.get(word)
    if name is None:
        raise ScenarioError(f"no director is called {word!r}; there are {', '.join(dict.fromkeys(directors.values()))}")
    return name


Read = Callable[[list[str], dict[str, str]], Step]


def _to_one(kind: Callable[..., Step], *others: Callable[[str], object]) -> Read:
    """A step that is done to one director; after its name comes a word for each of the `others`."""

    def read(words: list[str], directors: dict[str, str]) -> Step:
        if len(words) != 1 + len(others):
            raise ValueError
        return kind(_who(words[0], directors), *(reader(word) for reader, word in zip(others, words[1:], strict=True)))

    return read


def _partition(words: list[str], directors: dict[str, str]) -> Step:
    segment = None
    if len(words) > 2 and words[-2] == "on":
        segment, words = words[-1], words[:-2]
    sides = " ".join(words).split("|")
    named = tuple(frozenset(_who(word, directors) for word in side.split()) for side in sides)
    if not all(named) or sum(map(len, named)) != len(frozenset().union(*named)):
        raise ValueError
    return do.Partition(named, segment)


def _quality(what: str, number: Callable[[str], int]) -> Read:
    def read(words: list[str], directors: dict[str, str]) -> Step:
        if len(words) == 1:
            return do.Quality(what, number(words[0]))
        value, sender, arrow, receiver = words
        if arrow != "->":
            raise ValueError
        return do.Quality(what, number(value), (_who(sender, directors), _who(receiver, directors)))

    return read


def _ppm(text: str) -> int:
    value = int(text.removesuffix("ppm"))
    if not -500_000 <= value <= 500_000:
        raise ScenarioError("a clock is at most 500000 ppm fast or slow")
    return value


def _track(kind: Tracker) -> Read:
    value = int if kind is Tracker.FILE else _UP.__getitem__
    return _to_one(lambda who, name, value: do.Track(who, kind, name, value), str, value)


def _heal(words: list[str], directors: dict[str, str]) -> Step:
    if words:
        raise ValueError
    return do.Heal()


_PATH = "[SENDER -> RECEIVER]"
_VERBS: Final[dict[str, tuple[str, Read]]] = {
    "crash": ("DIRECTOR", _to_one(do.Crash)),
    "start": ("DIRECTOR", _to_one(do.Begin)),
    "stop": ("DIRECTOR", _to_one(do.Stop)),
    "kill": ("DIRECTOR", _to_one(do.Kill)),
    "stall": ("DIRECTOR DURATION", _to_one(do.Stall, duration)),
    "partition": ("DIRECTOR... | DIRECTOR... [on SEGMENT]", _partition),
    "heal": ("", _heal),
    "link": ("DIRECTOR INTERFACE up|down", _to_one(do.Link, str, {"up": True, "down": False}.__getitem__)),
    "loss": (f"SHARE {_PATH}", _quality("loss", share)),
    "duplicate": (f"SHARE {_PATH}", _quality("duplicate", share)),
    "reorder": (f"SHARE {_PATH}", _quality("reorder", share)),
    "delay": (f"DURATION {_PATH}", _quality("delay", duration)),
    "jitter": (f"DURATION {_PATH}", _quality("jitter", duration)),
    "clock": ("DIRECTOR PPM", _to_one(do.Rate, _ppm)),
    **{
        name: (f"DIRECTOR NAME {'NUMBER' if kind is Tracker.FILE else 'ok|fails'}", _track(kind))
        for name, kind in _TRACKERS.items()
    },
    "remove": ("DIRECTOR ADDRESS", _to_one(do.Take, ip_address)),
    "reload": ("DIRECTOR FILE", _to_one(do.Reload, str)),
}
