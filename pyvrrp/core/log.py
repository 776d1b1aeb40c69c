"""A line for the log, as the machines ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """syslog's severities, as far as we use them."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


@dataclass(frozen=True, slots=True)
class Log:
    """One line, ``(NAME)`` prefix included where there is one."""

    level: Level
    text: str
