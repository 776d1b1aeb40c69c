"""Real keepalived's recordings as plays: our machine in the place of one sends the same bytes at the same times.

The other speaker's packets come from the capture. Where the recorded one was told to stop (its priority 0 packet)
ours is told too; when it was started follows from its first advertisement.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_interface

import pytest

from pyvrrp.core.vrrp.actions import SendAdvert, SendGratuitousArps
from pyvrrp.core.vrrp.events import (
    DatagramReceived,
    InterfaceChanged,
    InterfaceFacts,
    Started,
    StopRequested,
    TimePassed,
)
from pyvrrp.core.vrrp.router import Router
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.vrrp import Authentication, AuthType, Garp, SyncGroup, VirtualAddress, VrrpInstance
from pyvrrp.units import SECOND, Micros
from pyvrrp.wire.arp import encode, gratuitous
from pyvrrp.wire.ip import decode_ipv4, encode_ipv4_header
from tests.golden.pcap import timed

ADDRESS = {"a": IPv4Address("192.0.2.1"), "b": IPv4Address("192.0.2.2")}
MAC = {"a": bytes.fromhex("02000000000a"), "b": bytes.fromhex("02000000000b")}
NOISE: Micros = 80_000
"""How late a recorded packet may be on a busy machine: its timers are re-armed at each sending, so lateness adds up."""


def us(seconds: float) -> Micros:
    return round(seconds * SECOND)


def vip(text: str) -> VirtualAddress:
    return VirtualAddress(interface=ip_interface(text), dev="eth0")


def instance(virtual_router_id: int, priority: int, *addresses: str, **more: object) -> VrrpInstance:
    virtual = tuple(vip(text) for text in addresses or ("192.0.2.100/24",))
    fields: dict[str, object] = {"name": f"V{virtual_router_id}", "interface": "eth0", "virtual_ipaddress": virtual}
    fields |= {"virtual_router_id": virtual_router_id, "priority": priority}
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


PASS = Authentication(type=AuthType.PASS, password=b"s3cr3t")
SLOW3, SLOW2 = 3.609375, 3.4140625
GARPS = Garp(repeat=3, delay=us(2), refresh=us(4), refresh_repeat=1)
MEMBERS = (
    instance(82, 150, "192.0.2.100/24"),
    instance(83, 150, "192.0.2.101/24"),
)

RECORDINGS = [
    Recording("v2-noauth", "a", (instance(51, 150, "192.0.2.100/24", "192.0.2.101/24"),), wait=SLOW2),
    Recording("v2-noauth", "b", (instance(51, 100, "192.0.2.100/24", "192.0.2.101/24"),)),
    Recording("v2-pass", "a", (instance(52, 150, authentication=PASS),), wait=SLOW2),
    Recording("v2-pass", "b", (instance(52, 100, authentication=PASS),)),
    Recording("v3-ipv4", "a", (instance(54, 150, version=3, advert_int=us(0.1)),), wait=0.34140),
    Recording("v3-ipv4", "b", (instance(54, 100, version=3, advert_int=us(0.1)),)),
    Recording(
        "v3-unicast", "a", (instance(57, 150, version=3, advert_int=us(0.5), unicast_peer=(ADDRESS["b"],)),), wait=1.707
    ),
    Recording("v2-unicast", "a", (instance(56, 150, unicast_peer=(ADDRESS["b"],)),), wait=SLOW2),
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
]


@dataclass(frozen=True)
class Sent:
    at: Micros
    what: bytes

    def __str__(self) -> str:
        return f"{self.at / SECOND:.6f} {self.what.hex()}"


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda r: f"{r.name}-{r.side}")
def test_same_bytes_at_the_same_times(recording: Recording) -> None:
    own, mac = ADDRESS[recording.side], MAC[recording.side]
    theirs: list[tuple[Micros, bytes]] = []
    recorded: list[Sent] = []
    for at, frame in timed(recording.name):
        kind = frame[12:14]
        if kind == b"\x08\x06" and frame[6:12] == mac and frame[28:32] == frame[38:42] != own.packed:
            recorded.append(Sent(at, frame))
        elif kind == b"\x08\x00" and frame[23] == 112:
            datagram = frame[14 : 14 + int.from_bytes(frame[16:18])]
            if frame[26:30] == own.packed:
                recorded.append(Sent(at, datagram))
            else:
                theirs.append((at, datagram))
    adverts = [sent for sent in recorded if sent.what[:1] == b"\x45"]
    start = -1 if recording.wait is None else adverts[0].at - us(recording.wait)
    script: list[tuple[Micros, object]] = [(at, datagram) for at, datagram in theirs if at >= start]
    goodbye = next((sent for sent in adverts if sent.what[22] == 0), None)
    if goodbye is not None:
        script.append((goodbye.at, StopRequested(goodbye.at)))
    script.sort(key=lambda entry: entry[0])
    ours = play(recording, own, mac, start, script, until=max([at for at, _ in timed(recording.name)]))
    if not any(frame[12:14] == b"\x08\x06" for _, frame in timed(recording.name)):
        # Recorded with a filter for VRRP alone.
        ours = [sent for sent in ours if sent.what[:1] == b"\x45"]
    compare(recording, ours, recorded)


def play(
    recording: Recording,
    own: IPv4Address,
    mac: bytes,
    start: Micros,
    script: list[tuple[Micros, object]],
    until: Micros,
) -> list[Sent]:
    config = Config(
        vrrp_instances=recording.instances,
        vrrp_sync_groups=recording.groups,
        global_defs=GlobalDefs(vrrp_startup_delay=us(recording.startup_delay)),
    )
    router = Router(config)
    sent: list[Sent] = []

    def do(event: object, at: Micros) -> None:
        for action in router.handle(event):  # type: ignore[arg-type]
            if isinstance(action, SendAdvert):
                for destination in action.destinations:
                    assert isinstance(destination, IPv4Address)
                    header = encode_ipv4_header(own, destination, action.identification, len(action.message))
                    sent.append(Sent(at, header + action.message))
            elif isinstance(action, SendGratuitousArps):
                for address in list(action.addresses) * action.repeat:
                    assert isinstance(address.address, IPv4Address)
                    sent.append(Sent(at, encode(gratuitous(mac, address.address))))

    do(InterfaceChanged(start, "eth0", InterfaceFacts(2, True, mac, (own,))), start)
    do(Started(start), start)

    def run(limit: Micros) -> None:
        while (due := router.deadline()) is not None and due <= limit:
            do(TimePassed(due), due)

    for at, entry in script:
        run(at)
        if isinstance(entry, bytes):
            heard = decode_ipv4(entry)
            do(DatagramReceived(at, "eth0", heard.source, heard.destination, heard.ttl, heard.payload), at)
        else:
            do(entry, at)
    run(until)
    return sent


def without_ip_checksum(packet: bytes) -> bytes:
    return packet if packet[:1] != b"\x45" else packet[:10] + b"\0\0" + packet[12:]


def compare(recording: Recording, ours: list[Sent], recorded: list[Sent]) -> None:
    story = "\n".join(["ours:", *map(str, ours), "recorded:", *map(str, recorded)])
    end = min([recorded[-1].at if recorded else 0, *(sent.at for sent in ours[-1:])]) + NOISE
    assert bool(ours) == bool(recorded), story
    # Two streams: keepalived re-arms its advertisement timer at each sending, ours keeps the rhythm, so that
    # advertisements and announcements that are due together may come in either order.
    for is_advert in (True, False):
        mine = [sent for sent in ours if sent.at <= end and (sent.what[:1] == b"\x45") is is_advert]
        theirs = [sent for sent in recorded if sent.at <= end and (sent.what[:1] == b"\x45") is is_advert]
        assert [without_ip_checksum(s.what) for s in mine] == [without_ip_checksum(s.what) for s in theirs], story
        for sent, other in zip(mine, theirs, strict=True):
            assert abs(sent.at - other.at) <= NOISE, f"{sent} against {other}\n{story}"
