"""The track_* blocks of instances and sync groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import parse_integer
from pyvrrp.config.scripts import command_of
from pyvrrp.config.suggest import nearest
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import flag, integer, scalars
from pyvrrp.errors import ProblemClass
from pyvrrp.model.notify import Notify
from pyvrrp.model.scripts import Command, VrrpScript
from pyvrrp.model.vrrp import TrackedInterface, TrackedScript
from pyvrrp.units import SECOND

DEFINED_BY: Final[Mapping[str, str]] = {
    "track_script": "vrrp_script",
    "track_file": "track_file",
    "track_process": "vrrp_track_process",
    "track_bfd": "bfd_instance",
}
"""The block that names what a track block tracks."""
WEIGHT_MAX: Final = 253


def definitions(root: Statement) -> dict[str, dict[str, int]]:
    """For each defining block: name to its position in the file (what is defined later cannot be tracked)."""
    found: dict[str, dict[str, int]] = {block: {} for block in DEFINED_BY.values()}
    for position, child in enumerate(root.children):
        block = "track_file" if child.word == "vrrp_track_file" else child.word
        if block in found and len(child.words) > 1:
            found[block].setdefault(child.words[1], position)
    return found


def check_tracked(
    block: Statement, position: int, owner: str, defined: Mapping[str, Mapping[str, int]], problems: Problems
) -> None:
    """That what a track_script (…_file, …_process, …_bfd) block names is defined, and before it."""
    kind = DEFINED_BY[block.word]
    names = defined[kind]
    for line in block.children:
        name = line.word
        where = names.get(name)
        if where is not None and where < position:
            continue
        if where is not None:
            message, suggestion = f"{kind} {name} is defined after {owner}", f"move {kind} {name} before it"
        else:
            found = nearest(name, names)
            message = f"there is no {kind} {name}"
            suggestion = f"did you mean `{found}`?" if found else f"define {kind} {name} before it"
        problems.error(line.line, message, f"{owner} is not tracked by it", word=0, suggestion=suggestion)


def read_tracked_interfaces(
    block: Statement, owner: str, own: str | None, problems: Problems, uses: list[InterfaceUse]
) -> tuple[TrackedInterface, ...]:
    """IFNAME [weight N [reverse]], one a line. `own` is the instance's interface, which is tracked anyway."""
    tracked: dict[str, TrackedInterface] = {}
    for line in block.children:
        name = line.word
        if name == own:
            message = f"{name} is the instance's own interface, which is tracked anyway"
            problems.error(line.line, message, "the line is ignored", word=0)
        elif name in tracked:
            problems.error(line.line, f"{name} is tracked already", "the line is ignored", word=0)
        else:
            uses.append(InterfaceUse(name, problems.source.span(line.line, 0), f"track_interface of {owner}"))
            weight, reverse = _weight(line, problems)
            tracked[name] = TrackedInterface(name=name, weight=-weight if reverse else weight, reverse=reverse)
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
        reverse = bool(weights) and weights[-1][2:3] == ["reverse"]
        weight = integer(values, "weight", 0)
        scripts[name] = VrrpScript(
            name=name,
            script=command_of(command, block),
            interval=integer(values, "interval", 1) * SECOND,
            timeout=integer(values, "timeout", 0) * SECOND,
            weight=-weight if reverse else weight,
            reverse=reverse,
            rise=integer(values, "rise", 1),
            fall=integer(values, "fall", 1),
            init_fail=flag(values, "init_fail"),
        )
    return scripts


def read_tracked_scripts(
    block: Statement, scripts: Mapping[str, VrrpScript], names: Mapping[str, int], position: int, problems: Problems
) -> tuple[TrackedScript, ...]:
    """NAME [weight N [reverse|noreverse]], one a line; those that `check_tracked` complains of are left out."""
    tracked: dict[str, TrackedScript] = {}
    for line in block.children:
        script = scripts.get(line.word)
        if script is None or names[line.word] >= position or line.word in tracked:
            continue
        weight, reverse = script.weight, script.reverse
        if len(line.words) > 1:
            number, reverse = _weight(line, problems)
            weight = -number if reverse else number
        tracked[line.word] = TrackedScript(name=line.word, weight=weight, reverse=reverse)
    return tuple(tracked.values())


def _weight(line: Statement, problems: Problems) -> tuple[int, bool]:
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
        problems.error(line.line, f"weight: {number}", effect, word=2, kind=ProblemClass.INVALID_NUMBER)
        return 0, False
    if abs(number) > WEIGHT_MAX:
        message = f"a weight is at most {WEIGHT_MAX}"
        number = WEIGHT_MAX if number > 0 else -WEIGHT_MAX
        problems.error(line.line, message, f"{number} is used", word=2)
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
    return Notify(tell_deleted=tell_deleted, **commands) if commands else None
