"""From physical lines to words: comments, quotes, braces.

Blanks are the C locale's: a no-break space pasted from a web page is part of a word, as it is for keepalived.
"""

from __future__ import annotations

import re
from typing import Final

BLANKS: Final = " \t\r\n\f\v"

SPECIAL = re.compile(r"[#!\"$~@{}\\\x00]")
"""A line without any of these needs no more than to be cut into words."""
CODE = re.compile(r'(?:[^"\\#!]+|\\.|\\$|"(?:[^"\\]|\\.|\\$)*(?:"|$))*+')
"""What precedes the comment: a backslash protects the next character, double quotes protect all."""
ESCAPED = re.compile(r"\\.")
PIECE = re.compile(r'[{}]|(?:[^{}"]|"[^"]*(?:"|$))+')
WORD = re.compile(r'"([^"]*)("?)|[^ \t\r\n\f\v"]+')


def strip_comment(text: str) -> tuple[str, bool]:
    """The line without its comment and outer blanks; True if its quotes are not balanced."""
    match = CODE.match(text)
    code = text[: match.end()] if match else text
    odd = '"' in code and ESCAPED.sub("", code).count('"') % 2 == 1
    if "\\" in code:
        code = code.replace("\\#", "#").replace("\\!", "!")
    return code.strip(BLANKS), odd


def split_braces(text: str) -> list[tuple[int, str]]:
    """The logical lines of a line, each with its offset: a brace outside double quotes stands alone."""
    pieces = []
    for match in PIECE.finditer(text):
        piece = match[0].lstrip(BLANKS)
        start = match.end() - len(piece)
        piece = piece.rstrip(BLANKS)
        if piece:
            pieces.append((start, piece))
    return pieces


def split_words(text: str) -> tuple[list[str], bool]:
    """The words, without their quotes; True if a quote is not closed, then the rest of the line is dropped."""
    if '"' not in text and text.isascii():
        return text.split(), False
    words = []
    for match in WORD.finditer(text):
        if match[1] is None:
            words.append(match[0])
        elif match[2]:
            words.append(match[1])
        else:
            return words, True
    return words, False


def word_spans(text: str) -> list[tuple[int, int]]:
    """Offset and length of each word, quotes included."""
    return [(match.start(), match.end() - match.start()) for match in WORD.finditer(text)]
