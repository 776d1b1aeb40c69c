"""What the daemon makes of a configuration: whether it can be used, and what to say about it."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from operator import is_not
from typing import TYPE_CHECKING, Any, Final

from pyvrrp.config.collection import no_collection
from pyvrrp.config.expand import expand
from pyvrrp.config.load import Loaded, load
from pyvrrp.core.log import Level
from pyvrrp.daemon.exit_status import ExitStatus
from pyvrrp.daemon.options import Options
from pyvrrp.errors import ConfigProblem, KernelError, ProblemClass, Severity
from pyvrrp.kernel.files import Files
from pyvrrp.model.config import Config
from pyvrrp.model.scripts import Command

if TYPE_CHECKING:
    from pyvrrp.config.hosts import HostUse
    from pyvrrp.config.interfaces import InterfaceUse
    from pyvrrp.config.key_files import KeyFile
    from pyvrrp.config.memory import Memory
    from pyvrrp.config.scripts import ScriptUse

LEVELS: Final = {
    Severity.FATAL: Level.ERROR,
    Severity.ERROR: Level.ERROR,
    Severity.WARNING: Level.WARNING,
    Severity.DEPRECATED: Level.NOTICE,
    Severity.INACTIVE: Level.WARNING,
    Severity.NOTICE: Level.NOTICE,
}
_NAMED: Final = frozenset({Severity.FATAL, Severity.ERROR, Severity.INACTIVE})
"""What the picture of the daemon shows for as long as it runs."""

_DAMAGED: Final = frozenset(
    {
        ProblemClass.UNEXPECTED_BOB,
        ProblemClass.MISSING_BOB,
        ProblemClass.UNEXPECTED_EOB,
        ProblemClass.MISSING_EOB,
        ProblemClass.UNMATCHED_QUOTE,
    }
)
"""Of a file that is only half written, say: a running daemon does not exchange a good configuration for it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A configuration as it was read."""

    config: Config
    problems: tuple[ConfigProblem, ...]
    devices: tuple[InterfaceUse, ...] = ()
    """The network devices it names."""
    scripts: tuple[ScriptUse, ...] = ()
    """The commands it names."""
    key_files: tuple[KeyFile, ...] = ()
    """The files it names keys in."""
    hosts: tuple[HostUse, ...] = ()
    """The mail servers it names."""
    statements: int = 1
    """How many it has; none in a file that is empty, or no configuration."""
    absent: frozenset[str] = frozenset()
    """Devices that are not there, and of which it does not say that they may be (dynamic_interfaces)."""

    @property
    def status(self) -> ExitStatus:
        """With which a start with this configuration ends; OK where it can be used."""
        fatal = [problem for problem in self.problems if problem.severity is Severity.FATAL]
        # Line 0: the main file itself cannot be read, of which keepalived -t makes no class.
        if any(problem.kind is ProblemClass.FILE_NOT_FOUND or not problem.span.line for problem in fatal):
            return ExitStatus.NO_CONFIG
        return ExitStatus.CONFIG if fatal else ExitStatus.OK


def read(options: Options, memory: Memory | None = None) -> Reading:
    """Read the files that the command line names. Raises nothing: what is wrong is in the problems.

    `memory`: of the last time, so that what did not change is not read again in earnest.
    """
    config_id = options.config_id or os.uname().nodename.partition(".")[0]
    with no_collection():
        source = expand(options.config_file, Files(), config_id, os.environ, seed=time.time_ns())
        loaded = load(source, memory)
        gc.freeze()  # it has no cycles: looking for some would take as long as the reading
    return reading_of(loaded)


def reading_of(loaded: Loaded) -> Reading:
    return Reading(
        loaded.config,
        loaded.problems,
        loaded.interfaces,
        loaded.scripts,
        loaded.key_files,
        loaded.hosts,
        loaded.statements,
    )


def on_this_machine(reading: Reading) -> Reading:
    """The same, with what the network namespace we are in and the file system say about it."""
    return with_key_values(with_scripts(with_devices(reading)))


def with_devices(reading: Reading) -> Reading:
    """The same, looked at in the network namespace we are in: devices that are not there are problems too."""
    if not reading.devices:
        return reading
    from pyvrrp.config.interfaces import absent_interfaces

    try:
        dynamic = reading.config.global_defs.dynamic_interfaces
        made = {vmac.name for instance in reading.config.vrrp_instances for vmac in instance.vmacs}
        present = made.union(_present())
        found = absent_interfaces(reading.devices, present, dynamic=dynamic)
        missing = frozenset(use.name for use in reading.devices if use.needed and use.name not in present)
        reading = replace(reading, absent=frozenset() if dynamic else missing)
    except KernelError as error:
        found = (
            ConfigProblem(
                span=reading.devices[0].span,
                severity=Severity.WARNING,
                message=f"the network devices cannot be listed: {error}",
                effect="whether they exist is not checked",
            ),
        )
    return replace(reading, problems=(*reading.problems, *found))


def with_scripts(reading: Reading) -> Reading:
    """The same, with what the file system says about the scripts, and without those that are not to be run."""
    if not reading.scripts:
        return reading
    from pyvrrp.config.interfaces import stop_keepalived
    from pyvrrp.config.scripts import script_problems
    from pyvrrp.kernel.scripts import ScriptFiles

    fatal = stop_keepalived(reading.problems)
    found = script_problems(reading.scripts, reading.config.global_defs.scripts, ScriptFiles(), fatal=fatal)
    places = {problem.span for problem in found if problem.severity is Severity.ERROR}
    refused = {use.command for use in reading.scripts if use.span in places}
    config = without(reading.config, refused) if refused else reading.config
    return replace(reading, config=config, problems=(*reading.problems, *found))


def with_key_values(reading: Reading) -> Reading:
    """The same, with the keys of auth_hmac that stand in files; workers read none."""
    if not reading.key_files:
        return reading
    from pyvrrp.config.key_files import with_keys

    config, found = with_keys(reading.config, reading.key_files, Files().read_key)
    return replace(reading, config=config, problems=(*reading.problems, *found))


def with_hosts(reading: Reading) -> Reading:
    """The same, with what the resolver says about the mail servers. Only for -t: a daemon does not wait for it."""
    if not reading.hosts:
        return reading
    from pyvrrp.config.hosts import unknown_hosts
    from pyvrrp.kernel.hosts import lookup

    return replace(reading, problems=(*reading.problems, *unknown_hosts(reading.hosts, lookup)))


def without(config: Config, refused: Collection[Command]) -> Config:
    """The configuration without these commands: what may not be run in one place may not be in another.

    What tracked such a script goes on untracked, as in keepalived; a real server without its MISC_CHECK counts by its
    other checks, as if that had never been written.
    """
    config = _without(config, refused)
    names = {script.name for script in config.vrrp_scripts}
    instances = tuple(
        replace(instance, track_script=tuple(track for track in instance.track_script if track.name in names))
        for instance in config.vrrp_instances
    )
    return replace(config, vrrp_instances=instances)


def _without(one: Any, refused: Collection[Command]) -> Any:
    """The very same object where nothing of it is refused."""
    if type(one) is tuple:
        kept = tuple(_without(item, refused) for item in one if _essence(item) not in refused)
        return kept if len(kept) != len(one) or any(map(is_not, kept, one)) else one
    if not is_dataclass(one) or isinstance(one, type):
        return one
    if isinstance(one, Command):
        return None if one in refused else one
    members = ((member.name, getattr(one, member.name)) for member in fields(one))
    changes = {name: left for name, value in members if (left := _without(value, refused)) is not value}
    return replace(one, **changes) if changes else one


def _essence(item: Any) -> Command | None:
    """The command of a vrrp_script or a MISC_CHECK, which are nothing without it."""
    found: Command | None = getattr(item, "script", None) or getattr(item, "command", None)
    return found


def _present() -> frozenset[str]:
    from pyvrrp.kernel.links import LinuxLinks

    links = LinuxLinks()
    try:
        return frozenset(links.dump())
    finally:
        links.close()


def refusal(reading: Reading, running: Reading | None = None) -> str | None:
    """Why a running daemon does not go over to this configuration; None where it does.

    A device that is not there and that the running configuration does not name is taken for misspelt.
    """
    if not reading.statements:
        return "the file is empty, or no configuration"
    decisive = (p for p in reading.problems if p.severity is Severity.FATAL or p.damage or p.kind in _DAMAGED)
    worst = next(decisive, None)
    if worst is not None:
        return line(worst)
    unheard = reading.absent - {use.name for use in running.devices} if running is not None else frozenset()
    return next((line(p) for p in reading.problems if any(f"interface {n} does" in p.message for n in unheard)), None)


def line(problem: ConfigProblem) -> str:
    """The problem on one line, for a log."""
    span = problem.span
    place = f"{span.file}:{span.line}:{span.column}" if span.line else span.file
    advice = f"; {problem.suggestion}" if problem.suggestion else ""
    return f"{place}: {problem.severity.value}: {problem.message} ({problem.effect}){advice}"


def lines(problems: Iterable[ConfigProblem]) -> list[tuple[Level, str]]:
    return [(LEVELS[problem.severity], line(problem)) for problem in problems]


def named(problems: Iterable[ConfigProblem]) -> list[str]:
    """Those that the operator should be reminded of, a line each."""
    return [line(problem) for problem in problems if problem.severity in _NAMED]


def dump(config: object, name: str = "configuration", depth: int = 0) -> Iterator[str]:
    """The configuration with all defaults filled in, a line a value (--dump-conf)."""
    indent = "  " * depth
    if is_dataclass(config) and not isinstance(config, type):
        yield f"{indent}{name}: {type(config).__name__}"
        for member in fields(config):
            value = getattr(config, member.name)
            # A log is read by more people than the configuration.
            secret = bool(value) and (isinstance(value, bytes) or member.name == "password")
            yield from dump("(not shown)" if secret else value, member.name, depth + 1)
    elif isinstance(config, tuple) and any(is_dataclass(item) for item in config):
        for item in config:
            yield from dump(item, name, depth)
    else:
        yield f"{indent}{name} = {_shown(config)}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none"
    return "none" if value is None else value.name if hasattr(value, "name") else str(value)
