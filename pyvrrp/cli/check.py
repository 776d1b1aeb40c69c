"""`pyvrrp check`: what is wrong with a configuration, told as a compiler would.

keepalived.conf:14:9: error: `connetc_port` is not a keyword of TCP_CHECK
   14 |         connetc_port 80
      |         ^^^^^^^^^^^^
      = effect: ignored
      = help: did you mean `connect_port`?
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from pyvrrp.config import exit_status, load
from pyvrrp.config.source import printable
from pyvrrp.daemon.configuration import on_this_machine, reading_of, with_hosts, with_key_values
from pyvrrp.errors import ConfigProblem, KernelError, Severity
from pyvrrp.kernel.files import expanded
from pyvrrp.net import Address

UNUSABLE_STATUS: Final = 6
"""For a file that the daemon does not start with although keepalived -t has nothing against it: one that is missing."""
UNLIKE_STATUS: Final = 1
"""With --against: the files do not make a pair."""
STRICT_STATUS: Final = 5
"""What --strict makes of 0 if there is anything to correct."""
TAB: Final = 8
ALIKE_MAX: Final = 3
"""Problems with the same words that are shown in full; of the others only the lines are listed."""
LISTED_MAX: Final = 12
HANGING: Final = 4
"""Columns by which the second line of a message is indented."""
ROOM_MIN: Final = 24
"""Columns that a text gets however narrow the terminal is."""
UNLIMITED: Final = 1_000_000
"""Columns where no terminal is."""
BOLD: Final = "1"
SHOWN: Final[Mapping[Severity, tuple[str, str, str]]] = {
    Severity.FATAL: ("1;31", "fatal error", "fatal errors"),
    Severity.ERROR: ("31", "error", "errors"),
    Severity.WARNING: ("33", "warning", "warnings"),
    Severity.DEPRECATED: ("35", "deprecated spelling", "deprecated spellings"),
    Severity.INACTIVE: ("36", "keyword not active yet", "keywords not active yet"),
    Severity.NOTICE: ("34", "notice", "notices"),
}
"""Colour, one, and several."""


def check(
    path: str,
    *,
    json_output: bool = False,
    sarif: bool = False,
    strict: bool = False,
    config_id: str | None = None,
    against: str | None = None,
) -> int:
    """Print what there is to say about the configuration at `path`; the exit status of ``keepalived -t``, never 0
    where the daemon would not start.

    `config_id` is what ``@ID`` lines compare with; None is the host's name up to the first dot. With `strict`
    anything but a notice makes a status other than 0. `against` is the other director's file: the problems are then
    those of the pair, and 1 the status if the two do not fit together.
    """
    problems = examine(path, config_id, advice=True) if against is None else against_other(path, against, config_id)
    status = exit_status(problems)
    if status == 0 and any(problem.severity is Severity.FATAL for problem in problems):
        status = UNUSABLE_STATUS
    if status == 0 and against is not None and any(problem.severity is Severity.ERROR for problem in problems):
        status = UNLIKE_STATUS
    if strict and status == 0 and any(problem.severity is not Severity.NOTICE for problem in problems):
        status = STRICT_STATUS
    if sarif:
        from pyvrrp.cli.sarif import to_sarif

        text = to_sarif(problems)
    elif json_output:
        text = to_json(problems, status)
    else:
        terminal = sys.stdout.isatty()
        color = terminal and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size().columns
        text = render(problems, color=color, width=width, wrap=terminal, pair=against is not None)
    sys.stdout.write(text)
    return status


def examine(path: str, config_id: str | None = None, *, advice: bool = False) -> tuple[ConfigProblem, ...]:
    """All problems of the configuration at `path`, on this machine: whether its interfaces and scripts exist, say.

    With `advice` also what keepalived has nothing against and an operator would like to know.
    """
    source = expanded(path, config_id)
    loaded = load(source)
    here = loaded.config.global_defs.net_namespace is None
    reading = reading_of(loaded)
    reading = with_hosts(on_this_machine(reading)) if here else with_key_values(reading)
    problems = reading.problems
    if advice:
        from pyvrrp.config.advice import advise

        owner = any(instance.priority == 255 for instance in loaded.config.vrrp_instances)
        servers = {real.endpoint.address for v in loaded.config.virtual_servers for real in v.real_servers}
        ways = _ways(servers) if here else None
        problems += advise(source, loaded, _addresses() if owner and here else None, ways)
    files = list(dict.fromkeys(problem.span.file for problem in loaded.problems))
    order = {file: index for index, file in enumerate(files)}
    return tuple(sorted(problems, key=lambda p: (order.get(p.span.file, -1), p.span.line)))


def against_other(path: str, other: str, config_id: str | None = None) -> tuple[ConfigProblem, ...]:
    """What keeps the directors of two files from being a pair; a file that cannot be used says so itself."""
    from pyvrrp.config.compare import Side, compare

    sides = []
    fatal: list[ConfigProblem] = []
    for name in (path, other):
        source = expanded(name, config_id)
        loaded = load(source)
        fatal += loaded.fatal
        sides.append(Side(source, loaded))
    return (*fatal, *compare(*sides))


def _addresses() -> frozenset[Address] | None:
    """This host's addresses; None if the kernel does not tell."""
    from pyvrrp.kernel.links import LinuxLinks

    try:
        links = LinuxLinks()
    except KernelError:
        return None
    try:
        return frozenset(address for facts in links.dump().values() for address in facts.addresses)
    finally:
        links.close()


