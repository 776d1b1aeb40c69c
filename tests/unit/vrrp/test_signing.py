from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_interface
from typing import Any

import pytest

from pyvrrp.core.vrrp.admission import Accepted, admit
from pyvrrp.core.vrrp.credentials import Clock, Credentials, credentials
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.reasons import Reason, Rejected
from pyvrrp.model.auth_hmac import Hmac, HmacKey, HmacMode
from pyvrrp.model.vrrp import VirtualAddress, VrrpInstance
from pyvrrp.net import VRRP_GROUP4, VRRP_GROUP6, Address
from pyvrrp.units import SECOND, Micros
from pyvrrp.wire.vrrp import AdvertV2, AdvertV3, decode_v3, encode_v2, encode_v3
from tests.unit.vrrp.independent import trailer

NOW = 1_700_000_000
KEY, OTHER = bytes(range(32)), b"x" * 64
PEER, OWN = IPv4Address("192.0.2.2"), IPv4Address("192.0.2.1")
ADDRESSES = (IPv4Address("192.0.2.100"),)
MESSAGE = encode_v2(AdvertV2(virtual_router_id=51, priority=150, advert_int=1, addresses=ADDRESSES))
MESSAGE3 = encode_v3(
    AdvertV3(virtual_router_id=51, priority=150, advert_int=100, addresses=ADDRESSES), PEER, VRRP_GROUP4
)


def hmac(*keys: tuple[int, bytes], **changes: Any) -> Hmac:
    made = tuple(HmacKey(number=number, value=value) for number, value in keys or ((1, KEY),))
    fields: dict[str, Any] = {"keys": made, "active_key": 1, "time_window": 5}
    return Hmac(**(fields | changes))


def instance(signing: Hmac | None = None, **changes: Any) -> VrrpInstance:
    vip = VirtualAddress(interface=ip_interface("192.0.2.100/24"), dev="eth0")
    fields: dict[str, Any] = {"name": "V", "interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": (vip,)}
    return VrrpInstance(**(fields | {"auth_hmac": signing or hmac()} | changes))


class Director:
    """One receiver with its clock, which shows NOW at 0."""

    def __init__(self, config: VrrpInstance | None = None, before: Director | None = None) -> None:
        self.config = config or instance()
        self.clock = Clock()
        self.clock.ahead = NOW * SECOND
        made = credentials(self.config, self.clock, None if before is None else before.proof)
        assert made is not None
        self.proof: Credentials = made

    def hear(
        self,
        seconds: int = NOW,
        counter: int = 0,
        *,
        key: bytes = KEY,
        key_id: int = 1,
        source: str = str(PEER),
        message: bytes = MESSAGE,
        at: Micros = 0,
        destination: Address = VRRP_GROUP4,
        tail: bytes | None = None,
    ) -> Reason | None:
        """Why it is refused; None: it is not."""
        if tail is None:
            tail = trailer(key, key_id, source, message, seconds, 0, counter)
        packet = DatagramReceived(at, "eth0", IPv4Address(source), destination, 255, message + tail)
        verdict = admit(self.config, packet, self.proof)
        return verdict.reason if isinstance(verdict, Rejected) else None


