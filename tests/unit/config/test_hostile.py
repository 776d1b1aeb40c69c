"""What is written to hurt ends soon, in problems, and in few enough of them to be read."""

from __future__ import annotations

import time

import pytest

from pyvrrp.cli.check import render
from pyvrrp.config import exit_status, load
from pyvrrp.config.expand import LONGEST, REPEATED_MAX
from pyvrrp.config.problems import TOLD_MAX
from pyvrrp.errors import Severity
from tests.unit.config.files import source

MEGABYTE = 1_000_000
SOON = 20.0
"""Seconds: what is not bounded takes hours. The slowest here takes 3 s on a slow machine."""

CASES: dict[str, str | bytes] = {
    "a repeat of a billion": "~SEQ(I,1000000000) k$I",
    "repeats in repeats": "~SEQ(I,1000) ~SEQ(J,1000) ~SEQ(K,1000) k$I$J$K",
    "a repeated long line": "~SEQ(I,1000000000) k$I " + "a" * 60_000,
    "repeated braces": "~SEQ(I,1000000000) " + "{" * 1000,
    "lines that double": "$A0=k\\\nl\n" + "".join(f"$A{i}=$A{i - 1}\\\n$A{i - 1}\n" for i in range(1, 60)) + "$A59",
    "values that double": "$A0=k\n" + "".join(f"$A{i}=${{A{i - 1}}}${{A{i - 1}}}\n" for i in range(1, 60)) + "${A59}",
    "lines that lead back": "$A=k\\\n$A\n$A",
    "a value that leads back": "$A=x ${A}${A}\n${A}",
    "deep blocks": "virtual_server 10.0.0.1 80 {\n" * 50_000,
    "deep braces": "{\n" * 100_000,
    "closing braces": "}\n" * 100_000,
    "a line of braces": "}" * LONGEST,
    "a line of references": "${U}" * (LONGEST // 4),
    "a line of values": "~LST(A" + ",b" * (LONGEST // 2 - 10) + ") k$A",
    "an include of braces": "include " + "{a,b}" * 1000,
    "an include of open braces": "include " + "{a," * 20_000,
    "a megabyte in a word": "a" * MEGABYTE,
    "megabytes of quotes": '"' * MEGABYTE,
    "megabytes of backslashes": "\\" * MEGABYTE,
    "megabytes of NUL": "\0" * MEGABYTE,
    "megabytes of no UTF-8": b"\xff" * MEGABYTE,
    "lines of no UTF-8": b"k \xff\n" * 50_000,
    "unknown keywords": "".join(f"x{i}\n" for i in range(100_000)),
    "digits": "vrrp_instance V {\nvirtual_router_id " + "9" * 60_000 + "\n}",
    "a file that includes itself": "include keepalived.conf\n" * 1000,
}


@pytest.mark.parametrize("name", CASES)
def test_it_ends_soon(name: str) -> None:
    began = time.process_time()
    expanded = source(CASES[name])
    loaded = load(expanded)
    text = render(loaded.problems, color=False, width=80)
    assert time.process_time() - began < SOON
    assert loaded.problems
    assert exit_status(loaded.problems) in (0, 5)
    assert len(expanded.lines) <= REPEATED_MAX + 1000
    assert len(loaded.problems) <= TOLD_MAX + 10
    assert len(text) < 50 * MEGABYTE


def test_files_that_include_more_and_more_end() -> None:
    files = {f"f{i}": f"include f{i + 1}.conf\n" * 10 for i in range(40)}
    began = time.process_time()
    expanded = source("include f0.conf\n", "host", **files)
    assert time.process_time() - began < SOON
    assert any("MiB in all" in problem.message for problem in expanded.problems)


def test_of_very_many_problems_the_worst_are_told() -> None:
    text = "foo\n" * (TOLD_MAX + 100) + 'bar "\ninclude nothing\nincluder bad.conf\nvrrp_instance\n'
    problems = load(source(text, bad=None)).problems
    assert len(problems) < TOLD_MAX + 10
    assert exit_status(problems) in (2, 6)
    assert {p.severity for p in problems} >= {Severity.ERROR, Severity.FATAL, Severity.NOTICE}
    assert "problems more" in problems[-1].message


def test_a_line_too_long_to_be_shown_is_not_shown() -> None:
    (problem,) = load(source("foo " + "a" * 5000)).problems[1:]
    assert problem.span.text == ""
    assert "foo" in render([problem], color=False, width=80)
