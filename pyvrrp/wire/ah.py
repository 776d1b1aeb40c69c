"""The authentication header between the IPv4 header and a VRRPv2 message (RFC 2338 §5.3.6.3, RFC 4302 §2)::

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|  Next Header  |  Payload Len  |           Reserved            |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                 Security Parameters Index                     |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                    Sequence Number Field                      |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                Integrity Check Value (12 bytes)               |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from struct import Struct
from typing import Final

from pyvrrp.errors import WireError, WireReason
from pyvrrp.net import IPPROTO_AH, IPPROTO_VRRP, VRRP_TTL

AH_LENGTH: Final = 24
ICV_LENGTH: Final = 12
"""HMAC-MD5-96 (RFC 2403)."""
NO_ICV: Final = bytes(ICV_LENGTH)

_AH = Struct("!BBHII12s")
_PAYLOAD_LENGTH: Final = AH_LENGTH // 4 - 2
"""In words of 32 bits, less two (RFC 4302 §2.2)."""
_IP_HEADER = Struct("!BBHHHBBH4s4s")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationHeader:
    spi: int
    """32 bits; keepalived's is the sender's IPv4 address."""
    sequence: int
    """32 bits."""
    icv: bytes = NO_ICV
    """12 bytes."""
    next_header: int = IPPROTO_VRRP


def encode_ah(header: AuthenticationHeader) -> bytes:
    return _AH.pack(header.next_header, _PAYLOAD_LENGTH, 0, header.spi, header.sequence, header.icv)


def decode_ah(data: bytes) -> tuple[AuthenticationHeader, bytes]:
    """The header, and the message behind it.

    WireError: TOO_SHORT, PROTOCOL for another next header than VRRP, LENGTH for a header of another size.
    """
    if len(data) < AH_LENGTH:
        raise WireError(WireReason.TOO_SHORT, f"authentication header of {len(data)} bytes")
    next_header, length, _, spi, sequence, icv = _AH.unpack_from(data)
    if next_header != IPPROTO_VRRP:
        raise WireError(WireReason.PROTOCOL, f"protocol {next_header} behind the authentication header")
    if length != _PAYLOAD_LENGTH:
        raise WireError(WireReason.LENGTH, f"authentication header of {4 * (length + 2)} bytes")
    return AuthenticationHeader(spi=spi, sequence=sequence, icv=icv), data[AH_LENGTH:]


def integrity_check_value(
    key: bytes,
    source: IPv4Address,
    destination: IPv4Address,
    identification: int,
    header: AuthenticationHeader,
    message: bytes,
) -> bytes:
    """Over the IPv4 header (20 bytes) without what may change on the way, `header` with zeros for it, and the message.

    RFC 4302 §3.3.3.1.1.1 always leaves the TTL out. keepalived, whose packets these must be, does so for unicast only.
    """
    import hmac

    ttl = VRRP_TTL if destination.is_multicast else 0
    total = _IP_HEADER.size + AH_LENGTH + len(message)
    fields = (0x45, 0, total, identification, 0, ttl, IPPROTO_AH, 0, source.packed, destination.packed)
    blank = _AH.pack(header.next_header, _PAYLOAD_LENGTH, 0, header.spi, header.sequence, NO_ICV)
    return hmac.digest(key, b"".join((_IP_HEADER.pack(*fields), blank, message)), "md5")[:ICV_LENGTH]
