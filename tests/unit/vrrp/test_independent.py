"""The oracle itself: RFC vectors, and what real keepalived put on the wire."""

from __future__ import annotations

import pytest

from tests.golden.pcap import AH, frames, vrrp4, vrrp6
from tests.unit.vrrp.independent import ah_header, hmac_by_hand, trailer


@pytest.mark.parametrize(
    ("name", "key", "data", "digest"),
    [
        ("md5", b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),  # RFC 2202 §2
        ("md5", b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
        (
            "sha256",
            b"\x0b" * 20,
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",  # RFC 4231 §4.2
        ),
        (
            "sha256",
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_hmac(name: str, key: bytes, data: bytes, digest: str) -> None:
    assert hmac_by_hand(name, key, data).hex() == digest


@pytest.mark.parametrize("name", ["hmac-v2", "hmac-v3-ipv4", "hmac-v3-unicast", "hmac-v3-ipv6"])
def test_keepalived_signs_like_that(name: str) -> None:
    packets = [(str(p.source), p.message) for p in vrrp4(name)] + [(str(p.source), p.message) for p in vrrp6(name)]
    assert packets
    for source, payload in packets:
        message, tail = payload[:-28], payload[-28:]
        seconds, fraction, counter = (int.from_bytes(tail[a:b]) for a, b in ((4, 8), (8, 10), (10, 12)))
        assert trailer(bytes(range(32)), 1, source, message, seconds, fraction, counter) == tail


@pytest.mark.parametrize("name", ["v2-ah", "v2-ah-2.4.3", "v2-unicast-ah"])
def test_keepalived_authenticates_like_that(name: str) -> None:
    seen = 0
    for frame, packet in zip(
        (f for f in frames(name) if f[12:14] == b"\x08\0" and f[23] == AH), vrrp4(name), strict=True
    ):
        header = frame[34:58]
        sequence = int.from_bytes(header[8:12])
        made = ah_header(
            b"ahpasswd", str(packet.source), str(packet.destination), packet.identification, sequence, packet.message
        )
        assert made == header
        seen += 1
    assert seen
