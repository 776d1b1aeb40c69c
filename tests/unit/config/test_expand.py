from __future__ import annotations

import pytest

from pyvrrp.config import expand
from pyvrrp.config.expand import DEPTH_MAX, REPEATED_MAX, expand_braces
from pyvrrp.errors import ProblemClass, Severity
from tests.unit.config.files import MAIN, MemoryFiles, lines, only, source, told


def test_plain_lines_know_their_place() -> None:
    expanded = source("a {\n\n   b c  # comment\n}\n")
    assert [(line.number, line.column, line.text) for line in expanded.lines] == [
        (1, 1, "a"),
        (1, 3, "{"),
        (3, 4, "b c"),
        (4, 1, "}"),
    ]
    span = expanded.span(expanded.lines[2], 1)
    assert (span.file, span.line, span.column, span.length) == (MAIN, 3, 6, 1)


@pytest.mark.parametrize(
    "text", ["a {\r\nb c\r\n}\r\n", "a {\n\tb c\n\t}", "a\n{\nb c\n}", "a{\nb c}", "  a  {  b c  }"]
)
def test_layouts_come_to_the_same(text: str) -> None:
    assert lines(text) == ["a", "{", "b c", "}"]


def test_parameters_are_replaced_and_leave_a_trace() -> None:
    expanded = source("$IF=eth0\ninterface $IF\n")
    (line,) = expanded.lines
    assert line.text == "interface eth0"
    assert expanded.span(line, 1).origin == (f"expanded from $IF ({MAIN}:1)",)
    assert expanded.span(line, 1).text == "interface $IF"


def test_conditions() -> None:
    text = "@left a\n@^left b\n@right c\n@ d\n@\n@left $X=1\n@^right e ${X}\n"
    assert lines(text, "left") == ["a", "e 1"]
    assert lines("@left @left x", "left") == ["@left x"]


def test_multi_line_definitions() -> None:
    assert lines("$A=one \\\n two\\\n\n# c \\\n$A\n") == ["one", "two"]
    assert lines("$A=one \\\ntwo\nthree\n$A\n") == ["three", "one", "two"]
    assert lines("$A=\\\n one x=$B\n$B=5\npre $A\n") == ["pre one x=5"]
    assert lines("$A=x \\\n") == []


def test_repeats() -> None:
    assert lines("~SEQ(N, 2) ~LST(L, a, b) x$N $L\n") == ["x1 a", "x1 b", "x2 a", "x2 b"]
    assert lines("~SEQ(N, 2) ~LST(L, a, b) x${N}${L}\n") == ["x1a", "x1b", "x2a", "x2b"]
    assert lines("$N=2\n$M=a $I \\\n b $I\n~SEQ(I, $N) $M\n") == ["a 1", "b 1", "a 2", "b 2"]


def test_replacement_may_bring_conditions_and_repeats() -> None:
    assert lines("$C=@left\n${C} x\n$T=~SEQ(I, 2) y ${I}\n$T\n", "left") == ["x", "y 1", "y 2"]


def test_includes() -> None:
    text = "a\ninclude sub*.conf\nb\n"
    assert lines(text, sub1="one\n", sub2="two\n$X=3\n") == ["a", "one", "two", "b"]
    expanded = source("include one.conf\n", one="include two.conf\n", two="x\n")
    span = expanded.span(expanded.lines[0])
    assert span.file == "/etc/two.conf"
    assert span.origin == (f"included from {MAIN}:1", "included from /etc/one.conf:1")
    assert lines("$X=1\n@host include {one,two}.conf\n", one="a ${X}\n", two="b ${X}\n") == ["a 1", "b 1"]


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("include no.conf", Severity.WARNING),
        ("includer no.conf", Severity.WARNING),
        ("includem no.conf", Severity.FATAL),
        ("includem no*.conf", Severity.WARNING),
        ("includew no*.conf", Severity.FATAL),
        ("includeb {one,no}.conf", Severity.FATAL),
        ("includea no.conf", Severity.FATAL),
        ("include bad.conf", Severity.WARNING),
        ("includer bad.conf", Severity.FATAL),
        ("global_defs {\ninclude_check +match\n}\ninclude no.conf", Severity.FATAL),
        ("global_defs {\ninclude_check\ninclude_check -match\n}\ninclude no.conf", Severity.WARNING),
    ],
)
def test_an_include_says_how_much_it_minds(line: str, severity: Severity) -> None:
    problem = only(source(line, one="x", bad=None).problems)
    assert problem.severity is severity
    assert problem.kind is (ProblemClass.FILE_NOT_FOUND if severity is Severity.FATAL else ProblemClass.OK)


def test_a_missing_main_file() -> None:
    problem = only(expand("/no", MemoryFiles({}), "h", {}).problems)
    assert (problem.severity, problem.kind, problem.span.line) == (Severity.FATAL, ProblemClass.OK, 0)
    problem = only(expand("/bad", MemoryFiles({"/bad": None}), "h", {}).problems)
    assert problem.severity is Severity.FATAL
    assert "not a regular file" in problem.message


def test_several_main_files_are_one_configuration() -> None:
    files = MemoryFiles({"/e/1": "a", "/e/2": "b", "/e/3": None})
    expanded = expand("/e/*", files, "h", {})
    assert [line.text for line in expanded.lines] == ["a", "b"]
    assert [problem.severity for problem in expanded.problems] == [Severity.ERROR, Severity.WARNING]


@pytest.mark.parametrize(
    "text",
    [
        "$A=$A\nx $A\n",
        "$A=${B}\n$B=${A}\nx $A\n",
        "$A=x \\\n$A\n$A\n",
        "include keepalived.conf\n",
        "include one.conf\n",
        "~SEQ(A, 1, 2\n",
        "a\0b\n",
    ],
)
def test_what_hangs_or_confuses_keepalived_is_told(text: str) -> None:
    expanded = source(text, one="include keepalived.conf\n")
    assert expanded.problems
    assert all(problem.span.line for problem in expanded.problems)


def test_a_repeat_without_measure_is_stopped() -> None:
    expanded = source("~SEQ(A, 100000000) x\n")
    assert only(expanded.problems).severity is Severity.FATAL
    assert len(expanded.lines) <= REPEATED_MAX


def test_nesting_is_bounded() -> None:
    definitions = "".join(f"$A{n}=x \\\n$A{n + 1}\n" for n in range(DEPTH_MAX + 5))
    assert only(source(f"{definitions}$A0\n").problems).kind is ProblemClass.GENERAL


def test_an_undefined_parameter_and_bytes_that_are_not_utf_8_are_noticed() -> None:
    assert told(source("x $NO\n").problems) == [(1, Severity.NOTICE, "parameter NO is not defined")]
    expanded = source(b"router_id \xe9t\xe9 # \xff\n# \xff\n")
    assert only(expanded.problems).severity is Severity.NOTICE
    assert expanded.lines[0].text.encode("utf-8", "surrogateescape") == b"router_id \xe9t\xe9"


def test_braces_of_patterns() -> None:
    assert expand_braces("a{b,c{d,e}}f") == ["abf", "acdf", "acef"]
    assert expand_braces("a{b}c") == ["a{b}c"]
    assert len(expand_braces("{a,b}" * 30)) <= 1000
