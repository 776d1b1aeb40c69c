"""What was made of a configuration the last time, so that a reload costs what changed, not what there is.

Ten thousand real servers are read in some tenths of a second, which a reload would spend each time. Of the blocks of
virtual servers those that are written as before, to the letter, and of which there was nothing to be told, are taken
over as they were parsed and built.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.tree import Parser, Statement, parse

if TYPE_CHECKING:
    from pyvrrp.config.load import Loaded
    from pyvrrp.config.source import Line, Source
    from pyvrrp.model.lvs import VirtualServer

BLOCK: Final = "virtual_server"
WRITTEN: Final = itemgetter(2, 3, 4)
"""Of a line: column, text and how it stands in the file; not where."""


@dataclass(slots=True)
class Block:
    """One that is written the same again would be read the same again."""

    lines: Sequence[Line]
    statement: Statement
    surroundings: Hashable = None
    """What else it depends on, when it was built."""
    made: VirtualServer | None = None


@dataclass(slots=True)
class Memory:
    source: Source | None = None
    loaded: Loaded | None = None
    blocks: dict[str, Block] = field(default_factory=dict)
    """By their first lines."""
    _met: dict[int, Block] = field(default_factory=dict)
    """This time, by the identity of the statement."""
    _next: dict[str, Block] = field(default_factory=dict)

    def recall(self, source: Source) -> Loaded | None:
        """What was made of the very same lines."""
        last = self.source
        if last is None or self.loaded is None:
            return None
        same = (last.name, last.places, last.problems) == (source.name, source.places, source.problems)
        return self.loaded if same and last.lines == source.lines else None

    def parse(self, source: Source, problems: Problems) -> Statement:
        """As `tree.parse`."""
        self._met, self._next = {}, {}
        parser = Parser(source, problems)
        taken = self._parse(parser, source.lines)
        if taken and not parser.is_complete:  # what is told then names lines of blocks
            self._met = {}
            del problems.found[len(source.problems) :]
            return parse(source, problems)
        return parser.end()

    def _parse(self, parser: Parser, lines: list[Line]) -> bool:
        """Has any block been taken over?"""
        taken = False
        at = 0
        while at < len(lines):
            line = lines[at]
            if not (line.text.startswith(BLOCK) and parser.is_at_rest and line.text.split(None, 1)[0] == BLOCK):
                parser.line(line)
                at += 1
            elif (block := self._known(lines, at)) is not None:
                taken = True
                statement = replace(block.statement, line=line)
                parser.take(statement)
                end = at + len(block.lines)
                self._met[id(statement)] = replace(block, lines=lines[at:end])
                at = end
            else:
                at = self._parse_block(parser, lines, at)
        return taken

    def _known(self, lines: list[Line], at: int) -> Block | None:
        block = self.blocks.get(lines[at].text)
        if block is None:
            return None
        written = lines[at : at + len(block.lines)]
        return block if list(map(WRITTEN, written)) == list(map(WRITTEN, block.lines)) else None

    def _parse_block(self, parser: Parser, lines: list[Line], begin: int) -> int:
        """Read on to the end of the block; the index behind it."""
        said, statements = len(parser.problems.found), len(parser.root.children)
        commands, parser.commands = parser.commands, False
        at = begin
        while at < len(lines):
            parser.line(lines[at])
            at += 1
            if not parser.depth and parser.is_at_rest:
                break
        new = parser.root.children[statements:]
        # The places of commands are looked at once more, and must be those of now.
        if parser.is_at_rest and len(new) == 1 and said == len(parser.problems.found) and not parser.commands:
            self._met[id(new[0])] = Block(lines[begin:at], new[0])
        parser.commands |= commands
        return at

    def build(
        self,
        statement: Statement,
        surroundings: Hashable,
        problems: Problems,
        make: Callable[[Statement], VirtualServer | None],
    ) -> VirtualServer | None:
        """What the block says, made anew only where it or its surroundings changed."""
        block = self._met.get(id(statement))
        if block is None:
            return make(statement)
        if block.made is None or block.surroundings != surroundings:
            if block.made is not None:
                statement = _parsed(block.lines, problems)
            before = len(problems.found)
            block = Block(block.lines, statement, surroundings, make(statement))
            if len(problems.found) != before:
                return block.made
        if block.made is not None:
            self._next[statement.line.text] = block
        return block.made

    def end(self, source: Source, loaded: Loaded) -> None:
        """Only what was met this time is remembered."""
        self.source, self.loaded, self.blocks = source, loaded, self._next
        self._met = {}


def _parsed(lines: Iterable[Line], problems: Problems) -> Statement:
    """A block of which there is nothing to be told, with its lines as they are counted now."""
    parser = Parser(problems.source, problems)
    for line in lines:
        parser.line(line)
    return parser.root.children[0]
