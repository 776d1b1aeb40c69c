"""The trailer of keepalived's auth_hmac behind a VRRP message of either version (draft-cassen-vrrp-auth-hmac)::

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|   Scheme (1)  |    Key ID     |          Reserved (0)         |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                  Seconds since 1970, UTC                      |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|     Fraction of the second    |           Counter             |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|        HMAC-SHA256, its first 128 bits (16 bytes)             |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from pyvrrp.errors import WireError, WireReason
from pyvrrp.net import Address
from pyvrrp.units import SECOND, Micros
from pyvrrp.wire.vrrp import without_checksum

TRAILER_LENGTH: Final = 28
SCHEME_SHA256_128: Final = 1
MAC_LENGTH: Final = 16
NO_MAC: Final = bytes(MAC_LENGTH)

_TRAILER = Struct("!BBHQ16s")
_PSEUDO = Struct("!BBBB16s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailer:
    key_id: int
    """1..255."""
    sequence: int
    """64 bits: seconds, fraction and counter."""
    mac: bytes = NO_MAC

    @property
    def seconds(self) -> int:
        return self.sequence >> 32


def sequence_at(utc: Micros) -> int:
    """The sequence of an instant (microseconds since 1970), its counter 0."""
    whole, micros = divmod(utc, SECOND)
    return (whole & 0xFFFFFFFF) << 32 | (micros << 16) // SECOND << 16


def encode_trailer(trailer: Trailer) -> bytes:
    return _TRAILER.pack(SCHEME_SHA256_128, trailer.key_id, 0, trailer.sequence, trailer.mac)


def decode_trailer(data: bytes) -> Trailer:
    """WireError: LENGTH for anything but 28 bytes, TYPE for another scheme, PROTOCOL where zeros are not zero."""
    if len(data) != TRAILER_LENGTH:
        raise WireError(WireReason.LENGTH, f"trailer of {len(data)} bytes")
    scheme, key_id, reserved, sequence, mac = _TRAILER.unpack(data)
    if scheme != SCHEME_SHA256_128:
        raise WireError(WireReason.TYPE, f"scheme {scheme}")
    if reserved or not key_id:
        raise WireError(WireReason.PROTOCOL, f"key {key_id}, reserved field {reserved}")
    return Trailer(key_id=key_id, sequence=sequence, mac=mac)


def message_authentication_code(key: bytes, source: Address, message: bytes, trailer: Trailer) -> bytes:
    """Over source, message without its checksum, and the trailer with zeros for it; the destination is not in it."""
    import hmac

    version, virtual_router_id = message[0] >> 4, message[1]
    pseudo = _PSEUDO.pack(source.version, version, virtual_router_id, 0, source.packed)
    blank = _TRAILER.pack(SCHEME_SHA256_128, trailer.key_id, 0, trailer.sequence, NO_MAC)
    return hmac.digest(key, b"".join((pseudo, without_checksum(message), blank)), "sha256")[:MAC_LENGTH]
