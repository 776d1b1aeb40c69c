"""Advertisements of a director that does not exist, from a host of the lab."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address

from pyvrrp.net import IPPROTO_VRRP
from pyvrrp.wire.vrrp import AdvertV2, AdvertV3, encode_v2, encode_v3
from tests.topology.lab import VIP
from tests.topology.net import Host, inside

GROUP = "224.0.0.18"


@dataclass(frozen=True, kw_only=True)
class Forged:
    priority: int
    source: str
    """An address of the host."""
    destination: str = GROUP
    version: int = 3
    vrid: int = 51
    interval: float = 0.1
    vips: tuple[str, ...] = (VIP,)
    ttl: int = 255
    password: bytes | None = None

    def message(self) -> bytes:
        addresses = tuple(map(IPv4Address, self.vips))
        if self.version == 2:
            advert = AdvertV2(
                virtual_router_id=self.vrid,
                priority=self.priority,
                advert_int=round(self.interval),
                addresses=addresses,
                auth_type=0 if self.password is None else 1,
                auth_data=(self.password or b"").ljust(8, b"\0"),
            )
            return encode_v2(advert)
        advert3 = AdvertV3(
            virtual_router_id=self.vrid,
            priority=self.priority,
            advert_int=round(self.interval * 100),
            addresses=addresses,
        )
        return encode_v3(advert3, IPv4Address(self.source), IPv4Address(self.destination))

    def send(self, host: Host, device: str = "eth0") -> None:
        with inside(host.namespace), socket.socket(socket.AF_INET, socket.SOCK_RAW, IPPROTO_VRRP) as voice:
            voice.bind((self.source, 0))
            index = bytes(8) + host.index(device).to_bytes(4, "little")
            voice.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, index)
            voice.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, self.ttl)
            voice.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, self.ttl)
            voice.sendto(self.message(), (self.destination, 0))
