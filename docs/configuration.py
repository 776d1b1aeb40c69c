"""docs/configuration.md, made from the schema so that it cannot lie.

python docs/configuration.py          print it
python docs/configuration.py --write  write it
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyvrrp.config.describe import OUTSIDE, Block, argument, block_names, example, remarks, state
from pyvrrp.config.schema import Keyword

DOCUMENT = Path(__file__).with_name("configuration.md")
INTRODUCTION = """\
# Configuration reference

Every keyword of `keepalived.conf`, by the block in which it stands. `pyvrrp explain KEYWORD` prints an entry in the
terminal, `pyvrrp check` tells what is wrong with a file, `pyvrrp config` what a file comes to with all defaults.
This page is made from the program's own table (`python docs/configuration.py --write`).

Numbers are decimal; seconds may have up to six decimal places. A keyword marked **not active** is read and checked as
keepalived does, and `pyvrrp check`, the log and `pyvrrp show` say what its absence means.

"""


def anchor(title: str) -> str:
    """The anchor that a heading gets."""
    return title.lower().replace("/", "").replace(" ", "-")


def title(block: Block) -> str:
    """The heading of a block: the first way into it."""
    return block_names()[block][0].capitalize() if OUTSIDE in block_names()[block] else block_names()[block][0]


def entry(row: Keyword, block: Block) -> str:
    """One list item."""
    facts = [f"argument: {argument(row)}"]
    if row.default != "-":
        facts.append(f"default: {row.default}")
    facts += remarks(row, block)
    shown = f"`{example(row)}`"
    if row.opens is not None:
        shown = f"[{shown}](#{anchor(title(Block(row.opens, row.data)))})"
    text = f"- **{shown}** — {row.meaning}.  \n  {'; '.join(facts)}."
    if row.effect is not None:
        text += f"  \n  **not active**: {state(row).partition(': ')[2]}."
    return text


def section(block: Block) -> str:
    """A block: where it stands, and its keywords."""
    lines = [f"## {title(block)}", ""]
    others = block_names()[block][1:]
    if others:
        lines += ["Likewise " + ", ".join(f"`{name}`" for name in others) + ".", ""]
    lines += [entry(row, block) for row in block.rows.values()]
    return "\n".join(lines) + "\n"


def document() -> str:
    """The whole page."""
    contents = "\n".join(f"- [{title(block)}](#{anchor(title(block))})" for block in block_names())
    return INTRODUCTION + contents + "\n\n" + "\n".join(section(block) for block in block_names())


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(document())
    else:
        sys.stdout.write(document())
