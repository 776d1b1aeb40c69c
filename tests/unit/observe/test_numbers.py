from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.core.lvs.snapshot import Traffic
from pyvrrp.observe.numbers import Rates, short
from pyvrrp.observe.picture import Picture
from pyvrrp.units import SECOND
from tests.unit.observe.pictures import NOW, PICTURE


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (7, "7"),
        (0.04, "0.0"),
        (0.5, "0.5"),
        (9.96, "10.0"),
        (12.5, "12"),
        (99_999, "99999"),
        (99_999.6, "100K"),
        (100_000, "100K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (1_234_567, "1.23M"),
        (12_345_678, "12.3M"),
        (123_456_789, "123M"),
        (1_234_567_890, "1.23G"),
        (2**64 - 1, "18.4E"),
    ],
)
def test_short(number: float, text: str) -> None:
    assert short(number) == text


@given(st.one_of(st.integers(0, 2**64 - 1), st.floats(0, 2.0**64)))
def test_five_characters_always_do(number: float) -> None:
    assert len(short(number)) <= 5


def picture(at: int, pid: int = 1, traffic: Traffic | None = None) -> Picture:
    assert PICTURE.lvs is not None
    service = PICTURE.lvs.virtual_servers[0]
    service = replace(service, traffic=traffic, real_servers=(replace(service.real_servers[0], traffic=traffic),))
    lvs = replace(PICTURE.lvs, virtual_servers=(service,))
    return replace(PICTURE, taken=NOW + at, daemon=replace(PICTURE.daemon, pid=pid), lvs=lvs)


NAME, SERVER = "[192.0.2.10]:tcp:15000", "10.71.12.69:15000"
BEFORE = Traffic(connections=10, in_packets=20, out_packets=30, in_bytes=40, out_bytes=50)
AFTER = Traffic(connections=12, in_packets=24, out_packets=36, in_bytes=1040, out_bytes=50)


@pytest.mark.parametrize("server", [None, SERVER])
def test_growth_by_the_time_between_the_pictures(server: str | None) -> None:
    rates = Rates(picture(0, traffic=BEFORE), picture(2 * SECOND, traffic=AFTER))
    assert rates.of(NAME, server, AFTER) == (1.0, 2.0, 3.0, 500.0, 0.0)


def test_no_rate_without_a_count_before() -> None:
    later = picture(SECOND, traffic=AFTER)
    assert Rates(None, later).of(NAME, None, AFTER) is None
    assert Rates(picture(0), later).of(NAME, None, AFTER) is None
    rates = Rates(picture(0, traffic=BEFORE), later)
    assert rates.of(NAME, "192.0.2.99:1", AFTER) is None
    assert rates.of(NAME, None, None) is None


def test_no_rate_over_a_restart_or_backwards_or_in_no_time() -> None:
    earlier = picture(0, traffic=BEFORE)
    assert Rates(earlier, picture(SECOND, pid=2, traffic=AFTER)).of(NAME, None, AFTER) is None
    assert Rates(earlier, picture(0, traffic=AFTER)).of(NAME, None, AFTER) is None
    less = replace(AFTER, out_bytes=49)
    assert Rates(earlier, picture(SECOND, traffic=less)).of(NAME, None, less) is None