def _ways(servers: Collection[Address]) -> Mapping[Address, Address | None] | None:
    """How this host reaches them."""
    if not servers:
        return None
    from pyvrrp.kernel.ways import ways

    return ways(servers)


def to_json(problems: Iterable[ConfigProblem], status: int) -> str:
    """``{"problems": [...], "status": N, "starts": BOOL}``, one line."""
    rows = [
        {
            "file": problem.span.file,
            "line": problem.span.line,
            "column": problem.span.column,
            "length": problem.span.length,
            "text": problem.span.text,
            "origin": list(problem.span.origin),
            "severity": problem.severity.value,
            "class": problem.kind.name,
            "message": problem.message,
            "effect": problem.effect,
            "suggestion": problem.suggestion,
        }
        for problem in problems
    ]
    starts = all(row["severity"] != Severity.FATAL.value for row in rows)
    return json.dumps({"problems": rows, "status": status, "starts": starts}) + "\n"


def render(problems: Sequence[ConfigProblem], *, color: bool, width: int, wrap: bool = True, pair: bool = False) -> str:
    """The problems for a terminal of `width` columns, and a line that sums them up; `pair`: those of two files.

    Without `wrap`, for pipes and files, each text is one line however long.
    """
    alike: dict[tuple[Severity, str, str], list[ConfigProblem]] = {}
    for problem in problems:
        alike.setdefault((problem.severity, problem.message, problem.effect), []).append(problem)
    parts = []
    for problem in problems:
        group = alike[problem.severity, problem.message, problem.effect]
        if len(group) <= ALIKE_MAX + 1 or problem in group[:ALIKE_MAX]:
            parts.append(_render_one(problem, color, width, width if wrap else UNLIMITED))
            if len(group) > ALIKE_MAX + 1 and problem is group[ALIKE_MAX - 1]:
                parts.append(_others(group[ALIKE_MAX:]))
    return "".join(parts) + _summary(problems, color, pair)


