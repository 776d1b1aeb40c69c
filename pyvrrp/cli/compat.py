"""``pyvrrpd``: the daemon, with keepalived's command line, flag for flag.

Long names may be shortened as far as they stay clear; an option whose argument may be left out takes it attached only
(``-t/path``, ``--config-test=/path``). What keepalived has and this version does not is accepted and
named in the log as not active yet. Nothing heavy is imported here: ``pyvrrpd -t`` runs in editors and in CI.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyvrrp import __version__
from pyvrrp.daemon.options import FACILITIES, Options

if TYPE_CHECKING:
    from pyvrrp.daemon.configuration import Reading


class Argument(Enum):
    """Whether an option takes an argument."""

    NONE = ""
    REQUIRED = "FILE"
    OPTIONAL = "[FILE]"


class Task(Enum):
    """What the command line asks for."""

    RUN = "run"
    TEST = "test"
    HELP = "help"
    VERSION = "version"
    SIGNUM = "signum"
    GENHASH = "genhash"


class UsageError(Exception):
    """A command line that keepalived would leave with status 1."""


@dataclass
class Invocation:
    """A command line, read."""

    task: Task = Task.RUN
    argument: str | None = None
    """Of -t the log file, of --signum the name."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Of `Options`."""
    not_active: list[str] = field(default_factory=list)
    rest: tuple[str, ...] = ()
    """What follows --genhash."""
    complaints: list[str] = field(default_factory=list)
    """What is ignored, in words for the user."""

    def options(self) -> Options:
        return Options(**self.fields, not_active=tuple(self.not_active))


Apply: TypeAlias = Callable[[Invocation, str | None], None]
"""Takes the option's argument, if it has one."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One option."""

    short: str
    """Empty where it has a long name only."""
    long: str
    apply: Apply
    help: str
    argument: Argument = Argument.NONE
    metavar: str = ""

    @property
    def usage(self) -> str:
        names = f"-{self.short}, --{self.long}" if self.short else f"    --{self.long}"
        match self.argument:
            case Argument.NONE:
                return names
            case Argument.REQUIRED:
                return f"{names}={self.metavar}"
            case Argument.OPTIONAL:
                return f"{names}[={self.metavar}]"


def _set(name: str, value: object) -> Apply:
    return lambda invocation, argument: invocation.fields.__setitem__(name, value)


def _take(name: str) -> Apply:
    return lambda invocation, argument: invocation.fields.__setitem__(name, argument)


def _task(task: Task) -> Apply:
    def apply(invocation: Invocation, argument: str | None) -> None:
        invocation.task, invocation.argument = task, argument

    return apply


def _later(flag: str) -> Apply:
    return lambda invocation, argument: invocation.not_active.append(flag)


def _path(invocation: Invocation, argument: str | None) -> None:
    # Absolute, so that a reload finds it again after the daemon has gone to /.
    invocation.fields["config_file"] = os.path.abspath(argument or "")


def _record(invocation: Invocation, argument: str | None) -> None:
    invocation.fields["record"] = os.path.abspath(argument or "")


def _detail(invocation: Invocation, argument: str | None) -> None:
    invocation.fields["log_detail"] = min(2, invocation.fields.get("log_detail", 0) + 1)


def _facility(invocation: Invocation, argument: str | None) -> None:
    name = f"local{argument}" if argument in set("01234567") else argument
    if name in FACILITIES:
        invocation.fields["log_facility"] = name
    else:
        invocation.complaints.append(f"log facility {argument!r} is ignored: 0 to 7, local0 to local7, user or daemon")


def _umask(invocation: Invocation, argument: str | None) -> None:
    text = (argument or "").lower()
    base = 16 if text.startswith("0x") else 8 if text.startswith("0") else 10
    try:
        mask = int(text, base)
    except ValueError:
        mask = -1
    if 0 <= mask <= 0o777:
        invocation.fields["umask"] = mask
    else:
        invocation.complaints.append(f"umask {argument!r} is ignored: a number from 0 to 0777")


