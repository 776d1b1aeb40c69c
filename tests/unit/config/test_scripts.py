from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pyvrrp.config.load import load
from pyvrrp.config.scripts import Finding, Kind, Weakness, script_problems
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity
from tests.unit.config.files import source

INSTANCE = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\n%s\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n"
TRACKED = 'vrrp_script chk {\nscript "/prog"\n%s\n}\n' + INSTANCE % "track_script {\nchk\n}"
NOTIFYING = INSTANCE % 'notify_master "/prog"'
SECURE = "global_defs {\nenable_script_security\n%s\n}\n"


@dataclass
class Machine:
    """A machine with the users root and nobody, where every program is as `finding` says."""

    finding: Finding = field(default_factory=Finding)
    has_default: bool = False
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    def account(self, user: str | None, group: str | None) -> tuple[int, int] | str:
        if user is None and not self.has_default:
            raise KeyError
        ids = {None: 77, "root": 0, "nobody": 99}
        return (ids[user], ids[user]) if user in ids else f"there is no user {user}"

    def inspect(self, program: str, uid: int, gid: int) -> Finding:
        self.asked.append((program, uid, gid))
        return self.finding


def judge(text: str, machine: Machine) -> list[ConfigProblem]:
    loaded = load(source(text))
    return list(script_problems(loaded.scripts, loaded.config.global_defs.scripts, machine))


@pytest.mark.parametrize("text", [TRACKED % "", NOTIFYING])
def test_any_script_without_script_security_is_a_violation(text: str) -> None:
    (problem,) = judge(text, Machine())
    assert problem.kind is ProblemClass.SECURITY
    assert problem.severity is Severity.WARNING
    assert judge(SECURE % "script_user root" + text, Machine()) == []


@pytest.mark.parametrize(("text", "kind"), [(TRACKED % "", ProblemClass.GENERAL), (NOTIFYING, ProblemClass.OK)])
def test_a_missing_script_is_told_once_and_is_no_violation(text: str, kind: ProblemClass) -> None:
    (problem,) = judge(text, Machine(Finding(missing="/prog: No such file or directory")))
    assert (problem.kind, problem.severity) == (kind, Severity.ERROR)
    assert "No such file" in problem.message


@pytest.mark.parametrize(("text", "kind"), [(TRACKED % "", ProblemClass.GENERAL), (NOTIFYING, ProblemClass.OK)])
def test_a_weak_script_is_dropped_with_script_security_only(text: str, kind: ProblemClass) -> None:
    machine = Machine(Finding(weakness=Weakness("/prog", "is owned by deploy", "chown root /prog")))
    (problem,) = judge(SECURE % "script_user root" + text, machine)
    assert (problem.kind, problem.suggestion) == (kind, "chown root /prog")
    assert "not run" in problem.effect
    violation, weak = judge(text, machine)
    assert violation.kind is ProblemClass.SECURITY
    assert (weak.kind, weak.severity) == (ProblemClass.OK, Severity.WARNING)


@pytest.mark.parametrize("text", [TRACKED % "", NOTIFYING])
def test_script_security_needs_an_account(text: str) -> None:
    (problem,) = judge(SECURE % "" + text, Machine())
    assert problem.kind is ProblemClass.GENERAL
    assert judge(SECURE % "" + text, Machine(has_default=True)) == []


def test_who_runs_a_script() -> None:
    machine = Machine()
    judge(TRACKED % "user nobody", machine)
    judge(INSTANCE % 'notify "/prog x" nobody', machine)
    judge("global_defs {\nscript_user nobody\n}\n" + NOTIFYING, machine)
    judge(NOTIFYING, machine)
    assert machine.asked == [("/prog", 99, 99)] * 3 + [("/prog", 0, 0)]


def test_unknown_accounts() -> None:
    (tracked,) = judge(TRACKED % "user gone", Machine())
    (notifying,) = judge(INSTANCE % 'notify "/prog" gone', Machine())
    assert (tracked.kind, notifying.kind) == (ProblemClass.GENERAL, ProblemClass.OK)
    (default,) = judge("global_defs {\nscript_user gone\n}\n" + INSTANCE % "", Machine())
    assert (default.kind, default.span.line) == (ProblemClass.GENERAL, 2)


def test_a_test_of_a_file_is_none_of_a_script() -> None:
    assert judge(TRACKED.replace("/prog", "</etc/passwd") % "", Machine()) == []


def test_where_commands_are_named() -> None:
    text = NOTIFYING + NOTIFYING + 'virtual_server 10.0.0.1 80 {\nquorum_up "/up"\nreal_server 10.0.0.2 80 {\n'
    text += 'MISC_CHECK {\nmisc_path "/misc a"\nuser nobody\n}\n}\n}\n'
    first, second, third = load(source(text)).scripts
    assert (first.user, first.kind, first.span.line) == ("notify_master of V", Kind.NOTIFY, 4)
    assert (second.kind, second.command.words) == (Kind.NOTIFY, ("/up",))
    assert (third.kind, third.command.words, third.command.user) == (Kind.CHECK, ("/misc", "a"), "nobody")
