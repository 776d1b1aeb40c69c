"""Blocks that define what can be tracked: files, processes, and how links are watched."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, Final

from pyvrrp.config.fill import fill
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import parse_integer, parse_seconds
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import last_line
from pyvrrp.errors import ProblemClass
from pyvrrp.model.tracked import InitFile, LinkBeat, LinkDelay, TrackFile, TrackProcess
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.units import MILLISECOND, SECOND, format_seconds

SENSIBLE: Final = 254
"""A number in a tracked file beyond it says no more."""
MATCHES: Final = ("initial", "partial")
METHODS: Final = ("MII", "ETHTOOL", "IOCTL")
DELAYS: Final = "interface_up_down_delays"
DELAY_MAX: Final = 255 * SECOND


def read_track_file(block: Statement, name: str, problems: Problems) -> TrackFile | None:
    """None where there is no file."""
    inside, weighed = [], None
    for child in block.children:
        if child.word == "weight" and child.value is not None:
            if weighed not in (None, 1):
                message = f"track_file {name} has its weight {weighed} already"
                problems.error(child.line, message, "the line is ignored", word=1)
                continue
            weighed = child.value
        inside.append(child)
    first = next((_init_file(child, name, problems) for child in reversed(inside) if child.word == "init_file"), None)
    file = fill(TrackFile, inside, name=name, reverse=is_reversed(inside))
    return None if file is None else replace(file, init_file=first)


def _init_file(statement: Statement, name: str, problems: Problems) -> InitFile:
    value, overwrite = 0, False
    for at, word in enumerate(statement.words[1:], 1):
        if word == "overwrite":
            overwrite = True
            continue
        number = parse_integer(word, -(1 << 31), (1 << 31) - 1)
        if isinstance(number, str):
            problems.error(statement.line, f"`{word}` is no option of init_file", "it is ignored", word=at)
            continue
        value = number
        if abs(number) > SENSIBLE:
            message = f"init_file: {number} is beyond ±{SENSIBLE}"
            problems.error(statement.line, message, "it is written nevertheless", word=at)
    return InitFile(value=value, overwrite=overwrite)


def read_track_process(block: Statement, name: str, problems: Problems) -> TrackProcess | None:
    """None where it is not said which process."""
    own = {child.word for child in block.children if child.value is not None}
    delay = next((child.value for child in reversed(block.children) if child.word == "delay"), None)
    given: dict[str, Any] = {word: delay for word in ("terminate_delay", "fork_delay") if word not in own}
    for child in block.children:
        if child.word == "param_match":
            if child.words[1:2] and child.words[1] not in MATCHES:
                message = f"`{child.words[1]}` is no way to match parameters"
                suggestion = "write initial, partial, or nothing behind it"
                problems.error(child.line, message, "the line is ignored", word=1, suggestion=suggestion)
            else:
                given["param_match"] = (*child.words[1:2], "exact")[0]
    process = fill(TrackProcess, block.children, name=name, reverse=is_reversed(block.children), **given)
    if process is None:
        return None
    if process.param_match not in (None, "exact", *MATCHES):
        process = replace(process, param_match=None)
    if process.quorum_max is not None and 0 < process.quorum_max < process.quorum:
        problems.error(last_line(block, "quorum_max"), "quorum_max is less than quorum", "it is ignored", word=1)
        process = replace(process, quorum_max=None)
    return process


def read_link_delay(line: Statement, problems: Problems) -> LinkDelay | None:
    """IFNAME DOWN [UP], in seconds."""
    values = []
    for at, word in enumerate(line.words[1:3], 1):
        value = parse_seconds(word, 0, DELAY_MAX)
        if isinstance(value, str):
            problems.error(line.line, value, "the line is ignored", word=at, kind=ProblemClass.INVALID_NUMBER)
            return None
        values.append(value)
    down, up, *_ = [*values, 0, 0]
    return LinkDelay(interface=line.word, down=down, up=up)


def fit_link_delays(
    delays: Iterable[LinkDelay], instances: Collection[VrrpInstance], root: Statement, problems: Problems
) -> tuple[LinkDelay, ...]:
    """The delays, shorter than the silence after which a backup takes over: with a dead link it must not."""
    fitting = []
    for delay in delays:
        own = [instance for instance in instances if instance.interface == delay.interface]
        limits = [(one.down_timer_adverts - 1) * one.advert_int - MILLISECOND for one in own]
        limit = max(0, min(limits, default=max(delay.down, delay.up)))
        if max(delay.down, delay.up) > limit:
            lines = [line for block in root.children if block.word == DELAYS for line in block.children]
            place = next(line.line for line in lines if line.word == delay.interface)
            message = f"a delay of {delay.interface} is longer than an instance on it waits for advertisements"
            problems.notice(place, message, f"it counts as {format_seconds(limit)} s")
            delay = replace(delay, down=min(delay.down, limit), up=min(delay.up, limit))
        fitting.append(delay)
    return tuple(fitting)


def read_link_beat(line: Statement, problems: Problems) -> LinkBeat:
    """IFNAME [MII|ETHTOOL|IOCTL]."""
    method = line.words[1] if len(line.words) > 1 else None
    if method is not None and method not in METHODS:
        message = f"`{method}` is no way to ask for a link"
        effect = "the best that the device answers to is used"
        problems.error(line.line, message, effect, word=1, suggestion=f"write one of {', '.join(METHODS)}")
        method = None
    return LinkBeat(interface=line.word, method=method)


def is_reversed(statements: Iterable[Statement]) -> bool | None:
    """True, or None where nothing is said of it."""
    return any(child.word == "weight" and "reverse" in child.words[2:] for child in statements) or None
