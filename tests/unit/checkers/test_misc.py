"""MISC_CHECK with real programs: exit statuses, time limits, and what a script started itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyvrrp.checkers import misc
from pyvrrp.checkers.outcome import CheckFailed, Outcome, Passed
from pyvrrp.checkers.runner import Runner
from pyvrrp.model.checkers import CheckTiming, MiscCheck
from pyvrrp.model.scripts import Command
from pyvrrp.units import MILLISECOND, SECOND
from tests.unit.checkers.asking import ask, spawn
from tests.waiting import eventually


def check(*words: str, timeout: int = 20 * SECOND, dynamic: bool = False) -> MiscCheck:
    return MiscCheck(timing=CheckTiming(), command=Command(words), timeout=timeout, dynamic=dynamic)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("script", "dynamic", "end"),
    [
        ("exit 0", False, 0),
        ("exit 0", True, 0),
        ("exit 52", True, 52),
        ("exit 2", False, "exited with status 2"),
        ("exit 1", True, "exited with status 1"),
        ("kill -9 $$", True, "killed by signal 9"),
    ],
)
async def test_what_an_exit_status_means(script: str, dynamic: bool, end: int | str) -> None:
    asked = ask(check("/bin/sh", "-c", script, dynamic=dynamic))
    if isinstance(end, int):
        assert await asked == Passed(end)
    else:
        with pytest.raises(CheckFailed, match=f"^{end}$"):
            await asked


async def test_a_program_that_is_not_there_fails() -> None:
    with pytest.raises(CheckFailed, match=r"/nosuch/program: No such file"):
        await ask(check("/nosuch/program"))


async def test_a_script_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    script = f"sleep 600 & echo $! > {child}.new; mv {child}.new {child}; wait"
    with pytest.raises(CheckFailed, match=r"^timed out after 0\.3 s$"):
        await ask(check("/bin/sh", "-c", script, timeout=300 * MILLISECOND))
    pid = int(child.read_text())
    await eventually(lambda: not lives(pid))


async def test_one_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misc, "PATIENCE", 0.1)
    script = "trap '' TERM; while :; do sleep 0.05; done"
    with pytest.raises(CheckFailed, match="timed out"):
        await ask(check("/bin/sh", "-c", script, timeout=300 * MILLISECOND))


async def test_cancelling_ends_the_script_and_closing_waits_for_it(tmp_path: Path) -> None:
    running = tmp_path / "pid"
    told: list[tuple[int, Outcome]] = []
    runner = Runner(told.extend, 10, spawn)
    script = f"echo $$ > {running}.new; mv {running}.new {running}; exec sleep 600"

    async def begun(number: int) -> int:
        running.unlink(missing_ok=True)
        runner.begin(number, check("/bin/sh", "-c", script))
        await eventually(running.exists)
        return int(running.read_text())

    first = await begun(1)
    runner.cancel(1)
    await eventually(lambda: not lives(first))
    second = await begun(2)
    await runner.close()
    assert not lives(second)
    assert told == []
