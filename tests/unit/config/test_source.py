from __future__ import annotations

import pytest

from pyvrrp.config.source import printable, snippet


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
