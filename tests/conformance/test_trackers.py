"""What files, processes, BFD sessions and weights do to an instance."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyvrrp.core.vrrp.events import InterfaceChanged, InterfaceFacts, TrackerChanged
from pyvrrp.core.vrrp.priority import contribution
from pyvrrp.model.tracked import Tracked, Tracker
from tests.conformance.play import Director, director, instance, us


def tell(d: Director, at: float, kind: Tracker, value: bool | int | None, detail: str = "") -> list[str]:
    return d.do(TrackerChanged(us(at), kind, "t", value, detail))


@pytest.mark.parametrize(
    ("weight", "reverse", "down", "up"),
    [
        (0, False, None, 0),
        (0, True, 0, None),
        (20, False, 0, 20),
        (-20, False, -20, 0),
        (20, True, 0, -20),
        (-20, True, 20, 0),
    ],
)
def test_up_and_down_as_keepalived_counts_them(weight: int, reverse: bool, down: int | None, up: int | None) -> None:
    track = Tracked(name="t", weight=weight, reverse=reverse)
    assert (contribution(track, False), contribution(track, True)) == (down, up)


@pytest.mark.parametrize(
    ("weight", "reverse", "number", "added"),
    [
        (1, False, 0, 0),
        (2, False, 5, 10),
        (2, False, -90, -180),
        (3, False, -90, None),
        (3, False, 90, 253),
        (-3, False, 90, None),
        (3, True, 5, -15),
        (1, False, -253, -253),
        (1, False, -254, None),
        (0, False, 0, 0),
        (0, False, 7, None),
        (0, True, 7, 0),
        (0, True, 0, None),
    ],
)
def test_numbers_as_keepalived_counts_them(weight: int, reverse: bool, number: int, added: int | None) -> None:
    assert contribution(Tracked(name="t", weight=weight, reverse=reverse), number) == added


def test_a_file_moves_the_priority_and_can_be_a_fault() -> None:
    d = director(instance(track_file=(Tracked(name="t", weight=2),)))
    tell(d, 0, Tracker.FILE, 0)
    d.start()
    assert tell(d, 1, Tracker.FILE, -5) == []
    assert d.view().effective_priority == 90
    assert d.view().priority_sum == (("priority", 100), ("track_file t -5 x 2", -10))
    assert tell(d, 2, Tracker.FILE, -200)[-1] == "V BACKUP->FAULT: tracked file"
    assert d.view().detail == "t is -200, times 2"
    assert tell(d, 3, Tracker.FILE, 1) == ["V FAULT->BACKUP: fault cleared"]


@pytest.mark.parametrize("kind", [Tracker.PROCESS, Tracker.BFD])
def test_without_a_weight_down_is_a_fault_and_why_is_said(kind: Tracker) -> None:
    d = director(replace(instance(), **{kind.value: (Tracked(name="t"),)}))  # type: ignore[arg-type]
    d.start()
    assert d.state() == "BACKUP", "what is not known yet says nothing"
    tell(d, 1, kind, False, "none of 1 runs")
    assert d.state() == "FAULT"
    assert d.view().detail == "t: none of 1 runs"
    tell(d, 2, kind, True)
    assert d.state() == "BACKUP"


def test_all_that_is_wrong_is_said() -> None:
    d = director(instance(track_script=(Tracked(name="a"), Tracked(name="b"))))
    for name in "ab":
        d.do(TrackerChanged(0, Tracker.SCRIPT, name, False, "exit status 1"))
    d.start()
    assert d.view().detail == "a: exit status 1, b: exit status 1"


def test_what_is_to_be_found_out_anew_is_neither_up_nor_down() -> None:
    d = director(instance(track_process=(Tracked(name="t", weight=-10),)))
    d.start()
    tell(d, 1, Tracker.PROCESS, False)
    assert d.view().effective_priority == 90
    tell(d, 2, Tracker.PROCESS, None)
    assert d.view().effective_priority == 100


def test_a_reversed_interface() -> None:
    d = director(instance(track_interface=(Tracked(name="eth7", weight=20, reverse=True),)))
    d.start()
    assert d.view().effective_priority == 100
    d.do(InterfaceChanged(us(1), "eth7", InterfaceFacts(9, True, b"\2\0\0\0\0\7")))
    assert d.view().priority_sum == (("priority", 100), ("track_interface eth7 up", -20))
