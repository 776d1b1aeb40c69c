"""What to say about a keyword that is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.schema import ROOT, blocks_of, schema
from pyvrrp.config.source import Line
from pyvrrp.config.suggest import did_you_mean, nearest
from pyvrrp.errors import ProblemClass, Severity

WORD: Final = r"[@~$]?[\w-]*\w[\w=-]*"

SEARCHES_MAX: Final = 300
"""Misspellings looked up in one file; a file with more of them is no configuration."""

GONE: Final[Mapping[str, str]] = {
    "nat_mask": "delete the line: keepalived gave it up with Linux 2.2",
    "net_mask": "delete the line: keepalived gave it up with Linux 2.2",
    "lvs_id": "write `router_id`",
}


class Unknown:
    """Tells about unknown keywords, with the best suggestion there is."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.searches = 0

    def tell(self, line: Line, word: str, path: str, suggestion: str | None = None) -> int:
        """Add the problem; returns its index."""
        block = path.rpartition("/")[2]
        where = f"of {block}" if path != ROOT else "outside of a block"
        message = f"`{word}` is not a keyword {where}"
        invisible = [letter for letter in word if not letter.isprintable() or letter.isspace()]
        if invisible:
            names = sorted({_letter(letter) for letter in invisible})
            message = f"there is an invisible character before or in `{''.join(c for c in word if c not in invisible)}`"
            suggestion = f"delete the {' and the '.join(names)} and use blanks"
        if suggestion is None and self.searches < SEARCHES_MAX:
            self.searches += 1
            suggestion = _suggest(word, path)
        return self.problems.add(
            line,
            Severity.ERROR,
            message,
            word=0,
            kind=ProblemClass.UNKNOWN_KEYWORD,
            suggestion=suggestion,
            damage=path == ROOT and not invisible and _is_damage(word),
        )


def _is_damage(word: str) -> bool:
    """No word that anybody misspelled: the mark of a merge, a diff, a web page; or a keyword that was cut off."""
    return re.fullmatch(WORD, word) is None or any(keyword.startswith(word) for keyword in schema()[ROOT])


def _suggest(word: str, path: str) -> str | None:
    known = schema()[path]
    if word in GONE:
        return GONE[word]
    before, equals, after = word.partition("=")
    if equals and before in known:
        return f"write `{before} {after}`"
    if suggestion := did_you_mean(word, known):
        return suggestion
    if blocks := blocks_of(word):
        named = sorted({block.rpartition("/")[2] if block != ROOT else "no block" for block in blocks})
        return f"`{word}` belongs into {', '.join(named[:4])}"
    if found := nearest(word, {other for table in schema().values() for other in table}):
        block = blocks_of(found)[0]
        return f"did you mean `{found}` (in {block.rpartition('/')[2] if block != ROOT else 'no block'})?"
    return None


def _letter(letter: str) -> str:
    import unicodedata

    return f"{unicodedata.name(letter, 'control character').lower()} (U+{ord(letter):04X})"
