"""Readers of arguments: from the words of a statement to a value, or to a complaint.

A reader gets all words of the line, the keyword first, and answers the value. What is wrong it tells through
`complain(message, word number, class)`; None then means that there is no usable value and the keyword is ignored.
A reader whose argument may be absent answers BARE for the bare keyword.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, TypeAlias

from pyvrrp.errors import ProblemClass
from pyvrrp.net import Address
from pyvrrp.units import MILLISECOND, SECOND, Micros, format_seconds

Complain: TypeAlias = Callable[[str, int, ProblemClass], None]
Reader: TypeAlias = Callable[[list[str], Complain], object]


class Bare(Enum):
    """The keyword stands alone."""

    BARE = "bare"


BARE: Final = Bare.BARE

UINT_MAX: Final = 4294967295
IFNAME_MAX: Final = 15
"""IFNAMSIZ without the final NUL."""
MICROS_MAX: Final = (2**64 - 2) * MILLISECOND

TRUE: Final = frozenset({"on", "true", "yes"})
FALSE: Final = frozenset({"off", "false", "no"})

UMASK: Final = r"I[RWX](?:USR|GRP|OTH)(?:\|I[RWX](?:USR|GRP|OTH))*"
OCTET: Final = {str(number): number for number in range(256)}
EMPTY: Final = frozenset({"", "+", "."})
NUMBER = re.compile(r"[ \t]*([+-]?)([0-9]+)")
DECIMAL = re.compile(r"[ \t]*([+-]?)([0-9]*)(?:\.([0-9]*))?")


def parse_address(text: str) -> Address | None:
    """The address, or None. A zone (``%eth0``) is none of its business."""
    octets = text.split(".")
    if len(octets) == 4:  # a large configuration has mostly these, and ipaddress takes three times as long for one
        try:
            a, b, c, d = octets
            return IPv4Address(OCTET[a] << 24 | OCTET[b] << 16 | OCTET[c] << 8 | OCTET[d])
        except KeyError:
            pass
    try:
        return IPv6Address(text) if ":" in text and "%" not in text else IPv4Address(text)
    except AddressValueError:
        return None


def parse_integer(text: str, low: int, high: int, *, lenient: bool = False) -> int | str:
    """The number, or what is wrong with the text. Lenient: what follows the digits does not matter."""
    match = NUMBER.match(text)
    if match is None or (match.end() != len(text) and not lenient):
        return f"`{text}` is not a whole number"
    if len(match[2]) > 20:
        return f"{text} is too large"
    if match[1] == "-" and low >= 0:
        return f"{text} is negative"
    number = int(match[1] + match[2])
    if not low <= number <= high:
        return f"{number} is out of range ({low} to {high})"
    return number


def digits_of(text: str, low: int, high: int) -> int | None:
    """Where `parse_integer` complains of what follows the digits: the number all the same, as keepalived takes it."""
    number = parse_integer(text, low, high, lenient=True)
    return number if isinstance(number, int) else None


def parse_seconds(text: str, low: Micros, high: Micros) -> Micros | str:
    """Decimal seconds as microseconds, rounded to the nearest, or what is wrong with the text."""
    match = DECIMAL.match(text)
    if match is None or not (match[2] or match[3]) or match.end() != len(text):
        return f"`{text}` is not a number"
    fraction = match[3] or ""
    if len(match[2]) > 20 or len(fraction) > 20:
        return f"{text} has too many digits"
    micros = (int((match[2] or "0") + fraction.ljust(7, "0")[:7]) + 5) // 10
    if match[1] == "-":
        if low >= 0:
            return f"{text} is negative"
        micros = -micros
    if not low <= micros <= high:
        return f"{text} is out of range ({format_seconds(low)} to {format_seconds(high)} s)"
    return micros


@cache
def reader_for(argument: str, *, optional: bool = False) -> Reader | None:
    """The reader of a table's argument column, without its ``?`` or ``!``. None: the builder reads the words.

    Of whole numbers the digits count, whatever follows them, with ``=`` the whole word.
    """
    kind, _, detail = argument.partition(" ")
    lenient = not kind.endswith("=")
    kind = kind.rstrip("=")
    if kind in ("uint", "int", "secs", "ms", "newsecs"):
        low, _, high = detail.partition("..")
        if kind == "newsecs":
            return _new_seconds(_scaled(low, SECOND), _scaled(high, SECOND))
        if kind in ("secs", "ms"):
            unit = SECOND if kind == "secs" else MILLISECOND
            reader = _seconds(_scaled(low, unit), _scaled(high, unit) if high else MICROS_MAX, unit)
        else:
            reader = _integer(int(low), int(high) if high else UINT_MAX, lenient)
        return _optional(reader) if optional else reader
    if kind == "weight":
        low, _, high = detail.partition("..")
        return _weight(_integer(int(low), int(high), lenient))
    if kind == "extra":
        return _extra(int(detail.partition("..")[0]))
    if kind == "bool":
        return _bool(frozenset(detail.split()))
    if kind == "enum":
        reader = _enum(tuple(detail.split(",")))
        return _optional(reader) if optional else reader
    return {
        "flag": _flag,
        "bool_any": _bool_any,
        "word": _optional(_word) if optional else _word,
        "word1": _word1,
        "ip": _ip,
        "ip4": _ip4,
        "ifname": _ifname,
        "umask": _umask,
        "words": None,
        "words1": None,
        "command": None,
    }[kind]


def _scaled(number: str, unit: Micros) -> Micros:
    value = parse_seconds(number, 0, MICROS_MAX)
    assert isinstance(value, int), number
    return value * unit // SECOND


def _optional(reader: Reader) -> Reader:
    def read(words: list[str], complain: Complain) -> object:
        return reader(words, complain) if len(words) > 1 else BARE

    return read


def _empty(words: list[str], low: int, complain: Complain) -> bool:
    """Nothing but a sign or blanks, which keepalived takes for 0 where that is possible."""
    if words[1].strip(" \t") not in EMPTY or low > 0:
        return False
    complain(f"`{words[0]}` lacks its number", 1, ProblemClass.OK)
    return True


def _integer(low: int, high: int, lenient: bool) -> Reader:
    def read(words: list[str], complain: Complain) -> object:
        text = words[1]
        if _empty(words, low, complain):
            return 0
        value = parse_integer(text, low, high)
        if isinstance(value, int):
            return value
        complain(value, 1, ProblemClass.INVALID_NUMBER)
        return digits_of(text, low, high) if lenient else None

    return read


def _new_seconds(low: Micros, high: Micros) -> Reader:
    """Seconds that keepalived 2.2.7 takes whole only, and 2.4 with fractions: they count, and are told."""

    def read(words: list[str], complain: Complain) -> object:
        text = words[1]
        whole = parse_integer(text, 1, high // SECOND)
        if isinstance(whole, int):
            return whole * SECOND
        value = parse_seconds(text, low, high)
        if isinstance(value, str):
            complain(value, 1, ProblemClass.INVALID_NUMBER)
            digits = digits_of(text, 1, high // SECOND)
            return None if digits is None else digits * SECOND
        complain(f"{text} is no whole number, which keepalived before 2.4 asks for", 1, ProblemClass.INVALID_NUMBER)
        return value

    return read


def _seconds(low: Micros, high: Micros, unit: Micros) -> Reader:
    def read(words: list[str], complain: Complain) -> object:
        text = words[1]
        if _empty(words, low, complain):
            return 0
        scale = SECOND // unit
        value = parse_seconds(text, low * scale, high * scale)
        if isinstance(value, str):
            complain(value, 1, ProblemClass.INVALID_NUMBER)
            return None
        if len(text.partition(".")[2]) > 6:
            complain(f"{text} has more than 6 places", 1, ProblemClass.INVALID_NUMBER)
        return value // scale

    return read


def _enum(choices: tuple[str, ...]) -> Reader:
    def read(words: list[str], complain: Complain) -> object:
        if words[1] in choices:
            return words[1]
        complain(f"`{words[1]}` is none of {', '.join(choices)}", 1, ProblemClass.GENERAL)
        return None

    return read


def _flag(words: list[str], complain: Complain) -> object:
    return True


def _bool(others: frozenset[str]) -> Reader:
    """`others`: further words that stand for on."""

    def read(words: list[str], complain: Complain) -> object:
        if len(words) == 1 or words[1] in TRUE or words[1] in others:
            return True
        if words[1] in FALSE:
            return False
        complain(f"`{words[1]}` is neither on nor off", 1, ProblemClass.GENERAL)
        return None

    return read


def _weight(number: Reader) -> Reader:
    def read(words: list[str], complain: Complain) -> object:
        if len(words) > 2 and words[2] not in ("reverse", "noreverse"):
            complain(f"`{words[2]}` is no option of weight", 2, ProblemClass.GENERAL)
        return number(words, complain)

    return read


def _bool_any(words: list[str], complain: Complain) -> object:
    """Whatever valid word follows, the flag is set (keepalived: vrrp_parser.c, skip_check_adv_addr)."""
    return True if _bool(frozenset())(words, complain) is not None else None


def _word(words: list[str], complain: Complain) -> object:
    return words[1]


def _umask(words: list[str], complain: Complain) -> object:
    text = words[1]
    number = parse_c_integer(text)
    if number is None and not re.fullmatch(UMASK, text):
        complain(f"`{text}` is neither a number nor bits as IWGRP|IWOTH", 1, ProblemClass.GENERAL)
        return None
    if number is not None and number > 0o777:
        complain(f"{text} is more than 0777", 1, ProblemClass.GENERAL)
        return None
    return text


def parse_c_integer(text: str) -> int | None:
    """A number as C writes it: 0x1f, 017, 15; None if it is none."""
    if re.fullmatch("0[xX][0-9a-fA-F]{1,16}", text):
        return int(text, 16)
    if re.fullmatch("0[0-7]{0,20}", text):
        return int(text, 8)
    return int(text) if re.fullmatch("[1-9][0-9]{0,19}", text) else None


def _extra(low: int) -> Reader:
    """[all] SECONDS."""

    def read(words: list[str], complain: Complain) -> object:
        seconds = None
        for at, word in enumerate(words[1:], 1):
            if word != "all":
                seconds = parse_integer(word, low, 86400)
                if isinstance(seconds, str):
                    complain(seconds, at, ProblemClass.INVALID_NUMBER)
                    return None
        if seconds is None:
            complain(f"`{words[0]}` lacks its seconds", 1, ProblemClass.GENERAL)
            return None
        return tuple(words[1:])

    return read


def _word1(words: list[str], complain: Complain) -> object:
    """With more words than one it is refused."""
    if len(words) == 2:
        return words[1]
    complain(f"`{words[0]}` takes one word", 2, ProblemClass.GENERAL)
    return None


def _ip(words: list[str], complain: Complain) -> object:
    address = parse_address(words[1])
    if address is None:
        complain(f"`{words[1]}` is not an IP address", 1, ProblemClass.GENERAL)
    return address


def _ip4(words: list[str], complain: Complain) -> object:
    address = parse_address(words[1])
    if isinstance(address, IPv4Address):
        return address
    complain(f"`{words[1]}` is not an IPv4 address", 1, ProblemClass.GENERAL)
    return None


def _ifname(words: list[str], complain: Complain) -> object:
    if len(words[1].encode(errors="surrogateescape")) <= IFNAME_MAX:
        return words[1]
    complain(f"`{words[1]}` is too long for an interface name (at most {IFNAME_MAX})", 1, ProblemClass.GENERAL)
    return None