_OPTIONAL, _REQUIRED = Argument.OPTIONAL, Argument.REQUIRED
FLAGS: Final = (
    Flag("f", "use-file", _path, "the configuration, or a pattern for several files", _REQUIRED, "FILE"),
    Flag("P", "vrrp", _set("run_checkers", False), "VRRP only"),
    Flag("C", "check", _set("run_vrrp", False), "health checks only"),
    Flag("B", "no_bfd", lambda invocation, argument: None, "no BFD (this version has none)"),
    Flag("", "all", _set("all_workers", True), "start every worker, with or without something to do for it"),
    Flag("l", "log-console", _set("log_console", True), "log to the standard error too (with -n)"),
    Flag("D", "log-detail", _detail, "log more; twice: still more"),
    Flag("S", "log-facility", _facility, "syslog facility: 0-7, local0-7, user, daemon", _REQUIRED, "FACILITY"),
    Flag("g", "log-file", _later("--log-file"), "log to a file too", _OPTIONAL, "FILE"),
    Flag("", "flush-log-file", _later("--flush-log-file"), "write each line to the log file at once"),
    Flag("G", "no-syslog", _set("no_syslog", True), "nothing to syslog"),
    Flag("u", "umask", _umask, "file mode creation mask", _REQUIRED, "MASK"),
    Flag("X", "release-vips", _later("--release-vips"), "delete VIPs on leaving MASTER even if others set them"),
    Flag("V", "dont-release-vrrp", _set("dont_release_vrrp", True), "leave VIPs in place on stop"),
    Flag("I", "dont-release-ipvs", _set("dont_release_ipvs", True), "leave the IPVS table in place on stop"),
    Flag("R", "dont-respawn", _set("dont_respawn", True), "stop if a worker dies, instead of replacing it"),
    Flag("n", "dont-fork", _set("foreground", True), "stay in the foreground"),
    Flag("d", "dump-conf", _set("dump_config", True), "log the configuration at start"),
    Flag("p", "pid", _take("pid_file"), "pid file of the daemon", _REQUIRED, "FILE"),
    Flag("r", "vrrp_pid", _take("vrrp_pid_file"), "pid file of the VRRP worker", _REQUIRED, "FILE"),
    Flag("c", "checkers_pid", _take("checkers_pid_file"), "pid file of the health checks' worker", _REQUIRED, "FILE"),
    Flag("b", "bfd_pid", _later("--bfd_pid"), "pid file of the BFD worker", _REQUIRED, "FILE"),
    Flag("a", "address-monitoring", _later("--address-monitoring"), "log every change of an address"),
    Flag("s", "namespace", _take("net_namespace"), "run in this network namespace", _REQUIRED, "NAME"),
    Flag("m", "core-dump", _later("--core-dump"), "write a core file after a crash"),
    Flag("M", "core-dump-pattern", _later("--core-dump-pattern"), "where to write it", _OPTIONAL, "PATTERN"),
    Flag("e", "all-config", _later("--all-config"), "complain about every include that finds nothing"),
    Flag("i", "config-id", _take("config_id"), "what @ID lines compare with (the host's name)", _REQUIRED, "ID"),
    Flag("x", "snmp", _later("--snmp"), "answer SNMP"),
    Flag("A", "snmp-agent-socket", _later("--snmp-agent-socket"), "where the SNMP agent listens", _REQUIRED, "ADDRESS"),
    Flag("t", "config-test", _task(Task.TEST), "check the configuration and exit", _OPTIONAL, "LOGFILE"),
    Flag("", "config-fd", _later("--config-fd"), "used by keepalived itself", _REQUIRED, "NUMBER"),
    Flag("", "record", _record, "record all to FILE.vrrp and FILE.checkers (pyvrrp replay)", _REQUIRED, "FILE"),
    Flag("", "ignore-sigint", _set("ignore_sigint", True), "Ctrl-C does not stop the daemon"),
    Flag(
        "",
        "signum",
        _task(Task.SIGNUM),
        "print the number of a signal: STOP RELOAD DATA STATS STATS_CLEAR JSON",
        _REQUIRED,
        "NAME",
    ),
    Flag("T", "genhash", _task(Task.GENHASH), "work as genhash, with the options that follow"),
    Flag("v", "version", _task(Task.VERSION), "print the version"),
    Flag("h", "help", _task(Task.HELP), "print this"),
)
_SHORT: Final = {flag.short: flag for flag in FLAGS if flag.short}
_AT_ONCE: Final = frozenset({Task.HELP, Task.VERSION, Task.SIGNUM, Task.GENHASH})
"""Tasks that are done where they stand, whatever follows."""


def parse(arguments: Sequence[str]) -> Invocation:
    """Read a command line (without the program's name) as getopt_long(3) does. UsageError."""
    invocation = Invocation()
    extra: list[str] = []
    rest = list(arguments)
    while rest and invocation.task not in _AT_ONCE:
        word = rest.pop(0)
        if word == "--":
            extra += rest
            break
        if word.startswith("--"):
            _long(invocation, word, rest)
        elif word.startswith("-") and len(word) > 1:
            _cluster(invocation, word, rest)
        else:
            extra.append(word)
    if invocation.task is Task.GENHASH:
        invocation.rest = tuple(rest)
    elif extra:
        invocation.complaints.append(f"Unexpected argument(s): {' '.join(extra)}")
    return invocation


