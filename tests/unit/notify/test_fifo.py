"""FIFOs in a real file system, read by others."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvrrp.core.log import Level
from pyvrrp.kernel.processes import Identity, start
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.scripts import Command
from pyvrrp.notify import fifo
from pyvrrp.notify.fifo import FifoConfig, Fifos
from tests.waiting import eventually


class Bed:
    def __init__(self, directory: Path) -> None:
        self.path = directory / "events"
        self.lines: list[str] = []
        self.identity: Identity | None = None
        self.fifos = Fifos(lambda command: start(command, None), self.identify, self.log)

    def identify(self, user: str | None, group: str | None) -> Identity | None:
        if user == "nobodyatall":
            raise kernel_error(errno.EINVAL, "change to the account")
        return self.identity

    def log(self, level: Level, text: str) -> None:
        self.lines.append(text)

    def config(self, script: Command | None = None, path: Path | None = None, user: str | None = None) -> FifoConfig:
        return FifoConfig(keyword="notify_fifo", path=str(path or self.path), user=user, script=script)


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.fifos.close()


def reader(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


async def test_it_is_made_written_and_removed(bed: Bed) -> None:
    bed.fifos.configure([bed.config()])
    status = bed.path.stat()
    assert stat.S_ISFIFO(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    bed.fifos.write('INSTANCE "V 1" MASTER 100')
    descriptor = reader(bed.path)
    bed.fifos.write('GROUP "G" BACKUP 0')
    assert os.read(descriptor, 1000) == b'INSTANCE "V 1" MASTER 100\nGROUP "G" BACKUP 0\n'
    os.close(descriptor)
    bed.fifos.close()
    assert not bed.path.exists()
    assert bed.lines == []


async def test_one_that_was_there_stays(bed: Bed) -> None:
    os.mkfifo(bed.path)
    bed.fifos.configure([bed.config()])
    bed.fifos.close()
    assert bed.path.exists()


@pytest.mark.root
async def test_its_owner(bed: Bed) -> None:
    bed.identity = Identity(65534, 65534)
    bed.fifos.configure([bed.config()])
    assert (bed.path.stat().st_uid, bed.path.stat().st_gid) == (65534, 65534)


@pytest.mark.parametrize("wrong", ["file", "directory", "link", "user", "absent"])
async def test_one_that_cannot_be_had_is_told(bed: Bed, tmp_path: Path, wrong: str) -> None:
    path, user = bed.path, None
    if wrong == "file":
        path.write_text("x")
    elif wrong == "directory":
        path.mkdir()
    elif wrong == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif wrong == "user":
        user = "nobodyatall"
    else:
        path = tmp_path / "no" / "such"
    bed.fifos.configure([bed.config(path=path, user=user)])
    assert len(bed.lines) == 1
    assert bed.lines[0].endswith("nothing is written to it")
    bed.fifos.write("x")
    if wrong == "file":
        assert path.read_text() == "x"


async def test_what_nobody_reads_is_lost_and_told_once(bed: Bed) -> None:
    bed.fifos.configure([bed.config()])
    for _ in range(70000 // 100):
        bed.fifos.write("x" * 99)
    assert len(bed.lines) == 1
    assert "nobody reads it" in bed.lines[0]
    descriptor = reader(bed.path)
    while len(os.read(descriptor, 65536)) == 65536:
        pass
    bed.fifos.write("y")
    assert bed.lines[1].endswith(" lines were lost")
    os.close(descriptor)


async def test_a_script_reads_it_and_is_started_again(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fifo, "_FIRST_PAUSE", 0.02)
    notes = tmp_path / "notes"
    script = Command(("/bin/sh", "-c", f'read line < "$0"; echo "$line" >> {notes}'))
    bed.fifos.configure([bed.config(script)])
    for word in ("one", "two"):
        bed.fifos.write(word)
        await eventually(lambda word=word: notes.exists() and word in notes.read_text())  # type: ignore[misc]
    assert bed.lines[0] == "notify_fifo_script ended with status 0; it is started again in 0.02 s"
    bed.fifos.close()
    assert notes.read_text() == "one\ntwo\n"


async def test_what_a_reload_does_not_change_stays_open(bed: Bed, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = Command(("/bin/sh", "-c", f"echo $$ >> {note}; exec sleep 60"))
    bed.fifos.configure([bed.config(script)])
    await eventually(lambda: note.exists() and bool(note.read_text().strip()))
    inode = bed.path.stat().st_ino
    bed.fifos.configure([bed.config(script)])
    assert bed.path.stat().st_ino == inode
    bed.fifos.configure([bed.config()])
    await eventually(lambda: not Path(f"/proc/{note.read_text().split()[0]}/exe").exists())
    assert len(note.read_text().split()) == 1


async def test_one_that_somebody_removed_is_made_again_at_a_reload(bed: Bed) -> None:
    bed.fifos.configure([bed.config()])
    bed.path.unlink()
    bed.fifos.configure([bed.config()])
    descriptor = reader(bed.path)
    bed.fifos.write("x")
    assert os.read(descriptor, 10) == b"x\n"
    os.close(descriptor)
    bed.fifos.configure([])
    assert not bed.path.exists()
