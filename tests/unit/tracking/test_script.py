"""A vrrp_script's counter and its clock."""

from __future__ import annotations

import pytest

from pyvrrp.core.log import Log
from pyvrrp.core.tracking.script import PATIENCE, EndScript, RunScript, ScriptMachine
from pyvrrp.model.scripts import Command, VrrpScript
from pyvrrp.units import SECOND


def machine(**changes: object) -> ScriptMachine:
    return ScriptMachine(VrrpScript(name="chk", script=Command(("/bin/chk",)), **changes))  # type: ignore[arg-type]


def play(script: ScriptMachine, results: str) -> str:
    """Results as + and -; what it was after each: U up, D down."""
    script.start(0)
    states = ""
    for n, result in enumerate(results):
        at = n * SECOND + SECOND // 2
        script.finished(at, 0 if result == "+" else 1)
        states += "U" if script.is_up else "D"
        script.due((n + 1) * SECOND)
    return states


@pytest.mark.parametrize(
    ("rise", "fall", "results", "states"),
    [
        (1, 1, "+-+-", "UDUD"),
        (1, 1, "-+", "DU"),
        (2, 3, "+", "U"),
        (2, 3, "+--+---", "UUUUUUD"),
        (2, 3, "-+-++", "DDDDU"),
        (3, 2, "-++-+++", "DDDDDDU"),
        (1, 3, "+---+", "UUUDU"),
    ],
)
def test_rise_and_fall(rise: int, fall: int, results: str, states: str) -> None:
    assert play(machine(rise=rise, fall=fall), results) == states


def test_unknown_until_the_first_result_unless_init_fail() -> None:
    assert machine().is_up is None
    assert machine(init_fail=True).is_up is False


def test_init_fail_asks_for_rise_successes() -> None:
    assert play(machine(init_fail=True, rise=2), "+-++") == "DDDU"


def test_it_runs_at_once_and_every_interval() -> None:
    script = machine(interval=2 * SECOND)
    assert script.start(5) == [RunScript(script.config)]
    script.finished(6, 0)
    assert script.deadline() == 5 + 2 * SECOND
    assert script.due(5 + 2 * SECOND) == [RunScript(script.config)]


def test_never_two_at_once() -> None:
    script = machine(timeout=10 * SECOND)
    script.start(0)
    actions = script.due(SECOND)
    assert [type(action) for action in actions] == [Log]
    assert script.running


def test_an_overdue_one_is_asked_then_killed_and_counts_as_a_failure() -> None:
    script = machine(interval=60 * SECOND, timeout=3 * SECOND)
    script.start(0)
    assert script.deadline() == 3 * SECOND
    assert script.due(3 * SECOND) == [EndScript("chk", kill=False)]
    assert script.due(3 * SECOND + PATIENCE) == [EndScript("chk", kill=True)]
    told = script.finished(6 * SECOND, -9)
    assert script.is_up is False
    assert [action.text for action in told if isinstance(action, Log)] == [
        "Script `chk` ended by signal 9",
        "VRRP_Script(chk) timed_out",
        "Script `chk`: timed out after 3 s, ended after 6 s",
    ]


def test_success_after_the_time_is_over_is_a_failure() -> None:
    script = machine(interval=60 * SECOND, timeout=SECOND)
    script.start(0)
    script.due(SECOND)
    script.finished(SECOND + 1, 0)
    assert script.is_up is False


def test_changes_are_told_once() -> None:
    script = machine()
    script.start(0)
    assert len(script.finished(1, 0)) == 2
    script.due(SECOND)
    assert script.finished(SECOND + 1, 0) == []


def test_what_cannot_be_started_has_failed() -> None:
    script = machine()
    script.start(0)
    told = script.not_started(1, "Permission denied")
    assert isinstance(told[0], Log)
    assert "Permission denied" in told[0].text
    assert script.is_up is False


def test_a_reload_keeps_the_result_and_the_clock() -> None:
    old = machine(rise=2, fall=2)
    old.start(0)
    old.finished(1, 0)
    new = machine(rise=5, fall=5)
    new.resume(old)
    assert new.is_up
    assert new.deadline() == old.deadline()
    new.due(SECOND)
    new.finished(SECOND + 1, 1)
    assert new.is_up
