"""A worker, as its role sees it, that keeps what it is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyvrrp.core.log import Level
from pyvrrp.daemon.options import Options
from pyvrrp.model.scripts import Command
from pyvrrp.units import Micros


class FakeHost:
    """`daemon.role.Host`."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.said: list[tuple[Level, str]] = []
        self.mails: list[tuple[str, str]] = []
        self.delays: list[Micros] = []
        self.changes = 0

    def log(self, level: Level, text: str) -> None:
        self.said.append((level, text))

    def mail(self, subject: str, body: str) -> None:
        self.mails.append((subject, body))

    def changed(self) -> None:
        self.changes += 1

    def late(self, by: Micros) -> None:
        self.delays.append(by)

    def begun(self, machine: Any, origin: object) -> Callable[[Any], list[Any]]:
        handle: Callable[[Any], list[Any]] = machine.handle
        return handle

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.said]


class TellingHost(FakeHost):
    """One whose role runs scripts and writes to FIFOs in a directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory

    def command(self, word: str) -> Command:
        """A script that notes the word and its arguments."""
        return Command(("/bin/sh", "-c", f'echo "$0 $*" >> {self.directory}/notes', word))

    def notes(self) -> list[str]:
        """What scripts have noted, in alphabetical order."""
        notes = self.directory / "notes"
        return sorted(notes.read_text().splitlines()) if notes.exists() else []

    def lines(self, name: str = "fifo") -> list[str]:
        """What came through a FIFO since the last call."""
        descriptor = os.open(self.directory / name, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(descriptor, 65536).decode().splitlines()
        except BlockingIOError:
            return []
        finally:
            os.close(descriptor)
