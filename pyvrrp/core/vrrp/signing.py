"""auth_hmac: what is signed, and what of the signed is believed (draft-cassen-vrrp-auth-hmac).

The sender's clock is in each signature. In `time` mode whoever is too far from ours is not believed; in both modes each
signature must be newer than the sender's last one, its mark. Marks outlive reloads (keepalived forgets them).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pyvrrp.core.vrrp.credentials import Clock, Marks, Opened
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.reasons import Reason, Rejected
from pyvrrp.errors import WireError
from pyvrrp.model.auth_hmac import Hmac, HmacMode
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import IPPROTO_VRRP, Address
from pyvrrp.units import SECOND, Micros
from pyvrrp.wire.trailer import (
    TRAILER_LENGTH,
    Trailer,
    decode_trailer,
    encode_trailer,
    message_authentication_code,
    sequence_at,
)
from pyvrrp.wire.vrrp import MINIMUM_LENGTH, expected_length, with_tail

SENDERS: Final = 4
"""So many senders of a multicast group are remembered."""
_ROUND: Final = 1 << 64


class Signer:
    """`credentials.Credentials`."""

    protocol = IPPROTO_VRRP

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._config: Hmac | None = None
        self.keys: dict[int, bytes] = {}
        self._last = 0
        self._peers: tuple[Address, ...] = ()
        self._marks: dict[str, int] = {}

    def use(self, config: VrrpInstance, hmac: Hmac) -> None:
        self._config = hmac
        self.keys = {key.number: key.value for key in hmac.keys}
        self._peers = config.unicast_peer
        if self._peers:
            known = {str(peer) for peer in self._peers}
            self._marks = {sender: mark for sender, mark in self._marks.items() if sender in known}

    @property
    def _hmac(self) -> Hmac:
        assert self._config is not None
        return self._config

    # Sending.

    def seal(self, message: bytes, source: Address, destination: Address, identification: int, at: Micros) -> bytes:
        hmac = self._hmac
        if hmac.mode is HmacMode.RECEIVE_ONLY:
            return message
        trailer = Trailer(key_id=hmac.active_key, sequence=self._next(at))
        mac = message_authentication_code(self.keys[hmac.active_key], source, message, trailer)
        # Without a pseudo header (v3_checksum_as_v2) only IPv4 goes, whose checksum does not cover the trailer.
        return with_tail(message, source, destination, encode_trailer(replace(trailer, mac=mac)))

    def _next(self, at: Micros) -> int:
        """The clock, or one more than the last number where the clock has not come so far."""
        now = sequence_at(self._clock.utc(at))
        ahead = self._last + 1 - now
        if not self._hmac.monotonic and ahead > self._hmac.time_window << 32:
            # The clock was set back by more than anybody tolerates: its old numbers are stale everywhere.
            ahead = 0
        self._last = (now + max(0, ahead)) % _ROUND
        return self._last

    # Receiving.

    def open(self, datagram: DatagramReceived, family: int) -> Opened | Rejected:
        hmac, data, source = self._hmac, datagram.payload, datagram.source
        if self._peers and source not in self._peers:
            return Rejected(Reason.NOT_A_PEER, f"from {source}")
        length = expected_length(data[0] >> 4, family, data[3]) if len(data) >= MINIMUM_LENGTH else len(data)
        if len(data) != length + TRAILER_LENGTH:
            if len(data) == length and hmac.mode is HmacMode.ENFORCE:
                return Rejected(Reason.HMAC_MISSING, "auth_hmac is not configured there, or it only receives")
            return Opened(data)
        message, tail = data[:length], data[length:]
        try:
            trailer = decode_trailer(tail)
        except WireError as error:
            return Rejected(Reason.HMAC_MALFORMED, error.detail)
        now = self._clock.utc(datagram.at) // SECOND
        skew = now - trailer.seconds
        if not hmac.monotonic and abs(skew) > hmac.time_window:
            return Rejected(Reason.HMAC_STALE, f"its clock is {_behind(skew)}, allowed are {hmac.time_window} s")
        key = self.keys.get(trailer.key_id)
        if key is None:
            return Rejected(Reason.HMAC_UNKNOWN_KEY, f"key {trailer.key_id}")
        from hmac import compare_digest

        if not compare_digest(message_authentication_code(key, source, message, trailer), trailer.mac):
            return Rejected(
                Reason.HMAC_INVALID, f"key {trailer.key_id} is another one there, or the packet was changed"
            )
        if self._seen(str(source), trailer, now):
            return Rejected(Reason.HMAC_REPLAY, f"signed {_behind(skew)}")
        doubt = None
        if not hmac.monotonic and 2 * abs(skew) > hmac.time_window:
            doubt = f"its clock is {_behind(skew)}; beyond {hmac.time_window} s it would not be believed"
        return Opened(message, tail, doubt)

    def _seen(self, sender: str, trailer: Trailer, now: int) -> bool:
        """Is it no newer than the sender's mark? If it is, the mark moves (RFC 1982 §3.2, 64 bits)."""
        mark = self._marks.get(sender)
        if mark is not None:
            forgotten = not self._hmac.monotonic and abs(now - (mark >> 32)) > self._hmac.time_window
            if not forgotten and not 0 < (trailer.sequence - mark) % _ROUND < _ROUND // 2:
                return True
            del self._marks[sender]
        elif not self._peers and len(self._marks) >= SENDERS:
            del self._marks[next(iter(self._marks))]
        self._marks[sender] = trailer.sequence
        return False

    def overtake(self) -> None:
        """The clock sees to that."""

    def skip(self, count: int) -> None:
        """Likewise."""

    # A successor.

    def state(self) -> tuple[int, Marks]:
        return self._last, tuple(self._marks.items())

    def restore(self, number: int, marks: Marks) -> None:
        self._last, self._marks = number, dict(marks)


def _behind(skew: int) -> str:
    return "like ours" if skew == 0 else f"{abs(skew)} s {'behind' if skew > 0 else 'ahead of'} ours"
