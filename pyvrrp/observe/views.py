"""The picture for people: the daemon's own lines, and what the views share.

A view makes lines from a picture; where they go is not its business. `view` puts the rooms together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.observe import view_lvs, view_vrrp
from pyvrrp.observe.layout import Line, Piece, Style, flow, words
from pyvrrp.observe.lookup import Part, part_of
from pyvrrp.observe.numbers import Rates
from pyvrrp.observe.picture import Picture
from pyvrrp.units import SECOND, Micros, format_age

Clock: TypeAlias = Callable[[Micros], str]
"""Microseconds since 1970 as the time of day for people."""
_NOTHING: Final = {
    Part.ALL: "There is neither a VRRP instance nor a virtual server.",
    Part.VRRP: "There is no VRRP instance.",
    Part.LVS: "There is no virtual server.",
}
_ROLES: Final = {Part.ALL: {"vrrp", "checkers"}, Part.VRRP: {"vrrp"}, Part.LVS: {"checkers"}}
"""Who would know."""


def local_time(epoch: Micros) -> str:
    """``2026-11-23 10:42:11.123`` in the caller's time zone."""
    whole, fraction = divmod(epoch, SECOND)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(whole))}.{fraction // 1000:03d}"


def view(
    picture: Picture,
    name: str | None = None,
    *,
    width: int | None = None,
    rates: Rates | None = None,
    clock: Clock = local_time,
) -> list[Line]:
    """The lines of a picture, or of what `name` stands for in it (UnknownNameError where that is nothing).

    For a terminal of `width` columns (None: as wide as they come). With `rates` (of a watch) counters come with how
    fast they grow.
    """
    part, shown = part_of(picture, name)
    named = part is Part.NAMED
    blocks = [_daemon(picture, width)]
    if vrrp := shown.vrrp:
        # Named itself, an instance is told in full; as a member of the group that was named, it is a row.
        rows, told = vrrp.instances, []
        if named:
            told = [each for each in vrrp.instances if each.name == name or not vrrp.sync_groups]
            rows = vrrp.instances if vrrp.sync_groups else ()
        blocks += view_vrrp.overview(replace(vrrp, instances=rows), picture.taken, width)
        blocks += [view_vrrp.detail(instance, picture, clock, width) for instance in told]
    if shown.lvs and picture.lvs:
        blocks.append(view_lvs.services(shown.lvs, picture.lvs, picture.taken, width, rates, checks=named))
    if not any(blocks[1:]) and not _unknown(picture) & _ROLES[part]:
        blocks.append([[Piece(_NOTHING[part])]])
    return _joined(blocks)


def _joined(blocks: list[list[Line]]) -> list[Line]:
    """The blocks with an empty line between them."""
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [[], *block] if lines else block
    return lines


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
        lines += _hanging(trouble, width)
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


def _troubles(picture: Picture) -> list[list[Piece]]:
    """What an operator must know before all else."""
    troubles = []
    if picture.lvs is not None and (reason := _unbalanced(picture.lvs)):
        troubles.append(words(f"nothing is balanced: {reason}", Style.BAD))
    unknown = _unknown(picture)
    for worker in picture.daemon.workers:
        text = f"the {worker.role} worker"
        again = f", started again {worker.restarts} time{'s' if worker.restarts > 1 else ''}" if worker.restarts else ""
        if worker.pid is None:
            troubles.append(words(f"{text} does not run: {worker.problem or 'reason unknown'}{again}", Style.BAD))
        elif worker.problem:
            troubles.append(words(f"{text} (pid {worker.pid}): {worker.problem}{again}", Style.BAD))
        elif worker.role in unknown:
            troubles.append(words(f"{text} (pid {worker.pid}) has not told its state yet{again}", Style.BAD))
        elif again:
            troubles.append(words(f"{text} (pid {worker.pid}) runs{again}", Style.WARN))
    return troubles


def _unknown(picture: Picture) -> set[str]:
    """The workers whose half of the picture is missing."""
    told = {"vrrp": picture.vrrp is not None, "checkers": picture.lvs is not None}
    return {worker.role for worker in picture.daemon.workers if not told.get(worker.role, True)}


def _unbalanced(lvs: LvsSnapshot) -> str | None:
    return lvs.ipvs_problem or (None if lvs.ipvs_ready else "IPVS is not ready")
