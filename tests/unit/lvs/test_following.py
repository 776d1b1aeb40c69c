"""FILE_CHECK and BFD_CHECK, and what they do to the weight and to the pool."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyvrrp.core.lvs.events import Noticed, Reconfigured
from pyvrrp.core.lvs.following import FileFollowing, SessionFollowing
from pyvrrp.model.checkers import BfdCheck, FileCheck, Follower
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import TrackFile
from tests.unit.lvs.samples import RS1, RS2, Play, config, real_server, virtual_server

FILE = TrackFile(name="load", file="/run/load")


def following(*followers: Follower, file: TrackFile = FILE, weight: int = 10) -> Config:
    server = replace(real_server(RS1, checks=0, weight=weight), followers=followers)
    return replace(config(virtual_server(server, real_server(RS2, checks=0))), track_files=(file,))


@pytest.mark.parametrize(
    ("own", "value", "up", "contribution"),
    [
        ((None, None), 5, True, 5),
        ((3, None), 5, True, 15),
        ((3, True), 5, True, -15),
        ((0, None), 0, True, 0),
        ((0, None), 5, False, 0),
        ((0, True), 0, False, 0),
        ((0, True), 5, True, 0),
        ((1, None), -(1 << 31), False, 0),
        ((2, None), -(1 << 30), False, 0),
        ((2, None), (1 << 31) - 1, True, (1 << 31) - 1),
    ],
)
def test_what_the_number_in_a_file_means(
    own: tuple[int | None, bool | None], value: int, up: bool, contribution: int
) -> None:
    check = FileCheck(track_file="load", weight=own[0], reverse=own[1])
    machine = FileFollowing(check, FILE, value)
    assert (machine.up, machine.contribution) == (up, contribution)


def test_a_file_changes_the_weight_and_takes_the_server_down() -> None:
    play = Play(following(FileCheck(track_file="load")), table={})
    assert play.weights == {"10.0.0.1:80": 10, "10.0.0.2:80": 1}
    play.told(Noticed(play.at, "/run/load", -4))
    assert play.weights["10.0.0.1:80"] == 6
    assert play.logs == ["Changing weight from 10 to 6 for active service [10.0.0.1]:tcp:80 of VS [192.0.2.10]:tcp:80"]
    play.told(Noticed(play.at, "/run/load", -20))
    assert play.weights["10.0.0.1:80"] == 0
    play.told(Noticed(play.at, "/run/load", -(1 << 31)))
    assert list(play.weights) == ["10.0.0.2:80"]
    assert "File check of [/run/load] RS([10.0.0.1]:tcp:80) is DOWN" in play.logs
    play.told(Noticed(play.at, "/run/load", 0))
    assert play.weights["10.0.0.1:80"] == 10


def test_a_reload_takes_the_numbers_that_it_brings() -> None:
    play = Play(following(FileCheck(track_file="load")), table={})
    play.told(Reconfigured(play.at, following(FileCheck(track_file="load"), weight=5), {"/run/load": 2}))
    assert play.weights["10.0.0.1:80"] == 7
    play.told(Reconfigured(play.at, following(weight=5)))
    assert play.weights["10.0.0.1:80"] == 5


def test_another_weight_of_the_file_counts_though_the_virtual_server_is_the_same() -> None:
    before = following(FileCheck(track_file="load"))
    play = Play(before, table={})
    play.told(Noticed(play.at, "/run/load", 3))
    assert play.weights["10.0.0.1:80"] == 13
    play.told(Reconfigured(play.at, replace(before, track_files=(replace(FILE, weight=2),)), {"/run/load": 3}))
    assert play.weights["10.0.0.1:80"] == 16


@pytest.mark.parametrize("alpha", [False, True])
def test_a_session_counts_as_up_unless_alpha_until_it_speaks(alpha: bool) -> None:
    machine = SessionFollowing(BfdCheck(name="B", alpha=alpha))
    assert machine.up is not alpha
    assert not machine.snapshot().checked
    assert f"no BFD session runs; it counts as {'down' if alpha else 'up'}" == machine.snapshot().last_error
    assert [log.text for log in machine.changed(1, "RS")] == ["BFD check of [B] RS(RS) is UP"]
    assert (machine.up, machine.changed(1, "RS")) == (True, [])
    assert [log.text for log in machine.changed(0, "RS")] == ["BFD check of [B] RS(RS) is DOWN"]
    assert not machine.up


def test_what_a_session_said_outlives_a_reload() -> None:
    configuration = following(BfdCheck(name="B"))
    play = Play(configuration, table={})
    play.told(Noticed(play.at, "B", 0))
    assert list(play.weights) == ["10.0.0.2:80"]
    play.reload(configuration)
    assert list(play.weights) == ["10.0.0.2:80"]
