"""SARIF 2.1.0: the fields that the standard demands, and that its readers use."""

from __future__ import annotations

import json
from typing import Any

from pyvrrp.cli.sarif import to_sarif
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span
from tests.unit.config.files import loaded, source
from tests.unit.config.reference import TEXT


def run_of(*problems: ConfigProblem) -> dict[str, Any]:
    log = json.loads(to_sarif(problems))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    assert log["$schema"].endswith("sarif-2.1.0.json")
    run: dict[str, Any] = log["runs"][0]
    driver = run["tool"]["driver"]
    assert driver["name"] == "pyvrrp"
    identifiers = [rule["id"] for rule in driver["rules"]]
    assert len(identifiers) == len(set(identifiers))
    for result in run["results"]:
        assert result["message"]["text"]
        assert result["level"] in ("error", "warning", "note")
        assert identifiers[result["ruleIndex"]] == result["ruleId"]
        for place in (*result["locations"], *result.get("relatedLocations", ())):
            physical = place["physicalLocation"]
            assert physical["artifactLocation"]["uri"]
            region = physical.get("region", {"startLine": 1, "startColumn": 1})
            assert region["startLine"] >= 1
            assert region["startColumn"] >= 1
    return run


def test_the_reference_configuration() -> None:
    run = run_of(*loaded(TEXT).problems)
    assert [(r["level"], r["locations"][0]["physicalLocation"]["region"]["startLine"]) for r in run["results"]] == [
        ("warning", 1),
        ("warning", 33),
        ("warning", 42),
    ]


def test_nothing_wrong_is_a_run_without_results() -> None:
    assert run_of()["results"] == []


def test_a_result() -> None:
    span = Span("/etc/keep alived.conf", 3, 9, 5, "  state SLAVE", ("included from /etc/a.conf:7",))
    problem = ConfigProblem(
        span=span,
        severity=Severity.ERROR,
        message="wrong",
        effect="ignored",
        suggestion="write BACKUP",
        kind=ProblemClass.UNKNOWN_KEYWORD,
    )
    [result] = run_of(problem)["results"]
    assert result["ruleId"] == "error/unknown-keyword"
    assert result["message"]["text"] == "wrong. Effect: ignored. Help: write BACKUP."
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "file:///etc/keep%20alived.conf"
    assert physical["region"] == {
        "startLine": 3,
        "startColumn": 9,
        "endColumn": 14,
        "snippet": {"text": "  state SLAVE"},
    }
    [related] = result["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "file:///etc/a.conf"
    assert related["physicalLocation"]["region"]["startLine"] == 7


def test_a_problem_of_the_whole_file_has_no_region() -> None:
    problem = ConfigProblem(span=Span("k.conf", 0), severity=Severity.FATAL, message="no file", effect="no start")
    [result] = run_of(problem)["results"]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "k.conf"}}}]


def test_expanded_and_undecodable() -> None:
    text = b"$X=bogus\n$X\n~LST(A, 1) foo\nfo\xffo x\n"
    expanded = source(text)
    from pyvrrp.config import load

    assert len(run_of(*load(expanded).problems)["results"]) >= 3
