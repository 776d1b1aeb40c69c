"""``~SEQ(VAR, FIRST, STEP, LAST) REST`` and ``~LST(VAR, A, B, C) REST``: one line for many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Few files have repeats: the patterns are compiled when first used, not when the daemon starts.
START: Final = r"~(?:SEQx?|LST)[ \t]*\("
FORM: Final = r"(?s)~(SEQx?|LST)[ \t]*\(([^)]*)\)[ \t]*(.*)"
NAME: Final = r"(?a)[A-Za-z_]\w*"
INTEGER: Final = r"([+-]?)(0[xX][0-9a-fA-F]{1,16}|0[0-7]{1,20}|[0-9]{1,19})"
GROUP: Final = r"\{([^{}]*)\}"


class BadRepeatError(Exception):
    """The text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop over a line."""

    names: tuple[str, ...]
    values: Iterator[tuple[str, ...]]
    rest: str


def is_repeat(text: str) -> bool:
    return text[:1] == "~" and re.match(START, text) is not None


def parse_repeat(text: str) -> Repeat:
    """The loop that a line starts with. BadRepeatError if it is none."""
    match = re.match(FORM, text)
    if match is None:
        raise BadRepeatError("the closing ) is missing")
    kind, inside, rest = match[1], match[2], match[3]
    if kind == "LST":
        names, values = _list(inside)
    else:
        names, values = _sequence(inside, hexadecimal=kind == "SEQx")
    for name in names:
        if not re.fullmatch(NAME, name):
            raise BadRepeatError(f"`{name}` is no name for a parameter")
    return Repeat(names, values, rest)


def _sequence(inside: str, *, hexadecimal: bool) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    name, *numbers = [part.strip() for part in inside.split(",")]
    values = [_integer(number) for number in numbers]
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
    if inside.lstrip().startswith("{"):
        groups = [tuple(part.strip() for part in match[1].split(",")) for match in re.finditer(GROUP, inside)]
        names, rows = groups[0] if groups else (), groups[1:]
        if not names or re.sub(GROUP, "", inside).strip(" \t,"):
            raise BadRepeatError("braces do not match")
    else:
        first, *others = [part.strip() for part in inside.split(",")]
        names, rows = (first,), [(other,) for other in others]
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
