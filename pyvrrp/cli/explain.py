"""`pyvrrp explain KEYWORD`: what a keyword of keepalived.conf means, from the table that the daemon reads by."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Final

from pyvrrp.config.describe import Entry, argument, block_names, entries, example, keywords, remarks, state
from pyvrrp.config.source import printable
from pyvrrp.config.suggest import distance, nearest

UNKNOWN_STATUS: Final = 1
LABEL: Final = 10
WIDTH_MAX: Final = 100
SUGGESTED_MAX: Final = 8


def explain(word: str) -> int:
    """Print what there is to know of a keyword; 1 and suggestions on the error output if it is none."""
    found = entries(word)
    if not found:
        sys.stderr.write(unknown(word))
        return UNKNOWN_STATUS
    width = min(shutil.get_terminal_size().columns, WIDTH_MAX)
    sys.stdout.write("\n".join(render(entry, width) for entry in found))
    return 0


def render(entry: Entry, width: int) -> str:
    """One meaning of the keyword, for a terminal of `width` columns."""
    row, first = entry.row, entry.blocks[0]
    where = ", ".join(name for block in entry.blocks for name in block_names()[block])
    facts = [("in", where), ("argument", argument(row)), ("default", row.default), ("state", state(row))]
    facts += [("note", note) for note in remarks(row, first)]
    if row.opens is not None:
        inner = next(block for block in block_names() if (block.path, block.data) == (row.opens, row.data))
        facts.append(("holds", ", ".join(word if word[0] != "<" else f"lines {word}" for word in inner.rows)))
    lines = [example(row), *textwrap.wrap(row.meaning, width, initial_indent="  ", subsequent_indent="  ")]
    for label, text in facts:
        if text != "-":
            start = f"  {label.ljust(LABEL)}"
            indent = " " * len(start)
            lines += textwrap.wrap(
                text, max(width, 40), initial_indent=start, subsequent_indent=indent, break_on_hyphens=False
            )
    return "\n".join(lines) + "\n"


def unknown(word: str) -> str:
    """What to say about a word that is no keyword."""
    similar = suggestions(word)
    told = f"pyvrrp explain: `{printable(word)}` is not a keyword"
    return f"{told}; did you mean {' or '.join(similar)}?\n" if similar else f"{told}; `pyvrrp explain` lists all\n"


def suggestions(word: str) -> list[str]:
    """Keywords that may be meant: misspelled, or with this word in them."""
    best = nearest(word, keywords())
    near = {other for other in keywords() if len(word) > 2 and distance(word, other, 2) <= 2}
    near |= {other for other in keywords() if len(word) > 2 and word.lower() in other.lower()}
    rest = sorted(near - {best}, key=lambda other: (distance(word, other), other))
    return ([best] if best else []) + rest[: SUGGESTED_MAX - (best is not None)]


def list_keywords() -> int:
    """Print all keywords, in columns as wide as the terminal."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 1
    column = max(map(len, keywords())) + 2
    across = max(1, width // column)
    rows = -(-len(keywords()) // across)
    for row in range(rows):
        sys.stdout.write("".join(word.ljust(column) for word in keywords()[row::rows]).rstrip() + "\n")
    return 0


def complete(incomplete: str) -> list[str]:
    """Shell completion: the keywords that begin so."""
    return [word for word in keywords() if word.startswith(incomplete)]
