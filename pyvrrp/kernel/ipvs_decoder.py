"""Services and destinations of a dump without their counters, each decoded once.

Tables are read again and again to see whether somebody changed them, and mostly nobody did: an entry whose bytes are
known (up to the counters) costs a look into a dict, a tenth of decoding it.
"""

from __future__ import annotations

from sys import byteorder
from typing import Final

from pyvrrp.core.lvs.ipvs_table import Destination, Service
from pyvrrp.kernel import ipvs_messages as ip_vs
from pyvrrp.kernel.netlink import attributes

_INSIDE: Final = ip_vs.GENL_HEADER.size + 4
"""Where the attributes of the service or destination begin."""
_CONNECTIONS: Final = 24
"""Bytes of the three numbers of connections."""
_FAMILY: Final = 8
"""Bytes of the address family behind them."""


class Decoder:
    def __init__(self) -> None:
        self._services: dict[bytes, Service | None] = {}
        self._destinations: dict[tuple[int, bytes], Destination] = {}
        self._places: dict[tuple[int, int], int] = {}
        """Where the counters begin in a message of that kind and length."""

    def forget(self) -> None:
        """Nothing is held on to for ever."""
        self._services, self._destinations = {}, {}

    def __len__(self) -> int:
        return len(self._services) + len(self._destinations)

    def service(self, body: bytes) -> Service | None:
        facts = body[: self._counters(body, ip_vs.SERVICE_STATS)]
        if facts not in self._services:
            state = ip_vs.decode_service(attributes(attributes(body, ip_vs.GENL_HEADER.size)[ip_vs.SERVICE]))
            self._services[facts] = None if state is None else state.service
        return self._services[facts]

    def destination(self, body: bytes, service_family: int) -> Destination:
        place = self._counters(body, ip_vs.DEST_ACTIVE)
        after = place + _CONNECTIONS
        facts = service_family, body[:place] + body[after : after + _FAMILY]
        if (known := self._destinations.get(facts)) is None:
            raw = attributes(attributes(body, ip_vs.GENL_HEADER.size)[ip_vs.DEST])
            known = self._destinations[facts] = ip_vs.decode_destination(raw, service_family).destination
        return known

    def _counters(self, body: bytes, kind: int) -> int:
        """Where the attribute `kind` begins; the end where there is none."""
        size = len(body)
        place = self._places.get((kind, size), size)
        if place < size and int.from_bytes(body[place + 2 : place + 4], byteorder) == kind:
            return place
        place = _INSIDE
        while place + 4 <= size:
            length = int.from_bytes(body[place : place + 2], byteorder)
            if int.from_bytes(body[place + 2 : place + 4], byteorder) == kind:
                self._places[kind, size] = place
                return place
            place += max(4, (length + 3) & ~3)
        return size
