"""Recognising the advertisement that a backup hears all day: to the last bit the one before.

Whatever was found out about the first one (sound, believed, better than us, of the same addresses) is true of the next
one, so nothing has to be judged anew. A backup of a thousand instances spends most of its life here.
"""

from __future__ import annotations

from pyvrrp.core.vrrp.admission import Accepted
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.model.vrrp import AuthType, VrrpInstance


class Echo:
    __slots__ = ("_datagram",)

    def __init__(self) -> None:
        self._datagram: DatagramReceived | None = None

    def forget(self) -> None:
        self._datagram = None

    def remember(self, datagram: DatagramReceived, advert: Accepted, config: VrrpInstance, priority: int) -> None:
        """An advertisement that restarted the timer; not where each must be judged: replays, preempt_delay."""
        judged_anew = config.authentication is not None and config.authentication.type is AuthType.AH
        waits = config.preempt and advert.priority < priority
        self._datagram = None if judged_anew or waits else datagram

    def is_heard(self, datagram: DatagramReceived) -> bool:
        known = self._datagram
        return (
            known is not None
            and datagram.payload == known.payload
            and datagram.source == known.source
            and datagram.ttl == known.ttl
            and datagram.destination == known.destination
        )
