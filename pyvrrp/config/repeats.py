"""``~SEQ(VAR, FIRST, STEP, LAST) REST`` and ``~LST(VAR, A, B, C) REST``: one line for many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Few files have repeats: the patterns are compiled when first used, not when the daemon starts.
FORM: Final = r"(?s)~(SEQx?|LST)[ \t]*\(([^)]*)\)[ \t]*(.*)"
NAME: Final = r"(?a)[A-Za-z_]\w*"
INTEGER: Final = r"([+-]?)(0[xX][0-9a-fA-F]{1,16}|0[0-7]{1,20}|0|[1-9][0-9]{0,18})"
ITEM: Final = r"[ \t]*(?:\{([^{}]*)\}|([^{},]*?))[ \t]*(,|$)"
"""Of a list: values in braces, or one alone."""


class BadRepeatError(Exception):
    """The text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop over a line."""

    names: tuple[str, ...]
    values: Iterator[tuple[str, ...]]
    rest: str

    @property
    def unusable(self) -> list[str]:
        """Names that no reference can have."""
        return [name for name in self.names if not re.fullmatch(NAME, name)]


def is_repeat(text: str) -> bool:
    """Whatever else such a line may be, it is no keyword."""
    return text.startswith(("~SEQ", "~LST"))


def parse_repeat(text: str) -> Repeat:
    """The loop that a line starts with. BadRepeatError if it is none."""
    match = re.match(FORM, text)
    if match is None:
        raise BadRepeatError("no names and values in parentheses follow")
    kind, inside, rest = match[1], match[2], match[3]
    if kind == "LST":
        names, values = _list(inside)
    else:
        names, values = _sequence(inside, hexadecimal=kind == "SEQx")
    return Repeat(names, values, rest)


def _sequence(inside: str, *, hexadecimal: bool) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    name, *numbers = [part.strip() for part in inside.split(",")]
    values = [_integer(number) for number in numbers]
    if not name:
        raise BadRepeatError("the name is missing")
    if not 1 <= len(values) <= 3:
        raise BadRepeatError("~SEQ takes a name and one to three numbers")
    end = values[-1]
    if len(values) == 1:
        start, step = (1 if end >= 0 else -1), (1 if end >= 1 else -1)
    else:
        start = values[0]
        step = values[1] if len(values) == 3 else (1 if start <= end else -1)
    if step == 0 or (end - start) * step < 0:
        raise BadRepeatError(f"counting from {start} by {step} never reaches {end}")
    if hexadecimal and min(start, end) < 0:
        raise BadRepeatError("~SEQx does not count below 0")
    form = "x" if hexadecimal else "d"
    numbers_ = range(start, end + (1 if step > 0 else -1), step)
    return (name,), ((format(number, form),) for number in numbers_)


def _list(inside: str) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    items = []
    position = 0
    while match := re.compile(ITEM).match(inside, position):
        values = (match[1] if match[1] is not None else match[2]).split(",")
        items.append(tuple(value.strip(" \t") for value in values))
        position = match.end()
        if not match[3]:
            break
    else:
        raise BadRepeatError("braces do not match")
    names, *rows = items
    if not rows:
        raise BadRepeatError("there are no values")
    for value in (value for item in items for value in item):
        if " " in value or "\t" in value:
            raise BadRepeatError(f"`{value}` is more than one word")
    if any(len(row) > len(names) for row in rows):
        raise BadRepeatError(f"there are more values than the {len(names)} names")
    return names, (row + ("",) * (len(names) - len(row)) for row in rows)


def _integer(text: str) -> int:
    match = re.fullmatch(INTEGER, text)
    if match is None:
        raise BadRepeatError(f"`{text}` is not a whole number")
    digits = match[2]
    if digits[:2] in ("0x", "0X"):
        number = int(digits, 16)
    else:
        number = int(digits, 8) if digits[0] == "0" and len(digits) > 1 else int(digits)
    return -number if match[1] == "-" else number
