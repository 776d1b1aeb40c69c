"""The first moments of a daemon, before anything that takes time to import.

What makes a start slow is Python's loading of modules. The VRRP worker, whom the network waits for, begins to load
at once, beside the supervisor, which reads the configuration meanwhile and then knows whether it is needed.
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


def start(options: Options, show: Callable[[Reading], str]) -> int:
    """Run the daemon to its end; the exit status. `show` renders the problems of a configuration for a terminal."""
    calm()
    os.umask(STRICT_UMASK if options.umask is None else options.umask)
    launch = Launch(foreground=options.foreground, speak=not (options.foreground and options.log_console))
    notify_socket = take_socket()  # before there is anybody to inherit it
    newborn = bear("vrrp") if options.run_vrrp else None

    from pyvrrp.daemon.app import run

    status = run(options, show, launch, newborn, notify_socket)
    launch.release(status)
    return status
