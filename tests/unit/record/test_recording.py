"""A machine is recorded, and plays again: the same decisions, without its secrets."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.lvs.events import CheckFinished, IpvsFailed, Started, StopRequested, TimePassed
from pyvrrp.core.vrrp.events import Event
from pyvrrp.core.vrrp.events import TimePassed as Passed
from pyvrrp.model.vrrp import Authentication, AuthType
from pyvrrp.observe.control import RecordWish
from pyvrrp.record.graph import to_graph
from pyvrrp.record.reading import Recording, RecordingError
from pyvrrp.record.recorder import SIZE, Recorder
from pyvrrp.record.replay import Decision, replay
from pyvrrp.units import SECOND, Micros
from tests.conformance.play import Director, director, instance, us
from tests.unit.lvs.samples import RS1, RS2, real_server, virtual_server
from tests.unit.lvs.samples import config as lvs_config

PASSWORD = b"s3cr3t"
LVS = lvs_config(virtual_server(real_server(RS1), real_server(RS2)))


class Tape:
    """A recorder on a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended: list[str] = []

    def start(
        self, machine: Any, role: str = "vrrp", origin: object = None, size: int = SIZE, duration: Micros | None = None
    ) -> Recorder:
        wish = RecordWish(path=str(self.path), size=size, duration=duration)
        return Recorder(wish, role, machine, origin, asyncio.get_running_loop(), self.ended.append)

    def recording(self) -> Recording:
        return Recording(self.path.read_bytes().splitlines())

    def decisions(self) -> list[Decision]:
        return list(replay(self.recording()))


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path / "tape")


class Recorded(Director):
    """A director that hears through a recorder."""

    handle: Callable[[Event], list[Any]]

    def actions(self, event: Event) -> list[Any]:
        self.now = event.at
        return self.handle(event)

    def run(self, until: float) -> list[str]:
        while (due := self.router.deadline()) is not None and due <= us(until):
            self.actions(Passed(due))
        return []


def play(d: Director) -> None:
    """An election, contests, refusals and a stop."""
    d.run(9)
    d.hear(9.2, 50, auth=PASSWORD)
    d.hear(9.3, 200, auth=b"wrong")
    d.hear(9.4, 200, auth=PASSWORD, damage=2)
    d.hear(9.5, 200, auth=PASSWORD, ttl=254)
    d.hear(9.6, 200, auth=PASSWORD)
    d.run(15)
    d.link(15, "eth0", False)
    d.link(16, "eth0", True)
    d.run(25)


def recorded(tape: Tape, *, from_the_start: bool) -> Recorder:
    secret = Authentication(type=AuthType.PASS, password=PASSWORD)
    config = director(instance(authentication=secret)).config
    d = Recorded(config)
    d.handle = d.router.handle
    if not from_the_start:
        d.start()
        d.run(5)
    recorder = tape.start(d.router, origin=config if from_the_start else None)
    d.handle = recorder.handle
    if from_the_start:
        d.start()
    play(d)
    return recorder


@pytest.mark.parametrize("from_the_start", [True, False])
async def test_a_router_decides_the_same_again(tape: Tape, from_the_start: bool) -> None:
    recorded(tape, from_the_start=from_the_start).finish("that was all")
    decisions = tape.decisions()
    assert [decision for decision in decisions if decision.difference] == []
    states = [action for decision in decisions for action in decision.actions if " goes from " in action]
    assert any("V goes from MASTER to BACKUP: advertisement of higher priority" in text for text in states)
    meant = [text for decision in decisions for _, text in decision.meant]
    assert any(text.startswith("refused: password differs (auth_pass is not the same") for text in meant)
    assert any(text.startswith("refused: invalid checksum") for text in meant)
    assert any(text.startswith("refused: TTL") for text in meant)
    assert any(text.startswith("advertisement that loses") for text in meant)
    assert any(text.startswith("master down interval over") for text in meant)


@pytest.mark.parametrize("from_the_start", [True, False])
async def test_no_secret_is_in_the_file(tape: Tape, from_the_start: bool) -> None:
    recorded(tape, from_the_start=from_the_start).finish("that was all")
    data = tape.path.read_bytes()
    for secret in (PASSWORD, b"wrong"):
        assert secret not in data
        assert secret.hex().encode() not in data
    assert stat.S_IMODE(tape.path.stat().st_mode) == 0o600


