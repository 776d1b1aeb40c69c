"""Real processes, with the kernel's events and without."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyvrrp.core.log import Level
from pyvrrp.kernel.processlist import ProcessEvent, ProcessEvents
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.tracked import TrackProcess
from pyvrrp.trackers import processes
from pyvrrp.trackers.processes import ProcessTracker
from pyvrrp.units import MILLISECOND
from tests.waiting import eventually


def refuse() -> ProcessEvents:
    raise kernel_error(errno.EPERM, "listen to process events")


class Bed:
    def __init__(self, directory: Path, listen: Callable[[], ProcessEvents]) -> None:
        self.program = directory / f"w{os.getpid()}"
        self.program.symlink_to("/bin/sleep")
        self.changes: list[tuple[str, bool, str]] = []
        self.lines: list[str] = []
        self.children: list[subprocess.Popen[bytes]] = []
        self._listen = listen

    def begin(self, *wanted: TrackProcess) -> None:
        self.tracker = ProcessTracker(self.log, lambda *change: self.changes.append(change), self._listen)
        self.tracker.watch(wanted)

    def log(self, level: Level, text: str) -> None:
        self.lines.append(text)

    def spawn(self, *words: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([self.program, *words])
        self.children.append(child)
        return child

    def end(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()

    def wanted(self, *words: str, **changes: object) -> TrackProcess:
        fields: dict[str, object] = {"name": "p", "process": (self.program.name, *words)}
        return TrackProcess(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture(params=[pytest.param(ProcessEvents, marks=pytest.mark.root), refuse], ids=["events", "looks"])
def bed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bed]:
    monkeypatch.setattr(processes, "POLL", 0.05)
    made = Bed(tmp_path, request.param)
    yield made
    for child in made.children:
        made.end(child)


async def test_begin_and_end(bed: Bed) -> None:
    bed.begin(bed.wanted())
    assert bed.changes == [("p", False, "none runs")]
    first = bed.spawn("60")
    await eventually(lambda: bed.changes[1:] == [("p", True, "1 runs")])
    second = bed.spawn("60")
    await eventually(lambda: bed.tracker.describe() == {"p": (True, "2 run")})
    bed.end(first)
    bed.end(second)
    await eventually(lambda: bed.changes[2:] == [("p", False, "none runs")])
    bed.tracker.close()


async def test_what_ran_before_counts_at_once(bed: Bed) -> None:
    bed.spawn("60")
    await eventually(lambda: Path(f"/proc/{bed.children[0].pid}/comm").read_text().strip() == bed.program.name)
    bed.begin(bed.wanted(), bed.wanted(name="none", quorum_max=0))
    assert sorted(bed.changes) == [("none", False, "1 runs, none wanted"), ("p", True, "1 runs")]
    bed.tracker.close()


async def test_arguments_and_another_configuration(bed: Bed) -> None:
    path = str(bed.program)
    one = bed.wanted(process=(path, "61"))
    bed.begin(one)
    bed.spawn("60")
    bed.spawn("61")
    await eventually(lambda: bed.changes[1:] == [("p", True, "1 runs")])
    bed.tracker.watch([bed.wanted(process=(path, "6"), param_match="initial")])
    assert bed.changes[2:] == [], "it was up, and is"
    assert bed.tracker.describe() == {"p": (True, "2 run")}
    bed.tracker.watch([bed.wanted(process=(path, "7"))])
    assert bed.changes[2:] == [("p", False, "none runs")]
    bed.tracker.close()


async def test_the_delay(bed: Bed) -> None:
    bed.begin(bed.wanted(fork_delay=100 * MILLISECOND))
    bed.spawn("60")
    await eventually(lambda: bed.tracker.describe() == {"p": (False, "1 runs")})
    await eventually(lambda: bed.changes[1:] == [("p", True, "1 runs")])
    bed.tracker.close()


@pytest.mark.parametrize("bed", [refuse], indirect=True)
async def test_a_kernel_that_tells_nothing_is_told_once(bed: Bed) -> None:
    bed.begin(bed.wanted())
    assert len(bed.lines) == 1
    assert "once a second" in bed.lines[0]
    bed.tracker.close()


@pytest.mark.root
async def test_lost_events_mean_a_look_at_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(tmp_path, lambda: ProcessEvents(1))
    bed.begin(bed.wanted())
    bed.spawn("60")
    for _ in range(300):
        bed.end(bed.spawn("60"))  # the loop does not run meanwhile, and the buffer is small
    lost = []
    events = bed.tracker._events
    assert events is not None
    read = events.read

    def noted() -> list[ProcessEvent] | None:
        lost.append(read())
        return lost[-1]

    monkeypatch.setattr(events, "read", noted)
    await eventually(lambda: bed.changes[1:] == [("p", True, "1 runs")])
    assert None in lost
    bed.tracker.close()
    bed.end(bed.children[0])
