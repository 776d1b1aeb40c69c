"""vrrp_sync_group blocks, and what instances have to do with each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.problems import Problems
from pyvrrp.config.rarely import read_options
from pyvrrp.config.suggest import did_you_mean
from pyvrrp.config.tracked_members import fit_for_owners
from pyvrrp.config.tracking import DEFINED_BY, Definitions, read_notify, read_tracked, read_tracked_interfaces
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import scalars, switch
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import SyncGroup, VrrpInstance


def build_sync_groups(
    blocks: Mapping[str, tuple[int, Statement]],
    instances: Mapping[str, VrrpInstance],
    left_out: Collection[str],
    defined: Definitions,
    problems: Problems,
    uses: list[InterfaceUse],
) -> tuple[SyncGroup, ...]:
    """The groups that have members left, in the order of the file. `left_out`: instances that cannot be used."""
    taken: dict[str, str] = {}
    groups = []
    for name, (position, block) in blocks.items():
        tracked: dict[str, tuple[Tracked, ...]] = {}
        members: list[Statement] | None = None
        weights = False
        for child in block.children:
            word = child.word
            if word == "group":
                if members is not None:
                    problems.error(child.line, f"sync group {name} has its members already", "the block is ignored")
                else:
                    members = child.children
            elif word == "track_interface":
                tracked[word] = read_tracked_interfaces(child, name, None, problems, uses)
            elif word in DEFINED_BY:
                tracked[word] = tracked.get(word, ()) + read_tracked(child, position, name, defined, problems)
            weights |= word in ("sync_group_tracking_weight", "global_tracking")
        found = _members(name, members or (), instances, left_out, taken, problems)
        if not found:
            message = f"sync group {name} has no members"
            problems.error(block.line, message, "it is left out")
            continue
        if len(found) == 1:
            effect = "the group does nothing that its member does not do alone"
            problems.warning(block.line, f"sync group {name} has one member only", effect)
        values = scalars(block)
        group = SyncGroup(
            name=name,
            members=tuple(found),
            sync_group_tracking_weight=weights,
            notify=read_notify(block),
            smtp_alert=switch(values, "smtp_alert"),
            notify_priority_changes=switch(values, "notify_priority_changes"),
            options=read_options(block),
            **tracked,
        )
        groups.append(fit_for_owners(group, [instances[member] for member in found], block, problems))
    return tuple(groups)


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
                problems.notice(
                    line.line, f"instance {name} is left out", f"sync group {group} goes without it", word=at
                )
            elif name not in instances:
                suggestion = did_you_mean(name, instances)
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