def test_what_is_signed_is_what_the_layout_says() -> None:
    d = Director()
    for counter in (0, 1, 2):
        made = d.proof.seal(MESSAGE, OWN, VRRP_GROUP4, 1, SECOND // 2)
        assert made == MESSAGE + trailer(KEY, 1, str(OWN), MESSAGE, NOW, 1 << 15, counter)


def test_over_ipv6_the_checksum_covers_the_trailer() -> None:
    d = Director()
    source, vip = IPv6Address("fe80::1"), IPv6Address("fe80::100")
    advert = AdvertV3(virtual_router_id=51, priority=9, advert_int=100, addresses=(vip,))
    made = d.proof.seal(encode_v3(advert, source, VRRP_GROUP6), source, VRRP_GROUP6, 1, 0)
    message, tail = made[:-28], made[-28:]
    assert tail == trailer(KEY, 1, "fe80::1", message, NOW)
    assert decode_v3(message, 6, source, VRRP_GROUP6, tail) == advert


def test_numbers_go_up_whatever_the_clock_does() -> None:
    def next_number(d: Director) -> tuple[int, int, int]:
        tail = d.proof.seal(MESSAGE, OWN, VRRP_GROUP4, 1, 0)[-28:]
        return int.from_bytes(tail[4:8]), int.from_bytes(tail[8:10]), int.from_bytes(tail[10:12])

    d = Director()
    assert next_number(d) == (NOW, 0, 0)
    d.clock.ahead -= 3 * SECOND
    assert next_number(d) == (NOW, 0, 1), "within the window it stays ahead"
    d.clock.ahead -= 60 * SECOND
    assert next_number(d) == (NOW - 63, 0, 0), "else nobody would believe it"
    monotonic = Director(instance(hmac(monotonic=True)))
    next_number(monotonic)
    monotonic.clock.ahead -= 60 * SECOND
    assert next_number(monotonic) == (NOW, 0, 1)


@pytest.mark.parametrize(
    ("hearing", "reason"),
    [
        ({}, None),
        ({"message": MESSAGE3}, Reason.VERSION),
        ({"seconds": NOW - 5}, None),
        ({"seconds": NOW + 5}, None),
        ({"seconds": NOW - 6}, Reason.HMAC_STALE),
        ({"seconds": NOW + 6}, Reason.HMAC_STALE),
        ({"key_id": 2}, Reason.HMAC_UNKNOWN_KEY),
        ({"key": OTHER}, Reason.HMAC_INVALID),
        ({"tail": b""}, Reason.HMAC_MISSING),
        ({"tail": b"\2\1" + bytes(26)}, Reason.HMAC_MALFORMED),
        ({"tail": b"\1\1\0\1" + bytes(24)}, Reason.HMAC_MALFORMED),
        ({"tail": b"\1\0" + bytes(26)}, Reason.HMAC_MALFORMED),
        ({"tail": bytes(27)}, Reason.LENGTH),
        ({"tail": bytes(29)}, Reason.LENGTH),
    ],
)
def test_reasons(hearing: dict[str, Any], reason: Reason | None) -> None:
    assert Director().hear(**hearing) is reason
    assert reason is None or reason.counter is not None


def test_a_signature_counts_once_and_must_be_newer() -> None:
    d = Director()
    assert d.hear(NOW, 3) is None
    assert d.hear(NOW, 3) is Reason.HMAC_REPLAY
    assert d.hear(NOW, 2) is Reason.HMAC_REPLAY
    assert d.hear(NOW - 1, 9) is Reason.HMAC_REPLAY
    assert d.hear(NOW, 4) is None


def test_what_is_refused_moves_no_mark() -> None:
    d = Director()
    assert d.hear(NOW + 4, key=OTHER) is Reason.HMAC_INVALID
    assert d.hear(NOW + 9) is Reason.HMAC_STALE
    assert d.hear(NOW) is None


def test_a_mark_that_left_the_window_is_forgotten() -> None:
    """A sender whose clock was set back is heard again when its old time is stale."""
    d = Director()
    assert d.hear(NOW + 4) is None
    assert d.hear(NOW + 3) is Reason.HMAC_REPLAY
    assert d.hear(NOW + 9, at=10 * SECOND) is None
    d.clock.ahead -= 60 * SECOND  # both clocks were wrong
    assert d.hear(NOW - 50, at=10 * SECOND) is None


def test_monotonic_needs_no_clock_but_never_goes_back() -> None:
    d = Director(instance(hmac(monotonic=True)))
    assert d.hear(1000) is None
    assert d.hear(999) is Reason.HMAC_REPLAY
    assert d.hear(1001, at=3600 * SECOND) is None


def test_four_senders_of_a_group_are_remembered() -> None:
    d = Director()
    for last in (2, 3, 4, 5):
        assert d.hear(source=f"192.0.2.{last}") is None
    assert d.hear(NOW, 1, source="192.0.2.2") is None
    assert d.hear(source="192.0.2.6") is None, "the one heard least recently makes room"
    assert d.hear(source="192.0.2.2") is Reason.HMAC_REPLAY
    assert d.hear(source="192.0.2.3") is None
    forged = d.hear(source="192.0.2.7", key=OTHER)
    assert forged is Reason.HMAC_INVALID
    assert len(d.proof.state()[1]) == 4


def test_unicast_has_a_mark_for_each_peer_and_none_for_others() -> None:
    peers = tuple(IPv4Address(f"192.0.2.{last}") for last in range(2, 9))
    d = Director(instance(unicast_peer=peers))
    for peer in peers:
        assert d.hear(source=str(peer), destination=OWN) is None
        assert d.hear(source=str(peer), destination=OWN) is Reason.HMAC_REPLAY
    assert d.hear(source="192.0.2.77", destination=OWN) is Reason.NOT_A_PEER


@pytest.mark.parametrize(
    ("mode", "signs", "unsigned"),
    [
        (HmacMode.ENFORCE, True, Reason.HMAC_MISSING),
        (HmacMode.PERMISSIVE, True, None),
        (HmacMode.RECEIVE_ONLY, False, None),
    ],
)
def test_modes(mode: HmacMode, signs: bool, unsigned: Reason | None) -> None:
    d = Director(instance(hmac(mode=mode)))
    assert len(d.proof.seal(MESSAGE, OWN, VRRP_GROUP4, 1, 0)) - len(MESSAGE) == (28 if signs else 0)
    assert d.hear(tail=b"") is unsigned
    assert d.hear(key=OTHER) is Reason.HMAC_INVALID, "what is signed must be signed well"
    assert d.hear() is None


def test_keys_change_one_director_after_the_other() -> None:
    """Both get the new key, then sign with it; nothing is refused on the way, and marks are kept."""
    old = Director(instance(hmac((1, KEY))))
    assert old.hear(NOW) is None
    both = Director(instance(hmac((1, KEY), (2, OTHER))), before=old)
    assert both.hear(NOW) is Reason.HMAC_REPLAY, "a reload forgets nothing"
    assert both.hear(NOW, 1) is None
    assert both.hear(NOW, 2, key=OTHER, key_id=2) is None
    new = Director(instance(hmac((2, OTHER), active_key=2)), before=both)
    assert new.proof.seal(MESSAGE, OWN, VRRP_GROUP4, 1, 0)[len(MESSAGE) + 1] == 2
    assert new.hear(NOW, 3) is Reason.HMAC_UNKNOWN_KEY
    assert new.hear(NOW, 3, key=OTHER, key_id=2) is None


def test_a_successor_knows_the_marks() -> None:
    d = Director()
    d.hear(NOW)
    d.proof.seal(MESSAGE, OWN, VRRP_GROUP4, 1, 0)
    successor = Director()
    successor.proof.restore(*d.proof.state())
    assert successor.hear(NOW) is Reason.HMAC_REPLAY
    assert successor.proof.seal(MESSAGE, OWN, VRRP_GROUP4, 1, 0)[-18:-16] == b"\0\1"


def test_a_clock_that_runs_away_is_told_in_time() -> None:
    d = Director()
    packet = DatagramReceived(0, "eth0", PEER, VRRP_GROUP4, 255, MESSAGE + trailer(KEY, 1, str(PEER), MESSAGE, NOW - 3))
    verdict = admit(d.config, packet, d.proof)
    assert isinstance(verdict, Accepted)
    assert verdict.doubt == "its clock is 3 s behind ours; beyond 5 s it would not be believed"


def test_whoever_does_not_sign_says_that_the_other_does() -> None:
    plain = instance(auth_hmac=None)
    packet = DatagramReceived(0, "eth0", PEER, VRRP_GROUP4, 255, MESSAGE + trailer(KEY, 1, str(PEER), MESSAGE, NOW))
    verdict = admit(plain, packet)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.LENGTH
    assert "auth_hmac" in verdict.detail


def test_every_bit_counts() -> None:
    good = MESSAGE + trailer(KEY, 1, str(PEER), MESSAGE, NOW)
    for at in range(len(good)):
        payload = good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]
        verdict = admit(instance(), DatagramReceived(0, "eth0", PEER, VRRP_GROUP4, 255, payload), Director().proof)
        assert isinstance(verdict, Rejected), at
