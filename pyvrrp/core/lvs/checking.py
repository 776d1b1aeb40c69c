"""When one checker runs and what its results mean; how a check is made is none of its business.

A checker is either up or down. It begins up (down with `alpha`), and:

    up, first run   failure → down at once, without retries
    up              failure → again after delay_before_retry; the (retry + 1)th in a row → down
    down            success → up at once; failure → again after delay_loop

The first check comes 1 s + random(0..warmup) after start, so that not all come at once; the next
one delay_loop after the end of the last. keepalived: checker_daemon.c, check_tcp.c (behaviour only).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from pyvrrp.core.log import Level, Log
from pyvrrp.core.lvs.snapshot import CheckerSnapshot
from pyvrrp.model.checkers import (
    Checker,
    CheckTiming,
    DnsCheck,
    HttpCheck,
    MiscCheck,
    PingCheck,
    SmtpCheck,
    SslCheck,
    TcpCheck,
    UdpCheck,
)
from pyvrrp.units import SECOND, Micros

if TYPE_CHECKING:
    from pyvrrp.core.lvs.probes import Probe

Draw = Callable[[Micros], Micros]
"""A duration from 0 to the argument, both included."""
_ANY_TIMING: Final = CheckTiming()
LATE: Final = SECOND // 100
"""Less is nothing."""


class Kind(NamedTuple):
    keyword: str
    failure: str
    """How its log lines begin; {} is the real server's name."""
    success: str = ""
    """All of the line of a recovery; where not given, `failure` and "success."."""
    patient: bool = False
    """It is retried at the first run, too, and while down."""


KINDS: Final[dict[type[Checker], Kind]] = {
    TcpCheck: Kind("TCP_CHECK", "TCP connection to {}"),
    UdpCheck: Kind("UDP_CHECK", "UDP connection to {}"),
    HttpCheck: Kind("HTTP_GET", "HTTP_CHECK on service {}"),
    SslCheck: Kind("SSL_GET", "SSL_CHECK on service {}"),
    PingCheck: Kind("PING_CHECK", "ICMP CHECK on service {}", "ICMP connection to {} success."),
    DnsCheck: Kind("DNS_CHECK", "DNS_CHECK ({})"),
    SmtpCheck: Kind("SMTP_CHECK", "SMTP_CHECK on service {}", "Remote SMTP server {} succeed on service.", True),
    MiscCheck: Kind("MISC_CHECK", "Misc check for {}"),
}


def identity(checker: Checker) -> tuple[object, ...]:
    """What makes a checker the same one over a reload: what it asks, not when; of UDP not what it sends or expects."""
    if isinstance(checker, HttpCheck):
        return type(checker), checker.connect, checker.urls, checker.version
    if isinstance(checker, DnsCheck):
        return type(checker), checker.connect, checker.type, checker.name
    if isinstance(checker, SmtpCheck):
        return type(checker), checker.connect, checker.helo_name
    if isinstance(checker, MiscCheck):
        return type(checker), checker.command.words, checker.dynamic
    return type(checker), checker.connect


