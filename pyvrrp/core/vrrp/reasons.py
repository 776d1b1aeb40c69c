"""Why an advertisement is refused: the reasons, their counters, and the sentence that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    LENGTH = "wrong length"
    TTL = "TTL is not 255"
    TTL_RANGE = "TTL outside of min_ttl and max_ttl"
    VERSION = "wrong VRRP version"
    TYPE = "invalid packet type"
    INVALID_AUTH_TYPE = "invalid authentication type"
    CHECKSUM = "invalid checksum"
    AUTH_TYPE = "authentication type differs"
    PASSWORD = "password differs"
    AH_VALUE = "authentication header does not fit the password"
    AH_SENDER = "authentication header of another sender"
    AH_REPLAY = "authentication header seen already"
    HMAC_MISSING = "not signed (auth_hmac)"
    HMAC_MALFORMED = "malformed signature"
    HMAC_UNKNOWN_KEY = "signed with a key that is not configured here"
    HMAC_INVALID = "signature does not fit the key"
    HMAC_STALE = "signed too long ago, or in the future"
    HMAC_REPLAY = "signature seen already"
    INTERVAL = "advertisement interval differs"
    DESTINATION = "sent to the wrong destination"
    OWNER = "we are the address owner"
    NOT_A_PEER = "not a unicast peer"


COUNTER: Final[dict[Reason, str | None]] = {
    Reason.LENGTH: "packet_len_err",
    Reason.TTL: "ip_ttl_err",
    Reason.TTL_RANGE: "ip_ttl_err",
    Reason.VERSION: "vers_err",
    Reason.TYPE: "invalid_type_rcvd",
    Reason.INVALID_AUTH_TYPE: "invalid_authtype",
    Reason.CHECKSUM: "chk_err",
    Reason.AUTH_TYPE: "authtype_mismatch",
    Reason.PASSWORD: "auth_failure",
    Reason.AH_VALUE: "auth_failure",
    Reason.AH_SENDER: "auth_failure",
    Reason.AH_REPLAY: "auth_failure",
    Reason.HMAC_MISSING: "auth_ext_missing",
    Reason.HMAC_MALFORMED: "auth_ext_malformed",
    Reason.HMAC_UNKNOWN_KEY: "auth_ext_unknown_key",
    Reason.HMAC_INVALID: "auth_ext_invalid_hmac",
    Reason.HMAC_STALE: "auth_ext_stale",
    Reason.HMAC_REPLAY: "auth_ext_replay",
    Reason.INTERVAL: "advert_interval_err",
    Reason.DESTINATION: "addr_list_err",
    Reason.OWNER: None,
    Reason.NOT_A_PEER: None,
}
"""The field of `Stats` that each reason counts in; None: keepalived has no counter for it."""

SPLITTING: Final = frozenset(
    {
        Reason.PASSWORD,
        Reason.AUTH_TYPE,
        Reason.INTERVAL,
        Reason.VERSION,
        Reason.AH_VALUE,
        Reason.HMAC_MISSING,
        Reason.HMAC_UNKNOWN_KEY,
        Reason.HMAC_INVALID,
        Reason.HMAC_STALE,
    }
)
"""Differences in configuration (or of the clocks) that make two directors deaf to each other."""


@dataclass(frozen=True, slots=True)
class Rejected:
    reason: Reason
    detail: str
    """What differs, theirs against ours; never a password."""
