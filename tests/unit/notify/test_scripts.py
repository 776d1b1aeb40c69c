"""notify scripts as real processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from pyvrrp.core.log import Level
from pyvrrp.kernel.processes import start
from pyvrrp.model.notify import Notify
from pyvrrp.model.scripts import Command
from pyvrrp.notify.scripts import Notifier


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class Bed:
    def __init__(self, directory: Path) -> None:
        self.lines: list[str] = []
        self.notes = directory / "notes"
        self.script = directory / "note.sh"
        self.script.write_text(f'#!/bin/sh\necho "$@" >> {self.notes}\n')
        self.script.chmod(0o755)
        self.notifier = Notifier(lambda command: start(command, None), self.log)

    def log(self, level: Level, text: str) -> None:
        self.lines.append(text)

    def command(self, *words: str) -> Command:
        return Command((str(self.script), *words))

    def noted(self) -> list[str]:
        return sorted(self.notes.read_text().splitlines()) if self.notes.exists() else []


async def test_the_state_and_every_change(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    notify = Notify(notify_master=bed.command("up", "a b"), notify=bed.command())
    bed.notifier.tell("INSTANCE", "V 1", "MASTER", 150, notify)
    await until(lambda: bed.noted() == ["INSTANCE V 1 MASTER 150", "up a b"])
    bed.notifier.tell("GROUP", "G", "FAULT", 0, notify)
    await until(lambda: "GROUP G FAULT 0" in bed.noted())
    await bed.notifier.settle(5)
    assert bed.lines == []


async def test_deleted_is_fault_unless_asked_for(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.notifier.tell("INSTANCE", "V", "DELETED", 100, Notify(notify=bed.command()))
    await until(lambda: bed.noted() == ["INSTANCE V FAULT 100"])
    bed.notifier.tell("INSTANCE", "V", "DELETED", 100, Notify(notify=bed.command(), tell_deleted=True))
    await until(lambda: "INSTANCE V DELETED 100" in bed.noted())
    await bed.notifier.settle(5)


async def test_lower_priority(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.notifier.met_lower_priority("V", Notify(notify_master_rx_lower_pri=bed.command("lower")))
    await until(lambda: bed.noted() == ["lower"])
    await bed.notifier.settle(5)


async def test_nothing_configured_nothing_run(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.notifier.tell("INSTANCE", "V", "MASTER", 100, None)
    bed.notifier.tell("INSTANCE", "V", "BACKUP", 100, Notify(notify_master=bed.command("x")))
    bed.notifier.met_lower_priority("V", None)
    await bed.notifier.settle(0.1)
    assert bed.noted() == []


async def test_one_that_hangs_delays_nobody(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    slow = tmp_path / "slow.sh"
    slow.write_text(f"#!/bin/sh\nwhile test ! -e {tmp_path}/go; do sleep 0.01; done\n")
    slow.chmod(0o755)
    bed.notifier.tell("INSTANCE", "V", "MASTER", 100, Notify(notify_master=Command((str(slow),))))
    bed.notifier.tell("INSTANCE", "V", "BACKUP", 100, Notify(notify_backup=bed.command("backup")))
    await until(lambda: bed.noted() == ["backup"])
    await bed.notifier.settle(0.05)
    (tmp_path / "go").touch()
    await bed.notifier.settle(10)


async def test_failures_are_told(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    notify = Notify(notify_master=Command(("/bin/false",)), notify=Command(("/nonexistent",)))
    bed.notifier.tell("INSTANCE", "V", "MASTER", 100, notify)
    assert any("(V) notify: run /nonexistent" in line for line in bed.lines)
    await until(lambda: "(V) notify_master ended with status 1" in bed.lines)
