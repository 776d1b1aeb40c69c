"""AH: one number for what we send and what we hear (RFC 2338 §5.3.6.3, as keepalived runs it).

A backup keeps the number at the master's last one, so that its own first advertisement is one more. Whoever starts
begins at 0 and has to listen first.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Final

from pyvrrp.core.vrrp.advertiser import padded
from pyvrrp.core.vrrp.credentials import Marks, Opened
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.reasons import Reason, Rejected
from pyvrrp.errors import WireError, WireReason
from pyvrrp.net import IPPROTO_AH, Address
from pyvrrp.units import Micros
from pyvrrp.wire.ah import AuthenticationHeader, decode_ah, encode_ah, integrity_check_value

_LAST: Final = 0xFFFFFFFF


class Ah:
    """`credentials.Credentials`."""

    protocol = IPPROTO_AH

    def __init__(self) -> None:
        self.key = b""
        self._sequence = 0
        """The last number sent or heard."""
        self._heard = 0
        """The last number heard."""
        self._round = 1
        """How many numbers a round of advertisements takes."""

    def use(self, password: bytes, peers: int) -> None:
        """`peers`: how many unicast peers there are, each of which gets a number of its own."""
        self.key = padded(password)
        self._round = max(1, peers)

    def seal(self, message: bytes, source: Address, destination: Address, identification: int, at: Micros) -> bytes:
        assert isinstance(source, IPv4Address)
        assert isinstance(destination, IPv4Address)
        self._sequence = min(self._sequence + 1, _LAST)
        blank = AuthenticationHeader(spi=int(source), sequence=self._sequence)
        value = integrity_check_value(self.key, source, destination, identification, blank, message)
        return encode_ah(AuthenticationHeader(spi=blank.spi, sequence=blank.sequence, icv=value)) + message

    def open(self, datagram: DatagramReceived, family: int) -> Opened | Rejected:
        source, destination = datagram.source, datagram.destination
        if datagram.protocol != IPPROTO_AH:
            return Rejected(Reason.AUTH_TYPE, "no authentication header, ours is AH")
        try:
            header, message = decode_ah(datagram.payload)
        except WireError as error:
            reason = Reason.TYPE if error.reason is WireReason.PROTOCOL else Reason.LENGTH
            return Rejected(reason, error.detail)
        assert isinstance(source, IPv4Address)
        assert isinstance(destination, IPv4Address)
        value = integrity_check_value(self.key, source, destination, datagram.identification, header, message)
        from hmac import compare_digest

        if not compare_digest(value, header.icv):
            return Rejected(Reason.AH_VALUE, "auth_pass is not the same on both directors, or the packet was changed")
        if header.spi != int(source):
            return Rejected(Reason.AH_SENDER, f"it says {IPv4Address(header.spi)}")
        # The numbers of our own last round may be another's, too: two that became MASTER together count alike, and
        # would refuse each other for as long as they advertise at the same time.
        if header.sequence <= max(self._heard, self._sequence - self._round):
            return Rejected(Reason.AH_REPLAY, f"number {header.sequence}, after {self._sequence}")
        self._sequence = self._heard = header.sequence
        return Opened(message)

    def overtake(self) -> None:
        self.skip(1)

    def skip(self, count: int) -> None:
        self._sequence = min(self._sequence + count, _LAST)

    def state(self) -> tuple[int, Marks]:
        return self._sequence, ()

    def restore(self, number: int, marks: Marks) -> None:
        self._sequence = self._heard = min(number, _LAST)
