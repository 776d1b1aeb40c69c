"""The expanded configuration: logical lines, each knowing where it comes from.

The supervisor expands the files once (`pyvrrp.config.expand`) and hands what it made of them to its workers, so that
all processes see the same configuration even if a file changes meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from pyvrrp.config.lexer import BLANKS, word_spans
from pyvrrp.config.names import Names
from pyvrrp.errors import ConfigProblem, Span

SECRET: Final = r"((?:^|[\s{}=])(?:auth_\w*pa\w*|password|key)[ \t]+)((?:\"[^\"]*\"?|[^{}#!\"])*)"
SIZE_MAX: Final = 64 * 1024 * 1024
"""Bytes of all files together."""
SHOWN_MAX: Final = 4096
"""Characters of a line."""
UNPRINTABLE: Final = r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]"


class FileReader(Protocol):
    """What expanding needs of the file system."""

    def glob(self, pattern: str) -> Sequence[str]:
        """The paths that match, in the order of glob(3), braces expanded first; none if nothing matches."""
        ...

    def read(self, path: str) -> bytes:
        """The whole file; UnreadableError if it is no regular file, may be executed or cannot be opened."""
        ...

    def directory(self) -> str:
        """Where relative names start."""
        ...


class Line(NamedTuple):
    """A logical line: a statement, or a brace."""

    place: int
    """Index into `Source.places`."""
    number: int
    """Line number in the file, from 1."""
    column: int
    """Where `text` starts in `raw`, from 1; 0 if it is not there as such, because something was put in its place."""
    text: str
    """Without comment, with parameters replaced."""
    raw: str
    """As written."""


class Place(NamedTuple):
    file: str
    origin: tuple[str, ...]


@dataclass(slots=True)
class Source:
    """The whole configuration, ready to be parsed."""

    name: str
    """The file asked for."""
    lines: list[Line] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    problems: list[ConfigProblem] = field(default_factory=list)
    """What was wrong before parsing."""
    names: Names = field(default_factory=Names, compare=False)
    """Of routing tables and the like, where the configuration was read."""

    def span(self, line: Line, word: int | None = None) -> Span:
        """Where a word of the line stands, or the whole line."""
        place = self.places[line.place]
        column, length = line.column, len(line.text)
        spans = word_spans(line.text) if word is not None and column else []
        if word is not None and word < len(spans):
            start, length = spans[word]
            column += start
        elif len(line.raw) > SHOWN_MAX:
            column = column or 1
        elif column == 0:
            stripped = line.raw.strip(BLANKS)
            column, length = line.raw.find(stripped) + 1, len(stripped)
        return Span(place.file, line.number, column, max(length, 1), snippet(line.raw), place.origin)


def printable(text: str) -> str:
    """The text with control characters and undecodable bytes replaced: it may go to a terminal or a log."""
    return text if text.isprintable() else re.sub(UNPRINTABLE, "\ufffd", text)


def snippet(raw: str) -> str:
    """A line as it may be shown: printable, and no secret in it. Nothing of a line that is too long to be shown."""
    if len(raw) > SHOWN_MAX:
        return ""
    text = printable(raw.rstrip(BLANKS))
    if "auth_" in text or "password" in text or "key" in text:
        text = re.sub(SECRET, lambda match: match[1] + re.sub(r"\S", "*", match[2]), text)
    return text
