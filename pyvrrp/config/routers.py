"""All blocks of VRRP: instances, sync groups, and what they track."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pyvrrp.config.announcing import garp_interfaces
from pyvrrp.config.defaults import read_defaults
from pyvrrp.config.instances import build_instance
from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.key_files import KeyFile, key_files
from pyvrrp.config.lint import lint
from pyvrrp.config.problems import Problems
from pyvrrp.config.rarely import read_blocks
from pyvrrp.config.routing import RoutingReader
from pyvrrp.config.sync_groups import build_sync_groups, check_virtual_router_ids
from pyvrrp.config.trackable import DELAYS, fit_link_delays
from pyvrrp.config.tracked_members import with_group_tracking
from pyvrrp.config.tracking import definitions, read_vrrp_scripts
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values
from pyvrrp.errors import ProblemClass
from pyvrrp.model.config import GlobalDefs
from pyvrrp.model.vrrp import VrrpInstance

NAMED: Final = frozenset({"vrrp_instance", "vrrp_sync_group"})
"""Blocks of which a second one of the same name is skipped."""
TRACKABLE: Final = ("track_files", "track_processes", "bfd_instances")
"""The fields of what instances may track, besides scripts."""


def build_routers(
    root: Statement, global_defs: GlobalDefs, values: Values, problems: Problems, uses: list[InterfaceUse]
) -> tuple[dict[str, Any], set[int], tuple[KeyFile, ...], GlobalDefs]:
    """The fields of `Config`, the blocks that are skipped (by identity), the files that keys stand in, and global_defs
    with the sync daemon that an instance brings. `values`: of global_defs."""
    defaults = read_defaults(values)
    vrrp_scripts, others = read_vrrp_scripts(root), read_blocks(root, problems)
    trackable = [one for field in TRACKABLE for one in others.get(field, ())]
    defined = definitions(root, [*vrrp_scripts.values(), *trackable])
    blocks = _named(root, "vrrp_instance", problems)
    lines = (line for _, block in blocks.values() for line in block.children if line.word in ("use_vmac", "use_ipvlan"))
    defaults.devices.written = frozenset(word for line in lines for word in line.words[1:])
    track_groups = _named(root, "track_group", problems)
    default_interface = global_defs.vrrp.default_interface if global_defs.vrrp is not None else None
    routing = RoutingReader(problems, uses, default_interface).read(root, _blocks(blocks), _blocks(track_groups))
    instances: dict[str, VrrpInstance] = {}
    for name, (position, block) in blocks.items():
        instance = build_instance(block, position, defaults, defined, routing, problems, uses)
        if instance is not None:
            instances[name] = instance
    for block in root.children:
        if block.word in ("linkbeat_interfaces", "interface_up_down_delays"):
            uses += [_beat(child, block, problems) for child in block.children]
        elif block.word == "garp_group":
            places = garp_interfaces(block)
            uses += [InterfaceUse(word, problems.source.span(line, at), block.word) for line, at, word in places]
    check_virtual_router_ids(instances, blocks, problems)
    groups = _named(root, "vrrp_sync_group", problems)
    left_out = blocks.keys() - instances.keys()
    sync_groups = build_sync_groups(groups, instances, left_out, defined, problems, uses)
    members = with_group_tracking(instances, sync_groups, blocks, problems)
    if DELAYS in others:
        others[DELAYS] = fit_link_delays(others[DELAYS], members, root, problems)
    lint(members, {name: block.line for name, (_, block) in blocks.items()}, problems)
    skipped = {id(block) for block in root.children if block.word in NAMED} - {
        id(block) for _, block in (*blocks.values(), *groups.values())
    }
    if not instances:
        skipped |= {id(block) for block in root.children if block.word == "vrrp_script"}
    tracked = {script.name for instance in members for script in instance.track_script}
    found = {
        "vrrp_instances": members,
        "vrrp_sync_groups": sync_groups,
        "vrrp_scripts": tuple(script for name, script in vrrp_scripts.items() if name in tracked),
        "track_groups": routing.track_groups,
        "static_ipaddress": tuple(routing.static_ipaddress),
        "static_routes": tuple(routing.static_routes),
        "static_rules": tuple(routing.static_rules),
        **others,
    }
    return (
        found,
        skipped,
        key_files(blocks, members, problems.source),
        _with_sync_daemon(global_defs, root, instances, problems),
    )


def _with_sync_daemon(
    global_defs: GlobalDefs, root: Statement, instances: dict[str, VrrpInstance], problems: Problems
) -> GlobalDefs:
    if (global_defs.ipvs is None or global_defs.ipvs.lvs_sync_daemon is None) and not any(
        instance.options and instance.options.lvs_sync_daemon_interface for instance in instances.values()
    ):
        return global_defs
    from pyvrrp.config.ipvs import settle_sync_daemon

    return settle_sync_daemon(global_defs, root, instances, problems)


def _named(root: Statement, word: str, problems: Problems) -> dict[str, tuple[int, Statement]]:
    """Blocks of a kind by name, with their position; without a name, or a second time, they are skipped."""
    found: dict[str, tuple[int, Statement]] = {}
    for position, block in enumerate(root.children):
        if block.word != word or len(block.words) < 2:
            continue
        name = block.words[1]
        if len(block.words) > 2:
            message = f"{word} takes one name"
            problems.error(block.line, message, "the block is skipped", word=2, suggestion="put the name into quotes")
        elif name in found:
            first = found[name][1].line.number
            message = f"{word} {name} is defined in line {first} already"
            problems.error(block.line, message, "this second block is skipped", word=1)
        else:
            found[name] = (position, block)
    return found


def _beat(line: Statement, block: Statement, problems: Problems) -> InterfaceUse:
    span = problems.source.span(line.line, 0)
    return InterfaceUse(line.word, span, block.word, needed=False, kind=ProblemClass.FATAL)


def _blocks(named: Mapping[str, tuple[int, Statement]]) -> dict[str, Statement]:
    return {name: block for name, (_, block) in named.items()}