@dataclass(slots=True, eq=False)
class Checking:
    """One checker of one real server."""

    id: int
    checker: Checker
    up: bool
    due: Micros | None = None
    """When to run next; None while it runs."""
    checked: bool = False
    """It has run at least once."""
    failures: int = 0
    """Failures in a row that `retry` has forgiven."""
    last_error: str | None = None
    last_run: Micros | None = None
    probes: tuple[Probe, ...] = ()
    """What asks for it: one for each of its questions."""
    position: int = 0
    """Which of them is to be asked next, or being asked."""
    virtual: str = ""
    """Name of the virtual server, for the log."""
    target: str = field(init=False)
    """For the operator: an endpoint, or a command."""
    late: Micros = 0
    """How much after its time the check began."""
    stale: bool = False
    """Its questions may be others since `probes` were set."""

    @property
    def timing(self) -> CheckTiming:
        return self.checker.timing

    def questions(self) -> list[Checker]:
        """What it asks, without its timing: who asks the same has an equal question."""
        return [replace(self.checker, timing=_ANY_TIMING)]

    def contribution(self, configured: int) -> int:
        """What it adds to the weight of its server, of which the configured one is given."""
        return 0

    def begin(self, at: Micros, draw: Draw) -> None:
        """Arrange the first run."""
        self.due = at + SECOND + draw(self.timing.warmup)

    def reconfigure(self, checker: Checker, at: Micros, draw: Draw) -> None:
        """Go on with other timing. What is under way or due stays so, unless the new timing never waits so long."""
        self.stale = self.stale or checker is not self.checker
        self.checker = checker
        self.failures = min(self.failures, self.timing.retry)
        longest = max(self.timing.delay_loop, SECOND + self.timing.warmup)
        if self.due is not None and self.due > at + longest:
            self.due = at + draw(longest)

    def catch_up(self) -> None:
        """Keep the rhythm after we stood still: what became due meanwhile must not be due together ever after."""
        if self.due is not None and self.late > LATE and not self.failures:
            self.due -= min(self.late, self.timing.delay_loop // 2)

    def not_started(self, at: Micros, reason: str, server: str) -> list[Log]:
        """The check could not be made: no news of the server."""
        self.due = at + self.timing.delay_loop
        if reason == self.last_error:
            return []
        self.last_error = reason
        return [Log(Level.ERROR, f"{self.subject(server)} cannot be checked: {reason}")]

    def finished(self, at: Micros, error: str | None, server: str, status: int = 0) -> list[Log]:
        """Take in a result; `up` and `due` say what follows. `status` is that of a script."""
        first, self.checked = not self.checked, True
        self.last_run, self.last_error = at, error
        if error is None:
            recovered, self.up = not self.up, True
            self.failures = 0
            self.due = at + self.timing.delay_loop
            return [Log(Level.INFO, self.success(server))] if recovered else []
        patient = KINDS[type(self.checker)].patient
        if ((self.up and not first) or patient) and self.failures < self.timing.retry:
            self.failures += 1
            self.due = at + self.timing.delay_before_retry
            if self.up and self.timing.log_all_failures:
                return [Log(Level.INFO, f"{self.subject(server)} failed. Reason: {error}")]
            return []
        logs = [Log(Level.INFO, self.failure(server, error))] if self.up or first else []
        self.up, self.failures = False, 0
        self.due = at + self.timing.delay_loop
        return logs

    def adopt(self, told: CheckerSnapshot) -> None:
        """Carry on where another process left off."""
        self.up, self.checked = told.up, told.checked
        self.last_error, self.last_run = told.last_error, told.last_run

    def snapshot(self) -> CheckerSnapshot:
        return self.shown()

    def shown(self, status: int = 0) -> CheckerSnapshot:
        return CheckerSnapshot(
            kind=KINDS[type(self.checker)].keyword,
            target=self.target,
            up=self.up,
            checked=self.checked,
            last_error=self.last_error,
            last_run=self.last_run,
            shared=self.probes[self.position].checkers if self.probes else 1,
            status=status,
        )

    def __post_init__(self) -> None:
        checker = self.checker
        self.target = str(checker.command if isinstance(checker, MiscCheck) else checker.connect.target)

    def failure(self, server: str, error: str) -> str:
        """The line of the failure that takes the server down."""
        retries = f" after {self.failures} retries" if self.failures else ""
        return f"{self.subject(server)} failed{retries}. Reason: {error}"

    def success(self, server: str) -> str:
        """The line of a recovery."""
        return KINDS[type(self.checker)].success.format(server) or f"{self.subject(server)} success."

    def subject(self, server: str) -> str:
        """How its log lines begin."""
        return KINDS[type(self.checker)].failure.format(server)
