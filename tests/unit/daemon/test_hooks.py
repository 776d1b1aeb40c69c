"""startup_script and shutdown_script, as real processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvrrp.core.log import Level
from pyvrrp.daemon import hooks
from pyvrrp.model.scripts import Command, ScriptRules
from pyvrrp.units import MILLISECOND, SECOND, Micros


@pytest.fixture
def lines() -> list[str]:
    return []


def run(lines: list[str], *words: str, timeout: Micros = 10 * SECOND) -> None:
    def log(level: Level, text: str) -> None:
        lines.append(text)

    hooks.run("startup_script", Command(words), timeout, ScriptRules(), log)


def test_it_is_waited_for(lines: list[str], tmp_path: Path) -> None:
    run(lines, "/bin/sh", "-c", f"sleep 0.1; touch {tmp_path}/done")
    assert (tmp_path / "done").exists()
    assert lines == []


def test_how_it_ended_is_told(lines: list[str]) -> None:
    run(lines, "/bin/sh", "-c", "exit 3")
    run(lines, "/nonexistent")
    assert lines[0] == "startup_script ended with status 3"
    assert "No such file" in lines[1]


def test_one_that_takes_too_long_is_ended(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "PATIENCE", 100 * MILLISECOND)
    run(lines, "/bin/sleep", "60", timeout=50 * MILLISECOND)
    assert lines == ["startup_script has not ended after 0.05 s and is told to", "startup_script ended with signal 15"]
    lines.clear()
    run(lines, "/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.01; done", timeout=200 * MILLISECOND)
    assert lines[1] == "startup_script ended with signal 9"


@pytest.fixture
def masked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("masked")
def test_it_does_not_inherit_what_the_daemon_keeps_waiting(lines: list[str]) -> None:
    run(lines, "/bin/sh", "-c", "grep -q 'SigBlk:.0*$' /proc/self/status")
    assert lines == []
