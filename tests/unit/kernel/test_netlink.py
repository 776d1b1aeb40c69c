"""On the real kernel: reading needs no privilege, and neither does being refused."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.netlink import (
    HEADER,
    NETLINK_ROUTE,
    NLM_F_REQUEST,
    Message,
    Netlink,
    attribute,
    attributes,
)
from pyvrrp.kernel.rtnetlink import (
    IFA_LOCAL,
    IFADDRMSG,
    IFF_LOOPBACK,
    IFINFOMSG,
    RTM_GETLINK,
    RTM_NEWADDR,
    dump_addresses,
    dump_links,
    parse_link,
)

NO_DEVICE = 2_000_000_000


@pytest.fixture
def netlink() -> Iterator[Netlink]:
    made = Netlink(NETLINK_ROUTE)
    yield made
    made.close()


def hopeless(last: int) -> Message:
    """An address for a device that does not exist."""
    body = IFADDRMSG.pack(socket.AF_INET, 32, 0, 0, NO_DEVICE)
    return RTM_NEWADDR, 0, body + attribute(IFA_LOCAL, bytes([192, 0, 2, last]))


def harmless() -> Message:
    return RTM_GETLINK, 0, IFINFOMSG.pack(0, 0, 1, 0, 0)


@given(st.dictionaries(st.integers(1, 0x3FFF), st.binary(max_size=40), max_size=8))
def test_attributes_round_trip(values: dict[int, bytes]) -> None:
    buffer = b"head" + b"".join(attribute(kind, data) for kind, data in values.items())
    assert len(buffer) % 4 == 0
    assert attributes(buffer, 4) == values


@given(st.binary(max_size=60))
def test_attributes_of_rubbish_end(buffer: bytes) -> None:
    assert all(len(data) <= len(buffer) for data in attributes(buffer).values())


def test_nested_bit_is_no_part_of_the_kind() -> None:
    assert attributes(attribute(0x8000 | 5, b"abcd")) == {5: b"abcd"}


def test_dump(netlink: Netlink) -> None:
    names = {link.name: link for link in dump_links(netlink)}
    assert set(names) == {name for _, name in socket.if_nameindex()}
    assert names["lo"].flags & IFF_LOOPBACK
    assert names["lo"].index == socket.if_nametoindex("lo")
    assert dump_addresses(netlink, NO_DEVICE) == []


def test_get(netlink: Netlink) -> None:
    (body,) = netlink.get(*harmless())
    assert parse_link(body).index == 1
    with pytest.raises(KernelError, match="look: No such device") as caught:
        netlink.get(RTM_GETLINK, 0, IFINFOMSG.pack(0, 0, NO_DEVICE, 0, 0), "look")
    assert caught.value.fault is KernelFault.ABSENT


def test_refusals_carry_the_index_of_their_message(netlink: Netlink) -> None:
    # More than one batch, and answers that are no errors in between.
    messages = [hopeless(position % 250) if position % 3 == 0 else harmless() for position in range(250)]
    refused = netlink.transact(messages, lambda position: f"message {position}")
    assert [position for position, _ in refused] == list(range(0, 250, 3))
    for position, error in refused:
        assert error.operation == f"message {position}"
        assert error.errno in (errno.ENODEV, errno.EPERM)
    assert len(dump_links(netlink)) >= 1, "nothing is left over in the socket"


def test_answers_to_something_older_are_passed_over(netlink: Netlink) -> None:
    kind, flags, body = hopeless(1)
    netlink._socket.send(HEADER.pack(16 + len(body), kind, flags | NLM_F_REQUEST, 0, 0) + body)
    assert netlink.transact([harmless()], "now") == []
    netlink._socket.send(HEADER.pack(16 + len(body), kind, flags | NLM_F_REQUEST, 0, 0) + body)
    assert "lo" in {link.name for link in dump_links(netlink)}


def test_a_batch_need_not_fit_one_send(netlink: Netlink) -> None:
    kind, flags, body = hopeless(1)
    long = body + attribute(0x3FF0, bytes(60_000))
    assert len(netlink.transact([(kind, flags, long)] * 5, "long")) == 5


def test_nothing_to_do(netlink: Netlink) -> None:
    assert netlink.transact([], "nothing") == []


def test_a_message_too_long_for_the_kernel(netlink: Netlink) -> None:
    kind, flags, body = hopeless(1)
    with pytest.raises(KernelError, match="Message too long"):
        netlink.transact([(kind, flags, body + bytes(1 << 20))], "too long")


def test_an_unknown_protocol_is_unsupported() -> None:
    with pytest.raises(KernelError) as caught:
        Netlink(31)
    assert caught.value.fault is KernelFault.UNSUPPORTED
