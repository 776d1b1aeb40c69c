"""The types in which things go wrong, each named after the one whose fault it is.

ConfigProblem: the author of a configuration. WireError: the sender of a packet.
KernelError: the kernel refused an operation. Our own bugs are none of these and are never caught.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a configuration: where it stands and how we came there."""

    file: str
    line: int
    """From 1; 0 where no line is to blame (the file as a whole)."""
    column: int = 1
    """From 1, in characters."""
    length: int = 1
    """Characters the caret underlines."""
    text: str = ""
    """The line as written, for the snippet."""
    origin: tuple[str, ...] = ()
    """How we came here, outermost first: ``included from FILE:LINE``, ``expanded from $NAME (FILE:LINE)``."""


class ProblemClass(IntEnum):
    """keepalived's classes of configuration errors, in its order (the highest number decides ``-t``'s exit status)."""

    OK = 0
    FILE_NOT_FOUND = 1
    BAD_IF = 2
    FATAL = 3
    MULTIPLE_FILES = 4
    UNKNOWN_KEYWORD = 5
    UNEXPECTED_BOB = 6
    MISSING_BOB = 7
    UNEXPECTED_EOB = 8
    MISSING_EOB = 9
    UNMATCHED_QUOTE = 10
    MISSING_PARAMETER = 11
    INVALID_NUMBER = 12
    GENERAL = 13
    WARNING = 14
    DEPRECATED = 15
    SECURITY = 16


class Severity(StrEnum):
    """What a problem means to the operator, the worst first."""

    FATAL = "fatal"
    """The daemon does not start with this file."""
    ERROR = "error"
    """Something that was asked for is dropped or replaced by a default."""
    WARNING = "warning"
    """Taken as written, but probably not what was meant."""
    DEPRECATED = "deprecated"
    """Works; there is a newer spelling."""
    INACTIVE = "not active yet"
    """A keyword of keepalived's that this version accepts and does not act on."""
    NOTICE = "notice"
    """Good to know; keepalived says nothing or says it elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing to tell the author of a configuration."""

    span: Span
    severity: Severity
    message: str
    """What is wrong, without place and without advice."""
    effect: str
    """What the daemon does about it: ``ignored``, ``instance V is left out``."""
    suggestion: str | None = None
    """What to write instead."""
    kind: ProblemClass = ProblemClass.OK
    """The class keepalived files it under; OK where keepalived says nothing (does not change the exit status)."""
    damage: bool = field(default=False, compare=False)
    """A sign that the file is not whole, or no configuration at all: a running daemon keeps what it has."""


class WireReason(StrEnum):
    """Why bytes are not the message they claim to be."""

    TOO_SHORT = "too short"
    LENGTH = "wrong length"
    VERSION = "unknown version"
    TYPE = "invalid type"
    AUTH_TYPE = "invalid authentication type"
    CHECKSUM = "bad checksum"
    PROTOCOL = "not the protocol expected"


class WireError(ValueError):
    """Bytes that cannot be decoded; `reason` says why."""

    def __init__(self, reason: WireReason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        """What exactly, where there is more to say than the reason."""


class UnreadableError(Exception):
    """A configuration file that cannot be read; the text says why, in a few words."""


class KernelFault(Enum):
    """What kind of refusal it was, for those who must act on it."""

    ABSENT = "absent"
    """The thing addressed does not exist (ENOENT, ESRCH, ENODEV, EADDRNOTAVAIL)."""
    PRESENT = "present"
    """It exists already (EEXIST)."""
    DENIED = "denied"
    """EPERM, EACCES."""
    UNSUPPORTED = "unsupported"
    """The kernel lacks it (EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT; an unknown netlink family)."""
    OTHER = "other"


class KernelError(Exception):
    """The kernel refused an operation. Only `pyvrrp.kernel` raises it."""

    def __init__(self, errno: int, operation: str, fault: KernelFault, text: str) -> None:
        super().__init__(f"{operation}: {text}")
        self.errno = errno
        self.operation = operation
        self.fault = fault
