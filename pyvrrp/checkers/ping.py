"""PING_CHECK: the host must answer an echo request."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final

from pyvrrp.checkers.connecting import blame, open_socket, sockaddr
from pyvrrp.checkers.outcome import CheckNotStarted
from pyvrrp.model.checkers import ConnectOptions, PingCheck
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import seconds
from pyvrrp.wire.icmp import echo_reply, echo_request

PROTOCOL: Final = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
DATA_LENGTH: Final = 128
SEQUENCE: Final = 1


async def check(checker: PingCheck) -> None:
    """Ask once. CheckFailed or CheckNotStarted. The answer is known by its data, which nobody can guess."""
    options = checker.connect
    version = options.target.address.version
    limit = seconds(options.connect_timeout)
    data = os.urandom(DATA_LENGTH)
    loop = asyncio.get_running_loop()
    with _socket(options, version) as asking:
        raw4 = asking.type == socket.SOCK_RAW and version == 4
        try:
            async with asyncio.timeout(limit):
                asking.connect(sockaddr(options, Endpoint(options.target.address, 0)))
                await loop.sock_sendall(asking, echo_request(version, os.getpid() & 0xFFFF, SEQUENCE, data))
                while True:
                    message = await loop.sock_recv(asking, 4096)
                    # A raw socket of IPv4 delivers the IP header, too.
                    found = echo_reply(version, message[(message[0] & 0x0F) * 4 :] if raw4 else message)
                    if found is not None and found[1:] == (SEQUENCE, data):
                        return
        except OSError as error:
            raise blame(error, f"ask {options.target.address}", limit) from error


def _socket(options: ConnectOptions, version: int) -> socket.socket:
    """The kernel's own echo socket where net.ipv4.ping_group_range allows it, else a raw one."""
    try:
        return open_socket(options, socket.SOCK_DGRAM, PROTOCOL[version])
    except CheckNotStarted as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        return open_socket(options, socket.SOCK_RAW, PROTOCOL[version])
