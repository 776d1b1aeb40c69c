"""What is really on the wire: a packet socket on the bridge, decoded by scapy, which knows nothing of our codecs.

Times are the kernel's, in seconds of CLOCK_REALTIME, as time.time() has them.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from scapy.layers.inet import IP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6, in6_chksum
from scapy.layers.l2 import ARP, Ether
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.packet import Packet

from tests.topology.net import Host, inside

ETH_P_ALL = 3
SO_TIMESTAMPNS = 35  # these two are missing in Python's socket
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
RECEIVE_BUFFER = 8 << 20
BROADCAST = "ff:ff:ff:ff:ff:ff"
VRRP_PROTOCOL = 112
AH, AH_LENGTH = 51, 24
TRAILER_LENGTH = 28
ALL_NODES = "33:33:00:00:00:01"


@dataclass(frozen=True, slots=True)
class Advert:
    """A VRRP advertisement."""

    at: float
    mac: str
    source: str
    destination: str
    ttl: int
    tos: int
    version: int
    vrid: int
    priority: int
    interval: float
    """Seconds."""
    auth_type: int
    password: bytes
    """The eight bytes of version 2's authentication data; empty in version 3."""
    addresses: tuple[str, ...]
    sound: bool
    """All checksums are what scapy computes."""
    sequence: int = 0
    """AH's; 0 without."""
    signed: bool = False
    """28 bytes follow, as of auth_hmac."""

    def __str__(self) -> str:
        fault = "" if self.sound else " BAD CHECKSUM"
        return (
            f"{self.source} VRRPv{self.version} vrid {self.vrid} priority {self.priority}"
            f" every {self.interval:g} s {' '.join(self.addresses)}{fault}"
        )


@dataclass(frozen=True, slots=True)
class Garp:
    """A gratuitous ARP, or an unsolicited neighbor advertisement that overrides what was known."""

    at: float
    mac: str
    """Whose the address is said to be."""
    address: str
    broadcast: bool

    def __str__(self) -> str:
        return f"announced: {self.address} is at {self.mac}"


def decode(at: float, frame: bytes) -> Advert | Garp | None:
    """None for a frame of any other kind."""
    packet = Ether(frame)
    vrrp = packet.getlayer(VRRP) or packet.getlayer(VRRPv3)
    if vrrp is not None and (packet[IP].proto if IP in packet else packet[IPv6].nh) != VRRP_PROTOCOL:
        return None  # quoted in the ICMP error of a host without a daemon
    if vrrp is not None:
        advert = _advert(at, packet, vrrp)
        return _over_ipv6(advert, packet) if IPv6 in packet else advert
    if IP in packet and packet[IP].proto == AH:
        payload = bytes(packet[IP].payload)
        behind = packet[IP].copy()
        behind.remove_payload()
        del behind.proto, behind.len, behind.chksum
        plain = Ether(bytes(Ether(src=packet.src, dst=packet.dst) / behind / VRRP(payload[AH_LENGTH:])))
        return replace(_advert(at, plain, plain[VRRP]), sequence=int.from_bytes(payload[8:12]))
    neighbor = packet.getlayer(ICMPv6ND_NA)
    if neighbor is not None and neighbor.O and not neighbor.S and ICMPv6NDOptDstLLAddr in packet:
        return Garp(at, packet[ICMPv6NDOptDstLLAddr].lladdr, neighbor.tgt, packet.dst == ALL_NODES)
    arp = packet.getlayer(ARP)
    if arp is not None and arp.psrc == arp.pdst:
        return Garp(at, arp.hwsrc, arp.psrc, packet.dst == BROADCAST)
    return None


def _over_ipv6(advert: Advert, packet: Packet) -> Advert:
    """The checksum covers all that follows; scapy takes version 2's addresses for IPv4's, as no RFC has them."""
    message = bytes(packet[IPv6].payload)
    checksum = in6_chksum(packet[IPv6].nh, packet[IPv6], message[:6] + bytes(2) + message[8:])
    advert = replace(advert, sound=checksum == int.from_bytes(message[6:8]))
    if advert.version == 3:
        return advert
    end = 8 + 16 * message[3]
    addresses = tuple(str(IPv6Address(message[at : at + 16])) for at in range(8, end, 16))
    return replace(advert, addresses=addresses, password=b"", signed=len(message) == end + TRAILER_LENGTH)


def _advert(at: float, packet: Packet, vrrp: Packet) -> Advert:
    two = isinstance(vrrp, VRRP)
    signed = len(vrrp.payload) == TRAILER_LENGTH
    if signed and IP in packet:  # IPv4's checksum leaves the trailer out
        packet = packet.copy()
        vrrp = packet[type(vrrp)]
        vrrp.remove_payload()
        del packet[IP].len, packet[IP].chksum
        packet = Ether(bytes(packet))
    again = packet.copy()
    del again[type(vrrp)].chksum
    if IP in packet:
        ip = packet[IP]
        ttl, tos = ip.ttl, ip.tos
        del again[IP].chksum
    else:
        ip = packet[IPv6]
        ttl, tos = ip.hlim, ip.tc
    return Advert(
        at=at,
        mac=packet.src,
        source=ip.src,
        destination=ip.dst,
        ttl=ttl,
        tos=tos,
        version=vrrp.version,
        vrid=vrrp.vrid,
        priority=vrrp.priority,
        interval=float(vrrp.adv) if two else vrrp.adv / 100,
        auth_type=vrrp.authtype if two else 0,
        password=struct.pack("!II", vrrp.auth1, vrrp.auth2) if two else b"",
        addresses=tuple(vrrp.addrlist),
        sound=bytes(again) == bytes(packet),
        signed=signed,
    )


class Tap:
    """All frames that pass a bridge; the kernel keeps and times them until they are asked for."""

    def __init__(self, switch: Host, bridge: str) -> None:
        self.bridge = bridge
        self._seen: list[Advert | Garp] = []
        self.keep: Callable[[tuple[float, bytes]], object] = lambda _: None
        """Told of each frame, with its time."""
        with inside(switch.namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((bridge, ETH_P_ALL))
        # What goes from port to port by unicast passes the bridge's own device only if it is promiscuous.
        promiscuous = struct.pack("@iHH8x", switch.index(bridge), PACKET_MR_PROMISC, 0)
        self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, promiscuous)

    def seen(self, since: float = 0) -> list[Advert | Garp]:
        """Advertisements and gratuitous ARPs so far, oldest first."""
        self._seen += self._arrived()
        return [packet for packet in self._seen if packet.at >= since]

    def adverts(self, vrid: int | None = None, *, source: str | None = None, since: float = 0) -> list[Advert]:
        return [
            packet
            for packet in self.seen(since)
            if isinstance(packet, Advert) and vrid in (None, packet.vrid) and source in (None, packet.source)
        ]

    def garps(self, address: str | None = None, *, mac: str | None = None, since: float = 0) -> list[Garp]:
        return [
            packet
            for packet in self.seen(since)
            if isinstance(packet, Garp) and address in (None, packet.address) and mac in (None, packet.mac)
        ]

    def _arrived(self) -> Iterator[Advert | Garp]:
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, ancillary, _, _ = self._socket.recvmsg(2048, 64)
                seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
                self.keep((seconds + nanoseconds / 1e9, frame))
                if packet := decode(seconds + nanoseconds / 1e9, frame):
                    yield packet

    def close(self) -> None:
        self._socket.close()
