"""Scripts that tell the world, as real processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyvrrp.core.log import Level
from pyvrrp.kernel.processes import start
from pyvrrp.model.scripts import Command
from pyvrrp.notify import scripts
from pyvrrp.notify.scripts import Notifier
from tests.waiting import eventually


class Bed:
    def __init__(self, directory: Path) -> None:
        self.lines: list[str] = []
        self.notes = directory / "notes"
        self.script = directory / "note.sh"
        self.script.write_text(f'#!/bin/sh\necho "$@" >> {self.notes}\n')
        self.script.chmod(0o755)
        self.notifier = Notifier(lambda command, more: start(command, None, variables=more), self.log)

    def log(self, level: Level, text: str) -> None:
        self.lines.append(text)

    def command(self, *words: str) -> Command:
        return Command((str(self.script), *words))

    def noted(self) -> list[str]:
        return sorted(self.notes.read_text().splitlines()) if self.notes.exists() else []


async def test_words_and_arguments(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.notifier.run("(V)", "notify", bed.command("up", "a b"), ("INSTANCE", "V 1"))
    await eventually(lambda: bed.noted() == ["up a b INSTANCE V 1"])
    await bed.notifier.settle(5)
    assert bed.lines == []


async def test_variables_and_the_daemons_own_environment(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    said = Command(("/bin/sh", "-c", f'echo "$VRRP_CAUSE:$HOME:$PATH" >> {bed.notes}'))
    bed.notifier.run("(V)", "notify", said, (), {"VRRP_CAUSE": "a b"})
    await eventually(lambda: bed.noted() == [f"a b:{os.environ['HOME']}:{os.environ['PATH']}"])
    await bed.notifier.settle(5)


async def test_one_that_hangs_delays_nobody(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    slow = tmp_path / "slow.sh"
    slow.write_text(f"#!/bin/sh\nwhile test ! -e {tmp_path}/go; do sleep 0.01; done\n")
    slow.chmod(0o755)
    bed.notifier.run("(V)", "notify_master", Command((str(slow),)))
    bed.notifier.run("(V)", "notify_backup", bed.command("backup"))
    await eventually(lambda: bed.noted() == ["backup"])
    await bed.notifier.settle(0.05)
    (tmp_path / "go").touch()
    await bed.notifier.settle(10)


async def test_failures_are_told(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.notifier.run("(V)", "notify_master", Command(("/bin/false",)))
    bed.notifier.run("(V)", "notify", Command(("/nonexistent",)))
    assert any("(V) notify: run /nonexistent" in line for line in bed.lines)
    await eventually(lambda: "(V) notify_master ended with status 1" in bed.lines)


async def test_scripts_that_never_end_do_not_fill_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "AT_ONCE", 2)
    bed = Bed(tmp_path)
    go = tmp_path / "go"
    slow = Command(("/bin/sh", "-c", f"while test ! -e {go}; do sleep 0.01; done"))
    for _ in range(4):
        bed.notifier.run("(V)", "notify", slow)
    assert bed.lines == ["(V) notify: 2 scripts have not ended yet; until some do, no more are started"]
    go.touch()
    await bed.notifier.settle(10)
    bed.notifier.run("(V)", "notify", bed.command("again"))
    await eventually(lambda: bed.noted() == ["again"])
    await bed.notifier.settle(10)
