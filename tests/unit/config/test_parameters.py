from __future__ import annotations

import pytest

from pyvrrp.config.parameters import LIMIT, Parameters


def parameters(**values: str) -> Parameters:
    made = Parameters("left", {"HOME": "/root"}, seed=3, directory="/etc/x")
    for name, value in values.items():
        made.define(name, value, "f:1")
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x $A y", "x 1 y"),
        ("x $A", "x 1"),
        ("10.0.0.${A}/24", "10.0.0.1/24"),
        ("$A/24", "$A/24"),
        ('"$A"', '"$A"'),
        ('"${A}"', '"1"'),
        ("f($A, $A)", "f(1, 1)"),
        ("$B z", "1 z"),
        ("${_INSTANCE} ${_PWD} ${_HASH}${_BANG}", "left /etc/x #!"),
        ("${_ENV HOME}${_ENV NONE}", "/root"),
        (r"\$A", r"\1"),
    ],
)
def test_references(text: str, expected: str) -> None:
    result = parameters(A="1", B="${A}").replace(text)
    assert (result.text, result.undefined, result.error) == (expected, [], None)


def test_an_undefined_reference_stays_and_is_told() -> None:
    result = parameters().replace("a ${NO} $NOT b")
    assert result.text == "a ${NO} $NOT b"
    assert result.undefined == ["NO", "NOT"]


def test_what_was_used_is_noted_once_in_order() -> None:
    result = parameters(A="1", B="$A").replace("$B $A")
    assert result.used == ["expanded from $B (f:1)", "expanded from $A (f:1)"]


@pytest.mark.parametrize("value", ["$A", "${A}", "x ${A}", "${B}"])
def test_a_parameter_that_leads_back_to_itself_ends(value: str) -> None:
    made = parameters(A=value, B="${A}")
    assert made.replace("$A").error is not None


def test_a_line_may_not_grow_beyond_the_limit() -> None:
    made = parameters(A="x" * 600)
    result = made.replace("${A}${A}")
    assert result.error is not None
    assert str(LIMIT) in result.error


def test_a_multi_line_parameter_only_counts_at_the_end() -> None:
    made = parameters()
    made.define("M", "", "f:1", ["one", "two"])
    result = made.replace("pre $M")
    assert result.text == "pre "
    assert result.rest is not None
    assert result.rest.lines == ["one", "two"]
    assert made.replace("$M post").rest is None


def test_random_numbers_keep_to_their_bounds_and_follow_the_seed() -> None:
    first = parameters().replace("${_RANDOM 5 9} ${_RANDOM} ${_RANDOM 7}").text.split()
    assert first == parameters().replace("${_RANDOM 5 9} ${_RANDOM} ${_RANDOM 7}").text.split()
    assert 5 <= int(first[0]) <= 9
    assert 7 <= int(first[2]) <= 32767
    assert parameters().replace("${_RANDOM a}").undefined == ["_RANDOM"]
