"""Watches the files with a number in them: track_file of instances, FILE_CHECK of real servers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.core.tracking.file import READ, number_in
from pyvrrp.errors import KernelError
from pyvrrp.kernel.inotify import Inotify, read_start

RETRY: Final = 5.0
"""Seconds until a directory that was not there is looked for again."""


class FileTracker:
    """Each file once, however many depend on it; a file that is not there counts as one with a 0 in it."""

    def __init__(self, log: Callable[[Level, str], None], changed: Callable[[str, int], None]) -> None:
        """`changed` is told the path and the number, whenever that is another one. KernelError without inotify."""
        self._log = log
        self._changed = changed
        self._values: dict[str, int] = {}
        self._watched: set[str] = set()
        """Directories."""
        self._missing: set[str] = set()
        """Those that are not there, of which it was told."""
        self._retry: asyncio.TimerHandle | None = None
        self._inotify = Inotify()
        asyncio.get_running_loop().add_reader(self._inotify.fileno(), self._read)

    @property
    def values(self) -> Mapping[str, int]:
        """The numbers, by path."""
        return self._values

    def watch(self, paths: Iterable[str]) -> None:
        """Watch these from now on, and no others. All are read at once, so that `values` holds them; a file that was
        watched before and has changed meanwhile is told."""
        wanted = dict.fromkeys(paths)
        directories = {os.path.dirname(path) or "/" for path in wanted}
        for directory in self._watched - directories:
            self._inotify.remove(directory)
        self._watched &= directories
        self._missing &= directories
        # Watched before they are read: what is written in between is seen twice, not missed.
        self._look_for(directories - self._watched)
        before, self._values = self._values, dict.fromkeys(wanted, 0)
        for path in wanted:
            value = self._number(path)
            self._values[path] = before.get(path, 0) if value is None else value
            if path in before and before[path] != self._values[path]:
                self._changed(path, self._values[path])

    def close(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        asyncio.get_running_loop().remove_reader(self._inotify.fileno())
        self._inotify.close()

    def _look_for(self, directories: Iterable[str]) -> set[str]:
        """Watch those that are there now; which these are."""
        found: set[str] = set()
        for directory in directories:
            try:
                self._inotify.add(directory)
            except KernelError as error:
                if directory not in self._missing:
                    self._missing.add(directory)
                    self._log(Level.WARNING, f"{error}; its files count as 0 until it is there")
            else:
                found.add(directory)
        self._watched |= found
        self._missing -= found
        if self._missing and self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY, self._try_again)
        return found

    def _try_again(self) -> None:
        self._retry = None
        found = self._look_for(set(self._missing))
        self._update(path for path in self._values if (os.path.dirname(path) or "/") in found)

    def _read(self) -> None:
        for event in self._inotify.read():
            if event.gone and event.directory is not None:
                self._watched.discard(event.directory)
                self._look_for([event.directory])
            if event.name is not None and event.directory is not None:
                path = os.path.join(event.directory, event.name)
                self._update([path] if path in self._values else [])
            else:
                self._update(
                    path
                    for path in self._values
                    if event.directory is None or (os.path.dirname(path) or "/") == event.directory
                )

    def _update(self, paths: Iterable[str]) -> None:
        for path in list(paths):
            value = self._number(path)
            if value is not None and value != self._values.get(path):
                self._values[path] = value
                self._changed(path, value)

    def _number(self, path: str) -> int | None:
        value = number_in(read_start(path, READ))
        if value is None:
            self._log(Level.WARNING, f"{path}: the number is beyond 32 bits and is ignored")
        return value
