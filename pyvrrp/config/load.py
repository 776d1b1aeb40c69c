"""From a `Source` to a `Config`, and all that there is to say about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from pyvrrp.config.checks import Settings
from pyvrrp.config.collection import no_collection
from pyvrrp.config.global_defs import Defaults, build_global_defs
from pyvrrp.config.groups import build_groups
from pyvrrp.config.hosts import HostUse, mail_servers
from pyvrrp.config.http_checks import build_tls
from pyvrrp.config.instances import build_instance
from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.key_files import KeyFile, key_files
from pyvrrp.config.lint import lint
from pyvrrp.config.memory import Memory
from pyvrrp.config.problems import Problems
from pyvrrp.config.rarely import read_blocks
from pyvrrp.config.routing import RoutingReader
from pyvrrp.config.scripts import ScriptUse, script_uses
from pyvrrp.config.servers import build_virtual_server
from pyvrrp.config.source import Source
from pyvrrp.config.sync_groups import build_sync_groups, check_virtual_router_ids
from pyvrrp.config.trackable import DELAYS, fit_link_delays
from pyvrrp.config.tracked_members import with_group_tracking
from pyvrrp.config.tracking import definitions, read_vrrp_scripts
from pyvrrp.config.tree import Statement, parse
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity
from pyvrrp.model.checkers import TlsFiles
from pyvrrp.model.config import Config
from pyvrrp.model.lvs import ServiceKey, VirtualServer, VirtualServerGroup
from pyvrrp.model.vrrp import VrrpInstance

NAMED: Final = frozenset({"vrrp_instance", "vrrp_sync_group"})
"""Blocks of which a second one of the same name is skipped."""
TRACKABLE: Final = ("track_files", "track_processes", "bfd_instances")
"""The fields of what instances may track, besides scripts."""
FOLLOWED: Final = frozenset({"track_file", "vrrp_track_file", "bfd_instance"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and what is wrong with it."""

    config: Config
    """What can be used of it; complete only if nothing is fatal."""
    problems: tuple[ConfigProblem, ...]
    """By place."""
    interfaces: tuple[InterfaceUse, ...]
    """Every network device named, and where."""
    scripts: tuple[ScriptUse, ...] = ()
    """Every command named, and where."""
    key_files: tuple[KeyFile, ...] = ()
    """Every file that a key of auth_hmac stands in, and where it is named."""
    hosts: tuple[HostUse, ...] = ()
    """Every mail server that is named, not by address."""
    statements: int = 0
    """Outside of blocks. None: the file is empty, or no configuration."""

    @property
    def fatal(self) -> tuple[ConfigProblem, ...]:
        """Those with which the daemon does not start."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.FATAL)


@no_collection()
def load(source: Source, memory: Memory | None = None) -> Loaded:
    """Parse, build, validate. Raises nothing; all problems come at once. `memory`: of the last time."""
    memory = memory or Memory()
    if (known := memory.recall(source)) is not None:
        return known
    memory.begin()
    loaded = _load(source, memory)
    memory.end(source, loaded)
    return loaded


def _load(source: Source, memory: Memory) -> Loaded:
    problems = Problems(source)
    root = parse(source, problems)
    uses: list[InterfaceUse] = []
    global_defs, defaults = build_global_defs(root, problems)
    vrrp_scripts, others = read_vrrp_scripts(root), read_blocks(root, problems)
    trackable = [one for field in TRACKABLE for one in others.get(field, ())]
    defined = definitions(root, [*vrrp_scripts.values(), *trackable])
    blocks = _named(root, "vrrp_instance", problems)
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
    check_virtual_router_ids(instances, blocks, problems)
    groups = _named(root, "vrrp_sync_group", problems)
    left_out = blocks.keys() - instances.keys()
    sync_groups = build_sync_groups(groups, instances, left_out, defined, problems, uses)
    members = with_group_tracking(instances, sync_groups, blocks, problems)
    if (global_defs.ipvs and global_defs.ipvs.lvs_sync_daemon) or any(
        instance.options and instance.options.lvs_sync_daemon_interface for instance in instances.values()
    ):
        from pyvrrp.config.ipvs import settle_sync_daemon

        global_defs = settle_sync_daemon(global_defs, root, instances, problems)
    server_groups = build_groups(root, problems)
    if DELAYS in others:
        others[DELAYS] = fit_link_delays(others[DELAYS], members, root, problems)
    tracked = {script.name for instance in members for script in instance.track_script}
    config = Config(
        global_defs=global_defs,
        vrrp_instances=members,
        vrrp_sync_groups=sync_groups,
        vrrp_scripts=tuple(script for name, script in vrrp_scripts.items() if name in tracked),
        virtual_servers=_virtual_servers(root, server_groups, defaults, problems, memory),
        virtual_server_groups=tuple(server_groups.values()),
        track_groups=routing.track_groups,
        static_ipaddress=tuple(routing.static_ipaddress),
        static_routes=tuple(routing.static_routes),
        static_rules=tuple(routing.static_rules),
        **others,
    )
    lint(config, {name: block.line for name, (_, block) in blocks.items()}, problems)
    skipped = {id(block) for block in root.children if block.word in NAMED} - {
        id(block) for _, block in (*blocks.values(), *groups.values())
    }
    if not instances:
        skipped |= {id(block) for block in root.children if block.word == "vrrp_script"}
    unused = set() if config.virtual_servers else {"lvs_notify_fifo_script"}
    unused |= set() if instances else {"vrrp_notify_fifo_script"}
    scripts = tuple(use for use in script_uses(root, skipped, problems) if use.user not in unused)
    hosts = tuple(mail_servers(root, problems)) if global_defs.mail is not None else ()
    return Loaded(
        config, problems.sorted(), tuple(uses), scripts, key_files(blocks, config, source), hosts, len(root.children)
    )


def interfaces_named(loaded: Loaded) -> tuple[InterfaceUse, ...]:
    """Every network device that the configuration names, with the place of each use."""
    return loaded.interfaces


def exit_status(problems: Iterable[ConfigProblem]) -> int:
    """What ``keepalived -t`` (2.2.7) would return: 0, 2, 4, 5 or 6.

    2 a keyword lacks its argument, 6 script security or an include that must exist, 4 and 5 other complaints by
    their class. What keepalived is silent about does not count, fatal or not.
    """
    worst = ProblemClass.OK
    status = 0
    for problem in problems:
        worst = max(worst, problem.kind)
        if problem.severity is Severity.FATAL:
            if problem.kind is ProblemClass.MISSING_PARAMETER:
                return 2
            if problem.kind is ProblemClass.FILE_NOT_FOUND:
                status = 6
    if status or worst is ProblemClass.SECURITY:
        return 6
    if worst is ProblemClass.OK:
        return 0
    return 4 if worst <= ProblemClass.FATAL else 5


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


def _virtual_servers(
    root: Statement,
    groups: Mapping[str, VirtualServerGroup],
    defaults: Defaults,
    problems: Problems,
    memory: Memory,
) -> tuple[VirtualServer, ...]:
    built: dict[ServiceKey, VirtualServer] = {}
    ordinals: dict[str, int] = {}
    settings = Settings(defaults.log_all_failures, _tls(root, problems))
    for block in root.children:
        word = block.words[0]
        if word != "virtual_server":
            if word in FOLLOWED and len(block.words) > 1:
                _followed(block, settings)
            continue
        make = partial(build_virtual_server, block, groups, ordinals, settings, problems)
        # Those of a group depend on more than their block.
        server = make() if "group" in block.words[1:2] else memory.build(block, settings.key, problems, make)
        if server is None:
            continue
        if server.key in built:
            message = f"virtual server {server.key} is configured already"
            effect = "this second block is left out; keepalived would mix the two"
            problems.add(block.line, Severity.ERROR, message, effect)
        else:
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
