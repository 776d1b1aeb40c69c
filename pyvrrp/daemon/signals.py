"""The signals a daemon understands, as one table: keepalived's, so that its scripts go on working.

The numbers of the real-time signals depend on the C library (glibc keeps two for itself): ask ``--signum``.
"""

from __future__ import annotations

import signal
from enum import Enum
from typing import Final


class Request(Enum):
    """What a signal asks for."""

    STOP = signal.SIGTERM
    RELOAD = signal.SIGHUP
    DATA = signal.SIGUSR1
    STATS = signal.SIGUSR2
    STATS_CLEAR = signal.SIGRTMAX - 1
    JSON = signal.SIGRTMIN + 2


NOT_ACTIVE: Final = {
    Request.DATA: "writing keepalived.data",
    Request.STATS: "writing keepalived.stats",
    Request.STATS_CLEAR: "writing keepalived.stats and clearing it",
    Request.JSON: "writing keepalived.json",
}
"""Requests of keepalived's that this version understands without acting on them, each in words for the log."""

WAITING_AT_START: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals that wait until there is something to stop or to reload. (keepalived ignores a SIGHUP at its start, and with
it whatever was changed since it read the files.)"""


def calm() -> None:
    """At the very beginning: no request may end a process that cannot act on it yet."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    for request in NOT_ACTIVE:
        signal.signal(request.value, signal.SIG_IGN)


def number(name: str) -> int | None:
    """What ``--signum NAME`` answers; None for a name that is not one."""
    request = Request.__members__.get(name)
    return None if request is None else int(request.value)
