"""Which scripts a configuration names, and what to say about them once somebody has looked at the file system.

What keepalived judges (notify.c, check_script_secure): a script of an unknown account is dropped; one that is not
there is dropped, and a vrrp_script of that kind is complained about; one that root would run although others could
change it is dropped with enable_script_security; and if any script is there, the absence of enable_script_security
is a violation, whoever owns the file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Protocol

from pyvrrp.config.problems import Problems
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values, flag, integer
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span
from pyvrrp.model.scripts import Command, ScriptRules
from pyvrrp.units import SECOND

EARLY: Final = frozenset({"startup_script", "shutdown_script"})
OWN_USER: Final = frozenset({"script", "misc_path"})
"""Keywords whose block may say ``user``."""


class Kind(Enum):
    """How keepalived treats what is wrong with a script."""

    TRACK = "vrrp_script"
    CHECK = "MISC_CHECK"
    EARLY = "startup or shutdown"
    NOTIFY = "notify"
    ACCOUNT = "script_user"


@dataclass(frozen=True, slots=True)
class ScriptUse:
    """One place where a command is named."""

    command: Command
    span: Span
    """Of the command's word."""
    user: str
    """What runs it: ``notify_master of V``."""
    kind: Kind
    vrrp: bool = True
    """keepalived's VRRP process judges it; False: the checkers or the parent."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """Why others than root could change what root is about to run."""

    path: str
    """The component of the path."""
    reason: str
    """``is owned by deploy``, ``may be written by group staff (mode 0775)``."""
    cure: str
    """The shell command that mends it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the file system says about a script."""

    missing: str | None = None
    """Why it cannot be found, or None."""
    refused: str | None = None
    """Why its user cannot run it, or None."""
    irregular: bool = False
    """It is not a regular file at all, which keepalived counts among the insecure."""
    weakness: Weakness | None = None


class Accounts(Protocol):
    """What judging scripts needs of the machine."""

    def account(self, user: str | None, group: str | None) -> tuple[int, int] | str:
        """Uid and gid, or what is wrong; without a user those of keepalived_script, KeyError if there is none."""
        ...

    def inspect(self, program: str, uid: int, gid: int) -> Finding:
        """Whether that user can run it, and whether others could change it."""
        ...


def script_uses(
    block: Statement, skipped: Collection[int], problems: Problems, owner: str = "", *, vrrp: bool = True
) -> Iterator[ScriptUse]:
    """All commands of the tree but those in `skipped` statements (by identity). `owner`: what the block is about."""
    for child in block.children:
        if id(child) in skipped:
            continue
        if child.word == "script_user" and len(child.words) > 1:
            span = problems.source.span(child.line, 1)
            yield ScriptUse(Command((), *[*child.words[1:3], None][:2]), span, child.word, Kind.ACCOUNT)
        elif isinstance(child.value, Command):
            user = f"{child.word} of {owner}" if owner else child.word
            span = problems.source.span(child.line, 1)
            own = vrrp and child.word not in EARLY
            yield ScriptUse(command_of(child, block), span, user, _kind(child, block), own)
        elif child.children:
            inside = " ".join(child.words[1:]) or owner
            yield from script_uses(child, skipped, problems, inside, vrrp=vrrp and child.word != "virtual_server")


def read_script_rules(values: Values) -> ScriptRules:
    """From the values of global_defs."""
    words = values.get("script_user")
    user, group, *_ = [*words, None] if isinstance(words, tuple) else [None, None]
    startup, shutdown = values.get("startup_script"), values.get("shutdown_script")
    return ScriptRules(
        script_user=user,
        script_group=group,
        enable_script_security=flag(values, "enable_script_security"),
        use_symlink_paths=flag(values, "use_symlink_paths"),
        set_supplementary_groups=flag(values, "set_supplementary_groups"),
        startup_script=startup if isinstance(startup, Command) else None,
        startup_script_timeout=integer(values, "startup_script_timeout", 10) * SECOND,
        shutdown_script=shutdown if isinstance(shutdown, Command) else None,
        shutdown_script_timeout=integer(values, "shutdown_script_timeout", 10) * SECOND,
        rs_init_notifies=flag(values, "rs_init_notifies"),
    )


def script_problems(
    uses: Iterable[ScriptUse], rules: ScriptRules | None, accounts: Accounts, *, fatal: bool = False
) -> tuple[ConfigProblem, ...]:
    """What is wrong with the scripts on this machine. `fatal`: VRRP does not start, so that keepalived does not come
    to judge its scripts' security."""
    return tuple(_problems(uses, rules or ScriptRules(), accounts, fatal))


