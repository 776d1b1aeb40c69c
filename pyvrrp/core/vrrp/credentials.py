"""What an instance proves its advertisements with, and asks of others': nothing more than PASS, AH, or auth_hmac.

AH and auth_hmac remember what they have sent and seen, across reloads and the worker's death; their code is loaded
only where a configuration uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.reasons import Rejected
from pyvrrp.model.vrrp import AuthType, VrrpInstance
from pyvrrp.net import Address
from pyvrrp.units import Micros

Marks = tuple[tuple[str, int], ...]
"""Senders and the newest that each of them has signed, the one heard last at the end."""


class Clock:
    """The wall clock, as far as a machine may know it: the last `WallClock` event says how far it is ahead of ours."""

    __slots__ = ("ahead",)

    def __init__(self) -> None:
        self.ahead: Micros = 0

    def utc(self, at: Micros) -> Micros:
        """Microseconds since 1970."""
        return at + self.ahead


@dataclass(frozen=True, slots=True)
class Opened:
    """A datagram whose proof holds."""

    message: bytes
    """The VRRP message proper."""
    tail: bytes = b""
    """What stands behind it."""
    doubt: str | None = None
    """What is wrong all the same, for people."""


class Credentials(Protocol):
    protocol: int
    """IP protocol of what `seal` makes."""

    def seal(self, message: bytes, source: Address, destination: Address, identification: int, at: Micros) -> bytes:
        """The IP payload: the message with its proof."""
        ...

    def open(self, datagram: DatagramReceived, family: int) -> Opened | Rejected:
        """The message in a datagram, if its proof holds. Remembers that it has been seen."""
        ...

    def overtake(self) -> None:
        """A lower priority is about to be answered: the answer must be news to its sender."""
        ...

    def skip(self, count: int) -> None:
        """A predecessor may have sent so many more than its `state` told."""
        ...

    def state(self) -> tuple[int, Marks]:
        """For a successor: the number sent or heard last, and the marks."""
        ...

    def restore(self, number: int, marks: Marks) -> None:
        """What a predecessor's `state` was."""
        ...


def credentials(config: VrrpInstance, clock: Clock, before: Credentials | None) -> Credentials | None:
    """Those of a configuration; what the ones `before` a reload remember is kept where the kind is the same."""
    if config.auth_hmac is not None:
        from pyvrrp.core.vrrp.signing import Signer

        signer = before if isinstance(before, Signer) else Signer(clock)
        signer.use(config, config.auth_hmac)
        return signer
    if config.authentication is not None and config.authentication.type is AuthType.AH:
        from pyvrrp.core.vrrp.ah import Ah

        ah = before if isinstance(before, Ah) else Ah()
        ah.use(config.authentication.password, len(config.unicast_peer))
        return ah
    return None
