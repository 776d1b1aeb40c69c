"""Checker blocks."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from pyvrrp.config.http_checks import VERSIONS, build_urls
from pyvrrp.config.local_checks import build_bfd, build_file, build_misc
from pyvrrp.config.problems import Problems
from pyvrrp.config.suggest import did_you_mean
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values, flag, integer, last_line, scalars, text
from pyvrrp.model.checkers import (
    BfdCheck,
    Checker,
    CheckTiming,
    ConnectOptions,
    DnsCheck,
    Follower,
    HttpCheck,
    PingCheck,
    SmtpCheck,
    SslCheck,
    TcpCheck,
    TlsFiles,
    UdpCheck,
)
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import SECOND

ANY_DIGIT: Final = str.maketrans("xX", "00")
"""Of require_reply: it does not count."""
ASKING: Final = frozenset({"TCP_CHECK", "UDP_CHECK", "HTTP_GET", "SSL_GET", "PING_CHECK", "DNS_CHECK", "SMTP_CHECK"})
"""Those that connect to the server."""
CHECKS: Final = ASKING | {"MISC_CHECK", "FILE_CHECK", "BFD_CHECK"}
CONNECTION: Final = frozenset(
    {"connect_ip", "connect_port", "bindto", "bind_port", "bind_if", "connect_timeout", "fwmark"}
)
ELSEWHERE: Final = CONNECTION - {"connect_timeout"}
TIMING: Final = ("delay_loop", "retry", "delay_before_retry", "warmup", "alpha", "log_all_failures")
TIMES: Final = frozenset(TIMING)
DNS_TYPES: Final = ("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY")
HELO: Final = "smtpchecker.keepalived.org"
DELAY_BEFORE_RETRY: Final[Mapping[str, int]] = {"HTTP_GET": 3 * SECOND, "SSL_GET": 3 * SECOND}
"""Where it is not the default."""
RETRY: Final[Mapping[str, int]] = {"DNS_CHECK": 3, "MISC_CHECK": 0}
DEFAULTS: Final[Mapping[str, int]] = {
    "delay_loop": 60 * SECOND,
    "retry": 1,
    "delay_before_retry": SECOND,
    "connect_timeout": 5 * SECOND,
}


@dataclass(slots=True)
class Settings:
    """What all checks have in common, from outside of virtual servers."""

    log_all: bool = False
    """checker_log_all_failures."""
    tls: TlsFiles | None = None
    """The SSL block."""
    files: set[str] = field(default_factory=set)
    """Names of track_file blocks that came before."""
    sessions: set[str] = field(default_factory=set)
    """Names of bfd_instance blocks that came before, and that real servers may follow."""
    timings: dict[tuple[object, ...], CheckTiming] = field(default_factory=dict)
    """Those that were made already: most checks of a file have the same."""
    latest: tuple[Values | None, str, CheckTiming | None] = (None, "", None)
    """What was inherited (the very mapping), the check, and the timing of it where it says nothing itself."""

    @property
    def key(self) -> Hashable:
        """Equal where all of it is."""
        return self.log_all, self.tls, frozenset(self.files), frozenset(self.sessions)


@dataclass(slots=True)
class CheckReader:
    """Of the checks of the real servers of a virtual server."""

    outer: Values
    """What the virtual server says."""
    settings: Settings
    problems: Problems
    inherited: Values = field(default_factory=dict)

    def read(self, blocks: Iterable[Statement], server: Endpoint, inherited: Values) -> list[Checker | Follower]:
        """Those of a real server, but what is dropped. `inherited`: what it says itself, else the virtual server."""
        self.inherited = inherited
        settings, problems = self.settings, self.problems
        built: list[Checker | Follower] = []
        for block in blocks:
            word = block.words[0]
            if word in ASKING:
                built += self.asking(block, server)
            elif word == "MISC_CHECK":
                delay_loop = integer(self.outer, "delay_loop", DEFAULTS["delay_loop"])
                misc = build_misc(block, self.timing(word, scalars(block)), delay_loop)
                built += [misc] if misc else []
            elif word == "FILE_CHECK":
                file = build_file(block, settings.files, problems)
                built += [file] if file else []
            elif word == "BFD_CHECK":
                followed = {check.name for check in built if isinstance(check, BfdCheck)}
                session = build_bfd(block, settings.sessions, followed, inherited, problems)
                built += [session] if session else []
        return built

    def asking(self, block: Statement, server: Endpoint) -> list[Checker]:
        """One, or none, or several if an SMTP_CHECK has several hosts."""
        own = scalars(block)
        retry = own.pop("nb_get_retry", None)
        if retry is not None:
            own.setdefault("retry", retry)
        targets = [(block, own)]
        if block.words[0] == "SMTP_CHECK":
            hosts = [child for child in block.children if child.words[0] == "host"]
            for host in hosts:  # timers there are the whole check's
                own.update((name, value) for name, value in scalars(host).items() if name not in CONNECTION)
            elsewhere = [(host, scalars(host)) for host in hosts]
            targets = elsewhere if hosts and CONNECTION.isdisjoint(own) else targets + elsewhere
        timing = self.timing(block.words[0], own)
        timeout = integer(self.inherited, "connect_timeout", DEFAULTS["connect_timeout"])
        timeout = integer(own, "connect_timeout", timeout)
        found = []
        for where, said in targets:
            connect = _connect(where, said, server, timeout, self.problems)
            check = None if connect is None else self._build(block, own, timing, connect)
            if check is not None:
                found.append(check)
        return found

    def timing(self, word: str, own: Values) -> CheckTiming:
        inherited, settings = self.inherited, self.settings
        same, check, latest = settings.latest
        if latest is not None and inherited is same and word == check and TIMES.isdisjoint(own):
            return latest
        said = (word, *[own.get(name) for name in TIMING], *[inherited.get(name) for name in TIMING])
        timing = settings.timings.get(said)
        if timing is None:
            timing = settings.timings[said] = self._new_timing(word, own)
        if TIMES.isdisjoint(own):
            settings.latest = inherited, word, timing
        return timing

    def _new_timing(self, word: str, own: Values) -> CheckTiming:
        inherited = self.inherited
        delay_loop = integer(own, "delay_loop", integer(inherited, "delay_loop", DEFAULTS["delay_loop"]))
        delay = delay_loop if word == "DNS_CHECK" else DELAY_BEFORE_RETRY.get(word, DEFAULTS["delay_before_retry"])
        retry = RETRY.get(word, DEFAULTS["retry"])
        return CheckTiming(
            delay_loop=delay_loop,
            retry=integer(own, "retry", integer(inherited, "retry", retry)),
            delay_before_retry=integer(own, "delay_before_retry", integer(inherited, "delay_before_retry", delay)),
            warmup=integer(own, "warmup", integer(inherited, "warmup", delay_loop)),
            alpha=flag(own, "alpha", flag(inherited, "alpha")),
            log_all_failures=flag(own, "log_all_failures") or self.settings.log_all,
        )

    def _build(self, block: Statement, own: Values, timing: CheckTiming, connect: ConnectOptions) -> Checker | None:
        match word := block.words[0]:
            case "TCP_CHECK":
                return TcpCheck(timing=timing, connect=connect)
            case "UDP_CHECK":
                return _udp(block, own, timing, connect, self.problems)
            case "PING_CHECK":
                return PingCheck(timing=timing, connect=connect)
            case "DNS_CHECK":
                return _dns(block, timing, connect, self.problems)
            case "SMTP_CHECK":
                helo = text(own, "helo_name")
                return SmtpCheck(timing=timing, connect=connect, helo_name=HELO if helo is None else helo)
        urls = build_urls(block, own, self.inherited, self.outer, self.problems)
        if not urls:
            if any(child.words[0] == "url" for child in block.children):  # else it was told where the block ends
                self.problems.error(block.line, f"{word} has no url that can be used", "it is dropped")
            return None
        common: dict[str, Any] = {
            "timing": timing,
            "connect": connect,
            "urls": urls,
            "version": VERSIONS[text(own, "http_protocol") or "1.0"],
            "fast_recovery": flag(own, "fast_recovery"),
        }
        if word == "HTTP_GET":
            return HttpCheck(**common)
        return SslCheck(**common, tls=self.settings.tls, verify=flag(own, "tls_verify"))


def _dns(block: Statement, timing: CheckTiming, connect: ConnectOptions, problems: Problems) -> DnsCheck:
    type_, name = "SOA", None
    for child in block.children:
        if child.words[0] == "type" and isinstance(child.value, str):
            if child.value.upper() in DNS_TYPES:
                type_ = child.value.upper()
            else:
                message = f"`{child.value}` is not a type that can be asked for"
                suggestion = did_you_mean(child.value.upper(), DNS_TYPES, f"one of {' '.join(DNS_TYPES)}")
                problems.error(child.line, message, f"{type_} is asked for", word=1, suggestion=suggestion)
        elif child.words[0] == "name" and isinstance(child.value, str):
            if name is not None:
                problems.error(child.line, "the check has a name already", "this second one is ignored", word=0)
            elif (reason := _not_a_name(child.value)) is None:
                name = child.value
            else:
                problems.error(child.line, f"`{child.value}` is not a domain name: {reason}", word=1)
    return DnsCheck(timing=timing, connect=connect, type=type_, name=name or ".")


def _not_a_name(name: str) -> str | None:
    labels = [] if name == "." else name.removesuffix(".").encode(errors="surrogateescape").split(b".")
    if not all(labels):
        return "it has an empty label"
    if max(map(len, labels), default=0) > 63 or sum(len(label) + 1 for label in labels) > 254:
        return "it is too long"
    return None


def _connect(
    block: Statement, own: Values, server: Endpoint, timeout: int, problems: Problems
) -> ConnectOptions | None:
    if ELSEWHERE.isdisjoint(own) and not (isinstance(server.address, IPv6Address) and server.address.is_link_local):
        return ConnectOptions(target=server, connect_timeout=integer(own, "connect_timeout", timeout))
    address = own.get("connect_ip")
    if not isinstance(address, (IPv4Address, IPv6Address)):
        address = server.address
    port = integer(own, "connect_port", server.port)
    target = server if address == server.address and port == server.port else Endpoint(address, port)
    bindto = own.get("bindto")
    if isinstance(bindto, (IPv4Address, IPv6Address)) and bindto.version != address.version:
        message = f"bindto {bindto} and the target {address} differ in family"
        problems.error(last_line(block, "bindto"), message, "bindto is ignored", word=1)
        bindto = None
    bind_if = text(own, "bind_if")
    if isinstance(address, IPv6Address) and address.is_link_local and bind_if is None:
        message = f"{address} is a link-local address, so bind_if is needed"
        problems.error(block.line, message, "the check is dropped")
        return None
    source = None
    if isinstance(bindto, (IPv4Address, IPv6Address)):
        source = Endpoint(bindto, integer(own, "bind_port", 0))
    elif "bind_port" in own:
        message = "bind_port has no effect without bindto"
        problems.notice(last_line(block, "bind_port"), message, "ignored, as by keepalived")
    return ConnectOptions(
        target=target,
        bindto=source,
        bind_if=bind_if,
        fwmark=integer(own, "fwmark", 0),
        connect_timeout=integer(own, "connect_timeout", timeout),
    )


def _udp(block: Statement, own: Values, timing: CheckTiming, connect: ConnectOptions, problems: Problems) -> UdpCheck:
    payload, reply, mask = b"", None, None
    for child in block.children:
        if child.word == "payload" and len(child.words) > 1:
            digits = _hex(child, "", problems)
            payload = bytes.fromhex(digits) if digits else payload
        elif child.word == "require_reply":
            digits = _hex(child, "xX", problems) if len(child.words) > 1 else ""
            if digits is not None:
                reply = bytes.fromhex(re.sub("[xX]", "0", digits))
                mask = bytes.fromhex(re.sub("[0-9a-fA-F]", "f", digits).translate(ANY_DIGIT))
                mask = None if mask == b"\xff" * len(mask) else mask
    low, high = integer(own, "min_reply_length", 0), integer(own, "max_reply_length", 255)
    if low > high:
        message = f"min_reply_length {low} is more than max_reply_length {high}"
        problems.error(block.line, message, "the check always fails")
    return UdpCheck(
        timing=timing,
        connect=connect,
        payload=payload,
        require_reply=reply,
        reply_mask=mask,
        min_reply_length=low,
        max_reply_length=high,
    )


def _hex(child: Statement, others: str, problems: Problems) -> str | None:
    """Hexadecimal digits, two a byte, or one of `others`; a lone digit before a blank is a byte. None if it is none
    of it."""
    digits = []
    for at, word in enumerate(child.words[1:], 1):
        if not re.fullmatch(rf"[0-9a-fA-F{others}]+", word):
            problems.error(child.line, f"`{word}` is not hexadecimal", f"`{child.word}` is ignored", word=at)
            return None
        digits.append(word if len(word) % 2 == 0 else word[:-1] + "0" + word[-1])
    return "".join(digits)
