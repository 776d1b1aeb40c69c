"""What can be done to the directors and the network between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pyvrrp.model.tracked import Tracker
from pyvrrp.net import Address
from pyvrrp.units import Micros


@dataclass(frozen=True, slots=True)
class Crash:
    """The machine loses its power: no goodbye, and its addresses go with it."""

    director: str

    def __str__(self) -> str:
        return f"crash {self.director}"


@dataclass(frozen=True, slots=True)
class Begin:
    """The machine and its daemon start."""

    director: str

    def __str__(self) -> str:
        return f"start {self.director}"


@dataclass(frozen=True, slots=True)
class Stop:
    """The daemon stops cleanly."""

    director: str

    def __str__(self) -> str:
        return f"stop {self.director}"


@dataclass(frozen=True, slots=True)
class Kill:
    """The worker dies; its addresses stay, and the supervisor replaces it at once."""

    director: str

    def __str__(self) -> str:
        return f"kill {self.director}"


@dataclass(frozen=True, slots=True)
class Stall:
    """The machine does nothing for a while, and finds in its buffers what came meanwhile."""

    director: str
    duration: Micros

    def __str__(self) -> str:
        return f"stall {self.director} {duration_text(self.duration)}"


@dataclass(frozen=True, slots=True)
class Partition:
    """No packet passes between the sides; those named in none are one more side."""

    sides: tuple[frozenset[str], ...]
    segment: str | None = None
    """None: on all segments."""

    def __str__(self) -> str:
        sides = " | ".join(" ".join(sorted(side)) for side in self.sides)
        return f"partition {sides}{f' on {self.segment}' if self.segment else ''}"


@dataclass(frozen=True, slots=True)
class Heal:
    """No partition any more, and a network as it was at the start."""

    def __str__(self) -> str:
        return "heal"


@dataclass(frozen=True, slots=True)
class Link:
    director: str
    interface: str
    up: bool

    def __str__(self) -> str:
        return f"link {self.director} {self.interface} {'up' if self.up else 'down'}"


@dataclass(frozen=True, slots=True)
class Quality:
    """How packets fare: parts of a million for `loss`, `duplicate`, `reorder`; microseconds for `delay`, `jitter`."""

    what: str
    value: int
    path: tuple[str, str] | None = None
    """Sender and receiver; None: everywhere."""

    def __str__(self) -> str:
        value = duration_text(self.value) if self.what in ("delay", "jitter") else f"{self.value / 10_000:g}%"
        return f"{self.what} {value}{' {} -> {}'.format(*self.path) if self.path else ''}"


@dataclass(frozen=True, slots=True)
class Rate:
    """The clock runs so many parts in a million fast."""

    director: str
    ppm: int

    def __str__(self) -> str:
        return f"clock {self.director} {self.ppm:+}ppm"


@dataclass(frozen=True, slots=True)
class Track:
    """A script, process or BFD session goes up or down, or a file gets another number."""

    director: str
    kind: Tracker
    name: str
    value: bool | int

    def __str__(self) -> str:
        value = ("fails", "succeeds")[self.value] if isinstance(self.value, bool) else str(self.value)
        return f"{self.kind.value.removeprefix('track_')} {self.director} {self.name} {value}"


@dataclass(frozen=True, slots=True)
class Take:
    """Somebody else removes a virtual address."""

    director: str
    address: Address

    def __str__(self) -> str:
        return f"remove {self.director} {self.address}"


@dataclass(frozen=True, slots=True)
class Reload:
    """The daemon reads another configuration."""

    director: str
    file: str

    def __str__(self) -> str:
        return f"reload {self.director} {self.file}"


Step: TypeAlias = Crash | Begin | Stop | Kill | Stall | Partition | Heal | Link | Quality | Rate | Track | Take | Reload


@dataclass(frozen=True, slots=True)
class Timed:
    at: Micros
    """Since the start of the world."""
    step: Step


def duration_text(duration: Micros) -> str:
    """As a scenario says it: ``1.5s``, ``20ms``, ``200us``."""
    for unit, name in ((1_000_000, "s"), (1_000, "ms")):
        if duration and duration % (unit // 1000 or 1) == 0 and duration >= unit:
            return f"{duration / unit:g}{name}"
    return f"{duration}us" if duration else "0s"