def _problems(
    uses: Iterable[ScriptUse], rules: ScriptRules, accounts: Accounts, fatal: bool
) -> Iterator[ConfigProblem]:
    violation = False
    for use in uses:
        command = use.command
        account = _account(command, rules, accounts)
        effect = _effect(use)
        if isinstance(account, str):
            default = command.user is None and rules.script_user is None
            told = default or use.kind is not Kind.NOTIFY
            yield _problem(use, account, effect, ProblemClass.GENERAL if told else ProblemClass.OK)
            continue
        if use.kind is Kind.ACCOUNT:
            continue
        if command.words[0].startswith("<"):
            if use.kind is Kind.NOTIFY:
                yield _problem(use, "a test of a file notifies nobody", effect, ProblemClass.OK)
            continue
        finding = accounts.inspect(command.words[0], *account)
        complaint = ProblemClass.GENERAL if use.kind is Kind.TRACK else ProblemClass.OK
        if finding.missing is not None:
            yield _problem(use, finding.missing, effect, complaint)
            continue
        if not rules.enable_script_security and not violation and not (fatal and use.vrrp):
            violation = True
            yield ConfigProblem(
                span=use.span,
                severity=Severity.WARNING,
                message="scripts are run without enable_script_security",
                effect="scripts that others could change are run as root as well",
                suggestion="write enable_script_security into global_defs",
                kind=ProblemClass.SECURITY,
            )
        if finding.refused is not None:
            kind = complaint if finding.irregular else ProblemClass.OK
            yield _problem(use, finding.refused, effect, kind)
        elif finding.weakness is not None:
            weakness = finding.weakness
            problem = _problem(use, f"{weakness.path} {weakness.reason}", effect, complaint)
            if not rules.enable_script_security:
                problem = replace(
                    problem, severity=Severity.WARNING, effect="it is run nevertheless", kind=ProblemClass.OK
                )
            yield replace(problem, suggestion=weakness.cure)


def _account(command: Command, rules: ScriptRules, accounts: Accounts) -> tuple[int, int] | str:
    if command.user is not None:
        return accounts.account(command.user, command.group)
    if rules.script_user is not None:
        return accounts.account(rules.script_user, rules.script_group)
    try:
        return accounts.account(None, None)
    except KeyError:
        if rules.enable_script_security:
            return "with enable_script_security a script needs script_user, or an account named keepalived_script"
        return 0, 0


def _effect(use: ScriptUse) -> str:
    if use.kind is Kind.ACCOUNT:
        return "scripts that name no user of their own are not run"
    if use.kind is Kind.CHECK:
        return "it is not run, and the real server is not checked by it: without another check it counts as up"
    if use.kind is Kind.TRACK:
        return "it is not run, and what tracks it is not tracked by it"
    return "it is not run"


def _problem(use: ScriptUse, message: str, effect: str, kind: ProblemClass) -> ConfigProblem:
    severity = Severity.ERROR
    return ConfigProblem(span=use.span, severity=severity, message=f"{use.user}: {message}", effect=effect, kind=kind)


def command_of(statement: Statement, block: Statement) -> Command:
    """The command, and who runs it: where the block has a keyword for that, words after the command do not count."""
    command = statement.value
    assert isinstance(command, Command)
    if statement.word not in OWN_USER:
        return command
    users = [child.words[1:3] for child in block.children if child.word == "user" and len(child.words) > 1]
    user, group, *_ = [*users[-1], None] if users else [None, None]
    return replace(command, user=user, group=group)


def _kind(statement: Statement, block: Statement) -> Kind:
    if statement.word in EARLY:
        return Kind.EARLY
    if statement.word == "misc_path":
        return Kind.CHECK
    return Kind.TRACK if block.word == "vrrp_script" else Kind.NOTIFY
