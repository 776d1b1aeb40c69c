"""The first moments of a daemon, before anything that takes time to import.

What makes a start slow is Python's loading of modules. One worker begins to load at once, beside the supervisor, which
reads the configuration meanwhile and then knows whether it is needed: mostly that of VRRP, whom the network waits for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyvrrp.daemon.birth import bear
from pyvrrp.daemon.launch import Launch
from pyvrrp.daemon.options import Options
from pyvrrp.daemon.signals import calm
from pyvrrp.daemon.systemd import take_socket

if TYPE_CHECKING:
    from pyvrrp.daemon.configuration import Reading

STRICT_UMASK: Final = 0o177
"""keepalived's: what a daemon writes is root's alone."""

SIGNS: Final = {"vrrp": b"vrrp_instance", "checkers": b"virtual_server"}
"""What stands in a file in which there is work for the role."""


def start(options: Options, show: Callable[[Reading], str]) -> int:
    """Run the daemon to its end; the exit status. `show` renders the problems of a configuration for a terminal."""
    calm()
    os.umask(STRICT_UMASK if options.umask is None else options.umask)
    launch = Launch(foreground=options.foreground, speak=not (options.foreground and options.log_console))
    notify_socket = take_socket()  # before there is anybody to inherit it
    role = first_role(options)
    newborn = bear(role) if role is not None else None

    from pyvrrp.daemon.app import run

    status = run(options, show, launch, newborn, notify_socket)
    launch.release(status)
    return status


def first_role(options: Options) -> str | None:
    """The worker that is likely to be needed first, by a glance at the main file; None: none is."""
    allowed = [role for role, allowed in (("vrrp", options.run_vrrp), ("checkers", options.run_checkers)) if allowed]
    try:
        if not allowed or options.all_workers or not os.path.isfile(options.config_file):
            return allowed[0] if allowed else None
        with open(options.config_file, "rb") as file:
            text = file.read()
    except OSError:
        return None  # which the supervisor will tell
    if b"include" in text:
        return allowed[0]
    return next((role for role in allowed if SIGNS[role] in text), None)
