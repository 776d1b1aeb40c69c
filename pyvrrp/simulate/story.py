"""What happened, as values: who was what when and why, who held which address, and what was wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pyvrrp.units import Micros


class Fault(StrEnum):
    TWO = "two masters"
    NONE = "no master"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An instance of a director changed its state, or the director went on or off."""

    at: Micros
    director: str
    instance: str
    state: str
    """As in logs; OFF while the director is not running."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """For so long these directors held the address."""

    begin: Micros
    end: Micros
    holders: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Outside of the protocol's own window an address had two masters, or none."""

    fault: Fault
    address: str
    segment: str
    directors: tuple[str, ...]
    """The two; or the one that should have taken over."""
    begin: Micros
    allowed_until: Micros
    """The window's end."""
    end: Micros | None
    """None: it did not end before the simulation did."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """The same within the window: what the protocol allows, and still a client's trouble."""

    fault: Fault
    begin: Micros
    end: Micros


@dataclass(slots=True, kw_only=True)
class Service:
    """An address that directors may hold, with those that always go along with it."""

    addresses: tuple[str, ...]
    segment: str
    carriers: tuple[tuple[str, str], ...]
    """Director and instance."""
    spans: list[Span] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    takeovers: int = 0
    """How often a director took it that had not been the last to hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A step of the scenario."""

    at: Micros
    what: str


@dataclass(slots=True, kw_only=True)
class Story:
    directors: tuple[str, ...]
    duration: Micros = 0
    seed: int = 0
    changes: list[Change] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    adverts: int = 0
    """Advertisements sent."""
    lost: int = 0
    """Packets that did not arrive."""
