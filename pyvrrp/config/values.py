"""The values of a block's scalar keywords, and typed ways to ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pyvrrp.config.source import Line
from pyvrrp.config.tree import Statement
from pyvrrp.model.scripts import Command

Values: TypeAlias = Mapping[str, object]


def scalars(block: Statement) -> dict[str, object]:
    """Keyword to value; the last use wins, one without a usable value does not count."""
    return {child.words[0]: child.value for child in block.children if child.value is not None}


def integer(values: Values, word: str, default: int) -> int:
    """A number, or a duration in microseconds."""
    value = values.get(word)
    return value if isinstance(value, int) else default


def flag(values: Values, word: str, default: bool = False) -> bool:
    value = values.get(word)
    return value if isinstance(value, bool) else default


def text(values: Values, word: str) -> str | None:
    value = values.get(word)
    return value if isinstance(value, str) else None


def switch(values: Values, word: str) -> bool | None:
    """On, off, or nothing said."""
    value = values.get(word)
    return value if isinstance(value, bool) else None


def last_line(block: Statement, *words: str) -> Line:
    """Where one of the keywords stands in the block, its last use; else where the block begins."""
    found = [child.line for child in block.children if child.words[0] in words]
    return found[-1] if found else block.line


def command(block: Statement, word: str) -> Command | None:
    """Of two with the same keyword the first counts, as in keepalived."""
    for child in block.children:
        if child.words[0] == word and isinstance(child.value, Command):
            return child.value
    return None
