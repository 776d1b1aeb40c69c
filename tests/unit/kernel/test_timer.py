from __future__ import annotations

import select
from collections.abc import Iterator

import pytest

from pyvrrp.kernel.timer import Timer, monotonic
from pyvrrp.units import MILLISECOND, MINUTE


@pytest.fixture
def timer() -> Iterator[Timer]:
    made = Timer()
    yield made
    made.close()


def rings(timer: Timer, within: int) -> bool:
    """`within` microseconds."""
    return bool(select.select([timer], [], [], within / 1_000_000)[0])


def test_rings_at_the_instant_not_before(timer: Timer) -> None:
    at = monotonic() + 20 * MILLISECOND
    timer.arm(at)
    assert not timer.clear()
    assert rings(timer, MINUTE)
    assert monotonic() >= at
    assert timer.clear()
    assert not rings(timer, 0)


def test_the_past_rings_at_once(timer: Timer) -> None:
    for at in (monotonic() - MINUTE, 0, -5):
        timer.arm(at)
        assert rings(timer, MINUTE)
        timer.clear()


def test_none_disarms_and_the_last_word_counts(timer: Timer) -> None:
    timer.arm(monotonic() + 5 * MILLISECOND)
    timer.arm(None)
    assert not rings(timer, 10 * MILLISECOND)
    timer.arm(monotonic() + MINUTE)
    timer.arm(monotonic())
    assert rings(timer, MINUTE)
    timer.arm(monotonic() + MINUTE)
    assert not rings(timer, 0)
