"""TCP_CHECK: whoever accepts a connection is well."""

from __future__ import annotations

import asyncio
import socket
from errno import EINPROGRESS

from pyvrrp.checkers.connecting import SERVER_FAULTS, open_socket, sockaddr, words
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.lvs import TcpCheck
from pyvrrp.units import seconds


async def check(checker: TcpCheck) -> None:
    """Connect and close at once. CheckFailed or CheckNotStarted.

    Not with `loop.sock_connect` in a `wait_for`: this takes half the time, and there are thousands.
    """
    options = checker.connect
    with open_socket(options, socket.SOCK_STREAM) as connecting:
        try:
            number = connecting.connect_ex(sockaddr(options, options.target))
        except OSError as error:
            number = error.errno or 0
        if number == EINPROGRESS:
            if not await _writable(connecting, seconds(options.connect_timeout)):
                raise CheckFailed(f"no answer in {seconds(options.connect_timeout):g} s")
            number = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number in SERVER_FAULTS:
        raise CheckFailed(words(number))
    if number:
        raise CheckNotStarted(f"cannot connect to {options.target}: {words(number)}")


async def _writable(waiting: socket.socket, limit: float) -> bool:
    """False if it is not within `limit` seconds."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()

    def settle(outcome: bool) -> None:
        if not done.done():
            done.set_result(outcome)

    loop.add_writer(waiting, settle, True)
    timer = loop.call_later(limit, settle, False)
    try:
        return await done
    finally:
        timer.cancel()
        loop.remove_writer(waiting)
