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
import socket
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pyvrrp.config import absent_interfaces, exit_status, expand, load, script_problems
from pyvrrp.config.source import printable
from pyvrrp.errors import ConfigProblem, Severity
from pyvrrp.kernel.files import Files

UNUSABLE_STATUS: Final = 6
"""For a file that the daemon does not start with although keepalived -t has nothing against it: one that is missing."""
STRICT_STATUS: Final = 5
"""What --strict makes of 0 if there is anything to correct."""
TAB: Final = 8
ALIKE_MAX: Final = 3
"""Problems with the same words that are shown in full; of the others only the lines are listed."""
LISTED_MAX: Final = 12
BOLD: Final = "1"
COLORS: Final[Mapping[Severity, str]] = {
    Severity.FATAL: "1;31",
    Severity.ERROR: "31",
    Severity.WARNING: "33",
    Severity.DEPRECATED: "35",
    Severity.INACTIVE: "36",
    Severity.NOTICE: "34",
}
PLURALS: Final[Mapping[Severity, tuple[str, str]]] = {
    Severity.FATAL: ("fatal error", "fatal errors"),
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.DEPRECATED: ("deprecated spelling", "deprecated spellings"),
    Severity.INACTIVE: ("keyword not active yet", "keywords not active yet"),
    Severity.NOTICE: ("notice", "notices"),
}


def check(path: str, *, json_output: bool = False, strict: bool = False, config_id: str | None = None) -> int:
    """Print what there is to say about the configuration at `path`; the exit status of ``keepalived -t``, never 0
    where the daemon would not start.

    `config_id` is what ``@ID`` lines compare with; None is the host's name up to the first dot. With `strict`
    anything but a notice makes a status other than 0.
    """
    problems = examine(path, config_id)
    status = exit_status(problems)
    if status == 0 and any(problem.severity is Severity.FATAL for problem in problems):
        status = UNUSABLE_STATUS
    if strict and status == 0 and any(problem.severity is not Severity.NOTICE for problem in problems):
        status = STRICT_STATUS
    if json_output:
        text = to_json(problems, status)
    else:
        color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        text = render(problems, color=color, width=shutil.get_terminal_size().columns)
    sys.stdout.write(text)
    return status


def examine(path: str, config_id: str | None = None) -> tuple[ConfigProblem, ...]:
    """All problems of the configuration at `path`, on this machine: whether its interfaces and scripts exist, say."""
    identifier = os.uname().nodename.partition(".")[0] if config_id is None else config_id
    loaded = load(expand(path, Files(), identifier, os.environ))
    definitions = loaded.config.global_defs
    if definitions.net_namespace is not None:
        return loaded.problems
    scripts: tuple[ConfigProblem, ...] = ()
    if loaded.scripts:
        from pyvrrp.kernel.scripts import ScriptFiles

        scripts = script_problems(loaded.scripts, definitions.scripts, ScriptFiles())
    present = {name for _, name in socket.if_nameindex()}
    absent = absent_interfaces(loaded.interfaces, present, dynamic=definitions.dynamic_interfaces)
    files = list(dict.fromkeys(problem.span.file for problem in loaded.problems))
    order = {file: index for index, file in enumerate(files)}
    return tuple(sorted((*loaded.problems, *absent, *scripts), key=lambda p: (order.get(p.span.file, -1), p.span.line)))


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


def render(problems: Sequence[ConfigProblem], *, color: bool, width: int) -> str:
    """The problems for a terminal of `width` columns, and a line that sums them up."""
    alike: dict[tuple[Severity, str, str], list[ConfigProblem]] = {}
    for problem in problems:
        alike.setdefault((problem.severity, problem.message, problem.effect), []).append(problem)
    parts = []
    for problem in problems:
        group = alike[problem.severity, problem.message, problem.effect]
        if len(group) <= ALIKE_MAX + 1 or problem in group[:ALIKE_MAX]:
            parts.append(_render_one(problem, color, width))
            if len(group) > ALIKE_MAX + 1 and problem is group[ALIKE_MAX - 1]:
                parts.append(_others(group[ALIKE_MAX:]))
    return "".join(parts) + _summary(problems, color)


def _render_one(problem: ConfigProblem, color: bool, width: int) -> str:
    span = problem.span
    place = f"{printable(span.file)}:{span.line}:{span.column}" if span.line else printable(span.file)
    severity = _paint(problem.severity.value, COLORS[problem.severity], color)
    lines = [f"{_paint(place, BOLD, color)}: {severity}: {_paint(problem.message, BOLD, color)}"]
    margin = " " * max(5, len(str(span.line)) + 2)
    if span.line and span.text:
        text, start, length = _window(span.text, span.column - 1, span.length, max(20, width - len(margin) - 3))
        lines.append(f"{str(span.line).rjust(len(margin))} | {text}")
        lines.append(f"{margin} | {' ' * start}{_paint('^' * length, COLORS[problem.severity], color)}")
    lines.append(f"{margin} = effect: {problem.effect}")
    if problem.suggestion:
        lines.append(f"{margin} = help: {problem.suggestion}")
    lines.extend(f"{margin} = {printable(origin)}" for origin in reversed(span.origin))
    return "\n".join(lines) + "\n"


def _others(group: Sequence[ConfigProblem]) -> str:
    lines = [str(problem.span.line) for problem in group[:LISTED_MAX]]
    more = "" if len(group) <= LISTED_MAX else f" and {len(group) - LISTED_MAX} more"
    return f"      … and the same {len(group)} times more, in lines {', '.join(lines)}{more}\n"


def _summary(problems: Iterable[ConfigProblem], color: bool) -> str:
    counts = Counter(problem.severity for problem in problems)
    told = [f"{counts[kind]} {PLURALS[kind][counts[kind] > 1]}" for kind in Severity if counts[kind]]
    starts = not counts[Severity.FATAL]
    verdict = _paint("the daemon starts" if starts else "the daemon does not start", "32" if starts else "1;31", color)
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
