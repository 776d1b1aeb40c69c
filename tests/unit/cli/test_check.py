from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pyvrrp.cli.check import check, examine, render
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span


def problem(
    text: str = "  state SLAVE",
    column: int = 9,
    length: int = 5,
    *,
    line: int = 3,
    severity: Severity = Severity.ERROR,
    suggestion: str | None = None,
    origin: tuple[str, ...] = (),
) -> ConfigProblem:
    span = Span("k.conf", line, column, length, text, origin)
    return ConfigProblem(span=span, severity=severity, message="wrong", effect="ignored", suggestion=suggestion)


def test_a_problem_is_shown_with_its_line_and_what_becomes_of_it() -> None:
    told = problem(suggestion="write BACKUP", origin=("included from a.conf:1", "expanded from $X (a.conf:2)"))
    assert render([told], color=False, width=80) == (
        "k.conf:3:9: error: wrong\n"
        "    3 |   state SLAVE\n"
        "      |         ^^^^^\n"
        "      = effect: ignored\n"
        "      = help: write BACKUP\n"
        "      = expanded from $X (a.conf:2)\n"
        "      = included from a.conf:1\n"
        "1 error; the daemon starts\n"
    )


def caret(text: str, column: int, length: int, width: int = 80) -> tuple[str, str]:
    """The line as shown and the line of the caret, from the bar on."""
    _, line, mark, *_ = render([problem(text, column, length)], color=False, width=width).splitlines()
    return line.partition("| ")[2], mark.partition("| ")[2]


@pytest.mark.parametrize(
    ("text", "column", "length", "line", "mark"),
    [
        ("\tstate X", 8, 1, "        state X", "              ^"),
        ("a\tb", 3, 1, "a       b", "        ^"),
        ("路由 x", 4, 1, "路由 x", "     ^"),
        ("路由 x", 1, 2, "路由 x", "^^^^"),
        ("e\u0301 x", 4, 1, "e\u0301 x", "  ^"),
        ("abc", 4, 1, "abc", "   ^"),
        ("abc", 1, 99, "abc", "^^^"),
        ("", 1, 1, "", ""),
    ],
)
def test_tabs_and_wide_characters_do_not_move_the_caret(
    text: str, column: int, length: int, line: str, mark: str
) -> None:
    if text:
        assert caret(text, column, length) == (line, mark)
    else:
        assert "^" not in render([problem(text, column, length)], color=False, width=80)


def test_a_long_line_is_cut_around_what_matters() -> None:
    line, mark = caret("x" * 300 + " here " + "y" * 300, 302, 4, width=60)
    assert len(line) <= 60
    start = mark.index("^")
    assert line[start : start + mark.count("^")] == "here"


def test_colours_only_where_asked_for() -> None:
    assert "\x1b" not in render([problem()], color=False, width=80)
    assert "\x1b[31merror\x1b[0m" in render([problem()], color=True, width=80)


@pytest.mark.parametrize(
    ("severities", "summary"),
    [
        ([], "no problems; the daemon starts"),
        ([Severity.FATAL], "1 fatal error; the daemon does not start"),
        (
            [Severity.ERROR, Severity.ERROR, Severity.WARNING, Severity.INACTIVE, Severity.NOTICE, Severity.DEPRECATED],
            "2 errors, 1 warning, 1 deprecated spelling, 1 keyword not active yet, 1 notice; the daemon starts",
        ),
    ],
)
def test_the_summary(severities: list[Severity], summary: str) -> None:
    text = render([problem(severity=severity) for severity in severities], color=False, width=80)
    assert text.splitlines()[-1] == summary


def test_many_of_the_same_are_listed_by_line() -> None:
    text = render([problem(line=number) for number in range(1, 31)], color=False, width=80)
    assert text.count("= effect") == 3
    assert "the same 27 times more, in lines 4, 5, 6," in text
    assert text.splitlines()[-1] == "30 errors; the daemon starts"


def test_a_problem_of_the_whole_file_has_no_line() -> None:
    whole = ConfigProblem(span=Span("k.conf", 0), severity=Severity.FATAL, message="no file", effect="no start")
    assert render([whole], color=False, width=80).startswith("k.conf: fatal: no file\n      = effect: no start\n")


def test_nothing_in_a_file_name_reaches_the_terminal_raw() -> None:
    odd = ConfigProblem(span=Span("k\x1b[2J.conf", 1), severity=Severity.ERROR, message="m", effect="e")
    assert "\x1b" not in render([odd], color=False, width=80)


CONFIG = """\
vrrp_instance V {
  state BACKUP
  interface %s
  virtual_router_id 5
  virtual_ipaddress {
    10.0.0.1
  }
  @left priority 300
}
"""


def written(folder: Path, interface: str = "lo") -> str:
    path = folder / "keepalived.conf"
    path.write_text(CONFIG % interface)
    return str(path)


def test_a_missing_file_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """keepalived -t leaves with 0; our own command need not."""
    assert check(str(tmp_path / "nosuch.conf")) == 6
    assert "the daemon does not start" in capsys.readouterr().out


