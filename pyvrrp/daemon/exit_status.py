"""The exit statuses of the daemon and of its workers."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """keepalived's."""

    OK = 0
    """Clean stop; also: a daemon with these pid files runs already, or the namespace cannot be entered."""
    FATAL = 1
    """Bad command line, or something is missing that a restart does not bring."""
    CONFIG = 2
    """The configuration cannot be used."""
    PERMISSION = 4
    NO_CONFIG = 6
    """The configuration, or an include that must be there, cannot be read."""
    INTERNAL = 70
    """A bug of ours (EX_SOFTWARE)."""