def _long(invocation: Invocation, word: str, rest: list[str]) -> None:
    name, equals, value = word[2:].partition("=")
    named = [flag for flag in FLAGS if flag.long == name] or [flag for flag in FLAGS if flag.long.startswith(name)]
    if len(named) != 1:
        several = f"; it may be {', '.join('--' + flag.long for flag in named)}" if named else ""
        raise UsageError(f"Unknown option --{name}{several}")
    flag = named[0]
    if flag.argument is Argument.NONE and equals:
        raise UsageError(f"Option --{flag.long} takes no argument")
    if flag.argument is Argument.REQUIRED and not equals:
        value = rest.pop(0) if rest else ""
    if not value and (equals or flag.argument is Argument.REQUIRED):
        raise UsageError(f"Missing argument for option --{flag.long}")
    flag.apply(invocation, value or None)


def _cluster(invocation: Invocation, word: str, rest: list[str]) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = _SHORT.get(letter)
        if flag is None:
            raise UsageError(f"Unknown option -{letter}")
        if flag.argument is Argument.NONE:
            flag.apply(invocation, None)
            if invocation.task in _AT_ONCE:
                return
            continue
        if flag.argument is Argument.REQUIRED and not letters:
            letters = rest.pop(0) if rest else ""
            if not letters:
                raise UsageError(f"Missing argument for option -{letter}")
        flag.apply(invocation, letters or None)
        return


def usage() -> str:
    width = max(len(flag.usage) for flag in FLAGS)
    lines = [f"  {flag.usage:{width}}  {flag.help}" for flag in FLAGS]
    return "\n".join(["Usage: pyvrrpd [OPTION...]", *lines])


def main() -> None:
    """Entry point of the ``pyvrrpd`` script, and of links to it that are called genhash, as keepalived has one."""
    called_genhash = os.path.basename(sys.argv[0]) == "genhash"
    status = run(["-T", *sys.argv[1:]] if called_genhash else sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, AttributeError):  # whoever read us is gone, or nobody ever did
            stream.flush()
    # The interpreter would free a large configuration value by value.
    os._exit(status)


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit status."""
    try:
        invocation = parse(arguments)
    except UsageError as error:
        _tell(f"pyvrrpd: {error}", "Try pyvrrpd --help")
        return 1
    _tell(*(f"pyvrrpd: {complaint}" for complaint in invocation.complaints))
    match invocation.task:
        case Task.HELP:
            _tell(usage())
            return 0
        case Task.VERSION:
            _tell(f"pyvrrpd {__version__} (Python {sys.version.split()[0]}), for keepalived.conf")
            return 0
        case Task.SIGNUM:
            return _signum(invocation.argument or "")
        case Task.TEST:
            return _test(invocation)
        case Task.GENHASH:
            from pyvrrp.cli.genhash import run as genhash

            return genhash(invocation.rest)
        case Task.RUN:
            from pyvrrp.daemon.start import start

            return start(invocation.options(), _show)


def _signum(name: str) -> int:
    from pyvrrp.daemon.signals import number

    found = number(name)
    if found is None:
        _tell(f"pyvrrpd: no signal is called {name}")
        return 1
    sys.stdout.write(f"{found}\n")
    return 0


def _test(invocation: Invocation) -> int:
    """keepalived's verdict, as its status; all there is to say, to the standard error or appended to a file."""
    gc.disable()  # the process ends before there is any garbage
    from pyvrrp.config.load import exit_status
    from pyvrrp.daemon.configuration import on_this_machine, read, with_hosts
    from pyvrrp.errors import KernelError

    options = invocation.options()
    text = [f"option {flag}: not active yet" for flag in options.not_active]
    reading = read(options)
    namespace = options.net_namespace or reading.config.global_defs.net_namespace
    try:
        if namespace is not None:
            from pyvrrp.kernel.netns import enter

            enter(namespace)
        reading = with_hosts(on_this_machine(reading))
    except KernelError as error:  # no reason for another status: keepalived's is 0 then
        text.append(f"{error}; whether the network devices exist is not checked")
    text.append(_show(reading))
    status = exit_status(reading.problems)
    try:
        _report(text, invocation.argument)
    except OSError as error:
        _tell(f"pyvrrpd: {invocation.argument}: {error.strerror}", *text)
        return 1
    return status


def _report(text: list[str], path: str | None) -> None:
    if path is None:
        _tell(*filter(None, text))
        return
    with open(path, "a") as file:
        file.writelines(f"{part}\n" for part in text if part)


def _show(reading: Reading) -> str:
    """The problems as `pyvrrp check` shows them; nothing where there are none."""
    if not reading.problems:
        return ""
    from pyvrrp.cli.check import render

    terminal = sys.stderr.isatty()
    width = os.get_terminal_size(2).columns if terminal else 120
    return render(reading.problems, color=terminal, width=width, wrap=terminal).rstrip("\n")


def _tell(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")
