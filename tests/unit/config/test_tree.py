"""Blocks, braces and recovery. What keepalived makes of each text was tried with 2.2.7."""

from __future__ import annotations

import pytest

from pyvrrp.config.problems import Problems
from pyvrrp.config.tree import Statement, parse
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity
from tests.unit.config.files import loaded, only, source, told

V = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\n%s\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n"


def outline(text: str) -> tuple[list[object], list[ConfigProblem]]:
    """The tree as nested lists of words, and the problems."""
    expanded = source(text)
    problems = Problems(expanded)

    def shape(statement: Statement) -> object:
        words = " ".join(statement.words)
        return [words, *map(shape, statement.children)] if statement.children else words

    return [shape(child) for child in parse(expanded, problems).children], problems.found


def test_blocks_of_keywords_and_of_data() -> None:
    tree, problems = outline(
        "vrrp_instance V {\nstate BACKUP\nvirtual_ipaddress {\n10.0.0.1 dev x\n}\n}\nuse_pid_dir\n"
    )
    assert tree == [["vrrp_instance V", "state BACKUP", ["virtual_ipaddress", "10.0.0.1 dev x"]], "use_pid_dir"]
    assert problems == []


def test_the_block_of_an_unknown_keyword_ends_the_block_around_it() -> None:
    tree, problems = outline(V % "authenticatin {\nauth_type PASS\n}")
    assert tree == [["vrrp_instance V", "interface eth0", "virtual_router_id 5"]]
    problem = only(problems)
    assert problem.suggestion == "did you mean `authentication`?"
    assert "3 statements in lines 5 to 8 are lost" in problem.effect
    assert "ends `vrrp_instance V`" in problem.effect


def test_words_in_an_unknown_block_count_for_the_block_around_it() -> None:
    real = "real_server 10.0.0.2 80 {\nTCP_CHEK {\nconnect_timeout 3\n}\nweight 5\n}\n"
    server = f"virtual_server 10.0.0.1 80 {{\n{real}quorum 2\n}}\n"
    tree, problems = outline(server)
    assert tree == [["virtual_server 10.0.0.1 80", ["real_server 10.0.0.2 80", "connect_timeout 3"], "weight 5"]]
    assert only(problems).suggestion == "did you mean `TCP_CHECK`?"
    assert "line 8" in only(problems).effect


def test_an_unknown_block_outside_of_blocks_goes_alone() -> None:
    tree, problems = outline("foo {\nbar {\nbaz\n}\n}\nuse_pid_dir\n")
    assert tree == ["use_pid_dir"]
    assert only(problems).message == "`foo` is not a keyword outside of a block"


@pytest.mark.parametrize(
    ("text", "kind", "line", "words"),
    [
        ("}\n", ProblemClass.UNEXPECTED_EOB, 1, "a } too many"),
        (V % "}", ProblemClass.UNKNOWN_KEYWORD, 5, "`virtual_ipaddress` is not a keyword outside of a block"),
        (
            "vrrp_instance V\ninterface x\n}\n",
            ProblemClass.MISSING_BOB,
            1,
            "the { that opens `vrrp_instance V` is missing",
        ),
        ("{\n}\n", ProblemClass.UNEXPECTED_BOB, 1, "a { where no block begins"),
        ("global_defs {\n{\nrouter_id x\n}\n}\n", ProblemClass.UNEXPECTED_BOB, 2, "a { where no block begins"),
        ("use_pid_dir\nglobal_defs {\nrouter_id x\n", ProblemClass.MISSING_EOB, 2, "`global_defs` is not closed"),
    ],
)
def test_braces_out_of_balance(text: str, kind: ProblemClass, line: int, words: str) -> None:
    found = outline(text)[1]
    assert found[0].kind is kind
    assert found[0].span.line == line
    assert words in found[0].message


def test_the_block_that_lacks_its_brace_is_found_by_indentation() -> None:
    text = """\
vrrp_instance V {
    state BACKUP
    authentication {
        auth_type PASS
    virtual_ipaddress {
        10.0.0.1
    }
}
"""
    found = outline(text)[1]
    assert [(problem.span.line, problem.kind) for problem in found] == [
        (5, ProblemClass.UNKNOWN_KEYWORD),
        (3, ProblemClass.MISSING_EOB),
    ]
    assert found[0].suggestion is not None
    assert "`authentication` (line 3)" in found[0].suggestion
    assert "`authentication` is not closed" in found[1].message


