"""What members of a sync group and owners of their addresses may track: the rules that need more than one block.

A weight on one member would part it from the others of its group, and the owner's priority never moves: there weights
are not for use (keepalived: vrrp.c, vrrp_complete_instance and sync_group_tracking_init).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import last_line
from pyvrrp.errors import ProblemClass
from pyvrrp.model.tracked import Tracked, Tracker
from pyvrrp.model.vrrp import SyncGroup, VrrpInstance

OWNER: Final = 255
DEFAULT_FILE_WEIGHT: Final = 1


def fit_for_owners(
    group: SyncGroup, members: Iterable[VrrpInstance], block: Statement, problems: Problems
) -> SyncGroup:
    """The group, without weights where a member has priority 255."""
    owner = next((member for member in members if member.priority == OWNER), None)
    if owner is None:
        return group
    changes: dict[str, Any] = {}
    for kind in Tracker:
        lines: tuple[Tracked, ...] = getattr(group, kind)
        for one in lines:
            if one.weight:
                message = f"{kind} {one.name} has a weight, but {owner.name} has priority {OWNER}, which never changes"
                problems.warning(block.line, message, "it counts without its weight")
        if lines:
            changes[kind] = tuple(replace(one, weight=0) for one in lines)
    return replace(group, **changes)


def with_group_tracking(
    instances: Mapping[str, VrrpInstance],
    groups: Iterable[SyncGroup],
    blocks: Mapping[str, tuple[int, Statement]],
    problems: Problems,
) -> tuple[VrrpInstance, ...]:
    """The instances, each tracking what its group tracks; where both name the same, the group's weight counts."""
    group_of = {member: group for group in groups for member in group.members}
    merged = []
    for name, instance in instances.items():
        group, block = group_of.get(name), blocks[name][1]
        if instance.priority == OWNER:
            instance = _without_weights(instance, f"its priority {OWNER} never changes", block, problems)
        elif group is not None and not group.sync_group_tracking_weight:
            reason = f"it would change the priority of {name}, but not of the others in {group.name}"
            instance = _without_weights(instance, reason, block, problems)
        merged.append(instance if group is None else _merge(instance, group, block, problems))
    return tuple(merged)


def _without_weights(instance: VrrpInstance, reason: str, block: Statement, problems: Problems) -> VrrpInstance:
    """What keepalived makes of weighted lines: files of the default weight lose it, others are dropped; those of
    interfaces and processes stay as they are."""
    changes: dict[str, tuple[Tracked, ...]] = {}
    for kind in (Tracker.INTERFACE, Tracker.SCRIPT, Tracker.FILE, Tracker.BFD):
        lines: tuple[Tracked, ...] = getattr(instance, kind)
        kept = []
        for one in lines:
            if not one.weight:
                kept.append(one)
                continue
            effect = "the line is ignored"
            if kind is Tracker.INTERFACE:
                effect = "the weight is kept"
                kept.append(one)
            elif kind is Tracker.FILE and one.weight == DEFAULT_FILE_WEIGHT:
                effect = "a number other than 0 is a fault, as with weight 0"
                kept.append(replace(one, weight=0))
            suggestion = f"put {kind} into the sync group, or write weight 0" if "others" in reason else None
            message = f"{kind} {one.name} of {instance.name} has a weight, and {reason}"
            problems.warning(last_line(block, kind), message, effect, suggestion=suggestion)
        if len(kept) != len(lines) or tuple(kept) != lines:
            changes[kind] = tuple(kept)
    return replace(instance, **changes) if changes else instance  # type: ignore[arg-type]


def _merge(instance: VrrpInstance, group: SyncGroup, block: Statement, problems: Problems) -> VrrpInstance:
    changes: dict[str, tuple[Tracked, ...]] = {}
    for kind in Tracker:
        ours: tuple[Tracked, ...] = getattr(instance, kind)
        theirs: tuple[Tracked, ...] = getattr(group, kind)
        if not theirs:
            continue
        lines = {one.name: one for one in ours}
        for one in theirs:
            is_own = kind is Tracker.INTERFACE and one.name == instance.interface
            if one.name in lines or is_own:
                message = f"{one.name} is tracked by {group.name} and by its member {instance.name}"
                # keepalived complains of interfaces only.
                told = ProblemClass.GENERAL if kind is Tracker.INTERFACE else ProblemClass.OK
                problems.warning(last_line(block, kind), message, "the group's weight counts", kind=told)
            if not is_own:  # its own is tracked anyway
                lines[one.name] = one
        changes[kind] = tuple(lines.values())
    return replace(instance, **changes) if changes else instance  # type: ignore[arg-type]
