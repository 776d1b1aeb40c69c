"""Did you mean …: the nearest known word within edit distance 2, 3 for a long one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyvrrp.config.readers import parse_address

DISTANCE_MAX: Final = 3
LONG: Final = 12
"""Characters from which three edits are allowed."""


def distance(left: str, right: str, limit: int = DISTANCE_MAX) -> int:
    """Edits (insert, delete, replace, swap neighbours) from one word to the other; limit + 1 if more."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1] if row[-1] <= limit else limit + 1


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to a word, at most two edits (three in a long word) and less than half of it away, or None.

    A word that a candidate ends with counts too (``bal_defs``, a cut-off ``global_defs``).
    """
    if not 2 <= len(word) <= 40:
        return None
    best: tuple[int, str] | None = None
    lowered = word.lower()
    limit = DISTANCE_MAX if len(word) >= LONG else min(2, (len(word) - 1) // 2)
    for candidate in candidates:
        found = 1 if lowered == candidate.lower() else distance(word, candidate, limit)
        if found <= limit and (best is None or (found, candidate) < best):
            best = (found, candidate)
    if best is None and len(word) > 5:
        best = min(((len(c) - len(word), c) for c in candidates if c.endswith(word)), default=None)
    return best[1] if best else None


def port_apart(word: str, before: str = "") -> str | None:
    """The suggestion for an address with a port behind a colon; `before`: what stands before it in the line."""
    host, colon, port = word.rpartition(":")
    if not colon or not port.isdigit() or parse_address(host.strip("[]")) is None:
        return None
    return f"write `{before}{host.strip('[]')} {port}`"


def did_you_mean(word: str, candidates: Iterable[str], otherwise: str | None = None) -> str | None:
    """The suggestion for a word that is none of the candidates; `otherwise`: where none is near."""
    found = nearest(word, candidates)
    return f"did you mean `{found}`?" if found else otherwise
