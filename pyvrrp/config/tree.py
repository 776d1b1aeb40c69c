"""From logical lines to a tree of statements, guided by the schema; arguments are read on the way.

Recovery is keepalived's (parser.c, process_stream). An unknown keyword is skipped, but not its block: its ``{`` is
ignored, the lines in it are read as if they stood in the enclosing block, and its ``}`` ends that one. What else
goes wrong because of that is told with the problem that caused it, not line by line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pyvrrp.config.commands import parse_command
from pyvrrp.config.lexer import split_words
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import BARE
from pyvrrp.config.schema import LINE, ROOT, Keyword, schema
from pyvrrp.config.source import Line, Source
from pyvrrp.config.unknown import Unknown
from pyvrrp.errors import ProblemClass, Severity

READ_MAX: Final = 4096

ONE_ARGUMENT: Final = ("uint", "int", "secs", "ms", "ip", "ifname", "enum", "word")


@dataclass(slots=True)
class Statement:
    """A keyword with its arguments, a block, or a line of data."""

    row: Keyword | None
    """None for the root and for a line of data."""
    words: list[str]
    line: Line
    value: object = None
    """What the reader made of the arguments; None if there is no usable value."""
    children: list[Statement] = field(default_factory=list)

    @property
    def word(self) -> str:
        return self.words[0]


@dataclass(slots=True)
class Frame:
    """An open block."""

    block: Statement
    table: Mapping[str, Keyword]
    path: str
    name: str
    """What the block is about, for effects."""
    inactive: bool
    """Nothing in it is acted on, so that nothing in it needs to be told as not active."""
    brace_pending: bool
    data: bool = False
    used: set[str] | None = None
    """Keywords that may be used once, and were."""


@dataclass(slots=True)
class Stray:
    """A ``{`` that was ignored, and what followed from it."""

    problem: int
    block: Frame
    depth: int
    lost: int = 0
    first: int = 0
    last: int = 0


def parse(source: Source, problems: Problems) -> Statement:
    """The tree of the whole configuration: a root whose children are the statements outside of blocks, and whose value
    is true if a command, or an account for commands, is named anywhere."""
    parser = Parser(source, problems)
    for line in source.lines:
        parser.line(line)
    return parser.end()


class Parser:
    """Takes line by line, and then `end`."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.problems = problems
        self.schema = table = schema()
        self.unknown = Unknown(problems)
        empty = Line(0, 0, 0, "", "")
        self.root = Statement(None, [""], empty)
        self.frames = [Frame(self.root, table[ROOT], ROOT, "", inactive=False, brace_pending=False)]
        self.depth = 0
        """Braces open in the text; `frames` are the blocks open for keepalived."""
        self.stray: Stray | None = None
        self.last_unknown: int | None = None
        """Index of the problem, if the line before was an unknown keyword."""
        self.unclosed: Statement | None = None
        """The block that, by its indentation or by what stands in it, lacks its ``}``."""
        self.early: Line | None = None
        """A ``}`` indented deeper than the block that it ends."""
        self.deepest: Statement | None = None
        self.commands = False
        self.complaints: list[tuple[str, int, ProblemClass]] = []
        self.read: dict[tuple[int, str], object] = {}
        """What readers made of lines, by row and text."""

    def line(self, line: Line) -> None:
        frame = self.frames[-1]
        if line.text == "{" and frame.brace_pending:
            frame.brace_pending = False
            self.depth += 1
            return
        if line.text == "}" and not frame.brace_pending:
            self._close(line)
            return
        words, unmatched = split_words(line.text)
        if unmatched:
            message = "the quote is not closed"
            effect = "the rest of the line is dropped"
            self.problems.error(line, message, effect, kind=ProblemClass.UNMATCHED_QUOTE)
        if not words:
            return
        word = words[0]
        if frame.brace_pending:
            frame.brace_pending = False
            if word == "{":
                self.depth += 1
                return
            message = f"the {{ that opens {_head(frame.block)} is missing"
            row = frame.block.row
            if (
                frame.data and row is not None and " NAME" in row.argument
            ):  # keepalived looks for the name in the next line then
                self.problems.fatal(frame.block.line, message, kind=ProblemClass.MISSING_PARAMETER)
            else:
                effect = "the block is read as if it were there"
                self.problems.error(frame.block.line, message, effect, kind=ProblemClass.MISSING_BOB)
        if word == "}":
            self._close(line)
        elif frame.data:
            self._data(frame, words, line)
        elif word == "{":
            self._stray_brace(frame, line)
        else:
            self._statement(frame, words, line, unmatched)

    @property
    def is_complete(self) -> bool:
        """No block is open."""
        return self.depth == 0 and len(self.frames) == 1

    @property
    def is_at_rest(self) -> bool:
        """Outside of all blocks, with nothing on its mind that what follows could explain."""
        quiet = self.stray is None and self.last_unknown is None and self.unclosed is None and self.early is None
        return quiet and self.is_complete

    def take(self, block: Statement) -> None:
        """A block that was parsed before, in place of its lines."""
        self.root.children.append(block)

    def end(self) -> Statement:
        """The root."""
        if not self.is_complete:
            self._complain_of_the_end()
        self.root.value = self.commands
        return self.root

    def _complain_of_the_end(self) -> None:
        block = self.unclosed or (self.frames[-1].block if len(self.frames) > 1 else self.deepest)
        line = block.line if block is not None else self.problems.source.lines[-1]
        head = _head(block) if block is not None else "a block"
        if self.depth == 0 and self.frames[-1].brace_pending:
            message, effect, kind = f"the {{ that opens {head} is missing", "it is empty", ProblemClass.OK
        else:
            message = f"{head} is not closed: a }} is missing"
            effect, kind = "what follows is read as a part of it", ProblemClass.MISSING_EOB
        self.problems.add(line, Severity.ERROR, message, effect, kind=kind, damage=True)
        while len(self.frames) > 1:
            self._pop()

    # ---- blocks

    def _close(self, line: Line) -> None:
        consequence = self.depth > len(self.frames) - 1
        extra = self.depth == 0 and len(self.frames) == 1
        self.depth = max(0, self.depth - 1)
        if len(self.frames) > 1:
            self._compare_indents(self.frames[-1].block, line)
            self._pop()
        elif extra:
            suggestion = None
            if self.early is not None:
                suggestion = f"the }} in line {self.early.number} ends a block that seems to go on"
            message, kind = "a } too many: no block is open here", ProblemClass.UNEXPECTED_EOB
            self.problems.error(line, message, kind=kind, suggestion=suggestion)
        elif consequence and self.stray is not None:
            self._lose(line)
        if self.stray is not None and self.depth <= len(self.frames) - 1:
            self._settle()

    def _pop(self) -> None:
        frame = self.frames.pop()
        row = frame.block.row
        if row is not None and row.needs:
            present = {child.word if child.row else LINE for child in frame.block.children}
            if present.isdisjoint(row.needs):
                needs = " or ".join(row.needs) if row.needs != (LINE,) else "anything in it"
                self.problems.error(frame.block.line, f"{_head(frame.block)} is without {needs}", "it is dropped")

    def _compare_indents(self, block: Statement, line: Line) -> None:
        """Indentation tells what braces do not: which block the author meant to end."""
        if (
            block.line.column == line.column
            and block.line.raw[: line.column] == line.raw[: line.column - 1] + block.word[:1]
        ):
            return  # as it mostly is
        opened, closed = _indent(block.line), _indent(line)
        if opened is None or closed is None:
            return
        if closed < opened and self.unclosed is None:
            self.unclosed = block
        elif closed > opened and self.early is None:
            self.early = line

    def _stray_brace(self, frame: Frame, line: Line) -> None:
        self.depth += 1
        if self.stray is None:
            problem = self.last_unknown
            if problem is None:
                message, kind = "a { where no block begins", ProblemClass.UNEXPECTED_BOB
                problem = self.problems.add(line, Severity.ERROR, message, kind=kind)
            self.stray = Stray(problem, frame, self.depth)
        self.last_unknown = None

    def _lose(self, line: Line) -> None:
        stray = self.stray
        if stray is not None and line.text not in ("{", "}"):
            stray.lost += 1
            stray.first = stray.first or line.number
            stray.last = line.number

    def _settle(self) -> None:
        """The consequences of a stray brace are over: tell them."""
        stray, self.stray = self.stray, None
        assert stray is not None
        effects = ["ignored"]
        if stray.lost:
            lines = f"line {stray.first}" if stray.first == stray.last else f"lines {stray.first} to {stray.last}"
            effects.append(f"{stray.lost} statements in {lines} are lost with it")
        if stray.block.path != ROOT:
            effects.append(f"the }} of its block ends {_head(stray.block.block)} (as in keepalived)")
        self.problems.change_effect(stray.problem, "; ".join(effects))

    # ---- statements

    def _data(self, frame: Frame, words: list[str], line: Line) -> None:
        word = words[0]
        parent = self.frames[-2]
        if word == "{" or (word in parent.table and word not in frame.table):
            if word == "{":
                self.depth += 1
            if self.unclosed is not frame.block:
                self.unclosed = frame.block
                message = f"`{word}` stands inside {_head(frame.block)}, which seems not to be closed"
                effect = f"lines are read as a part of {frame.block.word} up to the next }}, and are lost"
                self.problems.error(line, message, effect, suggestion=f"close {frame.block.word} with a }} before it")
            return
        frame.block.children.append(Statement(None, words, line))

    def _statement(self, frame: Frame, words: list[str], line: Line, unmatched: bool) -> None:
        word = words[0]
        row = frame.table.get(word)
        if row is None:
            if self.stray is not None:
                self._lose(line)
                return
            ancestor = next((f for f in reversed(self.frames[:-1]) if word in f.table), None)
            if ancestor is not None and frame.path != ROOT and ancestor.table[word].opens:
                self.unclosed = self.unclosed or frame.block
                block = _head(frame.block)
                suggestion = f"`{word}` belongs into {ancestor.path if ancestor.path != ROOT else 'no block'}: "
                suggestion += f"is the }} of {block} (line {frame.block.line.number}) missing?"
                self.last_unknown = self.unknown.tell(line, word, frame.path, suggestion)
            else:
                self.last_unknown = self.unknown.tell(line, word, frame.path)
            return
        self.last_unknown = None
        if row.once and frame.used is not None and word in frame.used:
            self.problems.error(line, f"`{word}` is given a second time", "the first one counts")
            return
        statement = Statement(row, words, line)
        if len(words) == 1 and (row.mandatory or row.reported):
            if not unmatched or row.argument != "command":
                self._argument_missing(row, line)
        elif row.read is not None:
            statement.value = self._read_once(row, words, line)
        elif row.argument.lstrip("?!") == "command" and len(words) > 1:
            statement.value = self._command(row, line)
            self.commands = True
        elif row.argument.lstrip("?!").startswith("words") and len(words) > 1:
            statement.value = tuple(words[1:])
            self.commands |= word == "script_user"
        elif row.argument[:1] == "?":
            statement.value = BARE
            if row.word == "misc_path":
                self._argument_missing(row, line)
        if row.once and (statement.value is not None or row.argument[:1] == "?"):
            frame.used = {*(frame.used or ()), word}
        frame.block.children.append(statement)
        if row.says or (row.effect is not None and not frame.inactive):
            self._tell(frame, row, words, line)
        if row.opens is not None:
            self._open(frame, row, statement)

    def _argument_missing(self, row: Keyword, line: Line) -> None:
        if row.mandatory:
            self.problems.fatal(line, f"`{row.word}` lacks its argument", kind=ProblemClass.MISSING_PARAMETER)
        else:
            effect = "the block is skipped" if row.opens else "ignored"
            self.problems.error(line, f"`{row.word}` lacks its argument", effect)

    def _complain(self, message: str, word: int, kind: ProblemClass) -> None:
        self.complaints.append((message, word, kind))

    def _read_once(self, row: Keyword, words: list[str], line: Line) -> object:
        """`weight 1` is read once, however often it is written, unless there is something to say about it."""
        known = self.read.get((id(row), line.text), self)
        if known is not self:
            return known
        said = len(self.problems.found)
        value = self._read(row, words, line)
        if said == len(self.problems.found) and len(self.read) < READ_MAX:
            self.read[id(row), line.text] = value
        return value

    def _read(self, row: Keyword, words: list[str], line: Line) -> object:
        assert row.read is not None
        value = row.read(words, self._complain)
        complaints = self.complaints
        if complaints:
            self.complaints = []
        for message, word, kind in complaints:
            default = f"; the default applies: {row.default}" if row.default[:1].isdigit() else ""
            effect = f"`{row.word}` is ignored{default}" if value is None else "taken as far as it makes sense"
            self.problems.error(line, message, effect, word=word, kind=kind)
        if len(words) > 2 and value is not None and row.argument.lstrip("?!").startswith(ONE_ARGUMENT):
            message = f"`{row.word}` takes one argument"
            self.problems.notice(line, message, "the other words of the line are ignored", word=2)
        return value

    def _command(self, row: Keyword, line: Line) -> object:
        command = parse_command(line.text)
        if isinstance(command, str):
            self.problems.error(line, command, f"`{row.word}` is ignored", word=1)
            return None
        if command is None and (row.reported or row.word == "misc_path"):
            self.problems.error(line, f"the command of `{row.word}` is empty", word=1)
        return command

    def _tell(self, frame: Frame, row: Keyword, words: list[str], line: Line) -> None:
        suggestion = f"write `{row.instead}`" if row.instead else None
        if row.effect is None:
            message = f"`{row.word}` is an old spelling"
            if row.says is ProblemClass.UNKNOWN_KEYWORD:
                message = f"`{row.word}` is no keyword of {frame.block.word}; keepalived ignores it here"
            effect = f"taken as `{row.instead}`"
            self.problems.add(line, Severity.DEPRECATED, message, effect, kind=row.says, suggestion=suggestion)
            return
        value = " ".join(words[1:2])
        effect = row.effect.format(name=frame.name or frame.block.word, value=value)
        severity = Severity.DEPRECATED if row.instead and row.says else Severity.INACTIVE
        message = f"`{row.word}` is accepted, but not active in this version"
        self.problems.add(line, severity, message, effect, kind=row.says, suggestion=suggestion)

    def _open(self, frame: Frame, row: Keyword, statement: Statement) -> None:
        assert row.opens is not None
        self.deepest = statement
        words = statement.words
        if row.data and len(words) > 1 and " NAME" not in row.argument:
            message = f"nothing can follow `{row.word}` but its block"
            self.problems.error(statement.line, message, "the words are ignored", word=1)
        elif row.data and len(words) > 2:
            message = f"`{row.word}` takes one name"  # keepalived misses the name then
            self.problems.fatal(statement.line, message, word=2, kind=ProblemClass.MISSING_PARAMETER)
        self.frames.append(
            Frame(
                statement,
                self.schema[row.opens],
                row.opens,
                " ".join(words[1:]) or frame.name,
                inactive=frame.inactive or row.effect is not None,
                brace_pending=True,
                data=row.data,
            )
        )


def _head(block: Statement) -> str:
    """How a block begins, for messages: ``vrrp_instance V``."""
    return f"`{' '.join(block.words)}`"


def _indent(line: Line) -> int | None:
    """Columns before the line, if the line begins with this statement."""
    if not line.column:
        return None
    before = line.raw[: line.column - 1]
    if not before:
        return 0
    return len(before.expandtabs(8)) if before.isspace() else None
