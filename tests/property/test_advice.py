"""Advice, comparison and the effective configuration come to an end with whatever is in a file."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyvrrp.cli.sarif import to_sarif
from pyvrrp.config import exit_status, load
from pyvrrp.config.advice import advise
from pyvrrp.config.compare import Side, compare
from pyvrrp.config.render import render
from tests.property.test_config import LINES
from tests.unit.config.files import source
from tests.unit.config.reference import TEXT

REFERENCE = TEXT.encode()


def judge(text: bytes) -> None:
    first, second = source(text), source(REFERENCE)
    side, other = Side(first, load(first)), Side(second, load(second))
    found = advise(first, side.loaded, [IPv4Address("10.0.0.1")])
    assert exit_status(found) == 0
    for problem in (*found, *compare(side, other), *compare(other, side)):
        assert problem.message
        assert problem.effect
    assert to_sarif((*side.loaded.problems, *found))
    again = source(render(first, show_secrets=True, origins=True).encode("utf-8", "surrogateescape"))
    assert load(again).config == side.config


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    judge(data)


@settings(max_examples=150, deadline=None)
@given(LINES)
def test_keywords_in_any_order(lines: list[str]) -> None:
    judge("\n".join(lines).encode("utf-8", "replace"))


@settings(max_examples=150, deadline=None)
@example([(71, b'"')])
@given(st.lists(st.tuples(st.integers(0, len(REFERENCE)), st.binary(max_size=3)), max_size=4))
def test_the_reference_configuration_with_bytes_put_in(places: list[tuple[int, bytes]]) -> None:
    text = REFERENCE
    for at, more in places:
        text = text[:at] + more + text[at:]
    judge(text)
