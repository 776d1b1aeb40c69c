"""Watches how many processes of a name run.

The kernel tells of each process that begins, changes or ends; where it does not let us listen, /proc is looked through
once a second, a few processes at a time, for nothing here may delay an advertisement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.core.tracking.process import ProcessMachine
from pyvrrp.errors import KernelError
from pyvrrp.kernel import processlist
from pyvrrp.kernel.processlist import ProcessChange, ProcessEvents
from pyvrrp.kernel.timer import monotonic
from pyvrrp.model.tracked import TrackProcess
from pyvrrp.units import seconds

POLL: Final = 1.0
"""Seconds between two looks at /proc, without the kernel's events."""
_SLICE: Final = 20
"""Processes looked at in one go."""
_PAUSE: Final = 0.002
"""Seconds between two of those."""


class ProcessTracker:
    """All vrrp_track_process blocks. Timers of the event loop will do."""

    def __init__(
        self,
        log: Callable[[Level, str], None],
        changed: Callable[[str, bool, str], None],
        listen: Callable[[], ProcessEvents],
    ) -> None:
        """`changed` is told the name, whether enough of them run, and how many do; `listen` opens the kernel's events,
        or raises KernelError."""
        self._log = log
        self._changed = changed
        self._machines: dict[str, ProcessMachine] = {}
        self._found: dict[int, frozenset[str]] = {}
        """Processes that somebody counts, and who does."""
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        self._events: ProcessEvents | None = None
        try:
            self._events = listen()
        except KernelError as error:
            log(Level.NOTICE, f"{error}; processes are looked for once a second instead")
        else:
            asyncio.get_running_loop().add_reader(self._events.fileno(), self._read)

    def describe(self) -> dict[str, tuple[bool, str]]:
        """Each by name: whether enough run, and how many do."""
        return {name: (machine.is_up, machine.describe()) for name, machine in self._machines.items()}

    def watch(self, processes: Sequence[TrackProcess]) -> None:
        """Count these from now on. What is found at once is told at once, for each that is new or meant otherwise."""
        before = self._machines
        self._machines = {config.name: ProcessMachine(config) for config in reversed(processes)}
        self._stop_looking()
        self._found = dict(self._scan(processlist.process_ids()))
        counts = self._counts()
        for name, machine in self._machines.items():
            old = before.get(name)
            machine.begin(counts[name])
            if old is None or old.is_up is not machine.is_up:
                self._changed(name, machine.is_up, machine.describe())
        if self._events is None and self._machines:
            self._look = asyncio.get_running_loop().call_later(POLL, self._poll)
        self._arm()

    def close(self) -> None:
        self._stop_looking()
        if self._timer is not None:
            self._timer.cancel()
        if self._events is not None:
            asyncio.get_running_loop().remove_reader(self._events.fileno())
            self._events.close()

    def _read(self) -> None:
        assert self._events is not None
        events = self._events.read()
        if events is None:
            self._stop_looking()
            self._look_through(self._scan(processlist.process_ids()), {})
            return
        before = self._counts()
        for event in events:
            if event.change is ProcessChange.FORK:
                # The same program still, under the same name.
                found = self._found.get(event.parent, frozenset())
            elif event.change is ProcessChange.EXIT:
                found = frozenset()
            else:
                found = self._meant(event.pid)
            if found:
                self._found[event.pid] = found
            else:
                self._found.pop(event.pid, None)
        counts = self._counts()
        if counts != before:
            self._counted(counts)

    def _poll(self) -> None:
        self._look_through(self._scan(processlist.process_ids()), {})

    def _look_through(self, scan: Iterator[tuple[int, frozenset[str]]], found: dict[int, frozenset[str]]) -> None:
        """A part of all processes, and the others soon."""
        loop = asyncio.get_running_loop()
        for _ in range(_SLICE):
            pid, names = next(scan, (0, frozenset()))
            if not pid:
                self._found = found
                self._look = None if self._events is not None else loop.call_later(POLL, self._poll)
                self._counted(self._counts())
                return
            if names:
                found[pid] = names
        self._look = loop.call_later(_PAUSE, self._look_through, scan, found)

    def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _scan(self, pids: list[int]) -> Iterator[tuple[int, frozenset[str]]]:
        return ((pid, self._meant(pid)) for pid in pids)

    def _meant(self, pid: int) -> frozenset[str]:
        """By whom this process is counted."""
        name = processlist.process_name(pid)
        if name is None:
            return frozenset()
        command = b""
        if any(machine.reads_command for machine in self._machines.values()):
            command = processlist.process_command(pid) or b""
        return frozenset(own for own, machine in self._machines.items() if machine.matches(name, command))

    def _counts(self) -> dict[str, int]:
        counts = dict.fromkeys(self._machines, 0)
        for names in self._found.values():
            for name in names:
                counts[name] += 1
        return counts

    def _counted(self, counts: dict[str, int]) -> None:
        at = monotonic()
        for name, machine in self._machines.items():
            if machine.count != counts[name]:
                self._let(machine, partial(machine.counted, at, counts[name]))
        self._arm()

    def _due(self) -> None:
        self._timer = None
        at = monotonic()
        for machine in self._machines.values():
            self._let(machine, partial(machine.due, at))
        self._arm()

    def _let(self, machine: ProcessMachine, act: Callable[[], None]) -> None:
        before = machine.is_up
        act()
        if machine.is_up is not before:
            how = "enough" if machine.is_up else "not as many as wanted"
            self._log(Level.INFO, f"vrrp_track_process {machine.config.name}: {machine.describe()}: {how}")
            self._changed(machine.config.name, machine.is_up, machine.describe())

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadlines = [due for machine in self._machines.values() if (due := machine.deadline()) is not None]
        if deadlines:
            delay = max(0, min(deadlines) - monotonic())
            self._timer = asyncio.get_running_loop().call_later(seconds(delay), self._due)
