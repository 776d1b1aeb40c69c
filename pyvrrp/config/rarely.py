"""Blocks outside of instances that the daemon does not act on yet, as typed values: what is read is not lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pyvrrp.config.announcing import read_garp_group
from pyvrrp.config.fill import fill
from pyvrrp.config.problems import Problems
from pyvrrp.config.trackable import is_reversed, read_link_beat, read_link_delay, read_track_file, read_track_process
from pyvrrp.config.tree import Statement
from pyvrrp.model.options import InstanceOptions
from pyvrrp.model.tracked import BfdInstance


def read_blocks(root: Statement, problems: Problems) -> dict[str, Any]:
    """The fields of `Config` for the blocks that are there."""
    found: dict[str, list[Any]] = {}
    for block in root.children:
        for name, value in _block(block, problems):
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def read_options(block: Statement) -> InstanceOptions | None:
    """What else an instance or a sync group says."""
    return fill(InstanceOptions, [child for child in block.children if not child.children])


def _block(block: Statement, problems: Problems) -> Iterator[tuple[str, Any]]:
    word, inside = block.word, block.children
    name = block.words[1] if len(block.words) > 1 else ""
    match word:
        case "track_file" | "vrrp_track_file":
            yield "track_files", read_track_file(block, name, problems)
        case "vrrp_track_process":
            yield "track_processes", read_track_process(block, name, problems)
        case "bfd_instance":
            own = {child.word for child in inside} & {"vrrp", "checker"}
            given = {"ttl": _last(inside, "hoplimit"), "neighbor_ip": _last(inside, "neighbour_ip")}
            session = fill(BfdInstance, inside, name=name, reverse=is_reversed(inside), **given)
            if session is not None and own:
                session = replace(session, vrrp="vrrp" in own, checker="checker" in own)
            yield "bfd_instances", session
        case "garp_group":
            yield "garp_groups", read_garp_group(block, problems)
        case "interface_up_down_delays":
            for line in inside:
                yield "interface_up_down_delays", read_link_delay(line, problems)
        case "linkbeat_interfaces":
            for line in inside:
                yield word, read_link_beat(line, problems)


def _last(statements: Iterable[Statement], word: str) -> Any:
    return next((child.value for child in reversed(list(statements)) if child.word == word), None)
