"""From the files to a `Source`: includes, conditions, parameters and repeats, until only plain lines are left.

The order in which a line is looked at (keepalived: parser.c, read_line): comment, ``@ID``, ``$NAME=``, ``~SEQ``
and ``~LST``, parameters, include, braces. Frames on a stack stand for what is being read: a file, the body of a
multi-line parameter, the rounds of a repeat. Nothing here can run for ever: no file includes itself, frames are
bounded in depth and repeated lines in number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pyvrrp.config.collection import no_collection
from pyvrrp.config.lexer import BLANKS, SPECIAL, split_braces, split_words, strip_comment
from pyvrrp.config.names import Names
from pyvrrp.config.parameters import DEFINITION, Parameters
from pyvrrp.config.repeats import BadRepeatError, Repeat, is_repeat, parse_repeat
from pyvrrp.config.source import SIZE_MAX, FileReader, Line, Place, Source, printable, snippet
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span, UnreadableError

DEPTH_MAX: Final = 64
REPEATED_MAX: Final = 250_000
"""Lines that repeats and multi-line parameters may produce in all."""
NO_START: Final = "the daemon does not start"
LINE_MAX: Final = 1022
"""Characters; keepalived cuts a longer line in two."""
LONGEST: Final = 64 * 1024
"""Characters that a line may have here."""
PAGE: Final = 4096
"""Bytes that a file counts as at least, so that files that include each other end."""

INCLUDE: Final = r"(?s)(include[rmwba]?)[ \t]+(.*)"
ALL_CHECKS: Final = frozenset({"read", "match", "wildcard_match", "brace_match"})
CHECKS: Final[Mapping[str, frozenset[str]]] = {
    "include": frozenset(),
    "includer": frozenset({"read"}),
    "includem": frozenset({"read", "match"}),
    "includew": frozenset({"read", "match", "wildcard_match"}),
    "includeb": frozenset({"read", "brace_match"}),
    "includea": ALL_CHECKS,
}


@dataclass(slots=True)
class Frame:
    """Something that lines come from."""

    items: Iterator[str]
    file: str
    origin: tuple[str, ...]
    place: int
    raw: str = ""
    """The physical line at hand; of a body or a repeat, the line that uses it."""
    number: int = 0
    body: bool = False
    """Not a file itself."""
    checks: frozenset[str] | None = None
    """Of a file: the include checks to go back to at its end."""


@no_collection()
def expand(path: str, files: FileReader, config_id: str, environment: Mapping[str, str], *, seed: int = 0) -> Source:
    """Read the configuration at `path` (a glob) and all that it includes.

    `config_id` is what ``@ID`` lines compare with, `seed` where ``${_RANDOM}`` starts. Raises nothing: whatever
    is wrong is in the source's problems.
    """
    expander = _Expander(Source(path, names=Names(files.read)), files, config_id, environment, seed)
    expander.main(path)
    return expander.source


class _Expander:
    def __init__(
        self, source: Source, files: FileReader, config_id: str, environment: Mapping[str, str], seed: int
    ) -> None:
        self.source = source
        self.files = files
        self.config_id = config_id
        self.parameters = Parameters(config_id, environment, seed, directory=files.directory())
        self.stack: list[Frame] = []
        self.checks: frozenset[str] = frozenset()
        self.repeated = 0
        self.size = 0
        self.places: dict[Place, int] = {}
        self.plain: dict[str, tuple[tuple[int, str], ...]] = {}
        """What `_plain` made of lines: most are written more than once."""
        self.collecting: tuple[str, str, list[str]] | None = None
        """Name, place and lines so far of a multi-line definition."""

    # ---- files

    def main(self, path: str) -> None:
        found = [name for pattern in expand_braces(path) for name in self.files.glob(pattern)]
        read = 0
        for name in found:
            frame = self._open(name, ())
            if isinstance(frame, Frame):
                read += 1
                self.stack.append(frame)
                self._run()
            else:
                severity = Severity.FATAL if len(found) == 1 else Severity.ERROR
                effect = NO_START if len(found) == 1 else "it is not read"
                self._at(Span(name, 0), severity, f"{name} cannot be read: {frame}", effect)
        if not found:
            self._at(Span(path, 0), Severity.FATAL, f"there is no configuration file {path}", NO_START)
        elif len(found) > 1:
            message, kind = f"{path} stands for {len(found)} files", ProblemClass.MULTIPLE_FILES
            self._at(Span(path, 0), Severity.WARNING, message, "they are read as one configuration", kind)
            if not read:
                self._at(Span(path, 0), Severity.FATAL, "none of the files can be read", NO_START)

    def _open(self, path: str, origin: tuple[str, ...]) -> Frame | str:
        """The frame of a file, or why it cannot be read."""
        try:
            content = self.files.read(path)
        except UnreadableError as error:
            return str(error)
        self.size += max(PAGE, len(content))
        if self.size > SIZE_MAX:
            return f"the files have more than {SIZE_MAX // 2**20} MiB in all"
        text = content.decode("utf-8", "surrogateescape")
        return Frame(iter(text.split("\n")), path, origin, self._place(path, origin), checks=self.checks)

    def _include(self, frame: Frame, word: str, pattern: str) -> None:
        checks = self.checks | CHECKS[word]
        directory = frame.file.rpartition("/")[0] + "/" if "/" in frame.file else ""
        alternatives = expand_braces(pattern if pattern.startswith("/") else directory + pattern)
        found = [self.files.glob(alternative) for alternative in alternatives]
        origin = (*frame.origin, f"included from {frame.file}:{frame.number}")
        frames: list[Frame] = []
        for path in (path for paths in found for path in paths):
            if any(path == other.file for other in self.stack) or len(self.stack) + len(frames) >= DEPTH_MAX:
                self._at(frame, Severity.ERROR, f"{path} includes itself", "it is not included again")
                continue
            opened = self._open(path, origin)
            if isinstance(opened, Frame):
                frames.append(opened)
            else:
                self._missing(frame, f"{path} cannot be included: {opened}", "read" in checks)
        wild = any(character in pattern for character in "*?[")
        # Braces are one question, wildcards another, and a pattern with both is only asked the second.
        check = "wildcard_match" if wild else "match" if len(alternatives) == 1 else "brace_match"
        if not any(found):
            # An empty directory of snippets is none.
            self._missing(frame, f"no file matches {pattern}", check in checks, damage=not wild)
        elif not all(found):
            missing = f"some alternative of {pattern} matches no file"
            self._missing(frame, missing, check in checks and check == "brace_match")
        self.stack.extend(reversed(frames))

    def _missing(self, frame: Frame, message: str, counts: bool, *, damage: bool = True) -> None:
        if counts:
            effect = "the daemon does not start, because the include asks for it"
            self._at(frame, Severity.FATAL, message, effect, ProblemClass.FILE_NOT_FOUND)
        else:
            self._at(frame, Severity.WARNING, message, "nothing is included here", damage=damage)

    # ---- lines

    def _run(self) -> None:
        while self.stack:
            frame = self.stack[-1]
            if frame.body:
                self._body(frame)
            else:
                self._file(frame)

    def _file(self, frame: Frame) -> None:
        """Read on in a file until something else is on top of the stack, or to its end."""
        self.parameters.directory = frame.file.rpartition("/")[0] or self.files.directory()
        emit = self.source.lines.append
        new = tuple.__new__  # of a NamedTuple, without the detour by its own
        place = frame.place
        number = frame.number
        plain = self.plain
        for raw in frame.items:
            number += 1
            if self.collecting is None:
                known = plain.get(raw)
                if known is None:
                    known = plain[raw] = _plain(raw)
                for column, text in known:
                    emit(new(Line, (place, number, column, text, raw)))
                if known:
                    continue
            text = raw.strip(BLANKS)
            frame.number = number
            if self.collecting is not None:
                self._collect(raw, text)
                continue
            if not text:
                continue
            frame.raw = raw
            if "\0" in text:
                self._ignore(frame, "a NUL byte")
                continue
            if len(text) > LONGEST:
                self._ignore(frame, f"a line of more than {LONGEST} characters")
                continue
            if len(text) > LINE_MAX:
                message = f"a line of more than {LINE_MAX} characters"
                self._at(frame, Severity.NOTICE, message, "read as one line; keepalived would cut it in two")
            text, odd = strip_comment(text)
            if odd:
                self._odd_quotes(frame, text)
            if text:
                if raw.rstrip("\r")[-1] == "\\":
                    text = _with_backslash(text)
                self._line(frame, text, frame.origin)
                if self.stack[-1] is not frame:
                    return
        frame.number = number
        if self.collecting is not None:
            self._define_collected()
        if frame.checks is not None:
            self.checks = frame.checks
        self.stack.pop()

    def _body(self, frame: Frame) -> None:
        text = next(frame.items, None)
        if text is None:
            if self.collecting is not None:
                self._define_collected()
            self.stack.pop()
            return
        self.repeated += 1
        if self.repeated > REPEATED_MAX:
            message = f"repeats and multi-line parameters make more than {REPEATED_MAX} lines"
            self._at(frame, Severity.FATAL, message, NO_START, ProblemClass.GENERAL)
            self.stack.clear()
        elif len(text) > LINE_MAX:
            self._ignore(frame, f"a repeated line of more than {LINE_MAX} characters")
        elif self.collecting is not None:
            self._collect(text, text)
        elif text:
            self._line(frame, text, frame.origin)

    def _line(self, frame: Frame, text: str, origin: tuple[str, ...]) -> None:
        for _ in range(DEPTH_MAX):
            if text[0] == "@":
                condition, text = [*re.split(r"[ \t]+", text[1:], maxsplit=1), ""][:2]
                negated = condition[:1] == "^"
                if (condition.lstrip("^") == self.config_id) == negated or not text:
                    return
            if text[0] == "$" and (match := re.fullmatch(DEFINITION, text)):
                self._define(frame, match[1], match[2])
                return
            if is_repeat(text):
                self._repeat(frame, text, origin)
                return
            if text.startswith("include_check"):
                self._change_checks(text.split()[1:])
            if "$" not in text:
                break
            result = self.parameters.replace(text)
            for name in dict.fromkeys(result.undefined) if not is_repeat(result.text) else ():
                self._at(frame, Severity.NOTICE, f"parameter {name} is not defined", "the text is left as it is")
            if result.error is not None:
                self._ignore(frame, result.error)
                return
            origin = (*origin, *(note for note in result.used if note not in origin))
            if result.rest is not None:
                first, *others = result.rest.lines or [""]
                self._push(frame, [result.text + first, *others], origin)
                return
            if result.text == text:
                break
            text, odd = strip_comment(result.text)
            if odd:
                self._odd_quotes(frame, text)
            if not text:
                return
            if text[0] not in "@~$":
                break
        if text[:7] == "include" and (match := re.fullmatch(INCLUDE, text)):
            self._include(frame, match[1], match[2])
            return
        self._emit(frame, text, origin)

    def _emit(self, frame: Frame, text: str, origin: tuple[str, ...]) -> None:
        place = frame.place if origin == frame.origin else self._place(frame.file, origin)
        base = frame.raw.find(text) + 1
        if not text.isascii() and not text.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in text):
            self._at(frame, Severity.NOTICE, "bytes that are not UTF-8", "they are taken as they are")
        pieces = split_braces(text)
        if frame.body:
            self.repeated += len(pieces) - 1
        for offset, piece in pieces:
            self.source.lines.append(Line(place, frame.number, base + offset if base else 0, piece, frame.raw))

    # ---- what lines do

    def _define(self, frame: Frame, name: str, value: str) -> None:
        where = f"{frame.file}:{frame.number}"
        if value.endswith("\\"):
            first = value[:-1].rstrip(BLANKS)
            self.collecting = (name, where, [first] if first else [])
        else:
            self.parameters.define(name, value, where)

    def _collect(self, raw: str, text: str) -> None:
        """One more line of a multi-line definition; a completely empty one ends it."""
        assert self.collecting is not None
        more = text.endswith("\\")
        text, _ = strip_comment(text)
        if text.endswith("\\"):
            more, text = True, text[:-1].rstrip(BLANKS)
        if text:
            self.collecting[2].append(text)
        if not raw.rstrip("\r") or (text and not more):
            self._define_collected()

    def _define_collected(self) -> None:
        assert self.collecting is not None
        name, where, lines = self.collecting
        self.parameters.define(name, "", where, lines)
        self.collecting = None

    def _repeat(self, frame: Frame, text: str, origin: tuple[str, ...]) -> None:
        opening = text.find("(")
        closing = text.find(")")
        if closing > opening and "$" in text[opening:closing]:
            text = text[:opening] + self.parameters.replace(text[opening:closing]).text + text[closing:]
        try:
            repeat = parse_repeat(text)
        except BadRepeatError as error:
            self._ignore(frame, f"`{text[:4]}` cannot be understood: {error}")
            return
        if len(repeat.rest) > LINE_MAX:
            self._ignore(frame, f"more than {LINE_MAX} characters cannot be repeated")
            return
        for name in repeat.unusable:
            message = f"`{name}` is no name for a parameter"
            self._at(frame, Severity.NOTICE, message, "the repeated text cannot refer to it")
        self._push(frame, self._rounds(frame, repeat), (*origin, f"repeated by {text[:4]}"))

    def _rounds(self, frame: Frame, repeat: Repeat) -> Iterator[str]:
        where = f"{frame.file}:{frame.number}"
        for values in repeat.values:
            for name, value in zip(repeat.names, values, strict=True):
                self.parameters.define(name, value, where)
            yield repeat.rest

    def _push(self, frame: Frame, items: Iterable[str], origin: tuple[str, ...]) -> None:
        if len(self.stack) >= DEPTH_MAX:
            message = f"parameters, repeats and includes are nested more than {DEPTH_MAX} deep"
            effect = "the line is ignored: something probably leads back to itself"
            self._at(frame, Severity.ERROR, message, effect, ProblemClass.GENERAL)
            return
        place = self._place(frame.file, origin)
        self.stack.append(Frame(iter(items), frame.file, origin, place, frame.raw, frame.number, body=True))

    def _change_checks(self, words: list[str]) -> None:
        """The parser judges the words of include_check; here they only take effect."""
        if not words:
            self.checks = ALL_CHECKS
        for index, word in enumerate(words):
            check = word.lstrip("+-")
            if check not in ALL_CHECKS:
                return
            if word[0] == "-":
                self.checks -= {check}
            elif word[0] == "+":
                self.checks |= {check}
            elif index == 0:
                self.checks = frozenset({"read", check})
            else:
                return

    # ---- telling

    def _place(self, file: str, origin: tuple[str, ...]) -> int:
        place = Place(file, origin)
        index = self.places.get(place)
        if index is None:
            index = self.places[place] = len(self.source.places)
            self.source.places.append(place)
        return index

    def _odd_quotes(self, frame: Frame, text: str) -> None:
        """Only told here if the parser will not tell it."""
        if not split_words(text)[1]:
            message, effect = "the quotes do not match", "the line is taken as it is"
            self._at(frame, Severity.ERROR, message, effect, ProblemClass.GENERAL)

    def _ignore(self, frame: Frame, message: str) -> None:
        self._at(frame, Severity.ERROR, message, "the line is ignored", ProblemClass.GENERAL)

    def _at(
        self,
        place: Frame | Span,
        severity: Severity,
        message: str,
        effect: str,
        kind: ProblemClass = ProblemClass.OK,
        *,
        damage: bool = False,
    ) -> None:
        """Of a frame: of the line that is read."""
        if isinstance(place, Frame):
            text = place.raw.strip(BLANKS)
            column = place.raw.find(text) + 1
            place = Span(place.file, place.number, column, max(1, len(text)), snippet(place.raw), place.origin)
        self.source.problems.append(
            ConfigProblem(
                span=place, severity=severity, message=printable(message), effect=effect, kind=kind, damage=damage
            )
        )


def _plain(raw: str) -> tuple[tuple[int, str], ...]:
    """The logical lines of a line that needs no more than to be cut, each with its column; none of any other line."""
    text = raw.strip(BLANKS)
    if not text or len(text) > LINE_MAX or not text.isascii() or text[:7] == "include":
        return ()
    column = raw.find(text) + 1
    if text == "}" or not SPECIAL.search(text):
        return ((column, text),)
    if text[-1] == "{" and len(text) > 1 and not SPECIAL.search(text, 0, len(text) - 1):
        return (column, text[:-1].rstrip(BLANKS)), (column + len(text) - 1, "{")
    return ()


def _with_backslash(text: str) -> str:
    """A line whose last character as written is a backslash: it belongs to the last word, and makes a definition one
    of several lines even where it stands in a comment. Elsewhere a comment is left to be a comment."""
    if text[-1] == "\\":
        return text[:-1].rstrip(BLANKS) + "\\"
    return text + "\\" if text[0] == "$" else text


def expand_braces(pattern: str) -> list[str]:
    """The alternatives of a pattern with braces, at most a thousand: ``a{b,c}d`` is ``abd`` and ``acd``."""
    done: list[str] = []
    waiting = [pattern]
    while waiting and len(done) + len(waiting) <= 1000:
        text = waiting.pop(0)
        match = re.search(r"\{([^{}]*)\}", text)
        if match is None or "," not in match[1]:
            done.append(text)
        else:
            waiting[:0] = [text[: match.start()] + part + text[match.end() :] for part in match[1].split(",")]
    return list(dict.fromkeys(done))
