"""Whatever is in a file, reading it ends, and ends in problems: never in an exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pyvrrp.cli.check import render
from pyvrrp.config import exit_status, load
from pyvrrp.config.schema import schema
from pyvrrp.errors import Severity
from tests.unit.config.files import source
from tests.unit.config.reference import TEXT

WORDS = sorted({word for table in schema().values() for word in table})
ARGUMENTS = [
    *("", "{", "}", "V", "W", "eth0", "0", "1", "-1", "255", "99999999999", "0.5", "on", "off", "MASTER", "PASS", '"'),
    *(
        "10.0.0.1",
        "10.0.0.1/24",
        "fe80::1",
        "fwmark",
        "group",
        "dev",
        "weight",
        "reverse",
        "$A",
        "${A}",
        "${_RANDOM 1 2}",
    ),
    *(
        "~SEQ(A,3)",
        "@host",
        "$A=",
        "\\",
        "#",
        "!",
        "include",
        "*",
        "\u00a0",
        "路",
        "\0",
        "\r",
        "\udcff".encode("utf-8", "surrogatepass").decode("latin-1"),
    ),
]
LINES = st.lists(st.lists(st.sampled_from(WORDS + ARGUMENTS * 8), max_size=5).map(" ".join), max_size=30)


def judge(text: str | bytes) -> None:
    expanded = source(text, one="include keepalived.conf\nfoo\n")
    loaded = load(expanded)
    assert exit_status(loaded.problems) in (0, 2, 4, 5, 6)
    assert render(loaded.problems, color=True, width=80)
    for problem in loaded.problems:
        assert problem.message
        assert problem.effect
        assert problem.span.column >= 1
        assert problem.span.length >= 1
        assert (problem.severity in (Severity.INACTIVE, Severity.NOTICE)) <= (problem.kind <= 14)


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    judge(data)


@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    judge(text.encode("utf-8", "replace"))


@settings(max_examples=300)
@given(LINES)
def test_keywords_in_any_order(lines: list[str]) -> None:
    judge("\n".join(lines).encode("utf-8", "replace"))


REFERENCE = TEXT.splitlines(keepends=True)


@settings(max_examples=300)
@given(st.data())
def test_the_reference_configuration_mutilated(data: st.DataObject) -> None:
    lines = list(REFERENCE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "repeat", "swap", "cut", "insert", "replace"])):
            case "drop":
                lines[at] = ""
            case "repeat":
                lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
            case "swap":
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
            case "insert":
                lines.insert(at, data.draw(st.sampled_from(ARGUMENTS)) + "\n")
            case _:
                words = lines[at].split() or [""]
                words[-1] = data.draw(st.sampled_from(ARGUMENTS))
                lines[at] = " ".join(words) + "\n"
    judge("".join(lines).encode("utf-8", "replace"))
