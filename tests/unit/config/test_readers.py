from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from pyvrrp.config.readers import BARE, parse_address, parse_integer, parse_seconds, reader_for
from pyvrrp.errors import ProblemClass

NUMBER = ProblemClass.INVALID_NUMBER
GENERAL = ProblemClass.GENERAL


def read(argument: str, *words: str, optional: bool = False) -> tuple[object, list[ProblemClass]]:
    reader = reader_for(argument, optional=optional)
    assert reader is not None
    kinds: list[ProblemClass] = []
    return reader(["keyword", *words], lambda message, word, kind: kinds.append(kind)), kinds


@pytest.mark.parametrize(
    ("argument", "word", "value"),
    [
        ("uint 1..255", "255", 255),
        ("uint 1..255", "+100", 100),
        ("newsecs 0.001..4294", "2", 2_000_000),
        ("newsecs 0.001..4294", " +2", 2_000_000),
        ("uint 1..255", " 100", 100),
        ("uint 0..", "4294967295", 4294967295),
        ("int -20..19", "-20", -20),
        ("secs 0.01..255", "1", 1_000_000),
        ("secs 0.01..255", ".5", 500_000),
        ("secs 0.01..255", "1.", 1_000_000),
        ("secs 0.000001..", "0.000001", 1),
        ("ms 1..4294967", "10", 10_000),
        ("ms 1..4294967", "1.5", 1_500),
        ("flag", "whatever", True),
        ("bool", "yes", True),
        ("bool", "off", False),
        ("bool all", "all", True),
        ("bool_any", "off", True),
        ("word", "x", "x"),
        ("enum PASS,AH", "AH", "AH"),
        ("ip", "10.0.0.1", IPv4Address("10.0.0.1")),
        ("ip", "fe80::1", IPv6Address("fe80::1")),
        ("ip4", "224.0.0.18", IPv4Address("224.0.0.18")),
        ("ifname", "a23456789012345", "a23456789012345"),
        ("weight -253..253", "-5", -5),
    ],
)
def test_good_arguments(argument: str, word: str, value: object) -> None:
    assert read(argument, word) == (value, [])


@pytest.mark.parametrize(
    ("argument", "word", "kind"),
    [
        ("uint 1..255", "0", NUMBER),
        ("newsecs 0.001..4294", "0", NUMBER),
        ("newsecs 0.001..4294", "0.0001", NUMBER),
        ("newsecs 0.001..4294", "x", NUMBER),
        ("uint 1..255", "256", NUMBER),
        ("uint 1..255", "-5", NUMBER),
        ("uint= 1..255", "0x64", NUMBER),
        ("uint= 1..255", "100x", NUMBER),
        ("uint 1..255", "٣", NUMBER),
        ("uint 1..255", "9" * 5000, NUMBER),
        ("secs 0.01..255", "0.005", NUMBER),
        ("secs 0.01..255", "1x", NUMBER),
        ("secs 0.01..255", ".", NUMBER),
        ("secs 0.01..255", "1" * 30, NUMBER),
        ("bool", "ON", GENERAL),
        ("bool_any", "foo", GENERAL),
        ("enum PASS,AH", "pass", GENERAL),
        ("ip", "10.0.9", GENERAL),
        ("ip", "010.0.0.1", GENERAL),
        ("ip", "fe80::1%eth0", GENERAL),
        ("ip4", "fe80::1", GENERAL),
        ("ifname", "a234567890123456", GENERAL),
    ],
)
def test_bad_arguments(argument: str, word: str, kind: ProblemClass) -> None:
    assert read(argument, word) == (None, [kind])


def test_what_follows_a_whole_number_is_told_and_the_number_counts() -> None:
    assert read("uint 2..3", "3;") == (3, [NUMBER])
    assert read("uint 2..3", "4;") == (None, [NUMBER])
    assert read("weight -253..253", "-20;") == (-20, [NUMBER])
    assert read("newsecs 0.001..4294", "3s") == (3_000_000, [NUMBER])
    assert read("newsecs 0.001..4294", "0.5") == (500_000, [NUMBER])


def test_too_many_places_are_rounded_and_told() -> None:
    assert read("secs 0.01..255", "1.0000006") == (1_000_001, [NUMBER])


def test_an_optional_argument_may_be_absent() -> None:
    assert read("word", optional=True) == (BARE, [])
    assert read("uint 1..2678400", optional=True) == (BARE, [])
    assert read("enum VS", optional=True) == (BARE, [])
    assert read("bool") == (True, [])


def test_a_weight_may_be_reversed_and_nothing_else() -> None:
    assert read("weight -253..253", "5", "reverse") == (5, [])
    assert read("weight -253..253", "5", "backwards") == (5, [GENERAL])


def test_numbers_are_exact() -> None:
    assert parse_seconds("3.609375", 0, 10**9) == 3_609_375
    assert parse_seconds("-1", -(10**9), 0) == -1_000_000
    assert parse_integer("00012", 0, 100) == 12
    assert parse_address("256.1.1.1") is None
