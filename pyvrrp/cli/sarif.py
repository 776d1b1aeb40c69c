"""Problems as SARIF 2.1.0, the format in which code hosts and editors take findings (OASIS, 2020)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from pyvrrp import __version__
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Final[Mapping[Severity, str]] = {
    Severity.FATAL: "error",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.DEPRECATED: "warning",
    Severity.INACTIVE: "warning",
    Severity.NOTICE: "note",
}
OTHER: Final = r"(?s)(.*?)([^\s]+):([0-9]+)(?::([0-9]+))?\)?(?:: .*)?"


def to_sarif(problems: Iterable[ConfigProblem]) -> str:
    """One run with a result for each problem; a rule for each severity and class of keepalived's."""
    rules: dict[str, dict[str, Any]] = {}
    results = []
    for problem in problems:
        rule = rule_of(problem)
        level = LEVELS[problem.severity]
        if rule not in rules:
            kind = problem.kind.name.lower().replace("_", " ") if problem.kind else "beyond keepalived's own checks"
            about = f"{problem.severity.value}: {kind}"
            rules[rule] = {
                "id": rule,
                "shortDescription": {"text": about},
                "defaultConfiguration": {"level": level},
            }
        text = f"{problem.message}. Effect: {problem.effect}."
        if problem.suggestion:
            text += f" Help: {problem.suggestion}."
        result: dict[str, Any] = {
            "ruleId": rule,
            "ruleIndex": list(rules).index(rule),
            "level": level,
            "message": {"text": text},
            "locations": [{"physicalLocation": location(problem.span)}],
        }
        related = [one for one in map(_related, problem.span.origin) if one is not None]
        if related:
            result["relatedLocations"] = related
        results.append(result)
    driver = {"name": "pyvrrp", "version": __version__, "rules": list(rules.values())}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def rule_of(problem: ConfigProblem) -> str:
    """``error/unknown-keyword``; the severity alone where keepalived has no class for it."""
    severity = problem.severity.value.replace(" ", "-")
    if problem.kind is ProblemClass.OK:
        return severity
    return f"{severity}/{problem.kind.name.lower().replace('_', '-')}"


def location(span: Span) -> dict[str, Any]:
    """A physicalLocation; without region if the file as a whole is to blame."""
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(span.file)}}
    if span.line:
        region: dict[str, Any] = {"startLine": span.line, "startColumn": span.column}
        region["endColumn"] = span.column + span.length
        if span.text:
            region["snippet"] = {"text": span.text}
        place["region"] = region
    return place


def _related(origin: str) -> dict[str, Any] | None:
    """``included from FILE:LINE`` and the like."""
    match = re.fullmatch(OTHER, origin)
    if match is None:
        return None
    span = Span(match[2].lstrip("("), int(match[3]), int(match[4] or 1))
    return {"physicalLocation": location(span), "message": {"text": origin}}


def _uri(path: str) -> str:
    escaped = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{escaped}" if path.startswith("/") else escaped
