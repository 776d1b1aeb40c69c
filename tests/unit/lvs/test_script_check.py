"""MISC_CHECK: when the script runs, and what its exit status does to the weight."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyvrrp.core.lvs.events import CheckFinished
from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.model.checkers import CheckTiming, MiscCheck
from pyvrrp.model.config import Config
from pyvrrp.model.scripts import Command
from pyvrrp.units import SECOND
from tests.unit.lvs.samples import RS1, RS2, Play, config, real_server, virtual_server

NAME = "[10.0.0.1]:tcp:80 VS [192.0.2.10]:tcp:80"


def scripted(*, dynamic: bool = False, weight: int = 10, **timing: Any) -> Config:
    check = MiscCheck(
        timing=CheckTiming(**{"delay_loop": 10 * SECOND, "retry": 0, "warmup": 0, **timing}),
        command=Command(("/bin/check", "a")),
        timeout=5 * SECOND,
        dynamic=dynamic,
    )
    server = replace(real_server(RS1, checks=0, weight=weight), checkers=(check,))
    return config(virtual_server(server, real_server(RS2, checks=0)))


def run(play: Play, status: int | None, takes: int = 0) -> None:
    """The script's next run; None is a failure."""
    check = play.next_check()
    play.at += takes
    play.told(CheckFinished(play.at, check.id, "exited with status 1" if status is None else None, status or 0))


def test_the_next_start_is_counted_from_the_last_one_and_comes_at_once_if_that_is_past() -> None:
    play = Play(scripted())
    run(play, 0)
    started = play.at
    run(play, 0, takes=4 * SECOND)
    assert play.at == started + 14 * SECOND
    assert play.balancer.deadline() == started + 20 * SECOND
    run(play, 0, takes=25 * SECOND)
    assert play.balancer.deadline() == play.at


def test_words_of_failure_and_recovery() -> None:
    play = Play(scripted(retry=1), table={})
    run(play, 0)
    run(play, None)
    assert play.logs == []
    run(play, None)
    assert play.logs[0] == f"Misc check for [{NAME}] by [/bin/check a] failed after 1 retry (exited with status 1)."
    assert list(play.weights) == ["10.0.0.2:80"]
    run(play, 0)
    assert play.logs[0] == f"Misc check for [{NAME}] by [/bin/check a] succeeded."
    assert "10.0.0.1:80" in play.weights


def test_a_status_sets_the_weight_until_another_says_otherwise() -> None:
    play = Play(scripted(dynamic=True, retry=1), table={})
    seen = []
    for status in (52, 2, 0, 255, None):
        run(play, status)
        seen.append(play.weights["10.0.0.1:80"])
    assert seen == [50, 0, 10, 253, 253]
    run(play, None)
    assert "10.0.0.1:80" not in play.weights
    run(play, 0)
    assert play.weights["10.0.0.1:80"] == 10


def test_the_weight_counts_for_the_quorum() -> None:
    configuration = scripted(dynamic=True)
    virtual = replace(configuration.virtual_servers[0], quorum=8)
    play = Play(config(virtual), table={})
    run(play, 4)
    assert "Lost quorum 8-0=8 > 3 for VS [192.0.2.10]:tcp:80" in play.logs


def test_without_misc_dynamic_a_status_is_no_weight() -> None:
    play = Play(scripted(), table={})
    run(play, 52)
    assert play.weights["10.0.0.1:80"] == 10


def test_another_weight_in_the_configuration_changes_nothing_while_a_status_holds() -> None:
    play = Play(scripted(dynamic=True), table={})
    run(play, 52)
    play.reload(scripted(dynamic=True, weight=20))
    assert play.weights["10.0.0.1:80"] == 50
    run(play, 0)
    assert play.weights["10.0.0.1:80"] == 20


def test_a_successor_knows_the_weight() -> None:
    play = Play(scripted(dynamic=True), table={})
    run(play, 52)
    told: LvsSnapshot = play.balancer.snapshot(None)
    assert Play(scripted(dynamic=True), previous=told).weights["10.0.0.1:80"] == 50
