"""The schema: every keyword of keepalived's, where it may stand, what it takes and what it means.

The table itself is text (`pyvrrp.config.keywords`), one line a keyword::

    KEYWORD | ARGUMENT | DEFAULT | STATE | MEANING

ARGUMENT is a reader (`pyvrrp.config.readers`), with ``?`` before it if the argument may be absent, ``!`` if its
absence is reported and the keyword ignored; without either its absence stops keepalived, and us. ``block PATH NAME``
opens a block of keywords, ``lines PATH NAME`` one whose lines are data; NAME is a mandatory argument.

STATE is ``active``, or a word of `INACTIVE` that says what it means that this version does not act on the
keyword; after it, apart by ``;``: ``once`` (a second use is refused), ``says CLASS`` (keepalived files the use
itself under this class), ``old NEW`` (there is a newer spelling), ``new`` (keepalived 2.2.7 does not know it),
``ours`` (no keepalived knows it),
``needs A or B`` (keywords without which the block is dropped).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pyvrrp.config.inactive import INACTIVE
from pyvrrp.config.readers import Reader, reader_for
from pyvrrp.errors import ProblemClass

ROOT = "/"
LINE = "<line>"


@dataclass(frozen=True, slots=True)
class Keyword:
    """One row of the table."""

    word: str
    argument: str
    """The argument column, as written."""
    read: Reader | None
    """None where the builder reads the words itself."""
    default: str
    """In words."""
    effect: str | None
    """None: active. Otherwise what it means that it is not, a template with {name}, {value} and {owner}."""
    meaning: str
    mandatory: bool
    """Nothing after the keyword stops keepalived (exit status 2)."""
    reported: bool
    """Nothing after the keyword is told, and the keyword ignored."""
    opens: str | None = None
    """The block that it opens."""
    data: bool = False
    """That block's lines are data, not keywords."""
    once: bool = False
    says: ProblemClass = ProblemClass.OK
    instead: str | None = None
    newer: bool = False
    ours: bool = False
    needs: tuple[str, ...] = ()
    """Without one of these keywords inside, the block is for nothing."""


Table = Mapping[str, Mapping[str, Keyword]]


@cache
def schema() -> Table:
    """Block path to keyword to row."""
    from pyvrrp.config.keywords import daemon, lines, lvs, tracking, vrrp

    blocks: dict[str, dict[str, Keyword]] = {}
    shared: list[tuple[str, str]] = []
    for module in (daemon, vrrp, tracking, lines, lvs):
        block: dict[str, Keyword] = {}
        for line in module.TABLE.splitlines():
            if line.startswith("["):
                path, _, others = line[1:-1].partition(": ")
                block = blocks.setdefault(path, {})
                shared.extend((path, other) for other in others.split(", ") if other)
            elif line:
                word, argument, default, state, meaning = line.split(" | ")
                block[word] = _keyword(word, argument, default, state, meaning)
    for path, other in shared:
        blocks[path] = blocks[other] | blocks[path]
    return blocks


@cache
def blocks_of(word: str) -> tuple[str, ...]:
    """The blocks in which a keyword may stand."""
    return tuple(path for path, words in schema().items() if word in words)


def _keyword(word: str, argument: str, default: str, state: str, meaning: str) -> Keyword:
    code, *flags = state.split("; ")
    options = dict(flag.partition(" ")[::2] for flag in flags)
    kind, *rest = argument.split(" ")
    opens = rest[0] if kind in ("block", "lines") else None
    name = rest[1] if opens and len(rest) > 1 else ""
    marks = name if opens else argument
    bare = opens is not None or kind in ("flag", "bool", "bool_any") or marks[:1] in ("?", "!")
    return Keyword(
        word=word,
        argument=argument,
        read=None if opens else reader_for(argument.lstrip("?!"), optional=argument[0] == "?"),
        default=default,
        effect=None if code == "active" else INACTIVE[code],
        meaning=meaning,
        mandatory=(bool(name) and name[0] != "!") if opens else not bare,
        reported=marks[:1] == "!",
        opens=opens,
        data=kind == "lines",
        once="once" in options,
        says=ProblemClass[options["says"]] if "says" in options else ProblemClass.OK,
        instead=options.get("old"),
        newer="new" in options,
        ours="ours" in options,
        needs=tuple(options["needs"].split(" or ")) if "needs" in options else (),
    )
