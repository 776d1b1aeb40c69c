"""From a `Source` to a `Config`, and all that there is to say about it.

Much of what reads and what is read is loaded only where a file uses it: `-t` is asked at every save of an editor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyvrrp.config.collection import no_collection
from pyvrrp.config.global_defs import build_global_defs
from pyvrrp.config.problems import Problems
from pyvrrp.config.source import Source
from pyvrrp.config.tree import parse
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity
from pyvrrp.model.config import Config

if TYPE_CHECKING:
    from pyvrrp.config.hosts import HostUse
    from pyvrrp.config.interfaces import InterfaceUse
    from pyvrrp.config.key_files import KeyFile
    from pyvrrp.config.memory import Memory
    from pyvrrp.config.scripts import ScriptUse

BALANCING: Final = frozenset({"virtual_server", "virtual_server_group", "SSL"})
NEITHER: Final = frozenset({"global_defs", "instance", "net_namespace", "use_pid_dir", "child_wait_time"})
"""What does not make a router."""


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
    if memory is None:
        return _load(source, None)
    if (known := memory.recall(source)) is not None:
        return known
    loaded = _load(source, memory)
    memory.end(source, loaded)
    return loaded


def _load(source: Source, memory: Memory | None) -> Loaded:
    problems = Problems(source)
    root = parse(source, problems) if memory is None else memory.parse(source, problems)
    uses: list[InterfaceUse] = []
    global_defs, values = build_global_defs(root, problems)
    if (places := global_defs.places) is not None:
        source.names.look_in(places.iproute_usr_dir, places.iproute_etc_dir)
    words = {child.words[0] for child in root.children}
    found: dict[str, Any] = {}
    skipped: set[int] = set()
    keys: tuple[KeyFile, ...] = ()
    if not words <= BALANCING | NEITHER:
        from pyvrrp.config.routers import build_routers

        found, skipped, keys, global_defs = build_routers(root, global_defs, values, problems, uses)
    elif global_defs.ipvs is not None and global_defs.ipvs.lvs_sync_daemon is not None:
        from pyvrrp.config.ipvs import settle_sync_daemon

        global_defs = settle_sync_daemon(global_defs, root, {}, problems)
    if not words.isdisjoint(BALANCING):
        from pyvrrp.config.pools import build_pools

        found |= build_pools(root, values, problems, memory)
    config = Config(global_defs=global_defs, **found)
    scripts: tuple[ScriptUse, ...] = ()
    if root.value:
        from pyvrrp.config.scripts import script_uses

        unused = set() if config.virtual_servers else {"lvs_notify_fifo_script"}
        unused |= set() if config.vrrp_instances else {"vrrp_notify_fifo_script"}
        scripts = tuple(use for use in script_uses(root, skipped, problems) if use.user not in unused)
    hosts: tuple[HostUse, ...] = ()
    if global_defs.mail is not None:
        from pyvrrp.config.hosts import mail_servers

        hosts = tuple(mail_servers(root, problems))
    return Loaded(config, problems.sorted(), tuple(uses), scripts, keys, hosts, len(root.children))


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
