"""Recognising the advertisement that a backup hears all day: to the last bit the one before.

Whatever was found out about the first one (sound, believed, better than us, of the same addresses) is true of the next
one, so nothing has to be judged anew. A backup of a thousand instances spends most of its life here.
"""

from __future__ import annotations

from pyvrrp.core.vrrp.admission import Accepted
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.model.vrrp import AuthType, VrrpInstance


class Echo:
    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: tuple[object, ...] | None = None

    def forget(self) -> None:
        self.known = None

    def remember(self, datagram: DatagramReceived, advert: Accepted, config: VrrpInstance, priority: int) -> None:
        """An advertisement that restarted the timer; not where each must be judged: replays, preempt_delay."""
        with_ah = config.authentication is not None and config.authentication.type is AuthType.AH
        judged_anew = with_ah or config.auth_hmac is not None
        waits = config.preempt and advert.priority < priority
        self.known = None if judged_anew or waits else _what_counts(datagram)

    def is_heard(self, datagram: DatagramReceived) -> bool:
        return self.known == _what_counts(datagram)


def _what_counts(datagram: DatagramReceived) -> tuple[object, ...]:
    """All but the time."""
    return datagram.payload, datagram.source, datagram.ttl, datagram.destination
