from __future__ import annotations

from ipaddress import IPv4Address, ip_interface
from typing import Any

import pytest

from pyvrrp.core.vrrp.admission import Accepted, admit
from pyvrrp.core.vrrp.credentials import Clock, Credentials, credentials
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.reasons import Reason, Rejected
from pyvrrp.model.vrrp import Authentication, AuthType, VirtualAddress, VrrpInstance
from pyvrrp.net import IPPROTO_AH, VRRP_GROUP4, Address
from pyvrrp.wire.vrrp import AdvertV2, encode_v2
from tests.unit.vrrp.independent import ah_header

PEER, OWN = IPv4Address("192.0.2.2"), IPv4Address("192.0.2.1")
VIP = VirtualAddress(interface=ip_interface("192.0.2.100/24"), dev="eth0")
MESSAGE = encode_v2(
    AdvertV2(virtual_router_id=51, priority=150, auth_type=2, advert_int=1, addresses=(IPv4Address("192.0.2.100"),))
)


def instance(**changes: Any) -> VrrpInstance:
    fields: dict[str, Any] = {"name": "V", "interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": (VIP,)}
    fields["authentication"] = Authentication(type=AuthType.AH, password=b"ahpasswd")
    return VrrpInstance(**(fields | changes))


def datagram(
    sequence: int, *, password: bytes = b"ahpasswd", destination: Address = VRRP_GROUP4, header: bytes | None = None
) -> DatagramReceived:
    if header is None:
        header = ah_header(password, str(PEER), str(destination), 7, sequence, MESSAGE)
    return DatagramReceived(0, "eth0", PEER, destination, 255, header + MESSAGE, IPPROTO_AH, 7)


def ah(config: VrrpInstance | None = None) -> Credentials:
    made = credentials(config or instance(), Clock(), None)
    assert made is not None
    return made


def refused(config: VrrpInstance, packet: DatagramReceived, proof: Credentials | None) -> Reason:
    verdict = admit(config, packet, proof)
    assert isinstance(verdict, Rejected)
    assert "ahpasswd" not in verdict.detail
    return verdict.reason


def test_what_is_sealed_is_what_the_layout_says() -> None:
    proof = ah()
    for sequence, destination in ((1, VRRP_GROUP4), (2, PEER)):
        made = proof.seal(MESSAGE, OWN, destination, 99, 0)
        assert made == ah_header(b"ahpasswd", str(OWN), str(destination), 99, sequence, MESSAGE) + MESSAGE


def test_one_number_for_what_is_heard_and_sent() -> None:
    proof = ah()
    assert isinstance(admit(instance(), datagram(7), proof), Accepted)
    assert refused(instance(), datagram(7), proof) is Reason.AH_REPLAY
    assert refused(instance(), datagram(3), proof) is Reason.AH_REPLAY
    assert proof.seal(MESSAGE, OWN, VRRP_GROUP4, 1, 0)[8:12] == (8).to_bytes(4)
    proof.overtake()
    assert proof.seal(MESSAGE, OWN, VRRP_GROUP4, 1, 0)[8:12] == (10).to_bytes(4)


def test_what_is_refused_leaves_the_number_alone() -> None:
    proof = ah()
    for packet in (datagram(1000, password=b"wrong"), datagram(0)):
        refused(instance(), packet, proof)
    assert proof.state() == (0, ())
    assert isinstance(admit(instance(), datagram(1), proof), Accepted)


def test_the_number_outlives_a_reload_and_the_worker() -> None:
    config = instance()
    proof = ah(config)
    admit(config, datagram(41), proof)
    other = instance(authentication=Authentication(type=AuthType.AH, password=b"new"))
    reloaded = credentials(other, Clock(), proof)
    assert reloaded is not None
    assert reloaded.state() == (41, ())
    assert refused(other, datagram(42), reloaded) is Reason.AH_VALUE
    successor = ah(config)
    successor.restore(*proof.state())
    assert refused(config, datagram(41), successor) is Reason.AH_REPLAY


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (datagram(1, password=b"wrong"), Reason.AH_VALUE),
        (datagram(1, header=bytes((112, 5)) + bytes(22)), Reason.LENGTH),
        (datagram(1, header=bytes((6, 4)) + bytes(22)), Reason.TYPE),
        (DatagramReceived(0, "eth0", PEER, VRRP_GROUP4, 255, MESSAGE), Reason.AUTH_TYPE),
        (DatagramReceived(0, "eth0", PEER, VRRP_GROUP4, 255, bytes(10), IPPROTO_AH), Reason.LENGTH),
        (DatagramReceived(0, "eth0", PEER, VRRP_GROUP4, 254, datagram(1).payload, IPPROTO_AH, 7), Reason.TTL),
    ],
)
def test_reasons(packet: DatagramReceived, reason: Reason) -> None:
    assert refused(instance(), packet, ah()) is reason
    assert reason.counter is not None


def test_a_header_of_another_sender() -> None:
    """Whoever knows the password may still not speak for others."""
    header = bytearray(ah_header(b"ahpasswd", str(PEER), str(VRRP_GROUP4), 7, 1, MESSAGE))
    header[4:8] = OWN.packed
    from tests.unit.vrrp.independent import hmac_by_hand

    ip = b"\x45\0" + (44 + len(MESSAGE)).to_bytes(2) + b"\0\7\0\0\xff\x33\0\0" + PEER.packed + VRRP_GROUP4.packed
    header[12:] = hmac_by_hand("md5", b"ahpasswd", ip + bytes(header[:12]) + bytes(12) + MESSAGE)[:12]
    assert refused(instance(), datagram(1, header=bytes(header)), ah()) is Reason.AH_SENDER


def test_whoever_has_no_ah_names_it() -> None:
    plain = instance(authentication=None)
    assert refused(plain, datagram(1), None) is Reason.AUTH_TYPE


def test_every_bit_counts() -> None:
    """The integrity check covers the message, the header and what of the IP header does not change."""
    good = datagram(5)
    for at in range(len(good.payload)):
        payload = good.payload[:at] + bytes((good.payload[at] ^ 1,)) + good.payload[at + 1 :]
        packet = DatagramReceived(0, "eth0", PEER, VRRP_GROUP4, 255, payload, IPPROTO_AH, 7)
        assert isinstance(admit(instance(), packet, ah()), Rejected) or at in (2, 3), at  # reserved
    other_number = DatagramReceived(0, "eth0", PEER, VRRP_GROUP4, 255, good.payload, IPPROTO_AH, 8)
    assert refused(instance(), other_number, ah()) is Reason.AH_VALUE
