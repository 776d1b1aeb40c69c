"""Commands in a configuration: keepalived's second way of cutting a line into words.

Here ``'`` and ``"`` quote, pieces that touch are one word, and the word that holds the command is cut once more,
now with the escapes of C decoded: ``notify "/path/prog 'an argument' \\x41" USER GROUP``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pyvrrp.model.scripts import Command

RAW: Final = r"""(?:\\.|\\$|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s"'\\])+"""
ESCAPE: Final = r"\\(x[0-9a-fA-F]{1,2}|c.|[0-7]{1,3}|.)"
LETTERS: Final[Mapping[str, str]] = {
    "a": "\a",
    "b": "\b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}


def split_command(text: str) -> list[str] | None:
    """Words with quotes taken off and escapes kept; None where a quote is not closed."""
    words = []
    end = 0
    for match in re.finditer(RAW, text):
        if text[end : match.start()].strip():
            return None
        words.append(_unquote(match[0]))
        end = match.end()
    return None if text[end:].strip() else words


def decode(text: str) -> str:
    """C's escapes as the characters they stand for."""
    return re.sub(ESCAPE, _escape, text)


def parse_command(line: str) -> Command | str | None:
    """The command of a line that begins with a keyword; None where it is empty, or what is wrong with it."""
    words = split_command(line)
    inner = split_command(words[1]) if words is not None and len(words) > 1 else []
    if words is None or inner is None:
        return "a quote in the command is not closed"
    if not inner:
        return None
    user, group, *_ = [*words[2:4], None, None]
    return Command(tuple(decode(word) for word in inner), user, group)


def _unquote(word: str) -> str:
    return re.sub(r"""(\\.)|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'""", lambda m: m[1] or m[2] or m[3] or "", word)


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in LETTERS and len(code) == 1:
        return LETTERS[code]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] == "c" and len(code) == 2:
        return chr(ord(code[1]) & 0x1F)
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return code
