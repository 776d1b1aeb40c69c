from __future__ import annotations

import pytest

from pyvrrp.config import Source, load
from pyvrrp.config.source import printable, snippet
from tests.unit.config.files import source

TEXT = '$V=51\nglobal_defs {\n router_id "ä b"\n}\nvrrp_instance V {\n virtual_router_id $V\n}\nfoo $NO\n'


def test_to_text_and_back() -> None:
    expanded = source(TEXT)
    assert expanded.problems
    again = Source.from_text(expanded.to_text())
    assert again == expanded
    assert load(again) == load(expanded)


def test_undecodable_bytes_survive_the_way() -> None:
    expanded = source(b"router_id \xff\n")
    text = expanded.to_text()
    assert text.isascii()
    assert Source.from_text(text) == expanded


@pytest.mark.parametrize("text", ["", "{}", "[1,2]", "null", '["a", [[1]], [], []]', '["a", [], [], [[1]]]'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Source.from_text(text)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  auth_pass 1111", "  auth_pass ****"),
        ('auth_pass "a b#c" # why', "auth_pass ** **** # why"),
        ("authentication { auth_pass x1 }", "authentication { auth_pass ** }"),
        ("auth_pas 1111", "auth_pas ****"),
        ("  password geheim", "  password ******"),
        ("key 1 hex:00ff", "key * ********"),
        ("virtual_router_id 51", "virtual_router_id 51"),
    ],
)
def test_a_snippet_keeps_secrets(raw: str, shown: str) -> None:
    assert snippet(raw) == shown


def test_nothing_that_moves_a_cursor_gets_through() -> None:
    assert printable("a\x1b[2J\x7f\x9b\udcff\tb") == "a\ufffd[2J\ufffd\ufffd\ufffd\tb"