def _render_one(problem: ConfigProblem, color: bool, width: int, room: int) -> str:
    span = problem.span
    place = f"{printable(span.file)}:{span.line}:{span.column}" if span.line else printable(span.file)
    lines = _headline(place, problem, color, room)
    margin = " " * max(5, len(str(span.line)) + 2)
    if span.line and span.text:
        text, start, length = _window(span.text, span.column - 1, span.length, max(20, width - len(margin) - 3))
        lines.append(f"{str(span.line).rjust(len(margin))} | {text}")
        lines.append(f"{margin} | {' ' * start}{_paint('^' * length, SHOWN[problem.severity][0], color)}")
    lines += _wrapped(f"{margin} = ", f"effect: {problem.effect}", room)
    if problem.suggestion:
        lines += _wrapped(f"{margin} = ", f"help: {problem.suggestion}", room)
    for origin in reversed(span.origin):
        lines += _wrapped(f"{margin} = ", printable(origin), room)
    return "\n".join(lines) + "\n"


def _headline(place: str, problem: ConfigProblem, color: bool, width: int) -> list[str]:
    """The place, the severity and the message, which goes on in the next lines if it is too long."""
    start = f"{place}: {problem.severity.value}: "
    first, *rest = _wrapped(start, problem.message, width, indent=" " * HANGING)
    severity = _paint(problem.severity.value, SHOWN[problem.severity][0], color)
    head = f"{_paint(place, BOLD, color)}: {severity}: {_paint(first[len(start) :], BOLD, color)}"
    return [head, *(" " * HANGING + _paint(line.lstrip(), BOLD, color) for line in rest)]


def _wrapped(start: str, text: str, width: int, *, indent: str | None = None) -> list[str]:
    """Lines of a terminal's width; what goes on is below the text."""
    return textwrap.wrap(
        text,
        max(width, len(start) + ROOM_MIN),
        initial_indent=start,
        subsequent_indent=" " * len(start) if indent is None else indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [start.rstrip()]


def _others(group: Sequence[ConfigProblem]) -> str:
    lines = [str(problem.span.line) for problem in group[:LISTED_MAX]]
    more = "" if len(group) <= LISTED_MAX else f" and {len(group) - LISTED_MAX} more"
    return f"      … and the same {len(group)} times more, in lines {', '.join(lines)}{more}\n"


def _summary(problems: Iterable[ConfigProblem], color: bool, pair: bool) -> str:
    counts = Counter(problem.severity for problem in problems)
    told = [f"{counts[kind]} {SHOWN[kind][1 + (counts[kind] > 1)]}" for kind in Severity if counts[kind]]
    starts = not counts[Severity.FATAL]
    words = ("the daemon starts", "the daemon does not start")
    if pair:
        starts = starts and not counts[Severity.ERROR]
        words = ("the two files make a pair", "the two files do not make a pair")
    verdict = _paint(words[not starts], "32" if starts else "1;31", color)
    return f"{', '.join(told) if told else 'no problems'}; {verdict}\n"


def _window(text: str, column: int, length: int, width: int) -> tuple[str, int, int]:
    """The part of a line that fits, where the underline starts in it and how wide it is, in terminal columns."""
    cells: list[str] = []
    starts: list[int] = []
    position = 0
    for letter in text:
        starts.append(position)
        cell = " " * (TAB - position % TAB) if letter == "\t" else letter
        cells.append(cell)
        position += len(cell) if letter == "\t" else _columns(letter)
    starts.append(position)
    first = min(max(column, 0), len(text))
    last = min(first + max(length, 1), len(text))
    start, end = starts[first], max(starts[last], starts[first] + 1)
    left = 0
    if position > width and end > width:
        left = next(index for index in range(len(starts)) if starts[index] >= min(start, end - width // 2) - 4)
    right = left
    while right < len(text) and starts[right + 1] - starts[left] <= width:
        right += 1
    shown = "".join(cells[left:right])
    start -= starts[left]
    return shown, start, max(1, min(end - starts[left], width) - start)


def _columns(letter: str) -> int:
    """Terminal columns of a character."""
    if unicodedata.combining(letter) or unicodedata.category(letter) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _paint(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text
