"""Tables as lines of styled text, so narrow that 80 columns do and nothing is ever cut off.

Rules: without a width (a pipe, a file) nothing wraps. With one, optional columns go first; then a first cell too long
for its column stands on a line of its own, with the rest of the row beneath; text beneath a row wraps at its words.
ASCII only, because pictures end up in mails and tickets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Style(StrEnum):
    """What a piece of text means; the values are rich's style names."""

    PLAIN = ""
    HEAD = "bold"
    GOOD = "green"
    CALM = "cyan"
    WARN = "yellow"
    BAD = "bold red"
    FAINT = "dim"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a line; also one cell of a table."""

    text: str
    style: Style = Style.PLAIN


Line: TypeAlias = Sequence[Piece]
NARROWEST = 40
"""Below this a terminal wraps for itself."""
_GAP = 1


@dataclass(frozen=True, slots=True)
class Column:
    header: str
    group: str = ""
    """Stands above the headers of all neighbours that share it."""
    right: bool = False
    least: int = 0
    """Width it has at least, so that a live table stands still."""
    optional: bool = False
    """May be left out where the width does not do; the last ones go first."""


@dataclass(frozen=True, slots=True)
class Row:
    cells: Sequence[Piece]
    beneath: Sequence[Sequence[Piece]] = ()
    """Notes: each a sequence of pieces that belong together and between which it may wrap."""
    indent: int = 4
    """Of the notes."""


def words(text: str, style: Style = Style.PLAIN) -> list[Piece]:
    """Text as pieces between which it may wrap."""
    return [Piece(word, style) for word in text.split()]


def flow(pieces: Iterable[Piece], width: int | None, indent: int) -> list[Line]:
    """The pieces a space apart, all lines `indent` spaces in."""
    margin, space = Piece(" " * indent), Piece(" ")
    lines: list[Line] = []
    line: list[Piece] = []
    used = 0
    for piece in pieces:
        if line and width is not None and used + 1 + len(piece.text) > width:
            lines.append(line)
            line = []
        if line:
            line += [space, piece]
            used += 1 + len(piece.text)
        else:
            line = [margin, piece]
            used = indent + len(piece.text)
    return [*lines, line] if line else lines


def table(columns: Sequence[Column], rows: Sequence[Row], width: int | None) -> list[Line]:
    """The rows with their headers above; nothing where there are no rows."""
    if not rows:
        return []
    shown = list(range(len(columns)))
    widths = [
        max(column.least, len(column.header), *(len(row.cells[i].text) for row in rows))
        for i, column in enumerate(columns)
    ]
    if width is not None:
        limit = max(width, NARROWEST)
        for i in reversed([i for i in shown if columns[i].optional]):
            if sum(widths[j] for j in shown) + _GAP * (len(shown) - 1) > limit:
                shown.remove(i)
        rest = sum(widths[i] + _GAP for i in shown[1:])
        widths[0] = max(len(columns[0].header), min(widths[0], limit - rest))
    lines = _headers([columns[i] for i in shown], [widths[i] for i in shown])
    for row in rows:
        cells = [row.cells[i] for i in shown]
        if len(cells[0].text) > widths[0]:
            lines.append([cells[0]])
            cells[0] = Piece("")
        lines.append(_aligned(cells, [columns[i].right for i in shown], [widths[i] for i in shown]))
        for note in row.beneath:
            lines += flow(note, width, row.indent)
    return lines


def _headers(columns: Sequence[Column], widths: Sequence[int]) -> list[Line]:
    lines: list[Line] = []
    if any(column.group for column in columns):
        above, at = "", 0
        for i, column in enumerate(columns):
            if column.group and (i == 0 or columns[i - 1].group != column.group):
                end = at
                for other, size in zip(columns[i:], widths[i:], strict=True):
                    if other.group != column.group:
                        break
                    end += size + _GAP
                above = above.ljust(at) + column.group.rjust(end - _GAP - at)
            at += widths[i] + _GAP
        lines.append([Piece(above, Style.HEAD)])
    heads = [Piece(column.header, Style.HEAD) for column in columns]
    lines.append(_aligned(heads, [column.right for column in columns], widths))
    return lines


def _aligned(cells: Sequence[Piece], right: Sequence[bool], widths: Sequence[int]) -> Line:
    line: list[Piece] = []
    owed = 0
    """Spaces before the next cell: they are written with it, so that no line ends in spaces."""
    for cell, to_the_right, size in zip(cells, right, widths, strict=True):
        missing = max(0, size - len(cell.text))
        if cell.text:
            line += [Piece(" " * (owed + (missing if to_the_right else 0))), cell]
            owed = _GAP + (0 if to_the_right else missing)
        else:
            owed += missing + _GAP
    return line


def plain(lines: Iterable[Line]) -> str:
    """The lines without their styles, each ended by a newline."""
    return "".join("".join(printable(piece.text) for piece in line).rstrip() + "\n" for line in lines)


def printable(text: str) -> str:
    """The text with everything escaped that could play tricks on a terminal (names and errors come from outside)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
