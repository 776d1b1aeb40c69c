from __future__ import annotations

import pytest

from pyvrrp.model.tracked import Tracked
from pyvrrp.simulate.what_if import Outcome, UnknownThingError, what_if
from tests.unit.simulate.stage import pair


def outcomes(weight: int, **changes: object) -> dict[str, tuple[str | None, str | None]]:
    configs = pair(track_script=(Tracked(name="chk", weight=weight),), **changes)
    found = what_if(configs, "chk")
    return {outcome.on: (Outcome.master(outcome.before), Outcome.master(outcome.after)) for outcome in found}


def test_a_weight_that_is_enough() -> None:
    assert outcomes(-60) == {"a": ("a", "b"), "b": ("a", "a")}


def test_a_weight_that_is_not() -> None:
    assert outcomes(-2)["a"] == ("a", "a")


def test_a_weight_that_nopreempt_makes_useless() -> None:
    assert outcomes(-60, preempt=False)["a"] == ("a", "a")


def test_an_interface_on_one_director() -> None:
    (outcome,) = what_if(pair(), "a:eth0")
    assert (outcome.on, outcome.router) == ("a", "51 on eth0")
    assert Outcome.master(outcome.after) == "b"
    assert outcome.after[0].faults


def test_a_file_counts_from_one() -> None:
    (outcome, _) = what_if(pair(track_file=(Tracked(name="load", weight=-60),)), "load")
    assert Outcome.master(outcome.after) == "b"
    assert outcome.after[0].priority == 90


def test_what_nobody_has() -> None:
    with pytest.raises(UnknownThingError, match="nothing is called 'x'; there are eth0"):
        what_if(pair(), "x")
