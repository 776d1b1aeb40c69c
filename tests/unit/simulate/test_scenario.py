from __future__ import annotations

from ipaddress import ip_address

import pytest

from pyvrrp.model.tracked import Tracker
from pyvrrp.simulate.scenario import ScenarioError, duration, parse, share
from pyvrrp.simulate.steps import (
    Begin,
    Crash,
    Heal,
    Kill,
    Link,
    Partition,
    Quality,
    Rate,
    Reload,
    Stall,
    Step,
    Stop,
    Take,
    Timed,
    Track,
)
from pyvrrp.units import MILLISECOND, MINUTE, SECOND

DIRECTORS = {"a": "a", "b": "b", "c": "c", "d1": "a"}


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("10", 10 * SECOND),
        ("1.5s", 1_500_000),
        ("200ms", 200 * MILLISECOND),
        ("7us", 7),
        ("1h30m", 90 * MINUTE),
        ("0", 0),
    ],
)
def test_durations(text: str, micros: int) -> None:
    assert duration(text) == micros


@pytest.mark.parametrize("text", ["", "s", "10x", "-1s", "1s-"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ScenarioError, match="is no duration"):
        duration(text)


def test_shares() -> None:
    assert (share("20%"), share("0.2"), share("0"), share("100%")) == (200_000, 200_000, 0, 1_000_000)
    for text in ("120%", "x", "-1"):
        with pytest.raises(ScenarioError, match="is no share"):
            share(text)


STEPS: dict[str, Step] = {
    "crash a": Crash("a"),
    "start d1": Begin("a"),
    "stop b": Stop("b"),
    "kill b": Kill("b"),
    "stall b 2s": Stall("b", 2 * SECOND),
    "partition a | b c": Partition((frozenset("a"), frozenset("bc"))),
    "partition a on eth0": Partition((frozenset("a"),), "eth0"),
    "heal": Heal(),
    "link a eth0 down": Link("a", "eth0", False),
    "loss 20%": Quality("loss", 200_000),
    "loss 100% a -> b": Quality("loss", 1_000_000, ("a", "b")),
    "delay 5ms": Quality("delay", 5 * MILLISECOND),
    "jitter 1ms b -> a": Quality("jitter", MILLISECOND, ("b", "a")),
    "duplicate 1%": Quality("duplicate", 10_000),
    "reorder 0.5": Quality("reorder", 500_000),
    "clock a +200ppm": Rate("a", 200),
    "clock a -5": Rate("a", -5),
    "script a chk fails": Track("a", Tracker.SCRIPT, "chk", False),
    "process a nginx ok": Track("a", Tracker.PROCESS, "nginx", True),
    "file a load -20": Track("a", Tracker.FILE, "load", -20),
    "bfd a s down": Track("a", Tracker.BFD, "s", False),
    "remove a 192.0.2.1": Take("a", ip_address("192.0.2.1")),
    "reload a new.conf": Reload("a", "new.conf"),
}


@pytest.mark.parametrize(("text", "step"), STEPS.items())
def test_steps(text: str, step: Step) -> None:
    assert parse(f"at 3s {text}  # why not", "x", DIRECTORS) == [Timed(3 * SECOND, step)]


@pytest.mark.parametrize("step", STEPS.values(), ids=str)
def test_a_step_as_text_is_read_again_as_the_same(step: Step) -> None:
    assert parse(f"at 1 {step}", "x", DIRECTORS)[0].step == step


def test_times_may_count_from_the_step_before_and_are_put_in_order() -> None:
    steps = parse("\nat 10s heal\nat +5s crash a\n# nothing\nat 2s stop b\nat +1s heal\n", "x", DIRECTORS)
    assert [timed.at // SECOND for timed in steps] == [2, 3, 10, 15]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("crash a", "f:2: a step is `at TIME WHAT"),
        ("at 1s", "f:2: a step is"),
        ("at 1s explode a", "f:2: 'explode' is no step; there are crash, start"),
        ("at 1s crash x", "f:2: no director is called 'x'; there are a, b, c"),
        ("at 1s crash", "f:2: it is `crash DIRECTOR`"),
        ("at 1s link a eth0 sideways", "f:2: it is `link DIRECTOR INTERFACE up|down`"),
        ("at 1s partition a | a", "f:2: it is `partition"),
        ("at 1s partition | a", "f:2: it is `partition"),
        ("at 1s loss 20% a b c", "f:2: it is `loss SHARE"),
        ("at 1s clock a 900000", "f:2: a clock is at most"),
        ("at 1s heal now", "f:2: it is `heal`"),
        ("at 1s remove a nowhere", "f:2: it is `remove DIRECTOR ADDRESS`"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(line: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(f"\n{line}", "f", DIRECTORS)
    assert str(caught.value).startswith(message)
