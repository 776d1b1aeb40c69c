"""What a VMAC must not say with its own MAC address: switches believe every frame, also a BACKUP's.

Reports of group membership are to go out by the parent, router solicitations not at all. What the kernel sends of
itself is not much, so the test says all of it once more on the VMAC, by a raw socket, beside something harmless that
must get through.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import VIP, Lab, instance
from tests.topology.net import inside

pytestmark = pytest.mark.root

PROGRAMS = [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)]
ANY = pytest.mark.parametrize("program", PROGRAMS)
STATES = pytest.mark.parametrize("priority", [100, 250], ids=["backup", "master"])
NAME = "vrrp.51"
VMAC4, VMAC6 = bytes.fromhex("00005e000133"), bytes.fromhex("00005e000233")
OTHERS = 200
"""Priority of the other director."""
IGMP, ICMPV6, HOP_BY_HOP = 2, 58, 0
QUERY, REPORT_1, REPORT_2, SOLICITATION = 130, 131, 143, 133
PROBE = 0x16
"""An IGMP version 2 report."""


class Said(NamedTuple):
    mac: bytes
    protocol: int
    """2 IGMP, 58 ICMPv6."""
    kind: int


class Ear:
    """All that passes the bridge and is IGMP or ICMPv6."""

    def __init__(self, lab: Lab) -> None:
        with inside(lab.net.switch.namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._socket.bind((lab.tap.bridge, 3))
        self._socket.setblocking(False)
        self._said: list[Said] = []

    def said(self, mac: bytes) -> set[tuple[int, int]]:
        """Protocols and kinds of what came from that address so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._hear(self._socket.recv(2048))
        return {(said.protocol, said.kind) for said in self._said if said.mac == mac}

    def _hear(self, frame: bytes) -> None:
        if frame[12:14] == b"\x08\x00" and frame[23] == IGMP:
            self._said.append(Said(frame[6:12], IGMP, frame[14 + (frame[14] & 15) * 4]))
        elif frame[12:14] == b"\x86\xdd":
            protocol, at = frame[20], 54
            if protocol == HOP_BY_HOP:
                protocol, at = frame[at], at + 8 * (frame[at + 1] + 1)
            if protocol == ICMPV6:
                self._said.append(Said(frame[6:12], ICMPV6, frame[at]))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def ear(lab: Lab) -> Iterator[Ear]:
    made = Ear(lab)
    yield made
    made.close()


def settle(lab: Lab, program: str, priority: int, vips: tuple[str, ...]) -> bytes:
    """d1 with a VMAC beside another director, BACKUP or MASTER; its own MAC address."""

    def usable(name: str) -> bool:
        return "fe80" in lab.hosts[name].run("ip", "-6", "addr", "show", "dev", "eth0", "scope", "link", "-tentative")

    lab.until(lambda: all(map(usable, lab.hosts)), within=10, what="link-local addresses")
    last = vips[-1].partition("/")[0]
    lab.start("d2", KEEPALIVED, instance(priority=OTHERS, vips=vips))
    lab.until_master("d2", last)
    lab.start("d1", program, instance(priority=priority, more="use_vmac", vips=vips))
    lab.until_backup("d1")
    if priority > OTHERS:
        lab.until_master("d1", last)
    return bytes.fromhex(lab.mac("d1").replace(":", ""))


def say(lab: Lab, kind: int) -> None:
    """On the VMAC of d1, to a group of its own."""
    host = lab.hosts["d1"]
    with inside(host.namespace), socket.socket(socket.AF_INET6, socket.SOCK_RAW, ICMPV6) as voice:
        voice.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, NAME.encode())
        voice.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        with contextlib.suppress(PermissionError):  # what a packet filter drops the sender is told of
            voice.sendto(bytes((kind, 0)) + bytes(22), ("ff02::2", 0, 0, host.index(NAME)))


@ANY
@STATES
def test_ipv6(lab: Lab, ear: Ear, program: str, priority: int) -> None:
    mine = settle(lab, program, priority, ("fe80::55/64", "2001:db8::100/64"))
    lab.until(lambda: (ICMPV6, REPORT_2) in ear.said(mine), within=5, what="d1 joins the group by its parent")
    kinds = [REPORT_2, SOLICITATION] + [REPORT_1] * (program == OURS)  # keepalived lets version 1 through
    for kind in (*kinds, QUERY):
        say(lab, kind)
    lab.until(lambda: (ICMPV6, QUERY) in ear.said(VMAC6), within=5, what="what is harmless passes")
    assert not ear.said(VMAC6) & {(ICMPV6, kind) for kind in kinds}
    assert program != OURS or (ICMPV6, REPORT_1) in ear.said(mine), "sent by the parent"


@ANY
@STATES
def test_ipv4(lab: Lab, ear: Ear, program: str, priority: int) -> None:
    mine = settle(lab, program, priority, (f"{VIP}/24",))
    lab.until(lambda: ear.said(mine), within=5, what="d1 joins the group by its parent")
    host = lab.hosts["d1"]
    with inside(host.namespace), socket.socket(socket.AF_INET, socket.SOCK_RAW, IGMP) as voice:
        voice.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, NAME.encode())
        index = host.index(NAME).to_bytes(4, "little")
        voice.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + index)
        with contextlib.suppress(PermissionError):
            voice.sendto(bytes((PROBE, 0)) + bytes(6), ("224.0.0.77", 0))
    lab.until(lambda: (IGMP, PROBE) in ear.said(mine), within=5, what="the report goes by the parent")
    assert not any(protocol == IGMP for protocol, _ in ear.said(VMAC4))


def test_without_the_rules_it_would_be_heard(lab: Lab, ear: Ear) -> None:
    """The same device, made by hand: this is what the rules are against."""
    host = lab.hosts["d1"]
    host.run(*f"ip link add {NAME} link eth0 address 00:00:5e:00:02:33 type macvlan mode private".split())
    host.set_link(NAME, up=True)
    host.run("ip", "addr", "add", "fe80::77/64", "dev", NAME, "nodad")
    for kind in (REPORT_1, REPORT_2, SOLICITATION):
        say(lab, kind)
    wanted = {(ICMPV6, kind) for kind in (REPORT_1, REPORT_2, SOLICITATION)}
    lab.until(lambda: wanted <= ear.said(VMAC6), within=5, what="all of it comes from the virtual MAC address")