async def test_entries_are_written_while_the_worker_has_nothing_to_do(tape: Tape) -> None:
    recorder = recorded(tape, from_the_start=True)
    first = tape.path.stat().st_size
    async with asyncio.timeout(10):
        while tape.path.stat().st_size == first:
            await asyncio.sleep(0.01)
    recorder.finish("that was all")
    assert not [decision for decision in tape.decisions() if decision.difference]


async def test_a_recording_ends_when_it_is_large_enough(tape: Tape) -> None:
    d = director()
    recorder = tape.start(d.router, origin=d.config, size=4000)
    played = Recorded(d.config)
    played.router, played.handle = d.router, recorder.handle
    played.start()
    played.run(60)
    async with asyncio.timeout(10):
        while not tape.ended:
            await asyncio.sleep(0.01)
    assert tape.ended == ["its size is reached"]
    assert tape.path.stat().st_size < 6000
    assert tape.decisions()
    recording = tape.recording()
    list(recording.entries())
    assert recording.end == "its size is reached"


async def test_a_recording_ends_in_time(tape: Tape) -> None:
    tape.start(director().router, duration=20_000)
    async with asyncio.timeout(10):
        while not tape.ended:
            await asyncio.sleep(0.01)
    assert tape.ended == ["its time is over"]
    assert tape.decisions() == []


async def test_what_a_machine_fails_at_is_the_last_thing_on_the_tape(tape: Tape) -> None:
    d = director()

    class Broken:
        def handle(self, event: Any) -> list[Any]:
            raise RuntimeError("a bug")

    recorder = tape.start(Broken(), origin=d.config)
    with pytest.raises(RuntimeError, match="a bug"):
        recorder.handle(Passed(5))
    (entry,) = tape.recording().entries()
    assert entry.actions is None
    recorder.finish("again")


async def test_a_file_that_exists_is_left_alone(tape: Tape) -> None:
    tape.path.write_text("precious")
    with pytest.raises(FileExistsError):
        tape.start(director().router)
    assert tape.path.read_text() == "precious"


async def test_another_decision_is_noticed(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tape, from_the_start=True).finish("that was all")
    monkeypatch.setattr("pyvrrp.core.vrrp.instance.master_down_interval", lambda *_: 20 * SECOND)
    different = [decision.difference for decision in tape.decisions() if decision.difference]
    assert different


async def test_a_balancer_decides_the_same_again(tape: Tape) -> None:
    balancer = Balancer(5)
    recorder = tape.start(balancer, role="checkers", origin=5)
    recorder.handle(Started(0, LVS))
    recorder.handle(IpvsFailed(1, "initialize ipvs: no"))
    now = 0
    for _ in range(40):
        now = max(now, balancer.deadline() or 0)
        for action in recorder.handle(TimePassed(now)):
            if hasattr(action, "checker"):
                now += 1000
                recorder.handle(CheckFinished(now, action.id, "refused" if action.id % 2 else None))
    recorder.handle(StopRequested(now))
    recorder.finish("that was all")
    decisions = tape.decisions()
    assert [decision for decision in decisions if decision.difference] == []
    assert any("is down" in action for decision in decisions for action in decision.actions)


async def test_a_balancer_in_the_middle_of_its_life(tape: Tape) -> None:
    balancer = Balancer(5)
    balancer.handle(Started(0, LVS))
    for _ in range(10):
        balancer.handle(TimePassed(balancer.deadline() or 0))
    recorder = tape.start(balancer, role="checkers")
    for _ in range(10):
        recorder.handle(TimePassed(balancer.deadline() or us(100)))
    recorder.finish("that was all")
    assert not [decision for decision in tape.decisions() if decision.difference]


def line(**members: Any) -> bytes:
    header = {"pyvrrp_recording": 1, "pyvrrp": "9.9", "role": "vrrp", "began": 0, "began_epoch": 0, "machine": None}
    return json.dumps({**header, "origin": to_graph(director().config), **members}).encode()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1 is not whole"),
        ([b"x"], "line 1 is not whole"),
        ([b"[]"], "this is no recording"),
        ([b"{}"], "this is no recording"),
        ([line(pyvrrp_recording=2)], "of format 2, not 1"),
        ([line(origin={"~": "os.system"})], r"made by pyvrrp 9\.9"),
        ([line(), b'{"event'], "line 2 is not whole"),
        ([line(), b'{"event": {"~": "x.Y"}}'], "line 2: "),
    ],
)
def test_what_cannot_be_played(lines: list[bytes], message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        list(replay(Recording(lines)))


def test_a_recording_that_broke_off_has_no_end() -> None:
    recording = Recording([line()])
    assert list(recording.entries()) == []
    assert recording.end is None
