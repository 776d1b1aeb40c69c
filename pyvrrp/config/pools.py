"""All blocks of LVS: virtual servers, their groups, and the files of TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pyvrrp.config.checks import Settings
from pyvrrp.config.groups import build_groups
from pyvrrp.config.http_checks import build_tls
from pyvrrp.config.problems import Problems
from pyvrrp.config.servers import build_virtual_server
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values, flag
from pyvrrp.errors import Severity
from pyvrrp.model.checkers import TlsFiles
from pyvrrp.model.lvs import ServiceKey, VirtualServer, VirtualServerGroup

if TYPE_CHECKING:
    from pyvrrp.config.memory import Memory

FOLLOWED: Final = frozenset({"track_file", "vrrp_track_file", "bfd_instance"})
"""Blocks of what FILE_CHECK and BFD_CHECK follow."""


def build_pools(root: Statement, values: Values, problems: Problems, memory: Memory | None) -> dict[str, Any]:
    """The fields of `Config`. `values`: of global_defs; `memory`: of the last time."""
    groups = build_groups(root, problems)
    return {
        "virtual_servers": _virtual_servers(root, groups, values, problems, memory),
        "virtual_server_groups": tuple(groups.values()),
    }


def _virtual_servers(
    root: Statement,
    groups: Mapping[str, VirtualServerGroup],
    values: Values,
    problems: Problems,
    memory: Memory | None,
) -> tuple[VirtualServer, ...]:
    built: dict[ServiceKey, VirtualServer] = {}
    ordinals: dict[str, int] = {}
    settings = Settings(flag(values, "checker_log_all_failures"), _tls(root, problems))

    def make(block: Statement) -> VirtualServer | None:
        return build_virtual_server(block, groups, ordinals, settings, problems)

    for block in root.children:
        word = block.words[0]
        if word != "virtual_server":
            if word in FOLLOWED and len(block.words) > 1:
                _followed(block, settings)
            continue
        if memory is None or "group" in block.words[1:2]:  # those of a group depend on more than their block
            server = make(block)
        else:
            server = memory.build(block, settings.key, problems, make)
        if server is None:
            continue
        if (first := built.get(server.key)) is not None:
            message = f"virtual server {server.key} is configured already"
            effect = "its real servers join those of the first block, whose settings hold"
            problems.add(block.line, Severity.ERROR, message, effect)
            known = {one.endpoint for one in first.real_servers}
            more = (one for one in server.real_servers if one.endpoint not in known)
            server = replace(first, real_servers=(*first.real_servers, *more))
        built[server.key] = server
    return tuple(built.values())


def _followed(block: Statement, settings: Settings) -> None:
    """What real servers may follow from here on."""
    inside = {child.words[0] for child in block.children}
    if block.row is not None and inside.isdisjoint(block.row.needs):
        return
    if block.words[0] != "bfd_instance":
        settings.files.add(block.words[1])
    elif "vrrp" not in inside or "checker" in inside:
        settings.sessions.add(block.words[1])


def _tls(root: Statement, problems: Problems) -> TlsFiles | None:
    found = None
    for block in root.children:
        if block.word != "SSL":
            continue
        if found is not None:
            problems.error(block.line, "there is an SSL block already", "this one takes its place")
        found = build_tls(block)
    return found
