"""Files with numbers in them, in a real file system."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pyvrrp.core.log import Level
from pyvrrp.trackers import files
from pyvrrp.trackers.files import FileTracker
from tests.waiting import eventually


class Bed:
    def __init__(self) -> None:
        self.changes: list[tuple[str, int]] = []
        self.lines: list[str] = []
        self.tracker = FileTracker(self.log, lambda path, value: self.changes.append((Path(path).name, value)))

    def log(self, level: Level, text: str) -> None:
        self.lines.append(text)


@pytest_asyncio.fixture
async def bed() -> AsyncIterator[Bed]:
    bed = Bed()
    yield bed
    bed.tracker.close()


async def test_what_is_there_at_first_and_each_change(bed: Bed, tmp_path: Path) -> None:
    file, absent = tmp_path / "a", tmp_path / "b"
    file.write_text("7\n")
    bed.tracker.watch([str(file), str(absent)])
    assert bed.tracker.values == {str(file): 7, str(absent): 0}
    assert bed.changes == []
    file.write_text("-3")
    await eventually(lambda: bed.changes == [("a", -3)])
    absent.write_text("0x10")
    await eventually(lambda: bed.changes[1:] == [("b", 16)])
    absent.unlink()
    await eventually(lambda: bed.changes[2:] == [("b", 0)])
    (tmp_path / "new").write_text("9")
    (tmp_path / "new").rename(file)
    await eventually(lambda: bed.changes[3:] == [("a", 9)])
    file.rename(tmp_path / "away")
    await eventually(lambda: bed.changes[4:] == [("a", 0)])


async def test_the_same_number_again_is_no_change(bed: Bed, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    bed.tracker.watch([str(file)])
    file.write_text("1 ")
    file.write_text("2")
    await eventually(lambda: bool(bed.changes))
    assert bed.changes == [("a", 2)]


async def test_a_number_that_is_too_large_is_told_and_ignored(bed: Bed, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("5")
    bed.tracker.watch([str(file)])
    file.write_text("99999999999")
    await eventually(lambda: bool(bed.lines))
    assert "beyond 32 bits" in bed.lines[0]
    assert bed.tracker.values[str(file)] == 5
    assert bed.changes == []


async def test_a_directory_that_comes_later_and_goes(bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "RETRY", 0.02)
    file = tmp_path / "later" / "a"
    bed.tracker.watch([str(file)])
    assert bed.tracker.values == {str(file): 0}
    assert len(bed.lines) == 1
    assert "No such file" in bed.lines[0]
    file.parent.mkdir()
    file.write_text("4")
    await eventually(lambda: bed.changes == [("a", 4)])
    file.unlink()
    file.parent.rmdir()
    await eventually(lambda: bed.changes == [("a", 4), ("a", 0)])
    await eventually(lambda: len(bed.lines) == 2)
    file.parent.mkdir()
    file.write_text("6")
    await eventually(lambda: bed.changes[2:] == [("a", 6)])


async def test_other_files_later(bed: Bed, tmp_path: Path) -> None:
    one, two = tmp_path / "one" / "f", tmp_path / "two" / "f"
    for file in (one, two):
        file.parent.mkdir()
        file.write_text("1")
    bed.tracker.watch([str(one)])
    bed.tracker.watch([str(two)])
    one.write_text("8")
    two.write_text("2")
    await eventually(lambda: bool(bed.changes))
    assert bed.changes == [("f", 2)]
    assert bed.tracker.values == {str(two): 2}


async def test_a_fifo_or_a_directory_blocks_nobody(bed: Bed, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    bed.tracker.watch([str(tmp_path / "pipe"), str(tmp_path)])
    assert set(bed.tracker.values.values()) == {0}


LIMIT = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


async def test_lost_events_mean_a_look_at_everything(bed: Bed, tmp_path: Path) -> None:
    file = tmp_path / "z"
    file.write_text("1")
    other = tmp_path / "other"
    bed.tracker.watch([str(file)])
    for _ in range(LIMIT // 2 + 2):  # two files in turn, for the kernel merges equal events
        for name in (other, tmp_path / "another"):
            with name.open("w"):
                pass
    file.write_text("3")
    await eventually(lambda: bed.changes == [("z", 3)], within=60)
