"""Identical checks are made once, and nobody notices later for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from pyvrrp.core.lvs.actions import CancelCheck, StartCheck
from pyvrrp.core.lvs.events import CheckFinished, Reconfigured, TimePassed
from pyvrrp.core.lvs.probes import Spread
from pyvrrp.model.config import Config
from pyvrrp.model.lvs import Protocol, ServiceKey
from pyvrrp.units import SECOND
from tests.unit.lvs.samples import RS1, RS2, Play, config, endpoint, real_server, virtual_server


def service(number: int) -> ServiceKey:
    return ServiceKey.of(endpoint(f"192.0.2.{number}:80"), Protocol.TCP)


def shared(*delay_loops: int, **timing: object) -> Config:
    """A virtual server for each delay_loop in seconds, all with the same real server."""
    return config(
        *(
            virtual_server(real_server(RS1, timing={"delay_loop": loop * SECOND, **timing}), key=service(number))
            for number, loop in enumerate(delay_loops, 1)
        )
    )


def up(play: Play) -> list[bool]:
    return [one.real_servers[0].checkers[0].up for one in play.balancer.snapshot(None).virtual_servers]


def runs(play: Play, until: int) -> list[int]:
    """When a check was begun, each of which fails at once if RS1 is dead."""
    begun: list[int] = []
    while (deadline := play.balancer.deadline()) is not None and deadline <= until:
        play.at = max(play.at, deadline)
        for action in play.told(TimePassed(play.at)):
            if isinstance(action, StartCheck):
                begun.append(play.at)
                play.told(CheckFinished(play.at, action.id, "refused" if RS1 in play.dead else None))
    return begun


def test_the_same_server_in_many_virtual_servers_is_asked_once() -> None:
    play = Play(shared(6, 6, 6, 6))
    begun = runs(play, play.at + 60 * SECOND)
    assert [later - earlier for earlier, later in pairwise(begun)] == [6 * SECOND] * (len(begun) - 1)
    assert len(begun) == 10
    checkers = [one.real_servers[0].checkers[0] for one in play.balancer.snapshot(None).virtual_servers]
    assert {checker.last_run for checker in checkers} == {begun[-1]}
    assert {checker.shared for checker in checkers} == {4}


def test_the_answer_takes_it_down_everywhere() -> None:
    play = Play(shared(6, 6, retry=0))
    runs(play, play.at + 20 * SECOND)
    assert up(play) == [True, True]
    play.dead.add(RS1)
    runs(play, play.at + 7 * SECOND)
    assert up(play) == [False, False]


def test_each_keeps_its_own_delay_loop() -> None:
    play = Play(shared(2, 30))
    began = play.at
    assert 40 <= len(runs(play, play.at + 90 * SECOND)) <= 49
    slow = play.balancer.snapshot(None).virtual_servers[1].real_servers[0].checkers[0]
    assert slow.last_run is not None
    assert slow.last_run > began + 55 * SECOND


def test_each_keeps_its_own_retries() -> None:
    impatient = virtual_server(real_server(RS1, timing={"retry": 0}), key=service(1))
    patient = virtual_server(real_server(RS1, timing={"retry": 2}), key=service(2))
    play = Play(config(impatient, patient))
    runs(play, play.at + 20 * SECOND)
    play.dead.add(RS1)
    seen = []
    for _ in range(3):
        deadline = play.balancer.deadline()
        assert deadline is not None
        runs(play, deadline)
        seen.append(up(play))
    assert seen == [[False, True], [False, True], [False, False]]


def test_other_parameters_are_another_check() -> None:
    (one,) = real_server(RS1).checkers
    slower = replace(one, connect=replace(one.connect, connect_timeout=SECOND))  # type: ignore[union-attr, arg-type]
    play = Play(
        config(
            virtual_server(replace(real_server(RS1), checkers=(one, slower)), key=service(1)),
            virtual_server(real_server(RS2), key=service(2)),
        )
    )
    found = play.balancer.snapshot(None).virtual_servers
    assert [checker.shared for virtual in found for checker in virtual.real_servers[0].checkers] == [1, 1, 1]


def test_a_check_that_ends_before_it_was_due_is_not_made_again() -> None:
    play = Play(shared(6, 6))
    deadline = play.balancer.deadline()
    assert deadline is not None
    (check,) = [action for action in play.told(TimePassed(deadline + 5)) if isinstance(action, StartCheck)]
    play.told(CheckFinished(deadline - 5, check.id, None))
    assert play.balancer.deadline() == deadline - 5 + 6 * SECOND


def test_checks_that_became_due_while_we_stood_still_are_spread_again_afterwards() -> None:
    timing = {"delay_loop": 20 * SECOND, "warmup": 20 * SECOND}
    servers = [real_server(endpoint(f"10.1.0.{n}:80"), timing=timing) for n in range(1, 41)]
    play = Play(config(virtual_server(*servers)))
    runs(play, play.at + 60 * SECOND)
    play.at += 8 * SECOND  # a stolen processor
    runs(play, play.at + 19 * SECOND)
    begun = runs(play, play.at + 40 * SECOND)
    assert len(begun) == 80
    assert max(later - earlier for earlier, later in pairwise(begun)) < 2 * SECOND


def test_who_comes_later_joins_the_rhythm() -> None:
    play = Play(shared(6))
    runs(play, play.at + 20 * SECOND)
    play.reload(shared(6, 6))
    runs(play, play.at + 10 * SECOND)  # its first check comes when it would alone
    begun = runs(play, play.at + 30 * SECOND)
    assert {later - earlier for earlier, later in pairwise(begun)} == {6 * SECOND}


@pytest.mark.parametrize(("left", "cancelled"), [(1, 0), (0, 1)])
def test_a_check_under_way_is_cancelled_when_nobody_waits_any_more(left: int, cancelled: int) -> None:
    play = Play(shared(6, 6))
    play.next_check()
    kept = config(*shared(6, 6).virtual_servers[:left])
    actions = play.told(Reconfigured(play.at, kept))
    assert sum(isinstance(action, CancelCheck) for action in actions) == cancelled


def test_a_reload_changes_the_question_from_the_next_check_on() -> None:
    play = Play(shared(6, 6))
    play.reload(shared(6, 6, retry=1))
    assert len(runs(play, play.at + 30 * SECOND)) == 5
    assert [one.real_servers[0].checkers[0].shared for one in play.balancer.snapshot(None).virtual_servers] == [2, 2]


@pytest.mark.parametrize("every", [1, 2, 5, 8, 13, 55])
def test_first_checks_are_spread_evenly_even_if_only_some_of_them_are_looked_at(every: int) -> None:
    draw = Spread(7)
    drawn = sorted([draw(1_000_000) for _ in range(1000 * every)][::every])
    gaps = [later - earlier for earlier, later in pairwise(drawn)]
    assert max(gaps) < 20_000  # 1,000 on average; random ones reach 10,000
    assert drawn[-1] <= 1_000_000
