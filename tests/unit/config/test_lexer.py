from __future__ import annotations

import pytest

from pyvrrp.config.lexer import split_braces, split_words, strip_comment, word_spans


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a b # c", "a b"),
        ("a b ! c", "a b"),
        ("z3#x", "z3"),
        ("# all", ""),
        ('a "b # c" d # e', 'a "b # c" d'),
        (r"a\#b \! c", "a#b ! c"),
        (r'a "x\"y" # z', r'a "x\"y"'),
        ("a 'b # c'", "a 'b"),
        ("k1\\", "k1\\"),
    ],
)
def test_a_comment_ends_a_line_unless_it_is_quoted_or_escaped(text: str, code: str) -> None:
    assert strip_comment(text) == (code, False)


def test_an_odd_number_of_quotes_is_told() -> None:
    assert strip_comment('priority "100') == ('priority "100', True)
    assert strip_comment('a "b" "c # d') == ('a "b" "c # d', True)


def test_braces_stand_alone_with_their_places() -> None:
    assert split_braces("a{b}") == [(0, "a"), (1, "{"), (2, "b"), (3, "}")]
    assert split_braces("track_script { chk }") == [(0, "track_script"), (13, "{"), (15, "chk"), (19, "}")]
    assert split_braces('x "a{b}" {') == [(0, 'x "a{b}"'), (9, "{")]
    assert split_braces('x "a{b') == [(0, 'x "a{b')]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ('a "b c" d', ["a", "b c", "d"]),
        ('a"b c"d', ["a", "b c", "d"]),
        ('a ""', ["a", ""]),
        ("a 'b c'", ["a", "'b", "c'"]),
        ("a\u00a0b c", ["a\u00a0b", "c"]),
        ("路由 器", ["路由", "器"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split_words(text) == (words, False)


def test_an_open_quote_drops_the_rest() -> None:
    assert split_words('a b "c d') == (["a", "b"], True)


def test_word_spans_include_quotes() -> None:
    assert word_spans('ab "c d" e') == [(0, 2), (3, 5), (9, 1)]
