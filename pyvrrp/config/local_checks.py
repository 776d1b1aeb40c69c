"""Checks that connect to nothing: MISC_CHECK runs a program, FILE_CHECK and BFD_CHECK follow what is watched anyway."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import parse_integer
from pyvrrp.config.scripts import command_of
from pyvrrp.config.suggest import did_you_mean
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values, flag, integer, scalars
from pyvrrp.errors import ProblemClass
from pyvrrp.model.checkers import BfdCheck, CheckTiming, FileCheck, MiscCheck
from pyvrrp.model.scripts import Command
from pyvrrp.units import SECOND

DROPPED: Final = "the check is dropped"
WEIGHT_MAX: Final = 2147483647


def build_misc(block: Statement, timing: CheckTiming, delay_loop: int) -> MiscCheck | None:
    """None without a command. `delay_loop`: the virtual server's, which is the time limit where none is given."""
    paths = [child for child in block.children if child.word == "misc_path" and isinstance(child.value, Command)]
    if not paths:
        return None  # told where the block ends, or where the command stands
    values = scalars(block)
    timeout = integer(values, "misc_timeout", 0) * SECOND
    return MiscCheck(
        timing=timing,
        command=command_of(paths[-1], block),
        timeout=timeout or delay_loop,
        dynamic=flag(values, "misc_dynamic"),
    )


def build_file(block: Statement, files: Collection[str], problems: Problems) -> FileCheck | None:
    name = None
    weight, reverse = None, None
    for child in block.children:
        words = child.words
        if child.word == "track_file" and len(words) > 1:
            name = _known(child, files, "track_file", problems)
        elif child.word == "weight" and len(words) > 1:
            number = parse_integer(words[1], -WEIGHT_MAX, WEIGHT_MAX)
            if isinstance(number, str):
                problems.error(child.line, f"weight: {number}", word=1, kind=ProblemClass.INVALID_NUMBER)
                continue
            weight, reverse = number, words[2:3] == ["reverse"]
            if len(words) > 2 and words[2] not in ("reverse", "noreverse"):
                problems.error(child.line, f"`{words[2]}` is no option of weight", word=2)
    return None if name is None else FileCheck(track_file=name, weight=weight, reverse=reverse)


def build_bfd(
    block: Statement, sessions: Collection[str], followed: Collection[str], inherited: Values, problems: Problems
) -> BfdCheck | None:
    """`followed`: by the real server already."""
    name = None
    for child in block.children:
        if child.word != "name" or len(child.words) < 2:
            continue
        if len(child.words) > 2:
            problems.error(child.line, "BFD_CHECK takes one name", DROPPED, word=2)
            return None
        if name is not None:
            problems.error(child.line, f"the name is {name} already", word=0)
            continue
        name = _known(child, sessions, "bfd_instance", problems)
        if name in followed:
            problems.error(child.line, f"the real server follows {name} already", DROPPED, word=1)
            return None
    if name is None:
        return None
    return BfdCheck(name=name, alpha=flag(scalars(block), "alpha", flag(inherited, "alpha")))


def _known(child: Statement, names: Collection[str], kind: str, problems: Problems) -> str | None:
    """The name that the line gives, if it is defined, and before the virtual server."""
    name = child.words[1]
    if name in names:
        return name
    suggestion = did_you_mean(name, names, f"define it before the virtual server: `{kind} {name} {{ … }}`")
    message = f"there is no {kind} {name} that real servers may follow"
    problems.error(child.line, message, DROPPED, word=1, suggestion=suggestion)
    return None
