"""A story in figures and rows, for all that show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyvrrp.simulate.story import Service, Story
from pyvrrp.units import Micros, format_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one service; microseconds."""

    one: Micros
    none: Micros
    two: Micros
    longest_none: Micros
    longest_two: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the timeline: a step of the scenario, or who holds an address from then on."""

    at: Micros
    address: str
    """Empty for a step."""
    holders: tuple[str, ...]
    why: str


def figures(service: Service) -> Figures:
    """How long it was held by one, none, two or more directors (connected with each other or not)."""
    total = {0: 0, 1: 0, 2: 0}
    longest = {0: 0, 1: 0, 2: 0}
    run_of, run = -1, 0
    for span in service.spans:
        many = min(2, len(span.holders))
        length = span.end - span.begin
        total[many] += length
        run = run + length if many == run_of else length
        run_of = many
        longest[many] = max(longest[many], run)
    return Figures(one=total[1], none=total[0], two=total[2], longest_none=longest[0], longest_two=longest[2])


def label(addresses: Sequence[str]) -> str:
    """The first address, and how many more go along."""
    more = len(addresses) - 1
    return f"{addresses[0]} +{more}" if more else addresses[0]


def rows(story: Story) -> list[Row]:
    """The timeline, in order of time; steps before what they lead to."""
    found = [Row(at=h.at, address="", holders=(), why=h.what) for h in story.happenings]
    together: dict[tuple[Micros, tuple[str, ...], str], list[str]] = {}
    for service in story.services:
        for span in service.spans:
            together.setdefault((span.begin, span.holders, span.why), []).extend(service.addresses)
    for (begin, holders, why), addresses in together.items():
        found.append(Row(at=begin, address=label(addresses), holders=holders, why=why))
    return sorted(found, key=lambda row: row.at)


def clock_text(at: Micros) -> str:
    """An instant: ``12.345s``, ``1h02m03.456s``; milliseconds."""
    thousandths = (at + 500) // 1000
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    second = f"{rest / 1000:.3f}s" if not minutes and not hours else f"{rest / 1000:06.3f}s"
    return f"{hours}h{minutes:02d}m{second}" if hours else f"{minutes}m{second}" if minutes else second


def verdict(story: Story) -> Iterable[str]:
    """Each violation in a sentence."""
    for violation in story.violations:
        until = "the end" if violation.end is None else clock_text(violation.end)
        allowed = format_seconds(violation.allowed_until - violation.begin)
        who = " and ".join(violation.directors)
        what = "were both master of" if len(violation.directors) > 1 else "could have been master, and nobody was, of"
        yield (
            f"{who} {what} {violation.address} from {clock_text(violation.begin)} to {until}, "
            f"{allowed} s are allowed: {violation.why}"
        )


def document(story: Story) -> dict[str, Any]:
    """For ``--json``: durations and instants in microseconds since the start."""
    return {
        "directors": list(story.directors),
        "duration": story.duration,
        "seed": story.seed,
        "advertisements": story.adverts,
        "lost": story.lost,
        "violations": [asdict(violation) for violation in story.violations],
        "services": [{**asdict(service), "figures": asdict(figures(service))} for service in story.services],
        "changes": [asdict(change) for change in story.changes],
        "steps": [asdict(happening) for happening in story.happenings],
    }
