"""Telling systemd how we are: one datagram a message (sd_notify(3)), nothing where systemd did not start us."""

from __future__ import annotations

import os
import socket
import time


def take_socket() -> str | None:
    """The address to notify, taken out of the environment: workers and scripts are not to speak for the daemon."""
    return os.environ.pop("NOTIFY_SOCKET", None)


def notify(address: str | None, *lines: str) -> None:
    """Send the lines (``READY=1`` …) as one message. What systemd does not take is not worth stopping for."""
    if not address:
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)
        try:
            sender.sendto("\n".join(lines).encode(), target)
        except OSError:
            return


def reloading() -> tuple[str, str]:
    """The lines that announce a reload; systemd compares the instant to tell one reload from the next."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"
