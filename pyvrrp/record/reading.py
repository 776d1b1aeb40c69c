"""A recording, read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.vrrp.router import Router
from pyvrrp.record.graph import JSON, GraphError, from_graph
from pyvrrp.record.recorder import FORMAT, Machine
from pyvrrp.units import Micros


class RecordingError(ValueError):
    """A file that is no recording, or one that this release cannot read; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Entry:
    number: int
    """From 1."""
    event: Any
    actions: list[JSON] | None
    """As they were recorded; None: the machine failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    release: str
    """Of pyvrrp."""
    role: str
    began: Micros
    """CLOCK_MONOTONIC."""
    began_epoch: Micros
    machine: Machine
    """As it was then."""


class Recording:
    """`lines` are read as they are needed."""

    def __init__(self, lines: Iterable[str | bytes]) -> None:
        """RecordingError."""
        self._lines = iter(lines)
        first = _parsed(next(self._lines, ""), 1)
        if first.get("pyvrrp_recording") != FORMAT:
            raise RecordingError("this is no recording of pyvrrp" if "pyvrrp_recording" not in first else
                                 f"it is a recording of format {first['pyvrrp_recording']}, not {FORMAT}")  # fmt: skip
        release = str(first.get("pyvrrp"))
        try:
            self.header = Header(
                release=release,
                role=first["role"],
                began=first["began"],
                began_epoch=first["began_epoch"],
                machine=_machine(first),
            )
        except (GraphError, KeyError) as error:
            raise RecordingError(f"made by pyvrrp {release}, this release cannot read it: {error}") from error
        self.end: str | None = None
        """Why it ended, once all entries are read; None: it broke off."""

    def entries(self) -> Iterator[Entry]:
        """One after the other. RecordingError."""
        for number, line in enumerate(self._lines, 1):
            entry = _parsed(line, number + 1)
            if "end" in entry:
                self.end = str(entry["end"])
                return
            try:
                event = from_graph(entry["event"])
            except (GraphError, KeyError) as error:
                raise RecordingError(f"line {number + 1}: {error}") from error
            yield Entry(number, event, entry.get("actions"))


def _machine(first: dict[str, Any]) -> Machine:
    """As it was written, or made of what it was made of: of these few values other releases know more."""
    if first["origin"] is None:
        machine: Machine = from_graph(first["machine"])
        return machine
    origin = from_graph(first["origin"])
    return Router(origin) if first["role"] == "vrrp" else Balancer(origin)


def _parsed(line: str | bytes, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        # The last line of a worker that was killed while it wrote.
        raise RecordingError(f"line {number} is not whole, or this is no recording of pyvrrp") from error
    if not isinstance(found, dict):
        raise RecordingError("this is no recording of pyvrrp")
    return found
