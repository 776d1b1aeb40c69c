"""UDP_CHECK: send something; who is not there says so by ICMP, and some services answer."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from pyvrrp.checkers.connecting import SERVER_FAULTS, open_socket, sockaddr, words
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import UdpCheck
from pyvrrp.units import seconds

if TYPE_CHECKING:
    from asyncio_dgram.aio import DatagramClient

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
    # The library keeps an error to itself until it is asked for something: somebody has to wait for that, too.
    waiting = [asyncio.create_task(wait) for wait in (_reply(stream), _refusal(stream))]
    try:
        await stream.send(checker.payload or FILLER)
        ended, _ = await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    except OSError as error:
        raise CheckFailed(words(error.errno or 0)) from error
    finally:
        for task in waiting:
            task.cancel()
        stream.close()
    if ended:
        first = next(task for task in waiting if task in ended).result()
        if isinstance(first, OSError):
            raise CheckFailed(words(first.errno or 0)) from first
        _judge(checker, first)
    elif checker.require_reply is not None:
        raise CheckFailed(f"no answer in {timeout:g} s")


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


async def _reply(stream: DatagramClient) -> bytes | OSError:
    while True:
        try:
            data: bytes
            data, _ = await stream.recv()
        except OSError as error:
            if error.errno in SERVER_FAULTS:
                return error
        else:
            return data


async def _refusal(stream: DatagramClient) -> OSError:
    """What ICMP brought; other errors are no news of the server."""
    while True:
        error = await stream._excq.get()  # type: ignore[attr-defined]  # noqa: SLF001
        if isinstance(error, OSError) and error.errno in SERVER_FAULTS:
            return error


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
