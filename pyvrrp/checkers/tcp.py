"""TCP_CHECK: whoever accepts a connection is well."""

from __future__ import annotations

import asyncio
import socket

from pyvrrp.checkers.connecting import SERVER_FAULTS, open_socket, sockaddr, words
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import TcpCheck
from pyvrrp.units import seconds


async def check(checker: TcpCheck) -> None:
    """Connect and close at once. CheckFailed or CheckNotStarted.

    The address is a literal, for which `sock_connect` asks no resolver and starts no thread.
    """
    options = checker.connect
    limit = seconds(options.connect_timeout)
    with open_socket(options, socket.SOCK_STREAM) as connecting:
        try:
            async with asyncio.timeout(limit):
                await asyncio.get_running_loop().sock_connect(connecting, sockaddr(options, options.target))
        except OSError as error:  # asyncio's own TimeoutError, without errno, among them
            if error.errno is None:
                raise CheckFailed(f"no answer in {limit:g} s") from error
            if error.errno in SERVER_FAULTS:
                raise CheckFailed(words(error.errno)) from error
            raise CheckNotStarted(f"cannot connect to {options.target}: {words(error.errno)}") from error
