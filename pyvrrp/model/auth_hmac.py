"""auth_hmac of an instance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class HmacMode(Enum):
    ENFORCE = "enforce"
    """Sign, and believe nothing that is not signed."""
    PERMISSIVE = "permissive"
    """Sign, and believe what is not signed too: for the change from none to signed."""
    RECEIVE_ONLY = "receive-only"
    """Do not sign; what is signed must be signed well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacKey:
    number: int
    """1..255."""
    value: bytes = b""
    """32 to 64 bytes; empty while `file` has not been read."""
    file: str | None = None
    """Where the value stands, if not in the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hmac:
    keys: tuple[HmacKey, ...]
    """All that are believed."""
    active_key: int
    """The number of the one that signs; one of `keys`."""
    time_window: int
    """Seconds, 1..300, by which a sender's clock may differ."""
    monotonic: bool = False
    """anti_replay monotonic: clocks need not agree, only each sender's signatures must go up."""
    mode: HmacMode = HmacMode.ENFORCE
