"""The collector of problems: parsing, building and validating add to one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pyvrrp.config.source import Line, Source, printable
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity

IGNORED = "ignored"
NO_START = "the daemon does not start"
TOLD_MAX = 10_000
"""Problems that are told; of what there is beyond, only the first of each class and severity."""


class Problems:
    """All problems of one source, in the order in which they were found."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[ConfigProblem] = list(source.problems)

    def add(
        self,
        line: Line,
        severity: Severity,
        message: str,
        effect: str = IGNORED,
        *,
        word: int | None = None,
        kind: ProblemClass = ProblemClass.OK,
        suggestion: str | None = None,
        damage: bool = False,
    ) -> int:
        """Tell about a line, or one of its words; returns the problem's index, for `change_effect`."""
        self.found.append(
            ConfigProblem(
                span=self.source.span(line, word),
                severity=severity,
                message=printable(message),
                effect=printable(effect),
                suggestion=None if suggestion is None else printable(suggestion),
                kind=kind,
                damage=damage,
            )
        )
        return len(self.found) - 1

    def error(
        self,
        line: Line,
        message: str,
        effect: str = IGNORED,
        *,
        word: int | None = None,
        kind: ProblemClass = ProblemClass.GENERAL,
        suggestion: str | None = None,
    ) -> None:
        """Something asked for is dropped or replaced, and keepalived complains too."""
        self.add(line, Severity.ERROR, message, effect, word=word, kind=kind, suggestion=suggestion)

    def warning(
        self,
        line: Line,
        message: str,
        effect: str,
        *,
        word: int | None = None,
        kind: ProblemClass = ProblemClass.GENERAL,
        suggestion: str | None = None,
    ) -> None:
        """It is done as asked for, and is hardly what was meant; keepalived complains too."""
        self.add(line, Severity.WARNING, message, effect, word=word, kind=kind, suggestion=suggestion)

    def fatal(
        self, line: Line, message: str, *, word: int | None = None, kind: ProblemClass = ProblemClass.GENERAL
    ) -> None:
        self.add(line, Severity.FATAL, message, NO_START, word=word, kind=kind)

    def inactive(self, line: Line, message: str, effect: str, *, word: int | None = None) -> None:
        self.add(line, Severity.INACTIVE, message, effect, word=word)

    def notice(
        self, line: Line, message: str, effect: str, *, word: int | None = None, suggestion: str | None = None
    ) -> None:
        self.add(line, Severity.NOTICE, message, effect, word=word, suggestion=suggestion)

    def change_effect(self, index: int, effect: str) -> None:
        """Say more precisely what a problem led to, once it is known."""
        self.found[index] = replace(self.found[index], effect=printable(effect))

    def sorted(self) -> tuple[ConfigProblem, ...]:
        """By place; problems of the same line in the order in which they were found."""
        files = {place.file: index for index, place in reversed(list(enumerate(self.source.places)))}
        found = sorted(self.found, key=lambda p: (files.get(p.span.file, -1), p.span.line))
        if len(found) <= TOLD_MAX:
            return tuple(found)
        told, others = found[:TOLD_MAX], found[TOLD_MAX:]
        firsts = {(p.severity, p.kind, p.damage): p for p in reversed(others)}
        told += sorted(firsts.values(), key=others.index)
        last = told[-1]
        more = ConfigProblem(
            span=last.span,
            severity=Severity.NOTICE,
            message=f"there are {len(found) - len(told)} problems more",
            effect="only these are told",
        )
        return (*told, more)


def listing(words: Iterable[object]) -> str:
    """``a, b and c``."""
    *first, last = [str(word) for word in words]
    return f"{', '.join(first)} and {last}" if first else last
