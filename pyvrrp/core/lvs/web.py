"""When an HTTP check asks which of its urls, and what the answers mean.

One url at a time, each delay_loop the next:

    up          success → the next url; failure → the same one again after delay_before_retry, as often as `retry`
                says; then down, and the url is remembered
    down        only the remembered url is asked; when it answers, all are asked from the first on
    clean pass  success → the next url, after the last one up; failure → the same url after delay_before_retry

So a server comes back only after two good answers at least. keepalived: check_http.c (behaviour only).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyvrrp.core.log import Level, Log
from pyvrrp.core.lvs.checking import Checking, Draw
from pyvrrp.core.lvs.snapshot import CheckerSnapshot
from pyvrrp.model.checkers import Checker, CheckTiming, HttpCheck
from pyvrrp.units import Micros


@dataclass(slots=True, eq=False)
class WebChecking(Checking):
    """`Checking` of an HTTP_GET or SSL_GET."""

    failed_url: bool = False
    """It went down with the one at `position`."""

    def questions(self) -> list[Checker]:
        checker = replace(self._check(), timing=CheckTiming(), fast_recovery=False)
        return [replace(checker, urls=(url,)) for url in checker.urls]

    def reconfigure(self, checker: Checker, at: Micros, draw: Draw) -> None:
        Checking.reconfigure(self, checker, at, draw)
        self.position = min(self.position, len(self._check().urls) - 1)

    def finished(self, at: Micros, error: str | None, server: str, status: int = 0) -> list[Log]:
        first, self.checked = not self.checked, True
        self.last_run, self.last_error = at, error
        return self._good(at, server) if error is None else self._bad(at, error, first, server)

    def adopt(self, told: CheckerSnapshot) -> None:
        Checking.adopt(self, told)
        self.failed_url = self.checked and not self.up

    def _check(self) -> HttpCheck:
        assert isinstance(self.checker, HttpCheck)
        return self.checker

    def _good(self, at: Micros, server: str) -> list[Log]:
        checker, timing = self._check(), self.timing
        self.failures = 0
        self.due = at + timing.delay_loop
        if self.up:
            self.position = (self.position + 1) % len(checker.urls)
            return []
        text = f"HTTP status code success to {server} url({checker.urls[self.position].path})"
        logs = [Log(Level.INFO, text)]
        if self.failed_url:
            self.failed_url, self.position = False, 0
        else:
            self.position = (self.position + 1) % len(checker.urls)
            self.up = self.position == 0
        if self.up:
            logs.append(Log(Level.INFO, f"Remote Web server {server} succeed on service."))
        elif checker.fast_recovery:
            self.due = at
        return logs

    def _bad(self, at: Micros, error: str, first: bool, server: str) -> list[Log]:
        timing = self.timing
        if not self.up and not self.failed_url and not first:
            self.due = at + timing.delay_before_retry
            return []
        if self.up and not first and self.failures < timing.retry:
            self.failures += 1
            self.due = at + timing.delay_before_retry
            return [Log(Level.INFO, f"{self.subject(server)} failed: {error}")] if timing.log_all_failures else []
        logs = [Log(Level.INFO, self.failure(server, error))] if self.up or first else []
        self.up, self.failed_url, self.failures = False, True, 0
        self.due = at + max(timing.delay_loop, timing.delay_before_retry)
        return logs
