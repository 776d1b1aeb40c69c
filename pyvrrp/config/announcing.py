"""How addresses are announced beside the ordinary bursts: garp_extra_if, vrrp_garp_extra_if and garp_group."""

from __future__ import annotations

from collections.abc import Iterator

from pyvrrp.config.fill import fill
from pyvrrp.config.problems import Problems
from pyvrrp.config.source import Line
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values
from pyvrrp.model.tracked import GarpGroup
from pyvrrp.model.vrrp import GarpExtra
from pyvrrp.units import SECOND


def garp_extra(values: Values, *words: str) -> GarpExtra | None:
    """[all] SECONDS behind the first of the words that is there; None where none is."""
    for word in words:
        value = values.get(word)
        if isinstance(value, tuple):
            seconds = next((int(part) for part in reversed(value) if part != "all"), 0)
            return GarpExtra(interval=seconds * SECOND, every_device="all" in value)
    return None


def garp_interfaces(block: Statement) -> Iterator[tuple[Line, int, str]]:
    """What it names, and where."""
    for child in block.children:
        if child.word == "interface":
            yield from ((child.line, at, word) for at, word in enumerate(child.words) if at)
        elif child.word == "interfaces":
            yield from ((line.line, at, word) for line in child.children for at, word in enumerate(line.words))


def read_garp_group(block: Statement, problems: Problems) -> GarpGroup | None:
    """An interface is in a group once."""
    names: dict[str, None] = {}
    for line, at, word in garp_interfaces(block):
        if word in names:
            problems.error(line, f"{word} is in a garp_group already", word=at)
        names[word] = None
    return fill(GarpGroup, block.children, interfaces=tuple(names))
