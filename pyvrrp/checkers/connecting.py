"""The socket of a check: its source address, device and mark, and where it connects to."""

from __future__ import annotations

import os
import socket
from errno import (
    ECONNABORTED,
    ECONNREFUSED,
    ECONNRESET,
    EHOSTDOWN,
    EHOSTUNREACH,
    ENETDOWN,
    ENETUNREACH,
    ETIMEDOUT,
)
from typing import Final

from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import ConnectOptions
from pyvrrp.model.endpoint import Endpoint

SERVER_FAULTS: Final = frozenset(
    {ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, EHOSTDOWN, ENETDOWN, ECONNRESET, ECONNABORTED, ETIMEDOUT}
)
"""What says that the server cannot be reached; any other error of connect is our own trouble."""


def words(number: int) -> str:
    """An errno as the reason of a failure: ``connection refused``."""
    text = os.strerror(number)
    return text[:1].lower() + text[1:]


def blame(error: OSError, step: str, limit: float) -> CheckFailed | CheckNotStarted:
    """Whose fault it is that `step` (``connect to 10.0.0.1:80``) failed, or was not done in `limit` seconds."""
    if error.errno is None:  # TimeoutError, of asyncio's
        return CheckFailed(f"no answer in {limit:g} s")
    if error.errno in SERVER_FAULTS:
        return CheckFailed(words(error.errno))
    return CheckNotStarted(f"cannot {step}: {words(error.errno)}")


def open_socket(options: ConnectOptions, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
    """A non-blocking socket, bound as the check wants it, not connected. CheckNotStarted if that fails."""
    family = socket.AF_INET if options.target.address.version == 4 else socket.AF_INET6
    step = "open a socket"
    opened: socket.socket | None = None
    try:
        opened = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
        if options.fwmark:
            step = f"set the mark {options.fwmark}"
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, options.fwmark)
        if options.bind_if is not None:
            step = f"bind to the interface {options.bind_if}"
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, options.bind_if.encode() + b"\0")
        if options.bindto is not None:
            step = f"bind to {options.bindto}"
            # Time-wait entries of earlier checks must not take a fixed bind_port from us.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(sockaddr(options, options.bindto))
    except OSError as error:
        if opened is not None:
            opened.close()
        raise CheckNotStarted(f"cannot {step}: {words(error.errno or 0)}") from error
    return opened


def sockaddr(options: ConnectOptions, endpoint: Endpoint) -> tuple[str, int] | tuple[str, int, int, int]:
    """The endpoint for the socket module; a link-local one lies on `bind_if`. OSError if that does not exist."""
    address = endpoint.address
    if address.version == 4:
        return str(address), endpoint.port
    scope = socket.if_nametoindex(options.bind_if) if address.is_link_local and options.bind_if else 0
    return str(address), endpoint.port, 0, scope
