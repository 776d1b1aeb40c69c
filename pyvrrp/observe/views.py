"""The picture for people: the daemon's own lines, and what the views share.

A view makes lines from a picture; where they go is not its business. `view` puts the rooms together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.observe import view_lvs, view_vrrp
from pyvrrp.observe.layout import Line, Piece, Style, flow, words
from pyvrrp.observe.numbers import Rates
from pyvrrp.observe.picture import Picture
from pyvrrp.units import SECOND, Micros, format_age

Clock: TypeAlias = Callable[[Micros], str]
"""Microseconds since 1970 as the time of day for people."""


class Part(StrEnum):
    """What of the picture is wanted."""

    ALL = "all"
    VRRP = "vrrp"
    LVS = "lvs"
    DETAIL = "detail"
    """Everything known of what is left in a picture that `lookup.narrow` made."""


def local_time(epoch: Micros) -> str:
    """``2026-11-23 10:42:11.123`` in the caller's time zone."""
    whole, fraction = divmod(epoch, SECOND)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(whole))}.{fraction // 1000:03d}"


def view(
    picture: Picture,
    part: Part = Part.ALL,
    *,
    width: int | None = None,
    rates: Rates | None = None,
    clock: Clock = local_time,
) -> list[Line]:
    """The lines of a picture, for a terminal of `width` columns (None: as wide as they come).

    With `rates` (of a watch) counters come with how fast they grow.
    """
    blocks = [_daemon(picture, width)]
    vrrp, lvs = picture.vrrp, picture.lvs
    if part is Part.DETAIL:
        # An instance that comes with its group is a row there; asked for by name, it is told in full.
        if vrrp and vrrp.sync_groups:
            blocks += view_vrrp.overview(vrrp, picture.taken, width)
        elif vrrp:
            blocks += [view_vrrp.detail(instance, picture, clock, width) for instance in vrrp.instances]
        if lvs:
            blocks += view_lvs.services(lvs, picture.taken, width, rates, checks=True)
        return _joined(blocks)
    if part is not Part.LVS and vrrp:
        blocks += view_vrrp.overview(vrrp, picture.taken, width)
    if part is not Part.VRRP and lvs:
        blocks += view_lvs.services(lvs, picture.taken, width, rates, checks=False)
    if not any(blocks[1:]):
        blocks.append([[Piece(_nothing(part))]])
    return _joined(blocks)


def _joined(blocks: list[list[Line]]) -> list[Line]:
    """The blocks with an empty line between them."""
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [[], *block] if lines else block
    return lines


def _nothing(part: Part) -> str:
    match part:
        case Part.VRRP:
            return "There is no VRRP instance."
        case Part.LVS:
            return "There is no virtual server."
        case _:
            return "There is neither a VRRP instance nor a virtual server."


def _daemon(picture: Picture, width: int | None) -> list[Line]:
    daemon = picture.daemon
    facts = [
        Piece(f"pyvrrpd {daemon.version},", Style.HEAD),
        Piece(f"pid {daemon.pid},"),
        Piece(f"up {format_age(picture.taken - daemon.started)},"),
        *([Piece(f"instance {daemon.instance},")] if daemon.instance else []),
        *([Piece(f"namespace {daemon.net_namespace},")] if daemon.net_namespace else []),
        Piece(daemon.config_file),
    ]
    lines = _hanging(facts, width)
    for trouble in _troubles(picture):
        lines += _hanging(words(trouble, Style.BAD), width)
    if daemon.problems:
        count = len(daemon.problems)
        text = f"{count} configuration problem{'s' if count > 1 else ''}: pyvrrp check {daemon.config_file}"
        lines += _hanging(words(text, Style.WARN), width)
    if daemon.last_reload:
        lines += _hanging(words(f"last reload: {daemon.last_reload}", Style.FAINT), width)
    return lines


def _hanging(pieces: list[Piece], width: int | None) -> list[Line]:
    """Like `flow`, with the first line at the margin and the others two spaces in."""
    first, *others = flow(pieces, width, 2)
    return [first[1:], *others]


def _troubles(picture: Picture) -> list[str]:
    """What an operator must know before all else."""
    troubles = []
    if picture.lvs is not None and (reason := _unbalanced(picture.lvs)):
        troubles.append(f"nothing is balanced: {reason}")
    answers = {"vrrp": picture.vrrp is not None, "checkers": picture.lvs is not None}
    for worker in picture.daemon.workers:
        again = f" (restarted {worker.restarts} times)" if worker.restarts > 1 else ""
        if worker.pid is None:
            troubles.append(f"the {worker.role} worker does not run: {worker.problem or 'reason unknown'}{again}")
        elif worker.problem:
            troubles.append(f"the {worker.role} worker (pid {worker.pid}): {worker.problem}{again}")
        elif not answers.get(worker.role, True):
            troubles.append(f"the {worker.role} worker (pid {worker.pid}) has not told its state yet{again}")
    return troubles


def _unbalanced(lvs: LvsSnapshot) -> str | None:
    return lvs.ipvs_problem or (None if lvs.ipvs_ready else "IPVS is not ready")
