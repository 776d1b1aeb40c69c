"""The track_* blocks of instances and sync groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import digits_of, parse_integer
from pyvrrp.config.scripts import command_of
from pyvrrp.config.suggest import did_you_mean
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import flag, integer, scalars
from pyvrrp.errors import ProblemClass
from pyvrrp.model.notify import Notify
from pyvrrp.model.scripts import Command, VrrpScript
from pyvrrp.model.tracked import BfdInstance, Tracked, TrackFile, TrackProcess
from pyvrrp.units import SECOND

DEFINED_BY: Final[Mapping[str, str]] = {
    "track_script": "vrrp_script",
    "track_file": "track_file",
    "track_process": "vrrp_track_process",
    "track_bfd": "bfd_instance",
}
"""The block that names what a track block tracks."""
OLD: Final = {"vrrp_track_file": "track_file"}
"""Older spellings of those blocks."""
WEIGHT_MAX: Final = 253
"""In a line of track_interface, track_script or track_bfd; one more is cut to it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A block that defines something to be tracked."""

    position: int
    """In the file: what is defined later cannot be tracked."""
    weight: int = 0
    reverse: bool = False
    usable: bool = True
    """It says what is to be tracked."""


Definitions = Mapping[str, Mapping[str, Definition]]
"""By block and name."""


def definitions(
    root: Statement, made: Iterable[VrrpScript | TrackFile | TrackProcess | BfdInstance]
) -> dict[str, dict[str, Definition]]:
    """All of them; of two with the same name the first counts. `made`: what the usable ones were read as."""
    kinds = {VrrpScript: "vrrp_script", TrackFile: "track_file", TrackProcess: "vrrp_track_process"}
    values = {(kinds.get(type(one), "bfd_instance"), one.name): one for one in reversed(list(made))}
    found: dict[str, dict[str, Definition]] = {block: {} for block in DEFINED_BY.values()}
    for position, child in enumerate(root.children):
        block = OLD.get(child.word, child.word)
        if block not in found or len(child.words) < 2:
            continue
        one = values.get((block, child.words[1]))
        definition = Definition(position, usable=False)
        if one is not None:
            definition = Definition(position, one.weight, one.reverse)
        found[block].setdefault(child.words[1], definition)
    return found


def read_tracked(
    block: Statement, position: int, owner: str, defined: Definitions, problems: Problems
) -> tuple[Tracked, ...]:
    """NAME [weight N [reverse|noreverse]], one a line, of a block that lists what was defined before `position`."""
    kind = DEFINED_BY[block.word]
    limit = WEIGHT_MAX if kind in ("vrrp_script", "bfd_instance") else WEIGHT_MAX + 1
    tracked: dict[str, Tracked] = {}
    for line in block.children:
        name = line.word
        definition = defined[kind].get(name)
        if definition is None or definition.position >= position:
            _not_defined(line, kind, owner, defined[kind], problems)
        elif definition.usable and name not in tracked:
            weight, reverse = definition.weight, definition.reverse
            if len(line.words) > 1:
                weight, reverse = _weight(line, limit, problems)
            tracked[name] = Tracked(name=name, weight=weight, reverse=reverse)
    return tuple(tracked.values())


def _not_defined(line: Statement, kind: str, owner: str, names: Mapping[str, Definition], problems: Problems) -> None:
    name = line.word
    if name in names:
        message = f"{kind} {name} is defined after {owner}"
        suggestion: str | None = f"move {kind} {name} before it"
    else:
        message = f"there is no {kind} {name}"
        suggestion = did_you_mean(name, names, f"define {kind} {name} before it")
    problems.error(line.line, message, f"{owner} is not tracked by it", word=0, suggestion=suggestion)


def read_tracked_interfaces(
    block: Statement, owner: str, own: str | None, problems: Problems, uses: list[InterfaceUse]
) -> tuple[Tracked, ...]:
    """IFNAME [weight N [reverse]], one a line. `own` is the instance's interface, which is tracked anyway."""
    tracked: dict[str, Tracked] = {}
    for line in block.children:
        name = line.word
        if name == own:
            message = f"{name} is the instance's own interface, which is tracked anyway"
            problems.error(line.line, message, "the line is ignored", word=0)
        elif name in tracked:
            problems.error(line.line, f"{name} is tracked already", "the line is ignored", word=0)
        else:
            uses.append(InterfaceUse(name, problems.source.span(line.line, 0), f"track_interface of {owner}"))
            weight, reverse = _weight(line, WEIGHT_MAX, problems)
            tracked[name] = Tracked(name=name, weight=weight, reverse=reverse)
    return tuple(tracked.values())


def read_vrrp_scripts(root: Statement) -> dict[str, VrrpScript]:
    """All vrrp_script blocks that have a command; of two with the same name the first counts."""
    scripts: dict[str, VrrpScript] = {}
    for block in root.children:
        if block.word != "vrrp_script" or len(block.words) < 2 or block.words[1] in scripts:
            continue
        values, name = scalars(block), block.words[1]
        command = next((child for child in reversed(block.children) if isinstance(child.value, Command)), None)
        if command is None:
            continue
        weights = [child.words for child in block.children if child.word == "weight" and child.value is not None]
        scripts[name] = VrrpScript(
            name=name,
            script=command_of(command, block),
            interval=integer(values, "interval", SECOND),
            timeout=integer(values, "timeout", 0),
            weight=integer(values, "weight", 0),
            reverse=bool(weights) and weights[-1][2:3] == ["reverse"],
            rise=integer(values, "rise", 1),
            fall=integer(values, "fall", 1),
            init_fail=flag(values, "init_fail"),
        )
    return scripts


def _weight(line: Statement, limit: int, problems: Problems) -> tuple[int, bool]:
    options = line.words[1:]
    if not options:
        return 0, False
    effect = "its fault is a fault of the instance"
    if options[0] != "weight":
        message = f"`{options[0]}` is no option here"
        problems.error(line.line, message, "ignored", word=1, suggestion="write `NAME weight N`")
        return 0, False
    if len(options) == 1:
        problems.error(line.line, "`weight` lacks its number", effect, word=1)
        return 0, False
    number = parse_integer(options[1], -WEIGHT_MAX - 1, WEIGHT_MAX + 1)
    if isinstance(number, str):
        digits = digits_of(options[1], -WEIGHT_MAX - 1, WEIGHT_MAX + 1)
        effect = effect if digits is None else f"{digits} is used"
        problems.error(line.line, f"weight: {number}", effect, word=2, kind=ProblemClass.INVALID_NUMBER)
        number = digits or 0
    if abs(number) > limit:
        number = limit if number > 0 else -limit
        problems.error(line.line, f"a weight is at most {limit}", f"{number} is used", word=2)
    if len(options) > 2 and options[2] not in ("reverse", "noreverse"):
        problems.error(line.line, f"`{options[2]}` is no option of weight", "ignored", word=3)
    return number, options[2:3] == ["reverse"]


NOTIFY: Final = (
    "notify_master",
    "notify_backup",
    "notify_fault",
    "notify_stop",
    "notify_deleted",
    "notify_master_rx_lower_pri",
    "notify",
)


def read_notify(block: Statement) -> Notify | None:
    """None where nothing is to be run. Of two with the same keyword the first counts, as in keepalived."""
    commands: dict[str, Command] = {}
    tell_deleted = False
    for child in block.children:
        tell_deleted |= child.word == "notify_deleted"
        if child.word in NOTIFY and isinstance(child.value, Command):
            commands.setdefault(child.word, child.value)
    return Notify(tell_deleted=tell_deleted, **commands) if commands or tell_deleted else None
