"""Unsolicited neighbor advertisements: keepalived's bytes, and scapy's reading of ours."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import Ether

from pyvrrp.wire.ndisc import unsolicited
from tests.golden.pcap import frames

MAC = bytes.fromhex("02000000000a")


def test_keepaliveds_own_bytes() -> None:
    recorded = [
        frame
        for frame in frames("v3-ipv6")
        if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 136 and frame[6:12] == MAC
    ]
    ours = {unsolicited(MAC, IPv6Address(frame[22:38]), router=False) for frame in recorded}
    assert ours == set(recorded)
    assert len(ours) == 2, "two addresses"


@pytest.mark.parametrize("router", [True, False])
def test_scapy_reads_what_we_mean(router: bool) -> None:
    packet = Ether(unsolicited(MAC, IPv6Address("2001:db8::1"), router=router))
    advertisement = packet[ICMPv6ND_NA]
    assert (packet.dst, packet[IPv6].src, packet[IPv6].dst) == ("33:33:00:00:00:01", "2001:db8::1", "ff02::1")
    assert packet[IPv6].hlim == 255
    flags = advertisement.R, advertisement.S, advertisement.O
    assert flags == (int(router), 0, 1)
    assert advertisement.tgt == "2001:db8::1"
    assert packet[ICMPv6NDOptDstLLAddr].lladdr == "02:00:00:00:00:0a"
    again = packet.copy()
    del again[ICMPv6ND_NA].cksum
    assert bytes(again) == bytes(packet)
