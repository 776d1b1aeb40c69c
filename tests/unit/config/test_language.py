"""The rules of the language; the expected words are keepalived's own (tests/interop/test_language.py asks it)."""

from __future__ import annotations

import pytest

from pyvrrp.config import exit_status, load
from pyvrrp.config.lexer import split_words
from tests.unit.config.files import source
from tests.unit.config.language import RULES

TEXT = "global_defs {\nrouter_id a\n}\n"


def first_words(text: str, **others: str | None) -> list[str]:
    words = [split_words(line.text)[0] for line in source(text, "host", **others).lines]
    return [line[0] for line in words if line and line[0] != "{"]


@pytest.mark.parametrize(
    ("text", "words"), [pytest.param(*case, id=f"{rule}-{at}") for rule in RULES for at, case in enumerate(RULES[rule])]
)
def test_rule(text: str, words: list[str]) -> None:
    assert first_words(text + "\n") == words
    assert first_words(text) == words, "a last line without its end"
    assert first_words(text.replace("\n", "\r\n") + "\r\n") == words


# keepalived 2.2.7 does otherwise here; docs/compatibility.md says why we do not.
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("k # c\\\nz", ["k", "z"]),
        ("# c \\\nk", ["k"]),
        ("$A=@host\n${A} k", ["k"]),
        ("k${_ENV HOME}", ["k/root"]),
        ("k " + "a " * 600, ["k"]),
        ("k # " + "b" * 3000, ["k"]),
        ("k\nx\0y\nz", ["k", "z"]),
    ],
)
def test_on_purpose(text: str, words: list[str]) -> None:
    assert first_words(text) == words


# What is included, and whether a missing file keeps the daemon from starting, which is status 6.
@pytest.mark.parametrize(
    ("pattern", "failing"),
    [
        ("nope.conf", "mwa"),
        ("nope*.conf", "wa"),
        ("{a,b}.conf", "ba"),
        ("{x,y}.conf", "ba"),
        ("{a,c}*.conf", ""),
        ("{x,y}*.conf", "wa"),
        ("bad.conf", "rmwba"),
        ("bad*", "rmwba"),
        ("a.conf", ""),
    ],
)
def test_include_levels(pattern: str, failing: str) -> None:
    for letter in ("", "r", "m", "w", "b", "a"):
        problems = load(source(f"{TEXT}include{letter} {pattern}\n", a="", bad=None)).problems
        assert exit_status(problems) == (6 if letter and letter in failing else 0), (letter, problems)


@pytest.mark.parametrize(
    ("words", "failing"),
    [
        ("", "nope.conf nope*.conf {a,b}.conf bad.conf"),
        (" match", "nope.conf bad.conf"),
        (" read", "bad.conf"),
        (" wildcard_match", "nope*.conf bad.conf"),
        (" brace_match", "{a,b}.conf bad.conf"),
        (" +match", "nope.conf"),
        (" -match", ""),
        (" match -match", "bad.conf"),
        (" +match +wildcard_match", "nope.conf nope*.conf"),
    ],
)
def test_include_check(words: str, failing: str) -> None:
    for pattern in ("nope.conf", "nope*.conf", "{a,b}.conf", "bad.conf"):
        text = f"global_defs {{\nrouter_id a\ninclude_check{words}\n}}\ninclude {pattern}\n"
        problems = load(source(text, a="", bad=None)).problems
        assert exit_status(problems) == (6 if pattern in failing.split() else 0), (pattern, problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("include a.conf", ["ka"]),
        ("include\ta.conf \t# c", ["ka"]),
        ('include "a.conf"', []),
        ("include a.conf b.conf", []),
        ("include [ab].conf", ["ka", "kb"]),
        ("include {b,a}.conf", ["kb", "ka"]),
        ("include /etc/a.conf", ["ka"]),
        ("$F=a\ninclude ${F}.conf\ninclude $F.conf", ["ka"]),
        ("@host include a.conf\n@other include b.conf", ["ka"]),
        ("~LST(F,b,a) include ${F}.conf", ["kb", "ka"]),
        ("$M=include a.conf\\\nz\n$M", ["ka", "z"]),
        ("include d.conf\nk$D", ["k1"]),
        ("includex a.conf", ["includex"]),
        ("include", ["include"]),
    ],
)
def test_include(text: str, words: list[str]) -> None:
    assert first_words(text, a="ka\n", b="kb\n", d="$D=1\n") == words
