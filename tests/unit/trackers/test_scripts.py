"""vrrp_scripts as real processes in a real event loop."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pyvrrp.core.log import Level
from pyvrrp.errors import KernelError
from pyvrrp.kernel.processes import Identity, Process, spawn, start
from pyvrrp.model.scripts import Command, ScriptRules, VrrpScript
from pyvrrp.trackers.scripts import ScriptTracker
from pyvrrp.units import MILLISECOND, SECOND
from tests.waiting import eventually


class Bed:
    def __init__(self) -> None:
        self.changes: list[tuple[str, bool | None]] = []
        self.details: list[str] = []
        self.lines: list[str] = []
        self.pids: list[int] = []
        self.identity: Identity | None = None
        self.tracker = ScriptTracker(self.spawn, self.log, self.changed)

    def changed(self, name: str, up: bool | None, detail: str) -> None:
        self.changes.append((name, up))
        self.details.append(detail)

    def states(self) -> dict[str, bool | None]:
        return {name: up for name, (up, _) in self.tracker.describe().items()}

    def log(self, level: Level, text: str) -> None:
        self.lines.append(text)

    def spawn(self, script: VrrpScript) -> Process:
        process = spawn(script.script.words, self.identity, listen=True)
        self.pids.append(process.pid)
        return process


@pytest_asyncio.fixture
async def bed() -> AsyncIterator[Bed]:
    bed = Bed()
    yield bed
    bed.tracker.stop()
    await eventually(lambda: all(gone(pid) for pid in bed.pids))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def script(*words: str, **changes: object) -> VrrpScript:
    fields: dict[str, object] = {
        "name": "chk",
        "script": Command(words),
        "interval": 20 * MILLISECOND,
        "timeout": 10 * SECOND,
    }
    return VrrpScript(**(fields | changes))  # type: ignore[arg-type]


async def test_the_first_result_and_each_change_are_told(bed: Bed, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    bed.tracker.run([script("/usr/bin/test", "-e", str(flag))])
    assert bed.states() == {"chk": None}
    await eventually(lambda: bed.changes == [("chk", False)])
    flag.touch()
    await eventually(lambda: bed.changes == [("chk", False), ("chk", True)])
    assert bed.states() == {"chk": True}


async def test_an_overdue_script_and_its_children_are_ended(bed: Bed) -> None:
    bed.tracker.run([script("/bin/sh", "-c", "sleep 60 & sleep 60", interval=60 * SECOND, timeout=50 * MILLISECOND)])
    await eventually(lambda: bed.changes == [("chk", False)])
    assert "VRRP_Script(chk) timed_out" in bed.lines
    assert bed.details[0].startswith("timed out after 0.05 s, ended after 0.")


async def test_its_last_words_are_kept(bed: Bed) -> None:
    said = "yes x | head -c 100000 >&2; echo >&2; printf 'not\\033 well\\n\\n' >&2; exit 3"
    bed.tracker.run([script("/bin/sh", "-c", said, interval=60 * SECOND)])
    await eventually(lambda: bool(bed.changes))
    how, _, words = bed.details[0].partition(": ")
    assert how.startswith("exit status 3 after 0.")
    assert words == "not? well"
    assert bed.tracker.describe() == {"chk": (False, bed.details[0])}


async def test_a_child_that_holds_its_standard_error_is_not_waited_for(bed: Bed, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    said = f"sleep 60 & echo $! > {note}; echo gone >&2; exit 1"
    bed.tracker.run([script("/bin/sh", "-c", said, interval=60 * SECOND)])
    await eventually(lambda: bed.changes == [("chk", False)])
    assert bed.details[0].endswith(": gone")
    os.kill(int(note.read_text()), signal.SIGKILL)


async def test_init_fail_is_told_before_the_first_run(bed: Bed) -> None:
    bed.tracker.run([script("/bin/true", init_fail=True, rise=1)])
    assert bed.changes == [("chk", False)]
    await eventually(lambda: bed.changes == [("chk", False), ("chk", True)])


async def test_a_command_that_a_reload_drops_is_killed_if_it_does_not_end(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyvrrp.trackers.scripts.PATIENCE", 50 * MILLISECOND)
    ready = tmp_path / "ready"
    said = f"trap '' TERM; touch {ready}; while :; do sleep 0.1; done"
    bed.tracker.run([script("/bin/sh", "-c", said, interval=60 * SECOND)])
    await eventually(ready.exists)
    bed.tracker.run([])
    await eventually(lambda: all(gone(pid) for pid in bed.pids))


async def test_a_script_that_does_not_exist_has_failed(bed: Bed) -> None:
    bed.tracker.run([script("/nonexistent")])
    await eventually(lambda: bed.changes == [("chk", False)])
    assert any("No such file" in line for line in bed.lines)


async def test_a_reload_keeps_an_unchanged_script_and_ends_the_others(bed: Bed) -> None:
    bed.tracker.run([script("/bin/true"), script("/bin/sleep", "60", name="slow", interval=60 * SECOND)])
    await eventually(lambda: bed.changes == [("chk", True)])
    slow = bed.pids[1] if len(bed.pids) > 1 else 0
    bed.tracker.run([script("/bin/true", weight=5)])
    assert bed.states() == {"chk": True}
    await eventually(lambda: gone(slow))
    assert bed.changes == [("chk", True)], "nobody is told again"


async def test_a_changed_command_starts_afresh(bed: Bed) -> None:
    bed.tracker.run([script("/bin/true")])
    await eventually(lambda: bed.changes == [("chk", True)])
    bed.tracker.run([script("/bin/false")])
    assert bed.states() == {"chk": None}
    await eventually(lambda: bed.changes == [("chk", True), ("chk", None), ("chk", False)])


@pytest.mark.root
async def test_it_runs_as_somebody_else(bed: Bed, tmp_path: Path) -> None:
    bed.identity = Identity(65534, 65534)
    bed.tracker.run([script("/bin/sh", "-c", 'test "$(id -u):$(id -g):$(id -G)" = 65534:65534:65534')])
    await eventually(lambda: bed.changes == [("chk", True)])


async def test_the_environment_is_cleaned(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/x")
    monkeypatch.setenv("KEPT", "1")
    bed.tracker.run([script("/bin/sh", "-c", 'test -z "$LD_LIBRARY_PATH" -a "$KEPT" = 1')])
    await eventually(lambda: bed.changes == [("chk", True)])


async def test_a_process_group_of_its_own(bed: Bed) -> None:
    bed.tracker.run([script("/bin/sleep", "60", interval=60 * SECOND)])
    await eventually(lambda: bool(bed.pids))
    assert os.getpgid(bed.pids[0]) == bed.pids[0]
    os.killpg(bed.pids[0], signal.SIGKILL)
    await eventually(lambda: bed.changes == [("chk", False)])
    assert "Script `chk` ended by signal 9" in bed.lines


@pytest.mark.root
@pytest.mark.parametrize(
    ("command", "rules", "identity"),
    [
        (Command(("/bin/sh",), "nobody"), None, "65534:65534"),
        (Command(("/bin/sh",), "nobody", "daemon"), None, "65534:1"),
        (Command(("/bin/sh",)), ScriptRules(script_user="nobody"), "65534:65534"),
        (Command(("/bin/sh",), "daemon"), ScriptRules(script_user="nobody"), "1:1"),
    ],
)
def test_whose_account_a_command_runs_in(command: Command, rules: ScriptRules | None, identity: str) -> None:
    said = f'test "$(id -u):$(id -g)" = {identity}'
    process = start(Command((*command.words, "-c", said), command.user, command.group), rules)
    select.select([process], [], [], 10)
    assert process.status() == 0


@pytest.mark.parametrize(("user", "group"), [("nosuchuser", None), ("root", "nosuchgroup")])
def test_an_account_that_does_not_exist_is_said(user: str, group: str | None) -> None:
    with pytest.raises(KernelError, match="there is no"):
        start(Command(("/bin/true",), user, group), None)
