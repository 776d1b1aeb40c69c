from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.simulate.clock import Clock
from pyvrrp.units import SECOND


def test_a_clock_of_another_rate_gains_its_parts_in_a_million() -> None:
    clock = Clock(base=5 * SECOND, ppm=100)
    assert clock.local(0) == 5 * SECOND
    assert clock.local(10 * SECOND) == 15 * SECOND + 1000


def test_a_new_rate_does_not_make_it_jump() -> None:
    clock = Clock(ppm=-1000)
    before = clock.local(SECOND)
    clock.set_rate(SECOND, 1000)
    assert clock.local(SECOND) == before
    assert clock.ppm == 1000


@given(st.integers(0, 1 << 40), st.integers(-1000, 1000), st.integers(0, 1 << 40))
def test_the_first_moment_at_which_it_shows_an_instant(base: int, ppm: int, local: int) -> None:
    clock = Clock(base=base, ppm=ppm)
    at = clock.world(base + local)
    assert clock.local(at) >= base + local
    assert clock.local(at - 1) < base + local
