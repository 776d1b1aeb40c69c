"""Why an advertisement is refused: the reasons, their counters, and the sentence that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_DEAF: Final = True


class Reason(StrEnum):
    """In words; what it counts in; and whether it makes two directors deaf to each other."""

    counter: str | None
    """The field of `Stats`; None: keepalived has no counter for it."""
    splitting: bool
    """A difference in configuration (or of the clocks), after which each believes to be alone."""

    def __new__(cls, text: str, counter: str | None, splitting: bool = False) -> Reason:
        reason = str.__new__(cls, text)
        reason._value_ = text
        reason.counter, reason.splitting = counter, splitting
        return reason

    LENGTH = "wrong length", "packet_len_err"
    TTL = "TTL is not 255", "ip_ttl_err"
    TTL_RANGE = "TTL outside of min_ttl and max_ttl", "ip_ttl_err"
    VERSION = "wrong VRRP version", "vers_err", _DEAF
    TYPE = "invalid packet type", "invalid_type_rcvd"
    INVALID_AUTH_TYPE = "invalid authentication type", "invalid_authtype"
    CHECKSUM = "invalid checksum", "chk_err"
    AUTH_TYPE = "authentication type differs", "authtype_mismatch", _DEAF
    PASSWORD = "password differs", "auth_failure", _DEAF
    AH_VALUE = "authentication header does not fit the password", "auth_failure", _DEAF
    AH_SENDER = "authentication header of another sender", "auth_failure"
    AH_REPLAY = "authentication header seen already", "auth_failure"
    HMAC_MISSING = "not signed (auth_hmac)", "auth_ext_missing", _DEAF
    HMAC_MALFORMED = "malformed signature", "auth_ext_malformed"
    HMAC_UNKNOWN_KEY = "signed with a key that is not configured here", "auth_ext_unknown_key", _DEAF
    HMAC_INVALID = "signature does not fit the key", "auth_ext_invalid_hmac", _DEAF
    HMAC_STALE = "signed too long ago, or in the future", "auth_ext_stale", _DEAF
    HMAC_REPLAY = "signature seen already", "auth_ext_replay"
    INTERVAL = "advertisement interval differs", "advert_interval_err", _DEAF
    DESTINATION = "sent to the wrong destination", "addr_list_err"
    OWNER = "we are the address owner", None
    NOT_A_PEER = "not a unicast peer", None


@dataclass(frozen=True, slots=True)
class Rejected:
    reason: Reason
    detail: str
    """What differs, theirs against ours; never a password."""
