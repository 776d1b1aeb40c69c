from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from scapy.layers.l2 import ARP, Ether

from pyvrrp.errors import WireError, WireReason
from pyvrrp.wire import arp

MAC = bytes.fromhex("02000000000a")
ADDRESS = IPv4Address("192.0.2.100")


def test_gratuitous_is_what_scapy_writes() -> None:
    everybody = "ff:ff:ff:ff:ff:ff"
    mac = "02:00:00:00:00:0a"
    written = Ether(dst=everybody, src=mac) / ARP(
        op=1, hwsrc=mac, psrc=str(ADDRESS), hwdst=everybody, pdst=str(ADDRESS)
    )
    frame = arp.encode(arp.gratuitous(MAC, ADDRESS))
    assert len(frame) == 42
    assert frame == bytes(written)


def test_decode_ignores_padding() -> None:
    reply = arp.ArpFrame(
        destination=MAC,
        source=MAC,
        operation=arp.REPLY,
        sender_mac=MAC,
        sender=ADDRESS,
        target_mac=MAC,
        target=ADDRESS + 1,
    )
    assert arp.decode(arp.encode(reply) + bytes(18)) == reply


def test_what_is_no_arp() -> None:
    frame = bytearray(arp.encode(arp.gratuitous(MAC, ADDRESS)))
    with pytest.raises(WireError) as caught:
        arp.decode(bytes(frame[:41]))
    assert caught.value.reason is WireReason.TOO_SHORT
    for position in range(12, 20):
        wrong = frame.copy()
        wrong[position] ^= 1
        with pytest.raises(WireError) as caught:
            arp.decode(bytes(wrong))
        assert caught.value.reason is WireReason.PROTOCOL
