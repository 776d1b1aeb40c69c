"""The filter runs in the real kernel, on a socket that needs no privilege."""

from __future__ import annotations

import socket

import pytest

from pyvrrp.kernel.bpf import DROP_ALL, Part, attach, vrrp_filter


def packet(
    virtual_router_id: int, priority: int = 0, *, protocol: int = 112, options: bytes = b"", ttl: int = 255
) -> bytes:
    header = bytearray(20) + options
    header[0] = 0x40 | len(header) // 4
    header[8:10] = ttl, protocol
    return bytes(header) + bytes([0x21, virtual_router_id, priority, 0, 0, 0, 0, 0])


def kept(ids: list[int], *packets: bytes, part: Part = Part.ALL, on_link: bool = False) -> list[bytes]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    with near, far:
        attach(far, vrrp_filter(4, ids, part, on_link=on_link))
        for data in packets:
            near.send(data)
        arrived = []
        while True:
            try:
                arrived.append(far.recv(2048))
            except BlockingIOError:
                return arrived


@pytest.mark.parametrize("ids", [[], [1], [255], [1, 2, 222], list(range(1, 256))])
def test_only_our_virtual_routers_pass(ids: list[int]) -> None:
    for vrid in (0, 1, 2, 3, 128, 222, 254, 255):
        expected = [packet(vrid)] if vrid in ids else []
        assert kept(ids, packet(vrid)) == expected


def test_options_move_the_message() -> None:
    mine = packet(7, options=b"\1\1\1\7")
    other = packet(8, options=b"\7\7\7\7")
    assert kept([7], mine, other) == [mine]


def test_other_protocols_and_torn_messages_are_dropped() -> None:
    assert kept([7], packet(7, protocol=51), packet(7)[:21], packet(7)[:9]) == []


def test_a_second_filter_replaces_the_first() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    with near, far:
        attach(far, DROP_ALL)
        near.send(packet(7))
        attach(far, vrrp_filter(4, [7]))
        near.send(packet(7))
        assert far.recv(100) == packet(7)
        with pytest.raises(BlockingIOError):
            far.recv(100)


@pytest.mark.parametrize("ids", [[7], list(range(1, 256))])
def test_farewells_and_the_rest_are_told_apart(ids: list[int]) -> None:
    packets = [packet(7, 0), packet(7, 1), packet(7, 100), packet(7, 255), packet(0, 0), packet(0, 9)]
    assert kept(ids, *packets, part=Part.URGENT) == packets[:1]
    assert kept(ids, *packets, part=Part.OTHER) == packets[1:4]
    assert kept(ids, *packets) == packets[:4]


def test_what_came_from_beyond_a_router_is_told_apart() -> None:
    packets = [packet(7, 100, ttl=ttl) for ttl in (0, 1, 254, 255)] + [packet(8, ttl=1)]
    assert kept([7], *packets) == packets[:4], "unicast"
    assert kept([7], *packets, on_link=True) == packets[3:4]
    assert kept([7], *packets, part=Part.OTHER, on_link=True) == packets[3:4]
    assert kept([7], *packets, part=Part.STRAY, on_link=True) == packets[:3]
