from __future__ import annotations

import pytest

from pyvrrp.config.repeats import BadRepeatError, is_repeat, parse_repeat


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("~SEQ(V, 3) x", ["1", "2", "3"]),
        ("~SEQ(V,0) x", ["1", "0"]),
        ("~SEQ(V,-2) x", ["-1", "-2"]),
        ("~SEQ(V,2,4) x", ["2", "3", "4"]),
        ("~SEQ(V,4,2) x", ["4", "3", "2"]),
        ("~SEQ(V,1,3,8) x", ["1", "4", "7"]),
        ("~SEQ (V,0x10,010) x", ["16", "15", "14", "13", "12", "11", "10", "9", "8"]),
        ("~SEQx(V,9,11) x", ["9", "a", "b"]),
        ("~LST(V, a, b) x", ["a", "b"]),
    ],
)
def test_values(text: str, values: list[str]) -> None:
    repeat = parse_repeat(text)
    assert [value for (value,) in repeat.values] == values
    assert repeat.names == ("V",)
    assert repeat.rest == "x"


def test_lists_of_several_names_fill_up_with_nothing() -> None:
    repeat = parse_repeat("~LST({A,B},{1,x},{2}) r $A $B")
    assert repeat.names == ("A", "B")
    assert list(repeat.values) == [("1", "x"), ("2", "")]


@pytest.mark.parametrize(
    "text",
    [
        "~SEQ(A,1,2",
        "~SEQ(A)",
        "~SEQ(A,1,0,3) x",
        "~SEQ(A,1,-1,3) x",
        "~SEQ(A,x) y",
        "~SEQ(,2) y",
        "~SEQ(A,08) y",
        "~SEQ(A,99999999999999999999) y",
        "~SEQ",
        "~SEQUENCE(1)",
        "~SEQ x",
        "~LST(A) x",
        "~LST(A,b c) x",
        "~LST({A,B} {1,2}) x",
        "~SEQx(A,-1) y",
        "~SEQ(A,1,2,3,4) x",
        "~LST({A,B},{1,2,3}) x",
        "~LST({A,{B}) x",
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    assert is_repeat(text)
    with pytest.raises(BadRepeatError):
        parse_repeat(text)


def test_other_words_with_a_tilde_are_none() -> None:
    assert not is_repeat("~FOO")
    assert not is_repeat("x ~SEQ(A,2)")


def test_a_name_that_nothing_can_refer_to_is_no_error() -> None:
    repeat = parse_repeat("~LST({1,B,a-b},{x,y,z}) k")
    assert repeat.unusable == ["1", "a-b"]
    assert list(repeat.values) == [("x", "y", "z")]
