"""What can be done to the directors and the network between them; `str` says it as a scenario does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from pyvrrp.model.tracked import Tracker
from pyvrrp.net import Address
from pyvrrp.units import Micros


@dataclass(frozen=True, slots=True)
class _ToOne:
    """Something that is done to one director."""

    VERB: ClassVar[str]
    director: str

    def __str__(self) -> str:
        return " ".join((self.VERB, self.director, *self.words()))

    def words(self) -> tuple[str, ...]:
        """What follows the director."""
        return ()


class Crash(_ToOne):
    """The machine loses its power: no goodbye, and its addresses go with it."""

    VERB = "crash"


class Begin(_ToOne):
    """The machine and its daemon start."""

    VERB = "start"


class Stop(_ToOne):
    """The daemon stops cleanly."""

    VERB = "stop"


class Kill(_ToOne):
    """The worker dies; its addresses stay, and the supervisor replaces it at once."""

    VERB = "kill"


@dataclass(frozen=True, slots=True)
class Stall(_ToOne):
    """The machine does nothing for a while, and finds in its buffers what came meanwhile."""

    VERB = "stall"
    duration: Micros

    def words(self) -> tuple[str, ...]:
        return (duration_text(self.duration),)


@dataclass(frozen=True, slots=True)
class Link(_ToOne):
    VERB = "link"
    interface: str
    up: bool

    def words(self) -> tuple[str, ...]:
        return self.interface, "up" if self.up else "down"


@dataclass(frozen=True, slots=True)
class Rate(_ToOne):
    """The clock runs so many parts in a million fast."""

    VERB = "clock"
    ppm: int

    def words(self) -> tuple[str, ...]:
        return (f"{self.ppm:+}ppm",)


@dataclass(frozen=True, slots=True)
class Track(_ToOne):
    """A script, process or BFD session goes up or down, or a file gets another number."""

    kind: Tracker
    name: str
    value: bool | int

    def __str__(self) -> str:
        value = ("fails", "succeeds")[self.value] if isinstance(self.value, bool) else str(self.value)
        return f"{self.kind.value.removeprefix('track_')} {self.director} {self.name} {value}"


@dataclass(frozen=True, slots=True)
class Take(_ToOne):
    """Somebody else removes a virtual address."""

    VERB = "remove"
    address: Address

    def words(self) -> tuple[str, ...]:
        return (str(self.address),)


@dataclass(frozen=True, slots=True)
class Reload(_ToOne):
    """The daemon reads another configuration."""

    VERB = "reload"
    file: str

    def words(self) -> tuple[str, ...]:
        return (self.file,)


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
class Quality:
    """How packets fare: parts of a million for `loss`, `duplicate`, `reorder`; microseconds for `delay`, `jitter`."""

    what: str
    value: int
    path: tuple[str, str] | None = None
    """Sender and receiver; None: everywhere."""

    def __str__(self) -> str:
        value = duration_text(self.value) if self.what in ("delay", "jitter") else f"{self.value / 10_000:g}%"
        return f"{self.what} {value}{' {} -> {}'.format(*self.path) if self.path else ''}"


ToOne: TypeAlias = Crash | Begin | Stop | Kill | Stall | Link | Rate | Track | Take | Reload
"""What is done to one director."""
Step: TypeAlias = ToOne | Partition | Heal | Quality


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
