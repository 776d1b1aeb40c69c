"""Numbers for people: five characters at most, and rates between two pictures."""

from __future__ import annotations

from dataclasses import fields
from typing import Final, TypeAlias

from pyvrrp.core.lvs.snapshot import LvsSnapshot, Traffic
from pyvrrp.observe.picture import Picture
from pyvrrp.units import SECOND

_UNITS: Final = ("", "K", "M", "G", "T", "P", "E")


def short(number: float) -> str:
    """Decimal thousands as ipvsadm counts them, five characters at most: ``99999``, ``123K``, ``1.23M``."""
    if number < 99_999.5:
        return f"{number:.1f}" if 0 < number < 10 and number != int(number) else f"{number:.0f}"
    value, unit = float(number), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f}{_UNITS[unit]}"


Rate: TypeAlias = tuple[float, ...]
"""What `Traffic` counts, in its order, each a second."""


class Rates:
    """How fast the counters of one picture grew since an earlier one.

    None where there is no earlier count, or the counter went back (a service that was taken out and put in again).
    """

    def __init__(self, earlier: Picture | None, later: Picture) -> None:
        self._elapsed = (later.taken - earlier.taken) / SECOND if earlier else 0.0
        self._before = _counters(earlier.lvs) if earlier and earlier.daemon.pid == later.daemon.pid else {}

    def of(self, virtual_server: str, real_server: str | None, now: Traffic | None) -> Rate | None:
        before = self._before.get((virtual_server, real_server))
        if now is None or before is None or self._elapsed <= 0:
            return None
        grown = [getattr(now, field.name) - getattr(before, field.name) for field in fields(Traffic)]
        return None if min(grown) < 0 else tuple(growth / self._elapsed for growth in grown)


def _counters(lvs: LvsSnapshot | None) -> dict[tuple[str, str | None], Traffic]:
    counters: dict[tuple[str, str | None], Traffic] = {}
    for service in lvs.virtual_servers if lvs else ():
        if service.traffic is not None:
            counters[service.name, None] = service.traffic
        for server in service.real_servers:
            if server.traffic is not None:
                counters[service.name, server.address] = server.traffic
    return counters
