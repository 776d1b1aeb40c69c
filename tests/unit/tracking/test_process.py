"""vrrp_track_process: which processes are meant, and when their number counts."""

from __future__ import annotations

from typing import Any

import pytest

from pyvrrp.core.tracking.process import ProcessMachine
from pyvrrp.model.tracked import TrackProcess
from pyvrrp.units import SECOND


def machine(*words: str, **changes: Any) -> ProcessMachine:
    return ProcessMachine(TrackProcess(name="p", process=words or ("daemon",), **changes))


@pytest.mark.parametrize(
    ("words", "match", "meant"),
    [
        (("d",), None, ["d", "d one", "d one two", "d onex y"]),
        (("d", "one"), None, ["d one"]),
        (("d", "one"), "exact", ["d one"]),
        (("d",), "exact", ["d"]),
        (("d", "one"), "initial", ["d one", "d one two", "d onex y"]),
        (("d", "one"), "partial", ["d one", "d one two"]),
        (("d", "on"), "partial", []),
        (("e",), None, []),
    ],
)
def test_which_processes_are_meant(words: tuple[str, ...], match: str | None, meant: list[str]) -> None:
    """As keepalived 2.2.7 counts them."""
    watched = machine(*words, param_match=match)
    lines = ["d", "d one", "d one two", "d onex y", "dx", "dx one"]
    found = [
        line
        for line in lines
        if watched.matches(line.split()[0].encode(), b"".join(word.encode() + b"\0" for word in line.split()))
    ]
    assert found == meant


def test_a_name_that_the_kernel_cuts_is_looked_for_on_the_command_line() -> None:
    watched = machine("averyveryverylongname")
    assert watched.reads_command
    assert watched.matches(b"averyveryverylo", b"averyveryverylongname\0-x\0")
    assert not watched.matches(b"averyveryverylo", b"averyveryverylonely\0")


def test_a_full_command_has_its_path() -> None:
    watched = machine("/usr/sbin/d", full_command=True)
    assert watched.matches(b"d", b"/usr/sbin/d\0-x\0")
    assert not watched.matches(b"d", b"d\0")


@pytest.mark.parametrize(
    ("limits", "good", "said"),
    [
        ({}, [1, 2, 3, 4], "none runs"),
        ({"quorum": 2}, [2, 3, 4], "none runs, 2 wanted"),
        ({"quorum": 2, "quorum_max": 3}, [2, 3], "none runs, 2 wanted"),
        ({"quorum_max": 0}, [0], "none runs"),
    ],
)
def test_how_many_are_enough(limits: dict[str, int], good: list[int], said: str) -> None:
    watched = machine(**limits)
    watched.begin(0)
    assert watched.describe() == said
    found = []
    for count in range(5):
        watched.begin(count)
        found += [count] if watched.is_up else []
    assert found == good


def test_too_many_are_said_so() -> None:
    watched = machine(quorum_max=0)
    watched.begin(2)
    assert watched.describe() == "2 run, none wanted"
    watched = machine(quorum_max=1)
    watched.begin(2)
    assert watched.describe() == "2 run, at most 1 wanted"


def test_without_delays_a_change_counts_at_once() -> None:
    watched = machine()
    watched.begin(0)
    found = []
    for at, count in ((1, 1), (2, 0)):
        watched.counted(at, count)
        found.append(watched.is_up)
    assert found == [True, False]
    assert watched.deadline() is None


def test_a_restart_within_the_delay_is_no_failure() -> None:
    watched = machine(terminate_delay=2 * SECOND)
    watched.begin(1)
    watched.counted(SECOND, 0)
    assert watched.is_up
    assert watched.deadline() == 3 * SECOND
    watched.counted(2 * SECOND, 1)
    assert watched.deadline() is None
    watched.counted(5 * SECOND, 0)
    watched.due(7 * SECOND)
    assert not watched.is_up


def test_one_that_does_not_last_was_never_there() -> None:
    watched = machine(fork_delay=2 * SECOND)
    watched.begin(0)
    watched.counted(0, 1)
    watched.counted(SECOND, 0)
    assert watched.deadline() is None
    watched.counted(SECOND, 1)
    watched.counted(2 * SECOND, 2)
    assert watched.deadline() == 3 * SECOND, "it counts from when there were enough"
    watched.due(3 * SECOND)
    assert watched.is_up
