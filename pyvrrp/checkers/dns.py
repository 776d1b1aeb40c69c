"""DNS_CHECK: a name server must answer a question without an error; what it answers does not matter."""

from __future__ import annotations

import asyncio
import os
import socket

from pyvrrp.checkers.connecting import blame, open_socket, sockaddr
from pyvrrp.checkers.outcome import CheckFailed
from pyvrrp.model.checkers import DnsCheck
from pyvrrp.units import seconds
from pyvrrp.wire.dns import RCODES, query, rcode


async def check(checker: DnsCheck) -> None:
    """Ask once; what is no reply to it is not looked at. CheckFailed or CheckNotStarted."""
    options = checker.connect
    limit = seconds(options.connect_timeout)
    identifier = int.from_bytes(os.urandom(2), "big")
    loop = asyncio.get_running_loop()
    with open_socket(options, socket.SOCK_DGRAM) as asking:
        try:
            async with asyncio.timeout(limit):
                asking.connect(sockaddr(options, options.target))
                await loop.sock_sendall(asking, query(identifier, checker.name, checker.type))
                while (code := rcode(await loop.sock_recv(asking, 4096), identifier)) is None:
                    pass
        except OSError as error:
            raise blame(error, f"ask {options.target}", limit) from error
    if code:
        raise CheckFailed(f"answered with {RCODES[code] if code < len(RCODES) else f'error {code}'}")
