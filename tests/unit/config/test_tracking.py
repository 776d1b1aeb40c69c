from __future__ import annotations

import pytest

from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.problems import Problems
from pyvrrp.config.source import Line
from pyvrrp.config.tracking import Definition, definitions, read_tracked_interfaces
from pyvrrp.config.tree import Statement, parse
from pyvrrp.errors import ConfigProblem
from pyvrrp.model.tracked import Tracked, TrackFile
from tests.unit.config.files import only, source


def read(*lines: str, own: str | None = "eth0") -> tuple[tuple[Tracked, ...], list[ConfigProblem]]:
    problems = Problems(source("\n".join(lines)))
    children = [Statement(None, text.split(), Line(0, at, 1, text, text)) for at, text in enumerate(lines, 1)]
    block = Statement(None, ["track_interface"], children[0].line, children=children)
    uses: list[InterfaceUse] = []
    tracked = read_tracked_interfaces(block, "V", own, problems, uses)
    assert [use.name for use in uses] == [one.name for one in tracked]
    return tracked, problems.found


@pytest.mark.parametrize(
    ("line", "weight", "reverse"),
    [
        ("eth1", 0, False),
        ("eth1 weight 0", 0, False),
        ("eth1 weight 253", 253, False),
        ("eth1 weight -10 reverse", -10, True),
        ("eth1 weight 0 reverse", 0, True),
    ],
)
def test_good_lines(line: str, weight: int, reverse: bool) -> None:
    assert read(line) == ((Tracked(name="eth1", weight=weight, reverse=reverse),), [])


@pytest.mark.parametrize(
    ("line", "weight"),
    [
        ("eth1 weight 300", 0),
        ("eth1 weight abc", 0),
        ("eth1 weight", 0),
        ("eth1 weight 254", 253),
        ("eth1 weight -254", -253),
        ("eth1 reverse", 0),
        ("eth1 weight 5 foo", 5),
    ],
)
def test_wrong_lines_track_as_far_as_they_can(line: str, weight: int) -> None:
    tracked, problems = read(line)
    assert [one.weight for one in tracked] == [weight]
    assert only(problems).effect


def test_the_own_interface_and_repetitions_are_ignored() -> None:
    tracked, problems = read("eth0", "eth1", "eth1 weight 5")
    assert tracked == (Tracked(name="eth1"),)
    assert [problem.span.line for problem in problems] == [1, 3]
    assert read("eth0", own=None)[0] == (Tracked(name="eth0"),)


def test_definitions_know_their_order_and_the_first_counts() -> None:
    text = "vrrp_script a {\n}\nvrrp_track_file f {\n}\nvrrp_script a {\n}\ntrack_file g {\n}\nbfd_instance b {\n}\n"
    expanded = source(text)
    made = [TrackFile(name="g", file="/g", weight=7), TrackFile(name="g", file="/h", weight=8)]
    assert definitions(parse(expanded, Problems(expanded)), made) == {
        "vrrp_script": {"a": Definition(0, usable=False)},
        "track_file": {"f": Definition(1, usable=False), "g": Definition(3, weight=7)},
        "vrrp_track_process": {},
        "bfd_instance": {"b": Definition(4, usable=False)},
    }


def test_what_follows_a_weight_is_told_and_the_weight_counts() -> None:
    (tracked,), (problem,) = read("eth1 weight -20;")
    assert (tracked.weight, problem.effect) == (-20, "-20 is used")
