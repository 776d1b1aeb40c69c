"""UDP_CHECK: send something; who is not there says so by ICMP, and some services answer."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from pyvrrp.checkers.connecting import SERVER_FAULTS, open_socket, sockaddr, words
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import UdpCheck
from pyvrrp.units import seconds

FILLER: Final = bytes(32)
"""Sent where no payload is given."""
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25


async def check(checker: UdpCheck) -> None:
    """Ask and wait for connect_timeout. CheckFailed: unlike the others, also if the check cannot be started.

    Without require_reply silence is good. What a reply must be is looked at only where content is required.
    """
    # Most daemons never need it.
    import asyncio_dgram

    timeout = seconds(checker.connect.connect_timeout)
    try:
        stream = await asyncio_dgram.from_socket(_connected(checker))
    except CheckNotStarted as error:
        raise CheckFailed(str(error)) from error
    except OSError as error:
        raise CheckFailed(words(error.errno or 0)) from error
    try:
        await stream.send(checker.payload or FILLER)
        reply: bytes
        reply, _ = await asyncio.wait_for(stream.recv(), timeout)
    except TimeoutError:
        _raise_refusal(stream)
        if checker.require_reply is not None:
            raise CheckFailed(f"no answer in {timeout:g} s") from None
    except OSError as error:
        raise CheckFailed(words(error.errno or 0)) from error
    else:
        _judge(checker, reply)
    finally:
        stream.close()


def _connected(checker: UdpCheck) -> socket.socket:
    """With the errors that ICMP brings delivered to us."""
    options = checker.connect
    connected = open_socket(options, socket.SOCK_DGRAM)
    try:
        if connected.family == socket.AF_INET:
            connected.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        else:
            connected.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        connected.connect(sockaddr(options, options.target))
    except OSError:
        connected.close()
        raise
    return connected


def _raise_refusal(stream: object) -> None:
    """An error that came meanwhile waits in the stream; asking for it raises it."""
    try:
        _ = stream.exception  # type: ignore[attr-defined]
    except OSError as error:
        if error.errno in SERVER_FAULTS:
            raise CheckFailed(words(error.errno)) from error


def _judge(checker: UdpCheck, reply: bytes) -> None:
    wanted = checker.require_reply
    if not wanted:
        return
    if not checker.min_reply_length <= len(reply) <= checker.max_reply_length:
        raise CheckFailed(f"reply of {len(reply)} bytes, not {checker.min_reply_length} to {checker.max_reply_length}")
    # A reply shorter than what is required passes if it begins alike: keepalived compares what is there.
    mask = checker.reply_mask or b"\xff" * len(wanted)
    if any((got ^ byte) & bits for got, byte, bits in zip(reply, wanted, mask, strict=False)):
        raise CheckFailed("reply has other content")
