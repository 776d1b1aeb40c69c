"""Real keepalived's recordings as plays: our machine in the place of one sends the same bytes at the same times.

The other speaker's packets come from the capture. Where the recorded one was told to stop (its priority 0 packet)
ours is told too; when it was started follows from its first advertisement. What else happened (faults, a cut network)
is in `Recording`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_interface

import pytest

from pyvrrp.core.vrrp.actions import SendAdvert, SendGratuitousArps
from pyvrrp.core.vrrp.events import (
    DatagramReceived,
    Event,
    InterfaceChanged,
    InterfaceFacts,
    Started,
    StopRequested,
    TimePassed,
    WallClock,
)
from pyvrrp.core.vrrp.router import Router
from pyvrrp.model.auth_hmac import Hmac, HmacKey
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import (
    Authentication,
    AuthType,
    Garp,
    PeerTtl,
    SyncGroup,
    UnicastChecksum,
    VirtualAddress,
    VrrpInstance,
)
from pyvrrp.net import VRRP_GROUP6, Address
from pyvrrp.units import SECOND, Micros
from pyvrrp.wire import ndisc
from pyvrrp.wire.arp import encode, gratuitous
from pyvrrp.wire.ip import decode_ipv4, encode_ipv4_header
from tests.golden.pcap import timed, utc
from tests.unit.vrrp.independent import trailer

A4, B4 = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
A6, B6 = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
ADDRESSES = {
    "a": (A4, A6, IPv6Address("fe80::ff:fe00:a")),
    "b": (B4, B6, IPv6Address("fe80::ff:fe00:b")),
}
MAC = {"a": bytes.fromhex("02000000000a"), "b": bytes.fromhex("02000000000b")}
NOISE: Micros = 80_000
"""How late a recorded packet may be on a busy machine: its timers are re-armed at each sending, so lateness adds up."""
KEY = bytes(range(32))
TRAILER = 28


def us(seconds: float) -> Micros:
    return round(seconds * SECOND)


def vip(text: str) -> VirtualAddress:
    return VirtualAddress(interface=ip_interface(text), dev="eth0")


def instance(virtual_router_id: int, priority: int, *addresses: str, **more: object) -> VrrpInstance:
    virtual = tuple(vip(text) for text in addresses or ("192.0.2.100/24",))
    fields: dict[str, object] = {"name": f"V{virtual_router_id}", "interface": "eth0", "virtual_ipaddress": virtual}
    fields |= {"virtual_router_id": virtual_router_id, "priority": priority}
    if virtual[0].address.version == 6:
        fields["mcast_dst_ip"] = VRRP_GROUP6
    return VrrpInstance(**(fields | more))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Recording:
    name: str
    side: str
    instances: tuple[VrrpInstance, ...]
    groups: tuple[SyncGroup, ...] = ()
    wait: float | None = None
    """From start to the first advertisement; None: we start when the capture does."""
    startup_delay: float = 0
    deaf: float = 0
    """Until then nothing reached it."""
    fault: tuple[float, float] | None = None
    """A tracker was down from then until then. keepalived says goodbye twice there, we do once."""
    loses: str = "tracked"
    """What went: the tracked interface, or its source address."""
    until: float = 60
    """Later on we differ from keepalived on purpose (docs/compatibility.md)."""


PASS = Authentication(type=AuthType.PASS, password=b"s3cr3t")
PASS_UNICAST = Authentication(type=AuthType.PASS, password=b"uni12345")
AH = Authentication(type=AuthType.AH, password=b"ahpasswd")
HMAC = Hmac(keys=(HmacKey(number=1, value=KEY),), active_key=1, time_window=5)
TWO_KEYS = Hmac(
    keys=(HmacKey(number=1, value=b"0123456789abcdef" * 2), HmacKey(number=2, value=bytes(range(64)))),
    active_key=1,
    time_window=5,
)
SLOW3, SLOW2 = 3.609375, 3.4140625
GARPS = Garp(repeat=3, delay=us(2), refresh=us(4), refresh_repeat=1)
MEMBERS = (
    instance(82, 150, "192.0.2.100/24"),
    instance(83, 150, "192.0.2.101/24"),
)
TRACKED = {"track_interface": (Tracked(name="tracked"),)}
PAIR = (("192.0.2.100/24", 107), ("192.0.2.108/24", 108))
TO_A: dict[str, object] = {"unicast_peer": (A4,)}
TO_B: dict[str, object] = {"unicast_peer": (B4,)}
V6 = ("fe80::54/64", "2001:db8::100/64")
V6_2 = ("fe80::69/64", "2001:db8::105/64")
V6_SIGNED = ("fe80::72/64", "2001:db8::100/64")

RECORDINGS = [
    Recording("v2-noauth", "a", (instance(51, 150, "192.0.2.100/24", "192.0.2.101/24"),), wait=SLOW2),
    Recording("v2-noauth", "b", (instance(51, 100, "192.0.2.100/24", "192.0.2.101/24"),)),
    Recording("v2-pass", "a", (instance(52, 150, authentication=PASS),), wait=SLOW2),
    Recording("v2-pass", "b", (instance(52, 100, authentication=PASS),)),
    Recording("v3-ipv4", "a", (instance(54, 150, version=3, advert_int=us(0.1)),), wait=0.34140),
    Recording("v3-ipv4", "b", (instance(54, 100, version=3, advert_int=us(0.1)),)),
    Recording("v3-unicast", "a", (instance(57, 150, version=3, advert_int=us(0.5), unicast_peer=(B4,)),), wait=1.707),
    Recording("v2-unicast", "a", (instance(56, 150, unicast_peer=(B4,)),), wait=SLOW2),
    Recording("v3-learn-interval", "b", (instance(84, 100, version=3, advert_int=us(2)),)),
    Recording("priority0-shutdown", "a", (instance(58, 150),), wait=SLOW2),
    Recording("priority0-shutdown", "b", (instance(58, 100),)),
    Recording("garp-takeover", "a", (instance(59, 150, "192.0.2.100/24", "192.0.2.101/24", garp=GARPS),), wait=SLOW2),
    Recording("garp-default", "a", (instance(64, 150),), wait=SLOW2),
    Recording("preempt", "a", (instance(61, 150),), wait=SLOW2),
    Recording("preempt", "b", (instance(61, 100),), wait=SLOW3),
    Recording("equal-priority", "a", (instance(66, 100),)),
    Recording("equal-priority", "b", (instance(66, 100),), wait=SLOW3),
    Recording("owner", "a", (instance(77, 255),), wait=0.0),
    Recording("nopreempt", "a", (instance(94, 150, preempt=False),)),
    Recording("nopreempt", "b", (instance(94, 100),), wait=SLOW3),
    Recording("startup-delay", "a", (instance(97, 150),), wait=4 + SLOW2, startup_delay=4),
    Recording("sync-group", "a", MEMBERS, (SyncGroup(name="G", members=("V82", "V83")),), wait=SLOW2),
    Recording("address-mismatch-2.4.3", "b", (instance(98, 100, "192.0.2.150/24"),)),
    Recording("count-mismatch-2.4.3", "b", (instance(109, 100, "192.0.2.100/24", "192.0.2.150/24"),)),
    Recording("v2-ah", "a", (instance(53, 150, authentication=AH),), wait=SLOW2),
    Recording("v2-ah", "b", (instance(53, 100, authentication=AH),)),
    Recording("v2-ah-2.4.3", "a", (instance(75, 150, authentication=AH),), wait=SLOW2),
    Recording("v2-ah-2.4.3", "b", (instance(75, 100, authentication=AH),)),
    Recording("v2-unicast-ah", "a", (instance(67, 150, authentication=AH, **TO_B),), wait=SLOW2),
    Recording("v2-unicast-ah", "b", (instance(67, 100, authentication=AH, **TO_A),)),
    Recording("v2-unicast-pass", "a", (instance(62, 150, authentication=PASS_UNICAST, **TO_B),), wait=SLOW2),
    Recording("v2-unicast-pass", "b", (instance(62, 100, authentication=PASS_UNICAST, **TO_A),)),
    Recording("v2-unicast", "b", (instance(56, 100, **TO_A),)),
    Recording("v3-unicast", "b", (instance(57, 100, version=3, advert_int=us(0.5), **TO_A),)),
    Recording("v3-ipv6", "a", (instance(55, 150, *V6, version=3),), wait=SLOW2),
    Recording("v3-ipv6", "b", (instance(55, 100, *V6, version=3),)),
    Recording("v2-ipv6", "a", (instance(105, 150, *V6_2),), wait=SLOW2),
    Recording("v2-ipv6", "b", (instance(105, 100, *V6_2),)),
    Recording(
        "v3-unicast-ipv6", "a", (instance(63, 150, "2001:db8::100/64", version=3, unicast_peer=(B6,)),), wait=SLOW2
    ),
    Recording("v3-unicast-ipv6", "b", (instance(63, 100, "2001:db8::100/64", version=3, unicast_peer=(A6,)),)),
    Recording("hmac-v2", "a", (instance(71, 150, auth_hmac=HMAC),), wait=SLOW2),
    Recording("hmac-v2", "b", (instance(71, 100, auth_hmac=HMAC),)),
    Recording("hmac-v3-ipv4", "a", (instance(72, 150, version=3, auth_hmac=HMAC),), wait=SLOW2),
    Recording("hmac-v3-ipv4", "b", (instance(72, 100, version=3, auth_hmac=HMAC),)),
    Recording("hmac-v3-ipv6", "a", (instance(73, 150, *V6_SIGNED, version=3, auth_hmac=HMAC),), wait=SLOW2),
    Recording("hmac-v3-ipv6", "b", (instance(73, 100, *V6_SIGNED, version=3, auth_hmac=HMAC),)),
    Recording("hmac-v3-unicast", "a", (instance(74, 150, version=3, auth_hmac=HMAC, **TO_B),), wait=SLOW2),
    Recording("hmac-v3-unicast", "b", (instance(74, 100, version=3, auth_hmac=HMAC, **TO_A),)),
    Recording("hmac-key-change", "b", (instance(112, 100, version=3, advert_int=us(0.2), auth_hmac=TWO_KEYS),)),
    Recording("v3-ipv4-csum-as-v2", "a", (instance(104, 150, version=3, v3_checksum_as_v2=True),), wait=SLOW2),
    Recording("v3-ipv4-csum-as-v2", "b", (instance(104, 100, version=3, v3_checksum_as_v2=True),)),
    Recording(
        "v3-old-unicast-checksum",
        "a",
        (instance(106, 150, version=3, old_unicast_checksum=UnicastChecksum.OLD, **TO_B),),
        wait=SLOW2,
    ),
    Recording("split-brain-heal", "a", (instance(101, 150),), wait=SLOW2, deaf=5.2),
    Recording("split-brain-heal", "b", (instance(101, 100),), wait=SLOW3, deaf=5.2),
    Recording("split-brain-equal", "a", (instance(101, 100),), wait=SLOW3, deaf=5.2),
    Recording("split-brain-equal", "b", (instance(101, 100),), wait=SLOW3, deaf=5.2),
    Recording("two-owners", "a", (instance(96, 255),), wait=0.0),
    Recording("two-owners", "b", (instance(96, 255),), wait=0.0),
    Recording("preempt-delay", "a", (instance(95, 150, preempt_delay=us(5)),), wait=8),
    Recording("preempt-delay", "b", (instance(95, 100),), wait=SLOW3),
    Recording("startup-delay", "b", (instance(97, 100),), wait=SLOW3),
    Recording("priority-drop", "b", (instance(88, 100),)),
    Recording(
        "priority-drop",
        "a",
        (instance(88, 150, track_interface=(Tracked(name="tracked", weight=-100),)),),
        wait=SLOW2,
        fault=(5.9, 60),
    ),
    Recording("fault-track-file", "a", (instance(87, 150, **TRACKED),), wait=SLOW2, fault=(5.97, 8.972)),
    Recording("fault-track-file", "b", (instance(87, 100),)),
    Recording(
        "address-lost", "a", (instance(91, 150, "198.51.100.1/32"),), wait=SLOW2, fault=(4.966, 6.977), loses="address"
    ),
    Recording(
        "sync-group-fault",
        "a",
        tuple(instance(vrid, 150, address, **TRACKED) for address, vrid in PAIR),
        (SyncGroup(name="G", members=("V107", "V108")),),
        wait=SLOW2,
        fault=(5.953, 8.956),
    ),
    Recording(
        "sync-group-fault",
        "b",
        tuple(instance(vrid, 100, address) for address, vrid in PAIR),
        (SyncGroup(name="G", members=("V107", "V108")),),
        until=12,
    ),
    Recording(
        "unicast-min-ttl",
        "b",
        (instance(102, 100, check_unicast_src=True, peer_ttl=(PeerTtl(peer=A4, min_ttl=200),), **TO_A),),
        wait=SLOW3,
        until=5,
    ),
    Recording("address-mismatch-2.4.3", "a", (instance(98, 150),), wait=SLOW2),
    Recording("count-mismatch-2.4.3", "a", (instance(109, 150),), wait=SLOW2),
    Recording("v3-learn-interval", "a", (instance(84, 150, version=3, advert_int=us(0.5)),), wait=1.707),
]


@dataclass(frozen=True)
class Sent:
    at: Micros
    what: bytes
    """An IPv4 packet, the payload of an IPv6 packet, or a whole frame that announces an address."""
    is_advert: bool

    def __str__(self) -> str:
        return f"{self.at / SECOND:.6f} {self.what.hex()}"


@dataclass(frozen=True)
class Heard:
    """A packet of the capture that may be an advertisement."""

    source: Address
    destination: Address
    ttl: int
    payload: bytes
    protocol: int
    identification: int
    whole: bytes

    @classmethod
    def of(cls, frame: bytes) -> Heard | None:
        if frame[12:14] == b"\x08\0" and frame[23] in (51, 112):
            packet = frame[14 : 14 + int.from_bytes(frame[16:18])]
            d = decode_ipv4(packet)
            return cls(d.source, d.destination, d.ttl, d.payload, d.protocol, d.identification, packet)
        if frame[12:14] == b"\x86\xdd" and frame[20] == 112:
            return cls(IPv6Address(frame[22:38]), IPv6Address(frame[38:54]), frame[21], frame[54:], 112, 0, frame[54:])
        return None

    @property
    def priority(self) -> int:
        return self.payload[26 if self.protocol == 51 else 2]


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda r: f"{r.name}-{r.side}")
def test_same_bytes_at_the_same_times(recording: Recording) -> None:
    own, mac = ADDRESSES[recording.side], MAC[recording.side]
    theirs: list[tuple[Micros, Heard]] = []
    recorded: list[Sent] = []
    goodbyes: list[Micros] = []
    for at, frame in timed(recording.name):
        packet = Heard.of(frame)
        if packet is not None and packet.source in own:
            recorded.append(Sent(at, packet.whole, True))
            goodbyes += [at] if packet.priority == 0 else []
        elif packet is not None:
            theirs.append((at, packet))
        elif frame[6:12] == mac and announces(frame, own):
            recorded.append(Sent(at, frame, False))
    adverts = [sent for sent in recorded if sent.is_advert]
    start = -1 if recording.wait is None else adverts[0].at - us(recording.wait)
    first = start if recording.deaf == 0 else us(recording.deaf)
    script: list[tuple[Micros, Heard | Event]] = [(at, packet) for at, packet in theirs if at >= first]
    facts = InterfaceFacts(2, True, mac, own)
    if recording.fault is not None:
        for moment, up in zip(map(us, recording.fault), (False, True), strict=True):
            change = InterfaceChanged(moment, "tracked", replace(facts, up=up))
            if recording.loses == "address":
                change = InterfaceChanged(moment, "eth0", replace(facts, addresses=own if up else ()))
            script.append((moment, change))
        goodbyes = [at for at in goodbyes if at > us(recording.fault[0]) + SECOND or recording.name == "priority-drop"]
    if goodbyes:
        script.append((goodbyes[0], StopRequested(goodbyes[0])))
    script.sort(key=lambda entry: entry[0])
    ours = play(recording, facts, start, script, until=max([at for at, _ in timed(recording.name)]))
    if not any(announces(frame, ()) for _, frame in timed(recording.name)):
        # Recorded with a filter for VRRP alone.
        ours = [sent for sent in ours if sent.is_advert]
    compare(recording, ours, recorded)


def announces(frame: bytes, own: tuple[Address, ...]) -> bool:
    """A gratuitous ARP or unsolicited neighbor advertisement, but of another address than our own."""
    if frame[12:14] == b"\x08\x06":
        return frame[28:32] == frame[38:42] and IPv4Address(frame[28:32]) not in own and frame[:6] == b"\xff" * 6
    return frame[12:14] == b"\x86\xdd" and frame[54:55] == b"\x88" and IPv6Address(frame[62:78]) not in own


def play(
    recording: Recording,
    facts: InterfaceFacts,
    start: Micros,
    script: list[tuple[Micros, Heard | Event]],
    until: Micros,
) -> list[Sent]:
    config = Config(
        vrrp_instances=recording.instances,
        vrrp_sync_groups=recording.groups,
        global_defs=GlobalDefs(vrrp_startup_delay=us(recording.startup_delay)),
    )
    router = Router(config)
    sent: list[Sent] = []

    def do(event: Event, at: Micros) -> None:
        for action in router.handle(event):
            if isinstance(action, SendAdvert):
                for destination in action.destinations:
                    header = b""
                    if isinstance(action.source, IPv4Address) and isinstance(destination, IPv4Address):
                        number, length, ttl = action.identification, len(action.message), action.ttl
                        assert ttl is not None
                        header = encode_ipv4_header(
                            action.source, destination, number, length, ttl, protocol=action.protocol
                        )
                    sent.append(Sent(at, header + action.message, True))
            elif isinstance(action, SendGratuitousArps):
                for address in list(action.addresses) * action.repeat:
                    if isinstance(address.address, IPv4Address):
                        frame = encode(gratuitous(facts.mac, address.address))
                    else:
                        frame = ndisc.unsolicited(facts.mac, address.address, router=False)
                    sent.append(Sent(at, frame, False))

    do(WallClock(0, utc(recording.name)), 0)
    do(InterfaceChanged(start, "tracked", facts), start)
    do(InterfaceChanged(start, "eth0", facts), start)
    do(Started(start), start)

    def run(limit: Micros) -> None:
        while (due := router.deadline()) is not None and due <= limit:
            do(TimePassed(due), due)

    for at, entry in script:
        run(at)
        if isinstance(entry, Heard):
            packet = (entry.source, entry.destination, entry.ttl, entry.payload, entry.protocol, entry.identification)
            do(DatagramReceived(at, "eth0", *packet), at)
        else:
            do(entry, at)
    run(until)
    return sent


def bare(recording: Recording, sent: Sent) -> bytes:
    """Without the IP checksum, which the kernel writes, and without what may differ."""
    what = sent.what
    if not sent.is_advert:
        return what
    over_ipv4 = what[:1] == b"\x45"
    if over_ipv4:
        what = what[:10] + b"\0\0" + what[12:]
    if recording.fault is not None:  # it counts one goodbye more
        what = what[:4] + b"\0\0" + what[6:]
    if recording.instances[0].auth_hmac is None:
        return what
    message, tail = what[20 if over_ipv4 else 0 : -TRAILER], what[-TRAILER:]
    source = recording.side == "a"
    address = (A4 if source else B4) if over_ipv4 else ADDRESSES[recording.side][2]
    numbers = (int.from_bytes(tail[a:b]) for a, b in ((4, 8), (8, 10), (10, 12)))
    assert trailer(KEY, 1, str(address), message, *numbers) == tail
    # Signed at another moment; over IPv6 the checksum covers that.
    return what[:-TRAILER] if over_ipv4 else message[:6] + message[8:]


def compare(recording: Recording, ours: list[Sent], recorded: list[Sent]) -> None:
    if recording.fault is not None:
        recorded = [
            sent
            for before, sent in zip([None, *recorded], recorded, strict=False)
            if not (
                before and sent.is_advert and before.is_advert and sent.at - before.at < 1000 and twins(before, sent)
            )
        ]
    story = "\n".join(["ours:", *map(str, ours), "recorded:", *map(str, recorded)])
    end = min([us(recording.until), recorded[-1].at if recorded else 0, *(sent.at for sent in ours[-1:])]) + NOISE
    assert bool(ours) == bool(recorded), story
    # Two streams: keepalived re-arms its advertisement timer at each sending, ours keeps the rhythm, so that
    # advertisements and announcements that are due together may come in either order.
    for is_advert in (True, False):
        mine = [sent for sent in ours if sent.at <= end and sent.is_advert is is_advert]
        theirs = [sent for sent in recorded if sent.at <= end and sent.is_advert is is_advert]
        if len(recording.instances) > 1:  # which of two that are due together comes first is nobody's business
            mine.sort(key=lambda sent: (round(sent.at / NOISE), sent.what[20:]))
            theirs.sort(key=lambda sent: (round(sent.at / NOISE), sent.what[20:]))
        assert [bare(recording, s) for s in mine] == [bare(recording, s) for s in theirs], story
        for sent, other in zip(mine, theirs, strict=True):
            assert abs(sent.at - other.at) <= NOISE, f"{sent} against {other}\n{story}"


def twins(one: Sent, two: Sent) -> bool:
    return one.what[20:] == two.what[20:] and one.what[22] == 0


def test_an_old_unicast_checksum_is_answered_in_kind() -> None:
    """keepalived means to, and goes on in the present way, which its peer refuses."""
    recording = Recording("v3-old-unicast-checksum", "b", (instance(106, 100, version=3, **TO_A),))
    heard = [(at, p) for at, frame in timed(recording.name) if (p := Heard.of(frame)) is not None and p.source == A4]
    script: list[tuple[Micros, Heard | Event]] = [*heard]
    ours = play(recording, InterfaceFacts(2, True, MAC["b"], ADDRESSES["b"]), -1, script, us(5))
    mine = [sent.what[20:] for sent in ours if sent.is_advert]
    old = instance(106, 100, version=3, old_unicast_checksum=UnicastChecksum.OLD, **TO_A)
    forced = play(
        replace(recording, instances=(old,)), InterfaceFacts(2, True, MAC["b"], ADDRESSES["b"]), -1, script, us(5)
    )
    assert mine
    assert mine == [sent.what[20:] for sent in forced if sent.is_advert]
