"""What was seen in all: who is master of which virtual router, and which ids are free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyvrrp.net import Address
from pyvrrp.sniff.frames import Advert
from pyvrrp.units import Micros

Key = tuple[int, int, int]
"""Virtual LAN (-1 without), family, virtual router id."""


@dataclass(slots=True, kw_only=True)
class Router:
    """One virtual router."""

    virtual_router_id: int
    family: int
    vlan: int | None
    version: int = 0
    sender: Address | None = None
    """Who advertised last."""
    master: Address | None = None
    """The same; None: it has stopped (priority 0)."""
    priority: int = 0
    interval: Micros = 0
    auth: str = ""
    addresses: tuple[Address, ...] = ()
    adverts: int = 0
    refused: int = 0
    """Of those, as many as we would not believe."""
    senders: dict[Address, int] = field(default_factory=dict)
    """All that advertised, and how often."""
    last: Micros = 0
    changes: int = 0
    """How often another sender took over."""


class Census:
    def __init__(self) -> None:
        self._routers: dict[Key, Router] = {}

    def note(self, at: Micros, advert: Advert, *, refused: bool) -> None:
        family = advert.source.version
        key = (-1 if advert.vlan is None else advert.vlan, family, advert.virtual_router_id)
        router = self._routers.get(key)
        if router is None:
            router = self._routers[key] = Router(
                virtual_router_id=advert.virtual_router_id, family=family, vlan=advert.vlan
            )
        router.adverts += 1
        router.refused += refused
        router.senders[advert.source] = router.senders.get(advert.source, 0) + 1
        if router.sender not in (None, advert.source):
            router.changes += 1
        router.sender = advert.source
        router.master = advert.source if advert.priority else None
        router.priority, router.interval, router.version = advert.priority, advert.interval, advert.version
        router.addresses, router.auth, router.last = advert.addresses, advert.auth, at

    def routers(self) -> list[Router]:
        """By virtual LAN, family and id."""
        return [self._routers[key] for key in sorted(self._routers)]

    def free(self) -> str:
        """The ids that nobody was heard with, as ranges: ``1-50, 52-255``."""
        used = {router.virtual_router_id for router in self._routers.values()}
        return ranges(number for number in range(1, 256) if number not in used)


def ranges(numbers: Iterable[int]) -> str:
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in found) or "none"