def test_a_list_that_is_not_closed_swallows_what_follows_as_in_keepalived() -> None:
    text = "vrrp_instance V {\nvirtual_ipaddress {\n10.0.0.1\ntrack_script {\nchk\n}\n}\n"
    tree, problems = outline(text)
    assert tree == [["vrrp_instance V", ["virtual_ipaddress", "10.0.0.1", "chk"]]]
    assert [(problem.span.line, problem.kind) for problem in problems] == [
        (4, ProblemClass.GENERAL),
        (2, ProblemClass.MISSING_EOB),
    ]


def test_a_block_opened_too_late_names_the_one_before() -> None:
    text = "vrrp_instance V {\ninterface eth0\nvrrp_instance W {\ninterface eth1\n}\n"
    found = outline(text)[1]
    assert found[0].suggestion is not None
    assert "`vrrp_instance V` (line 1)" in found[0].suggestion
    assert found[-1].kind is ProblemClass.MISSING_EOB
    assert found[-1].span.line == 1


def test_a_missing_argument_stops_the_daemon_where_it_stops_keepalived() -> None:
    problem = only(outline("child_wait_time\n")[1])
    assert (problem.severity, problem.kind) == (Severity.FATAL, ProblemClass.MISSING_PARAMETER)
    problem = only(outline("instance\n")[1])
    assert (problem.severity, problem.kind) == (Severity.ERROR, ProblemClass.GENERAL)


def test_a_value_out_of_range_is_told_with_the_default() -> None:
    problem = only(outline("child_wait_time x\n")[1])
    assert (problem.span.column, problem.span.length) == (17, 1)
    assert problem.effect == "`child_wait_time` is ignored; the default applies: 5 s"


def test_keywords_not_active_yet_are_never_silent() -> None:
    text = "global_defs {\nenable_traps\n}\n" + V % "track_bfd {\nb\n}"
    found = {
        problem.span.line: problem for problem in outline(f"bfd_instance b {{\nneighbor_ip 10.0.0.9\n}}\n{text}")[1]
    }
    assert sorted(found) == [1, 5, 10]
    assert found[10].effect == "no BFD session runs, so for V it is neither up nor down"
    assert found[5].effect == "SNMP is not served"
    assert all(problem.severity is Severity.INACTIVE and problem.kind is ProblemClass.OK for problem in found.values())


def test_a_block_not_active_is_told_once_and_still_checked() -> None:
    check = "real_server 10.0.0.2 80 {\nBFD_CHECK {\nname b\nalpha maybe\n}\n}\n"
    found = outline(f"virtual_server 10.0.0.1 80 {{\n{check}}}\n")[1]
    assert told(found) == [
        (3, Severity.INACTIVE, "`BFD_CHECK` is accepted, but not active in this version"),
        (5, Severity.ERROR, "`maybe` is neither on nor off"),
    ]
    assert found[0].effect == "no BFD session runs: real server 10.0.0.2 80 counts as up, or with alpha as down"


def test_a_block_without_what_it_needs_is_told() -> None:
    found = outline("vrrp_script chk {\n}\n")[1]
    assert found[-1].message == "`vrrp_script chk` is without script"
    found = outline("global_defs {\nnotification_email {\n}\n}\n")[1]
    assert found[-1].message == "`notification_email` is without anything in it"


@pytest.mark.parametrize(
    ("text", "severity", "message"),
    [
        ("instance a\ninstance b\n", Severity.ERROR, "`instance` is given a second time"),
        ("instance a b\n", Severity.NOTICE, "`instance` takes one argument"),
        (
            V % "" + "vrrp_sync_group G {\ngroup V {\nV\n}\n}\n",
            Severity.ERROR,
            "nothing can follow `group` but its block",
        ),
    ],
)
def test_words_that_do_not_count(text: str, severity: Severity, message: str) -> None:
    assert (severity, message) in [(severity, message) for _, severity, message in told(outline(text)[1])]


def test_a_quote_left_open_drops_the_rest_of_the_line_only() -> None:
    found = loaded(V % 'notify_master "/x y').problems
    assert [problem.kind for problem in found if problem.kind] == [ProblemClass.UNMATCHED_QUOTE]
