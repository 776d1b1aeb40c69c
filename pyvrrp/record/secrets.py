"""What must not be in a bug report, and yet must not change a single decision: passwords and keys.

Each secret is written as a stand-in, the same for the same secret throughout one recording and of no use outside of
it. A password that two directors share stays shared, one that differs goes on to differ; checksums that were sound are
made sound again, and others stay wrong.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from pyvrrp.core.vrrp.actions import SendAdvert
from pyvrrp.core.vrrp.advertiser import Advertiser, padded
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.model.vrrp import Authentication, AuthType
from pyvrrp.record.graph import Altered
from pyvrrp.wire.checksum import checksum, verify
from pyvrrp.wire.vrrp import AUTH_DATA_LENGTH, MINIMUM_LENGTH, NO_AUTH_DATA

_CHECKSUM: Final = 6
"""Where it stands in a message, the last of the fixed header's fields."""


class Mask:
    """Stand-ins for secrets; `key`: random bytes that nobody keeps."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._payload = lru_cache(maxsize=64)(self._masked_payload)
        self._kinds: dict[type, Callable[[Any], object]] = {
            Authentication: self._authentication,
            # The messages that it has ready hold the password, and are made again.
            Advertiser: lambda advertiser: Altered(advertiser, {"_ready": {}}),
            DatagramReceived: lambda event: replace(event, payload=self._payload(event.payload)),
            SendAdvert: lambda action: replace(action, message=self._payload(action.message)),
        }

    def __call__(self, value: object) -> object:
        """`graph.Substitute`."""
        masked = self._kinds.get(type(value))
        return value if masked is None else masked(value)

    def password(self, data: bytes) -> bytes:
        """For auth_pass as it stands in a message, padded to 8 bytes."""
        if data == NO_AUTH_DATA:
            return data
        return hmac.digest(self._key, data, "sha256").hex()[:AUTH_DATA_LENGTH].encode()

    def _authentication(self, authentication: Authentication) -> Authentication:
        return replace(authentication, password=self.password(padded(authentication.password)))

    def _masked_payload(self, payload: bytes) -> bytes:
        if len(payload) < MINIMUM_LENGTH or payload[0] >> 4 != 2 or payload[4] != AuthType.PASS:
            return payload
        end = MINIMUM_LENGTH + 4 * payload[3]
        tail = payload[end:]
        if len(tail) == AUTH_DATA_LENGTH:
            hidden = self.password(tail)
        else:  # of another length than it says; what there is of a password is hidden
            hidden = (self.password(padded(tail)) * (len(tail) // AUTH_DATA_LENGTH + 1))[: len(tail)]
        blank = payload[:_CHECKSUM] + b"\0\0" + payload[MINIMUM_LENGTH:end] + hidden
        sound = checksum(blank)
        if not verify(payload):
            sound ^= 1
        return blank[:_CHECKSUM] + sound.to_bytes(2) + blank[MINIMUM_LENGTH:]
