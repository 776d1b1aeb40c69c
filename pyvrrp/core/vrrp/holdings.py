"""What comes and goes with mastership: addresses, then routes, then rules, and in the other order when it ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.actions import (
    Action,
    AddAddresses,
    AddRouting,
    RemoveAddresses,
    RemoveRouting,
    SendGratuitousArps,
)
from pyvrrp.core.vrrp.snapshot import RoutingSnapshot
from pyvrrp.model.vrrp import VirtualAddress, VrrpInstance
from pyvrrp.units import SECOND, Micros

if TYPE_CHECKING:  # most configurations have addresses only
    from pyvrrp.model.routing import Route, Rule

    Holding: TypeAlias = VirtualAddress | Route | Rule

REPAIR_INTERVAL: Final[Micros] = SECOND
"""What is taken away again and again is put back at most so often."""


def holdings(config: VrrpInstance) -> tuple[Holding, ...]:
    """All that the instance brings along as MASTER, in the order in which it is added."""
    return (*config.addresses, *config.virtual_routes, *config.virtual_rules)


def addresses_of(some: Iterable[Holding]) -> tuple[VirtualAddress, ...]:
    return tuple(holding for holding in some if isinstance(holding, VirtualAddress))


def routing_of(some: Iterable[Holding]) -> tuple[Route | Rule, ...]:
    return tuple(holding for holding in some if not isinstance(holding, VirtualAddress))


def adding(owner: str, some: Collection[Holding]) -> list[Action]:
    addresses, routing = addresses_of(some), routing_of(some)
    actions: list[Action] = [AddAddresses(owner, addresses)] if addresses else []
    return [*actions, AddRouting(owner, routing)] if routing else actions


def removing(owner: str, some: Collection[Holding]) -> list[Action]:
    addresses, routing = addresses_of(some), routing_of(some)
    actions: list[Action] = [RemoveRouting(owner, routing[::-1])] if routing else []
    return [*actions, RemoveAddresses(owner, addresses)] if addresses else actions


def describe(holding: Holding) -> str:
    """For a log: what it is, and where."""
    if isinstance(holding, VirtualAddress):
        return f"{holding.interface} was removed from {holding.dev}"
    return f"{holding.text} was removed"


def routing_snapshots(some: Iterable[Holding], present: Collection[Holding]) -> tuple[RoutingSnapshot, ...]:
    return tuple(RoutingSnapshot(text=entry.text, present=entry in present) for entry in routing_of(some))


class Holdings:
    """What of it is there, as far as we know, and when it is to be put back."""

    def __init__(self, config: VrrpInstance) -> None:
        self.present: set[Holding] = set()
        self.use(config)
        self.repair_at: Micros | None = None
        self._repaired_at: Micros | None = None

    def use(self, config: VrrpInstance) -> None:
        """From now on it is about these. What a takeover does is made ready: a thousand come at once."""
        self.owner = config.name
        self.wanted = holdings(config)
        self._adding = adding(self.owner, self.wanted)
        addresses = addresses_of(self.wanted)
        repeat = config.garp.repeat
        self._announcing = [SendGratuitousArps(self.owner, addresses, repeat)] if addresses and repeat else []

    def put_all(self) -> list[Action]:
        self.present.update(self.wanted)
        return self._adding

    def announce_all(self) -> Sequence[Action]:
        """The first burst of a mastership."""
        return self._announcing

    def put(self, some: Collection[Holding]) -> list[Action]:
        self.present.update(some)
        return adding(self.owner, some)

    def take(self, some: Collection[Holding]) -> list[Action]:
        self.present.difference_update(some)
        return removing(self.owner, some)

    def lost(self, at: Micros, holding: Holding) -> list[Action]:
        """Somebody took it away. Asks for a repair, at once or as soon as that may be."""
        if holding not in self.present:
            return []
        self.present.discard(holding)
        what = f"({self.owner}) {describe(holding)} by somebody else"
        if not holding.track:
            return [Log(Level.INFO, f"{what}; with no_track it stays away")]
        earliest = at if self._repaired_at is None else max(at, self._repaired_at + REPAIR_INTERVAL)
        self.repair_at = earliest if self.repair_at is None else min(earliest, self.repair_at)
        return [Log(Level.WARNING, f"{what}; it is put back")]

    def refused(self, at: Micros, some: Collection[Holding]) -> None:
        """The kernel did not take it; we try again."""
        self.present.difference_update(some)
        if some:
            self.repair_at = at + REPAIR_INTERVAL

    def missing(self, at: Micros) -> tuple[Holding, ...]:
        """What is to be put back now."""
        wanted = self.wanted
        self.repair_at = None
        self._repaired_at = at
        missing = tuple(holding for holding in wanted if holding.track and holding not in self.present)
        if any(isinstance(holding, VirtualAddress) for holding in missing):
            # The kernel drops routes with an address, and does not say so.
            missing = (*addresses_of(missing), *(entry for entry in routing_of(wanted) if entry.track))
        return missing

    def rest(self) -> None:
        """Nothing is to be put back any more."""
        self.repair_at = self._repaired_at = None
