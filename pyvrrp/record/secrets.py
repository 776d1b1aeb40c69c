"""What must not be in a bug report, and yet must not change a single decision: passwords and keys.

Each secret is written as a stand-in, the same for the same secret throughout one recording and of no use outside of
it. A password that two directors share stays shared, one that differs goes on to differ. What was proved with a key is
proved with its stand-in; what was proved badly stays so, and so do checksums.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Any, Final

from pyvrrp.core.vrrp.actions import SendAdvert
from pyvrrp.core.vrrp.advertiser import Advertiser, padded
from pyvrrp.core.vrrp.ah import Ah
from pyvrrp.core.vrrp.echo import Echo
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.signing import Signer
from pyvrrp.errors import WireError
from pyvrrp.model.auth_hmac import HmacKey
from pyvrrp.model.vrrp import Authentication, AuthType
from pyvrrp.net import IPPROTO_AH, Address
from pyvrrp.record.graph import Altered
from pyvrrp.wire.ah import AH_LENGTH, ICV_LENGTH, decode_ah, encode_ah, integrity_check_value
from pyvrrp.wire.checksum import ones_complement_sum
from pyvrrp.wire.trailer import (
    MAC_LENGTH,
    TRAILER_LENGTH,
    decode_trailer,
    encode_trailer,
    message_authentication_code,
)
from pyvrrp.wire.vrrp import AUTH_DATA_LENGTH, MINIMUM_LENGTH, NO_AUTH_DATA, expected_length

_CHECKSUM: Final = 6
"""Where it stands in a message, the last of the fixed header's fields."""


class Mask:
    """Stand-ins for secrets; `key`: random bytes that nobody keeps."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ah_keys: set[bytes] = set()
        self._hmac_keys: set[bytes] = set()
        """Those that were met so far: a configuration comes before what is proved with its keys."""
        self._message = lru_cache(maxsize=64)(self._masked_message)
        self._kinds: dict[type, Callable[[Any], object]] = {
            Authentication: self._authentication,
            HmacKey: self._hmac_key,
            DatagramReceived: self._datagram,
            SendAdvert: self._advert,
            # The messages that it has ready hold the password, and are made again.
            Advertiser: lambda advertiser: Altered(advertiser, {"_ready": {}}),
            Echo: lambda echo: Altered(echo, {"known": self._known(echo)}),
            Ah: lambda ah: Altered(ah, {"key": self._password(ah.key)}),
            Signer: lambda signer: Altered(signer, {"keys": self._keys(signer.keys)}),
        }

    def __call__(self, value: object) -> object:
        """`graph.Substitute`."""
        masked = self._kinds.get(type(value))
        return value if masked is None else masked(value)

    # Secrets.

    def _digest(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")

    def _password(self, data: bytes) -> bytes:
        """For auth_pass as it stands in a message, padded to 8 bytes."""
        return data if data == NO_AUTH_DATA else self._digest(data).hex()[:AUTH_DATA_LENGTH].encode()

    def _authentication(self, authentication: Authentication) -> Authentication:
        password = padded(authentication.password)
        if authentication.type is AuthType.AH:
            self._ah_keys.add(password)
        return replace(authentication, password=self._password(password))

    def _hmac_key(self, key: HmacKey) -> HmacKey:
        if not key.value:
            return key
        self._hmac_keys.add(key.value)
        return replace(key, value=self._digest(key.value))

    def _keys(self, keys: dict[int, bytes]) -> dict[int, bytes]:
        self._hmac_keys.update(keys.values())
        return {number: self._digest(value) for number, value in keys.items()}

    # What they are in.

    def _datagram(self, event: DatagramReceived) -> DatagramReceived:
        where = (event.source, event.destination, event.identification)
        return replace(event, payload=self._message(event.payload, event.protocol, *where))

    def _advert(self, action: SendAdvert) -> SendAdvert:
        where = (action.source, action.destinations[0], action.identification)
        return replace(action, message=self._message(action.message, action.protocol, *where))

    def _known(self, echo: Echo) -> tuple[object, ...] | None:
        if echo.known is None:
            return None
        payload, *rest = echo.known
        assert isinstance(payload, bytes)
        return _with_other_password(payload, self._password), *rest

    def _masked_message(
        self, payload: bytes, protocol: int, source: Address, destination: Address, identification: int
    ) -> bytes:
        if protocol == IPPROTO_AH:
            return self._proved_by_ah(payload, source, destination, identification)
        if len(payload) < MINIMUM_LENGTH:
            return payload
        length = expected_length(payload[0] >> 4, source.version, payload[3])
        if self._hmac_keys and len(payload) == length + TRAILER_LENGTH:
            payload = self._signed(payload, length, source)
        return _with_other_password(payload, self._password)

    def _proved_by_ah(self, payload: bytes, source: Address, destination: Address, identification: int) -> bytes:
        try:
            header, message = decode_ah(payload)
        except WireError:
            return payload
        value = self._digest(header.icv)[:ICV_LENGTH]
        if isinstance(source, IPv4Address) and isinstance(destination, IPv4Address):
            for key in self._ah_keys:
                if integrity_check_value(key, source, destination, identification, header, message) == header.icv:
                    stand_in = self._password(key)
                    value = integrity_check_value(stand_in, source, destination, identification, header, message)
        return encode_ah(replace(header, icv=value)) + payload[AH_LENGTH:]

    def _signed(self, payload: bytes, length: int, source: Address) -> bytes:
        message, tail = payload[:length], payload[length:]
        try:
            trailer = decode_trailer(tail)
        except WireError:
            return payload
        mac = self._digest(trailer.mac)[:MAC_LENGTH]
        for key in self._hmac_keys:
            if message_authentication_code(key, source, message, trailer) == trailer.mac:
                mac = message_authentication_code(self._digest(key), source, message, trailer)
        new = encode_trailer(replace(trailer, mac=mac))
        # Over IPv6 the checksum covers the trailer too.
        return (_with_other_sum(message, tail, new) if source.version == 6 else message) + new


def _with_other_password(payload: bytes, password: Callable[[bytes], bytes]) -> bytes:
    """A message of version 2 with PASS, and a stand-in for what it says."""
    if len(payload) < MINIMUM_LENGTH or payload[0] >> 4 != 2 or payload[4] != AuthType.PASS:
        return payload
    end = MINIMUM_LENGTH + 4 * payload[3]
    tail = payload[end:]
    if len(tail) != AUTH_DATA_LENGTH:  # of another length than it says: not to be believed, but it may hold a password
        return payload[:end] + bytes(len(tail))
    hidden = password(tail)
    return _with_other_sum(payload[:end], tail, hidden) + hidden


def _with_other_sum(message: bytes, old: bytes, new: bytes) -> bytes:
    """The message with its checksum as it must be after a change of what follows (RFC 1624 §3): as right as before."""
    words = (message[_CHECKSUM:MINIMUM_LENGTH], old)
    complement = b"".join(bytes(byte ^ 0xFF for byte in word) for word in words)
    value = ones_complement_sum(complement + new) ^ 0xFFFF
    return message[:_CHECKSUM] + value.to_bytes(2, "big") + message[MINIMUM_LENGTH:]
