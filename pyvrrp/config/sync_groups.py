"""vrrp_sync_group blocks, and what instances have to do with each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.problems import Problems
from pyvrrp.config.rarely import read_options
from pyvrrp.config.suggest import nearest
from pyvrrp.config.tracking import (
    DEFINED_BY,
    check_tracked,
    read_notify,
    read_tracked_interfaces,
    read_tracked_scripts,
)
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.scripts import VrrpScript
from pyvrrp.model.vrrp import SyncGroup, TrackedInterface, TrackedScript, VrrpInstance


def build_sync_groups(
    blocks: Mapping[str, tuple[int, Statement]],
    instances: Mapping[str, VrrpInstance],
    left_out: Collection[str],
    defined: Mapping[str, Mapping[str, int]],
    scripts: Mapping[str, VrrpScript],
    problems: Problems,
    uses: list[InterfaceUse],
) -> tuple[SyncGroup, ...]:
    """The groups that have members left, in the order of the file. `left_out`: instances that are not active."""
    taken: dict[str, str] = {}
    groups = []
    for name, (position, block) in blocks.items():
        tracked: tuple[TrackedInterface, ...] = ()
        tracked_scripts: tuple[TrackedScript, ...] = ()
        members: list[Statement] | None = None
        weights = False
        for child in block.children:
            if child.word == "group":
                if members is not None:
                    problems.error(child.line, f"sync group {name} has its members already", "the block is ignored")
                else:
                    members = child.children
            elif child.word == "track_interface":
                tracked = read_tracked_interfaces(child, name, None, problems, uses)
            elif child.word in DEFINED_BY:
                check_tracked(child, position, name, defined, problems)
                if child.word == "track_script":
                    tracked_scripts += read_tracked_scripts(child, scripts, defined["vrrp_script"], position, problems)
            weights |= child.word in ("sync_group_tracking_weight", "global_tracking")
        found = _members(name, members or (), instances, left_out, taken, problems)
        if not found:
            message = f"sync group {name} has no members"
            problems.error(block.line, message, "it is left out")
            continue
        if len(found) == 1:
            problems.add(
                block.line,
                Severity.WARNING,
                f"sync group {name} has one member only",
                "the group does nothing that its member does not do alone",
                kind=ProblemClass.GENERAL,
            )
        for member in found:
            _compare_tracking(block, name, instances[member], tracked, weights, problems)
        groups.append(
            SyncGroup(
                name=name,
                members=tuple(found),
                track_interface=tracked,
                track_script=tracked_scripts,
                notify=read_notify(block),
                options=read_options(block),
            )
        )
    return tuple(groups)


def with_group_tracking(instances: Mapping[str, VrrpInstance], groups: Iterable[SyncGroup]) -> tuple[VrrpInstance, ...]:
    """The instances, each tracking what its group tracks; where both name the same, the group's weight counts."""
    merged = dict(instances)
    for group in groups:
        for name in group.members if group.track_interface or group.track_script else ():
            member = merged[name]
            interfaces = {one.name: one for one in (*member.track_interface, *group.track_interface)}
            interfaces.pop(member.interface, None)  # its own is tracked anyway
            scripts = {one.name: one for one in (*member.track_script, *group.track_script)}
            merged[name] = replace(
                member, track_interface=tuple(interfaces.values()), track_script=tuple(scripts.values())
            )
    return tuple(merged.values())


def _members(
    group: str,
    lines: Collection[Statement],
    instances: Mapping[str, VrrpInstance],
    left_out: Collection[str],
    taken: dict[str, str],
    problems: Problems,
) -> list[str]:
    found = []
    for line in lines:
        for at, name in enumerate(line.words):
            if name in left_out:
                message = f"instance {name} is not active"
                problems.inactive(line.line, message, f"sync group {group} goes without it", word=at)
            elif name not in instances:
                near = nearest(name, instances)
                suggestion = f"did you mean `{near}`?" if near else None
                message = f"there is no vrrp_instance {name}"
                effect = f"sync group {group} goes without it"
                problems.error(line.line, message, effect, word=at, suggestion=suggestion)
            elif name in taken:
                message = f"instance {name} is in sync group {taken[name]} already"
                problems.error(line.line, message, "it stays there", word=at)
            else:
                taken[name] = group
                found.append(name)
    return found


def _compare_tracking(
    block: Statement,
    group: str,
    instance: VrrpInstance,
    tracked: tuple[TrackedInterface, ...],
    weights: bool,
    problems: Problems,
) -> None:
    for one in instance.track_interface:
        if one.weight and not weights:
            message = f"{one.name} changes the priority of {instance.name}, but not of the others in {group}"
            problems.add(
                block.line,
                Severity.WARNING,
                message,
                "the weight is kept",
                kind=ProblemClass.GENERAL,
                suggestion="put track_interface into the sync group",
            )
    for one in tracked:
        if one.name == instance.interface or any(one.name == other.name for other in instance.track_interface):
            message = f"{one.name} is tracked by {group} and by its member {instance.name}"
            effect = "the group's weight counts"
            problems.add(block.line, Severity.WARNING, message, effect, kind=ProblemClass.GENERAL)


def check_virtual_router_ids(
    instances: Mapping[str, VrrpInstance], blocks: Mapping[str, tuple[int, Statement]], problems: Problems
) -> None:
    """Two instances must not speak for the same virtual router on one link (keepalived stops: exit status 2)."""
    multicast: dict[object, str] = {}
    unicast: dict[object, str] = {}
    for instance in instances.values():
        where = (instance.interface, instance.virtual_router_id)
        if instance.unicast_peer:
            keys = [(instance.mcast_src_ip, *where, peer) for peer in instance.unicast_peer]
            other = next((unicast[key] for key in keys if key in unicast), None)
            unicast |= dict.fromkeys(keys, instance.name)
        else:
            other = multicast.setdefault((*where, instance.mcast_dst_ip), instance.name)
        if other is not None and other != instance.name:
            line = blocks[instance.name][1].line
            vrid = instance.virtual_router_id
            problems.fatal(
                line, f"{other} and {instance.name} both use virtual_router_id {vrid} on {instance.interface}"
            )
