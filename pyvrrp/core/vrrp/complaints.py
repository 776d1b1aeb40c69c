"""Telling a matter once: a flood of packets must be no flood of lines."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.admission import Accepted
from pyvrrp.core.vrrp.reasons import Rejected
from pyvrrp.net import Address

LIMIT: Final = 64
"""Senders can be forged: so many different matters are told between two changes of state."""


class Complaints:
    """What an instance has said since its last change of state."""

    __slots__ = ("_said", "instance")

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self._said: set[tuple[str, Address | None]] = set()

    def forget(self) -> None:
        self._said.clear()

    def has_said(self, what: str, who: Address | None) -> bool:
        return (what, who) in self._said

    def once(self, what: str, who: Address | None, level: Level, text: str) -> list[Log]:
        """The line, if this matter of this sender has not been told yet."""
        if (what, who) in self._said or len(self._said) >= LIMIT:
            return []
        self._said.add((what, who))
        return [Log(level, f"({self.instance}) {text}")]

    def rejected(self, rejected: Rejected, source: Address) -> list[Log]:
        if len(self._said) >= LIMIT or self.has_said(rejected.reason, source):
            return []  # the text alone would cost more than all the rest of a forged packet
        text = f"advertisement of {source} refused: {rejected.reason.value}: {rejected.detail}"
        if rejected.reason.splitting:
            text += ". While they differ, both directors can be MASTER"
        return self.once(rejected.reason, source, Level.WARNING, text)

    def address_lists(self, ours: Collection[Address], advert: Accepted) -> list[Log]:
        here = ", ".join(str(address) for address in ours if address not in advert.addresses) or "none"
        there = ", ".join(str(address) for address in advert.addresses if address not in ours) or "none"
        text = f"virtual_ipaddress differs from that of {advert.source}: only here {here}; only there {there}"
        return self.once("addresses", advert.source, Level.WARNING, text)
