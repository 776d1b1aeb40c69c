"""The schema in words: what `pyvrrp explain` prints and docs/configuration.md is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from pyvrrp.config.schema import ROOT, Keyword, schema

OUTSIDE: Final = "outside of blocks"
NUMBERS: Final[Mapping[str, str]] = {
    "uint": "whole number",
    "int": "whole number",
    "secs": "seconds",
    "newsecs": "seconds",
    "ms": "milliseconds",
    "weight": "whole number",
}
KINDS: Final[Mapping[str, str]] = {
    "flag": "none",
    "bool_any": "none; any of on and off turns it on",
    "word": "word",
    "word1": "word",
    "umask": "number as in C, or bits as IWGRP|IWOTH",
    "extra": "`all` or nothing, and seconds, at most 86400",
    "ip": "IP address",
    "ip4": "IPv4 address",
    "ifname": "network interface, at most 15 characters",
    "words": "words",
    "words1": "words",
    "command": "command with its arguments, in double quotes if there are blanks in it",
}


class Block(NamedTuple):
    """A block of the schema; one path may lend its table to keywords and to lines of data (`track_file`)."""

    path: str
    data: bool

    @property
    def rows(self) -> Mapping[str, Keyword]:
        table = schema()[self.path]
        if "<line>" not in table:
            return table
        return {word: row for word, row in table.items() if (word == "<line>") == self.data}


@dataclass(frozen=True, slots=True)
class Entry:
    """A keyword where it means the same thing."""

    row: Keyword
    blocks: tuple[Block, ...]


@cache
def block_names() -> Mapping[Block, tuple[str, ...]]:
    """The ways into each block, as ``vrrp_instance/virtual_ipaddress``, blocks inside another after it.

    Tables that only lend their rows to others do not occur.
    """
    found: dict[Block, list[str]] = {}

    def visit(block: Block, name: str) -> None:
        found.setdefault(block, []).append(name or OUTSIDE)
        for word, row in block.rows.items():
            if row.opens is not None:
                visit(Block(row.opens, row.data), f"{name}/{word}" if name else word)

    visit(Block(ROOT, data=False), "")
    return {block: tuple(names) for block, names in found.items()}


@cache
def keywords() -> tuple[str, ...]:
    """All words that can be explained, in alphabetical order."""
    return tuple(sorted({word for block in block_names() for word in block.rows if word[0] != "<"}))


def entries(word: str) -> tuple[Entry, ...]:
    """What a keyword means, and where, active ones first; none if there is no such keyword."""
    found: dict[Keyword, list[Block]] = {}
    for block in block_names():
        row = block.rows.get(word)
        if row is not None:
            found.setdefault(row, []).append(block)
    ordered = sorted(found.items(), key=lambda item: item[0].effect is not None)
    return tuple(Entry(row, tuple(blocks)) for row, blocks in ordered)


def argument(row: Keyword) -> str:
    """What stands after the keyword, its range and unit, and what happens without it."""
    if row.opens is not None:
        name = row.argument.split(" ")[2:]
        block = "block of lines" if row.data else "block"
        return f"{name[0].lstrip('!')}, then a {block}" if name else f"a {block}"
    kind, _, detail = row.argument.lstrip("?!").partition(" ")
    kind = kind.rstrip("=")
    if kind in NUMBERS:
        low, _, high = detail.partition("..")
        text = f"{NUMBERS[kind]}, {low} to {high}" if high else f"{NUMBERS[kind]}, at least {low}"
        if kind == "weight":
            text += ", and `reverse` or `noreverse`"
    elif kind == "enum":
        text = "one of " + ", ".join(f"`{choice}`" for choice in detail.split(","))
    elif kind == "bool":
        others = "".join(f", {other}" for other in detail.split())
        text = f"on or off (true, yes{others}; false, no); on if it stands alone"
    else:
        text = KINDS[kind]
    if row.argument[0] == "?":
        return f"{text}; may be left out"
    return text


def without(row: Keyword) -> str | None:
    """What happens if nothing stands after the keyword, if that is not the same as its argument left out."""
    if row.mandatory:
        return "the daemon does not start"
    if row.reported:
        return "the block is skipped" if row.opens else "the keyword is ignored"
    return None


def state(row: Keyword) -> str:
    """Whether this version acts on the keyword, and what it means if not."""
    if row.effect is None:
        return "active"
    return f"accepted, not active in this version: {row.effect.format(name='NAME', value='NAME')}"


def remarks(row: Keyword, block: Block) -> tuple[str, ...]:
    """The small print: spellings, how often, what it needs."""
    notes = []
    if row.instead:
        notes.append(f"older spelling of `{row.instead}`")
    older = [word for word, other in block.rows.items() if other.instead == row.word]
    if older:
        notes.append("older spelling: " + ", ".join(f"`{word}`" for word in older))
    if row.once:
        notes.append("a second use in the same block is refused")
    if row.newer:
        notes.append("keepalived 2.2.7 does not know it")
    if row.ours:
        notes.append("keepalived does not know it")
    if row.needs:
        needs = " or ".join("a line" if word[0] == "<" else f"`{word}`" for word in row.needs)
        notes.append(f"dropped without {needs} in it")
    if missing := without(row):
        notes.append(f"with nothing after it {missing}")
    return tuple(notes)


def example(row: Keyword) -> str:
    """The keyword as a line of a configuration, with a name for what is to be filled in."""
    if row.opens is not None:
        name = "".join(f" {word.lstrip('!')}" for word in row.argument.split(" ")[2:])
        return f"{row.word}{name} {{ … }}"
    kind, _, detail = row.argument.lstrip("?!").partition(" ")
    values = {
        "secs": "SECONDS",
        "newsecs": "SECONDS",
        "ms": "MILLISECONDS",
        "ip": "ADDRESS",
        "ip4": "ADDRESS",
        "ifname": "INTERFACE",
    }
    values |= {"uint": "N", "int": "N", "weight": "N [reverse]", "word": "WORD", "word1": "WORD", "command": "COMMAND"}
    values |= {"umask": "MODE", "extra": "[all] SECONDS"}
    values |= {"words": "WORDS", "words1": "WORDS", "bool": "[on|off]", "enum": detail.replace(",", "|")}
    value = values.get(kind.rstrip("="), "")
    if row.argument[0] == "?":
        value = f"[{value}]"
    return f"{row.word} {value}".rstrip()
