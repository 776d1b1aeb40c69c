from __future__ import annotations

import pytest

from pyvrrp.config.commands import decode, parse_command, split_command
from pyvrrp.model.scripts import Command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("notify /x", Command(("/x",))),
        ('notify "/x a b" root staff', Command(("/x", "a", "b"), "root", "staff")),
        ("notify '/x \"a b\" c' root", Command(("/x", "a b", "c"), "root")),
        ('notify /x"y z"', Command(("/xy", "z"))),
        (r'notify "/x \x41\101\n"', Command(("/x", "AA\n"))),
        ('notify ""', None),
        ("notify", None),
    ],
)
def test_commands(line: str, command: Command | None) -> None:
    assert parse_command(line) == command


@pytest.mark.parametrize("line", ["notify '/x", 'notify "/x \'y"'])
def test_quotes_that_are_not_closed(line: str) -> None:
    assert isinstance(parse_command(line), str)


def test_pieces_that_touch_are_one_word() -> None:
    assert split_command("""ab"c d"'e f' g\\ h""") == ["abc de f", "g\\ h"]


@pytest.mark.parametrize(
    ("text", "decoded"), [(r"\a\E\cA", "\a\x1b\x01"), (r"\q\\", "q\\"), (r"\x4\x414", "\x04A4"), ("\\", "\\")]
)
def test_escapes(text: str, decoded: str) -> None:
    assert decode(text) == decoded
