"""vrrp_track_process as a pure machine: which processes are meant, and when their number counts.

The delays keep a restart from being a failure: a process that is back before terminate_delay is over was never away,
and one that is gone before fork_delay is over was never there.
"""

from __future__ import annotations

from typing import Final

from pyvrrp.model.tracked import TrackProcess
from pyvrrp.units import Micros

NAME_MAX: Final = 15
"""Bytes that the kernel keeps of a process's name."""


class ProcessMachine:
    """One vrrp_track_process."""

    def __init__(self, config: TrackProcess) -> None:
        self.config = config
        self.is_up = False
        self.count = 0
        self._counts_at: Micros | None = None
        self._words = tuple(word.encode("utf-8", "surrogateescape") for word in config.process)
        self._arguments = b"".join(word + b"\0" for word in self._words[1:])
        self.reads_command = (
            config.full_command
            or config.param_match is not None
            or len(self._words) > 1
            or len(self._words[0]) > NAME_MAX
        )
        """Is the command line compared, and not just the kernel's short name?"""

    def matches(self, name: bytes, command: bytes) -> bool:
        """Is it one of those? `name`: /proc/PID/comm without its line break; `command`: /proc/PID/cmdline, which is
        asked for only if `reads_command`."""
        if not self.reads_command:
            return name == self._words[0]
        program, _, arguments = command.partition(b"\0")
        if program != self._words[0]:
            return False
        match self.config.param_match:
            case "initial":  # the last one may go on
                return arguments.startswith(self._arguments[:-1])
            case "partial":  # others may follow
                return arguments.startswith(self._arguments)
            case "exact":
                return arguments == self._arguments
        return not self._arguments or arguments == self._arguments

    def begin(self, count: int) -> None:
        """So many run at the start; that counts at once."""
        self.count, self.is_up = count, self._enough(count)

    def counted(self, at: Micros, count: int) -> None:
        """So many run now. Whether that counts at once shows in `is_up`."""
        grown, self.count = count > self.count, count
        if self._enough(count) is self.is_up:
            self._counts_at = None
        elif self._counts_at is None:
            self._counts_at = at + (self.config.fork_delay if grown else self.config.terminate_delay)
        self.due(at)

    def due(self, at: Micros) -> None:
        """`deadline()` has come."""
        if self._counts_at is not None and self._counts_at <= at:
            self._counts_at = None
            self.is_up = self._enough(self.count)

    def deadline(self) -> Micros | None:
        return self._counts_at

    def describe(self) -> str:
        """How many run, and how many should: ``none runs``, ``2 run, at most 1 wanted``."""
        low, high = self.config.quorum, self.config.quorum_max
        said = "none runs" if not self.count else "1 runs" if self.count == 1 else f"{self.count} run"
        if high is not None and self.count > high:
            return f"{said}, {'none' if not high else f'at most {high}'} wanted"
        return f"{said}, {low} wanted" if self.count < low and low > 1 else said

    def _enough(self, count: int) -> bool:
        high = self.config.quorum_max
        low = 0 if high == 0 else self.config.quorum
        return low <= count and (high is None or count <= high)
