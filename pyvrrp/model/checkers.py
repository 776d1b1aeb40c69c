"""What a valid check of a real server is.

A check carries all that it takes to make it, inherited or not, so that whoever makes it needs to know nothing of
virtual or real servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.scripts import Command
from pyvrrp.units import SECOND, Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """Where and how a check connects, common to all that do."""

    target: Endpoint
    """connect_ip and connect_port; the real server where not given."""
    bindto: Endpoint | None = None
    """bindto and bind_port."""
    bind_if: str | None = None
    fwmark: int = 0
    connect_timeout: Micros = 5 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTiming:
    """When a check runs and when it counts."""

    delay_loop: Micros = 60 * SECOND
    """From one check to the next."""
    retry: int = 1
    """Further failures tolerated before the server is down (retry; nb_get_retry)."""
    delay_before_retry: Micros = SECOND
    warmup: Micros = 60 * SECOND
    """The first check comes 1 s + random(0..warmup) after start."""
    alpha: bool = False
    """Down until the first success."""
    log_all_failures: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Asks the server."""

    timing: CheckTiming
    connect: ConnectOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpCheck(Asking):
    """TCP_CHECK: a connection can be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpCheck(Asking):
    """UDP_CHECK: a datagram is not refused, or is answered."""

    payload: bytes = b""
    """payload; 32 filler bytes where empty."""
    require_reply: bytes | None = None
    """None: silence is success. b"": any reply will do. Otherwise the bytes that the reply must begin with."""
    reply_mask: bytes | None = None
    """Which bits of these bytes count; None: all (a digit written as x counts for nothing)."""
    min_reply_length: int = 0
    max_reply_length: int = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PingCheck(Asking):
    """An ICMP echo; port and mark of `connect` have no meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsCheck(Asking):
    """DNS_CHECK: a question is answered."""

    type: str = "SOA"
    """A mnemonic in capitals."""
    name: str = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpCheck(Asking):
    """SMTP_CHECK: a greeting, HELO and QUIT."""

    helo_name: str = "smtpchecker.keepalived.org"


class HttpVersion(Enum):
    """http_protocol."""

    HTTP_1_0 = "1.0"
    HTTP_1_0_CLOSE = "1.0C"
    """1.0, and asks the server to close."""
    HTTP_1_1 = "1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """regex and its company, in a url."""

    regex: str
    options: tuple[str, ...] = ()
    """regex_options: PCRE2's names, of which Python's re has some."""
    wanted: bool = True
    """False with regex_no_match: a match is a failure."""
    min_offset: int = 0
    """Bytes: where a match may begin at the earliest."""
    max_offset: int | None = None
    """Bytes: where a match may begin at the latest."""
    stack: tuple[int, int] | None = None
    """regex_stack: PCRE2's first and largest stack, in bytes. Not acted on: re needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """url: one request of an HTTP check, and what must come back."""

    path: str
    host: str | None = None
    """virtualhost of the url, else the check, the real server, the virtual server; None: the target itself."""
    status: tuple[tuple[int, int], ...] = ((200, 299),)
    """status_code: the first and the last of each accepted range."""
    digest: str | None = None
    """MD5 of the body, lower-case hexadecimal."""
    pattern: Pattern | None = None
    server_name: str | None = None
    """SNI; None is none."""
    close_notify: bool = False
    """tls_compliant: end a TLS session as its standard says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCheck(Asking):
    """HTTP_GET: each url gives what is expected of it."""

    urls: tuple[Url, ...]
    """At least one."""
    version: HttpVersion = HttpVersion.HTTP_1_0
    fast_recovery: bool = False
    """No pause between urls until all were asked once, and while recovering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """SSL: files for the TLS client."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    password: str | None = None
    """Of the key file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SslCheck(HttpCheck):
    """An HTTP check in a TLS session."""

    tls: TlsFiles | None = None
    verify: bool = False
    """tls_verify: the server's certificate must be valid for its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiscCheck:
    """MISC_CHECK: a program ends with a good status."""

    timing: CheckTiming
    command: Command
    """misc_path, and user; without one the default script user."""
    timeout: Micros
    """misc_timeout; 0 there is the virtual server's delay_loop."""
    dynamic: bool = False
    """misc_dynamic: exit statuses from 2 on set the weight."""


Checker: TypeAlias = Asking | MiscCheck
"""What is done again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """A number in a tracked file is a weight."""

    track_file: str
    weight: int | None = None
    """None: that of the track_file block."""
    reverse: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BfdCheck:
    """BFD_CHECK: a session is up."""

    name: str
    """Of the bfd_instance."""
    alpha: bool = False


Follower: TypeAlias = FileCheck | BfdCheck
"""Follows something that is watched elsewhere, instead of asking the server."""
