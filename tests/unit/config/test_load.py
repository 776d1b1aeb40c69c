from __future__ import annotations

import pytest

from pyvrrp.config import exit_status
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span
from pyvrrp.model.config import Config
from tests.unit.config.files import loaded, told


def problem(kind: ProblemClass, severity: Severity = Severity.ERROR) -> ConfigProblem:
    return ConfigProblem(span=Span("f", 1), severity=severity, message="m", effect="e", kind=kind)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], 0),
        ([ProblemClass.OK], 0),
        ([ProblemClass.BAD_IF], 4),
        ([ProblemClass.FATAL], 4),
        ([ProblemClass.MULTIPLE_FILES], 5),
        ([ProblemClass.FATAL, ProblemClass.UNKNOWN_KEYWORD], 5),
        ([ProblemClass.DEPRECATED], 5),
        ([ProblemClass.SECURITY], 6),
        ([ProblemClass.SECURITY, ProblemClass.GENERAL], 6),
    ],
)
def test_exit_status_follows_the_highest_class(kinds: list[ProblemClass], status: int) -> None:
    assert exit_status([problem(kind) for kind in kinds]) == status


def test_exit_status_of_what_stops_keepalived_at_once() -> None:
    missing = problem(ProblemClass.MISSING_PARAMETER, Severity.FATAL)
    include = problem(ProblemClass.FILE_NOT_FOUND, Severity.FATAL)
    assert exit_status([include]) == 6
    assert exit_status([include, problem(ProblemClass.GENERAL), missing]) == 2


@pytest.mark.parametrize("severity", [Severity.INACTIVE, Severity.NOTICE, Severity.FATAL])
def test_what_keepalived_is_silent_about_does_not_count(severity: Severity) -> None:
    assert exit_status([problem(ProblemClass.OK, severity)]) == 0


def test_nothing_is_a_configuration_too() -> None:
    found = loaded("")
    assert (found.config, found.problems, found.fatal) == (Config(), (), ())


V = "vrrp_instance %s {\ninterface eth0\nvirtual_router_id %d\nvirtual_ipaddress {\n10.0.0.%d\n}\n}\n"


def test_a_second_block_of_the_same_name_is_skipped() -> None:
    found = loaded(V % ("V", 1, 1) + V % ("V", 2, 2))
    assert [one.virtual_router_id for one in found.config.vrrp_instances] == [1]
    assert told(found.problems) == [(8, Severity.ERROR, "vrrp_instance V is defined in line 1 already")]


@pytest.mark.parametrize("name", ["", "V W"])
def test_a_block_needs_one_name(name: str) -> None:
    found = loaded(V % (name, 1, 1))
    assert found.config.vrrp_instances == ()
    assert [one.kind for one in found.problems] == [ProblemClass.GENERAL]
    assert found.fatal == ()


def test_problems_come_all_at_once_and_in_order() -> None:
    text = V % ("V", 0, 1) + "foo\n" + V % ("W", 300, 2) + "vrrp_sync_group G {\n}\n"
    assert [line for line, _, _ in told(loaded(text).problems)] == [1, 3, 8, 9, 11, 16]


def test_fatal_lists_what_prevents_the_start() -> None:
    assert [one.message for one in loaded(V % ("V", 0, 1)).fatal] == ["V has no (valid) virtual_router_id"]