def test_the_exit_status_is_keepaliveds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.conf"
    for text, status in (("", 0), ("foo\n", 5), ("child_wait_time\n", 2), ("includea nosuch\n", 6)):
        path.write_text(text)
        assert check(str(path)) == status
    assert "1 error; the daemon starts" in capsys.readouterr().out


def test_strict_minds_everything_but_notices(tmp_path: Path) -> None:
    path = tmp_path / "k.conf"
    path.write_text("global_defs {\nenable_dbus\n}\n")
    assert (check(str(path)), check(str(path), strict=True)) == (0, 5)
    path.write_text("global_defs {\nrouter_id a b\n}\n")
    assert check(str(path), strict=True) == 0


def test_the_config_id_is_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "k.conf"
    path.write_text("@left foo\n")
    assert check(str(path), config_id="left") == 5
    assert check(str(path), config_id="right") == 0


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.conf"
    path.write_text("global_defs {\n  roter_id x\n}\n")
    status = check(str(path), json_output=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["starts"], status) == (5, True, 5)
    assert told["problems"] == [
        {
            "file": str(path),
            "line": 2,
            "column": 3,
            "length": 8,
            "text": "  roter_id x",
            "origin": [],
            "severity": "error",
            "class": ProblemClass.UNKNOWN_KEYWORD.name,
            "message": "`roter_id` is not a keyword of global_defs",
            "effect": "ignored",
            "suggestion": "did you mean `router_id`?",
        }
    ]


def test_an_interface_that_does_not_exist_is_a_problem_of_this_machine(tmp_path: Path) -> None:
    found = examine(written(tmp_path, "nosuch0"), "right")
    assert [(one.severity, one.span.line, one.span.column) for one in found] == [(Severity.ERROR, 3, 13)]


def test_no_secret_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.conf"
    path.write_text("vrrp_instance V {\nauthentication {\nauth_pass geheimnis99\nauth_pas geheim2\n}\n}\n")
    for json_output in (True, False):
        check(str(path), json_output=json_output)
    assert "geheim" not in capsys.readouterr().out


def test_long_texts_are_wrapped_to_the_terminal() -> None:
    words = " ".join(["word"] * 40)
    long = ConfigProblem(
        span=Span("k.conf", 3, 1, 1, "x", ("included from " + words,)),
        severity=Severity.ERROR,
        message=words,
        effect=words,
        suggestion=words,
    )
    for color in (False, True):
        text = render([long], color=color, width=60)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
        assert max(map(len, plain)) <= 60
        assert " ".join(plain).split().count("word") == 160
    assert plain[0].startswith("k.conf:3:1: error: word word")
    assert plain[1].startswith("    word")


def test_in_a_pipe_nothing_wraps() -> None:
    words = " ".join(["word"] * 40)
    long = ConfigProblem(span=Span("k.conf", 3, 1, 1, "x"), severity=Severity.ERROR, message=words, effect=words)
    text = render([long], color=False, width=60, wrap=False).splitlines()
    assert text[0] == f"k.conf:3:1: error: {words}"
    assert text[3] == f"      = effect: {words}"


def test_what_cannot_be_broken_is_not() -> None:
    path = "/etc/" + "x" * 80
    long = ConfigProblem(span=Span("k.conf", 0), severity=Severity.ERROR, message=f"no {path} here", effect="e")
    assert path in render([long], color=False, width=40)


def test_advice_is_given_and_does_not_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.conf"
    path.write_text("vrrp_instance V {\ninterface lo0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n")
    check(str(path), json_output=True)
    told = json.loads(capsys.readouterr().out)
    assert [row["message"] for row in told["problems"] if row["severity"] == "notice"] == [
        "10.0.0.1 has no prefix length"
    ]
    assert not any("prefix" in one.message for one in examine(str(path)))


def test_an_owner_is_compared_with_the_hosts_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.conf"
    text = "vrrp_instance V {\ninterface lo0\nvirtual_router_id 5\npriority 255\nvirtual_ipaddress {\n%s/32\n}\n}\n"
    for address, expected in (("127.0.0.1", 0), ("198.51.100.77", 1)):
        path.write_text(text % address)
        check(str(path))
        assert capsys.readouterr().out.count("is no address of this host") == expected


def test_sarif(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.conf"
    path.write_text("foo\n")
    assert check(str(path), sarif=True) == 5
    [result] = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["ruleId"] == "error/unknown-keyword"


def test_against(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = tmp_path / "one.conf", tmp_path / "two.conf"
    one.write_text(CONFIG % "eth0")
    two.write_text((CONFIG % "eth0").replace("id 5", "id 6"))
    assert check(str(one), config_id="x", against=str(two)) == 1
    told = capsys.readouterr().out
    assert f"= the other: {two}:4:3: virtual_router_id 6" in told
    assert told.endswith("; the two files do not make a pair\n")
    two.write_text((CONFIG % "eth1").replace("state BACKUP", "priority 90"))
    assert check(str(one), config_id="x", against=str(two)) == 0
    assert capsys.readouterr().out == "no problems; the two files make a pair\n"
    assert check(str(one), against=str(tmp_path / "nosuch")) == 6
