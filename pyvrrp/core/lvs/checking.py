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
from dataclasses import dataclass
from typing import Final, NamedTuple

from pyvrrp.core.log import Level, Log
from pyvrrp.core.lvs.snapshot import CheckerSnapshot
from pyvrrp.model.checkers import (
    Checker,
    CheckTiming,
    DnsCheck,
    HttpCheck,
    PingCheck,
    SmtpCheck,
    SslCheck,
    TcpCheck,
    UdpCheck,
)
from pyvrrp.units import SECOND, Micros

Draw = Callable[[Micros], Micros]
"""A random duration from 0 to the argument, both included."""


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
}


def identity(checker: Checker) -> tuple[object, ...]:
    """What makes a checker the same one over a reload: what it asks, not when; of UDP not what it sends or expects."""
    if isinstance(checker, HttpCheck):
        return type(checker), checker.connect, checker.urls, checker.version
    if isinstance(checker, DnsCheck):
        return type(checker), checker.connect, checker.type, checker.name
    if isinstance(checker, SmtpCheck):
        return type(checker), checker.connect, checker.helo_name
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

    @property
    def timing(self) -> CheckTiming:
        return self.checker.timing

    def question(self) -> Checker:
        """What to ask now."""
        return self.checker

    def begin(self, at: Micros, draw: Draw) -> None:
        """Arrange the first run."""
        self.due = at + SECOND + draw(self.timing.warmup)

    def reconfigure(self, checker: Checker, at: Micros, draw: Draw) -> None:
        """Go on with other timing. What is under way or due stays so, unless the new timing never waits so long."""
        self.checker = checker
        self.failures = min(self.failures, self.timing.retry)
        longest = max(self.timing.delay_loop, SECOND + self.timing.warmup)
        if self.due is not None and self.due > at + longest:
            self.due = at + draw(longest)

    def not_started(self, at: Micros, reason: str, server: str) -> list[Log]:
        """The check could not be made: no news of the server."""
        self.due = at + self.timing.delay_loop
        if reason == self.last_error:
            return []
        self.last_error = reason
        return [Log(Level.ERROR, f"{self.subject(server)} cannot be checked: {reason}")]

    def finished(self, at: Micros, error: str | None, server: str) -> list[Log]:
        """Take in a result; `up` and `due` say what follows."""
        first, self.checked = not self.checked, True
        self.last_run, self.last_error = at, error
        if error is None:
            recovered, self.up = not self.up, True
            self.failures = 0
            self.due = at + self.timing.delay_loop
            kind = KINDS[type(self.checker)]
            text = kind.success.format(server) or f"{self.subject(server)} success."
            return [Log(Level.INFO, text)] if recovered else []
        patient = KINDS[type(self.checker)].patient
        if ((self.up and not first) or patient) and self.failures < self.timing.retry:
            self.failures += 1
            self.due = at + self.timing.delay_before_retry
            if self.up and self.timing.log_all_failures:
                return [Log(Level.INFO, f"{self.subject(server)} failed. Reason: {error}")]
            return []
        news = self.up or first
        retries = f" after {self.failures} retries" if self.failures else ""
        self.up, self.failures = False, 0
        self.due = at + self.timing.delay_loop
        return [Log(Level.INFO, f"{self.subject(server)} failed{retries}. Reason: {error}")] if news else []

    def adopt(self, told: CheckerSnapshot) -> None:
        """Carry on where another process left off."""
        self.up, self.checked = told.up, told.checked
        self.last_error, self.last_run = told.last_error, told.last_run

    def snapshot(self) -> CheckerSnapshot:
        return CheckerSnapshot(
            kind=KINDS[type(self.checker)].keyword,
            target=str(self.checker.connect.target),
            up=self.up,
            checked=self.checked,
            last_error=self.last_error,
            last_run=self.last_run,
        )

    def subject(self, server: str) -> str:
        """How its log lines begin."""
        return KINDS[type(self.checker)].failure.format(server)
