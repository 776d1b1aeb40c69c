"""Checker blocks. Those that are not active are told where they open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from pyvrrp.config.http_checks import VERSIONS, build_urls
from pyvrrp.config.problems import Problems
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values, flag, integer, scalars, text
from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.checkers import (
    Checker,
    CheckTiming,
    ConnectOptions,
    HttpCheck,
    SslCheck,
    TcpCheck,
    TlsFiles,
    UdpCheck,
)
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import SECOND

HEX_WORD: Final = r"[0-9a-fA-FxX]+"
CHECKS: Final = frozenset({"TCP_CHECK", "UDP_CHECK", "HTTP_GET", "SSL_GET"})
DELAY_BEFORE_RETRY: Final[Mapping[str, int]] = {"HTTP_GET": 3 * SECOND, "SSL_GET": 3 * SECOND}
"""Where it is not the default."""
DEFAULTS: Final[Mapping[str, int]] = {
    "delay_loop": 60 * SECOND,
    "retry": 1,
    "delay_before_retry": SECOND,
    "connect_timeout": 5 * SECOND,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What all checks have in common, from outside of virtual servers."""

    log_all: bool = False
    """checker_log_all_failures."""
    tls: TlsFiles | None = None
    """The SSL block."""


def build_check(
    block: Statement, server: Endpoint, inherited: Values, outer: Values, settings: Settings, problems: Problems
) -> Checker | None:
    """The check; None if it is dropped.

    `inherited`: what the real server, else the virtual server says; `outer`: the virtual server alone.
    """
    word = block.words[0]
    own = scalars(block)
    retry = own.pop("nb_get_retry", None)
    if retry is not None:
        own.setdefault("retry", retry)
    connect = _connect(block, own, server, integer(inherited, "connect_timeout", DEFAULTS["connect_timeout"]), problems)
    if connect is None:
        return None
    delay_loop = integer(own, "delay_loop", integer(inherited, "delay_loop", DEFAULTS["delay_loop"]))
    delay = integer(
        own, "delay_before_retry", integer(inherited, "delay_before_retry", DELAY_BEFORE_RETRY.get(word, SECOND))
    )
    timing = CheckTiming(
        delay_loop=delay_loop,
        retry=integer(own, "retry", integer(inherited, "retry", DEFAULTS["retry"])),
        delay_before_retry=delay,
        warmup=integer(own, "warmup", integer(inherited, "warmup", delay_loop)),
        alpha=flag(own, "alpha", flag(inherited, "alpha")),
        log_all_failures=flag(own, "log_all_failures") or settings.log_all,
    )
    if word == "TCP_CHECK":
        return TcpCheck(timing=timing, connect=connect)
    if word == "UDP_CHECK":
        return _udp(block, own, timing, connect, problems)
    urls = build_urls(block, own, inherited, outer, problems)
    if not urls:
        if any(child.words[0] == "url" for child in block.children):  # without any it was told where the block ends
            problems.error(block.line, f"{word} has no url that can be used", "it is dropped")
        return None
    version, fast = VERSIONS[text(own, "http_protocol") or "1.0"], flag(own, "fast_recovery")
    if word == "HTTP_GET":
        return HttpCheck(timing=timing, connect=connect, urls=urls, version=version, fast_recovery=fast)
    return SslCheck(timing=timing, connect=connect, urls=urls, version=version, fast_recovery=fast, tls=settings.tls)


def _connect(
    block: Statement, own: dict[str, object], server: Endpoint, timeout: int, problems: Problems
) -> ConnectOptions | None:
    address = own.get("connect_ip")
    if not isinstance(address, (IPv4Address, IPv6Address)):
        address = server.address
    port = integer(own, "connect_port", server.port)
    target = server if address == server.address and port == server.port else Endpoint(address, port)
    bindto = own.get("bindto")
    if isinstance(bindto, (IPv4Address, IPv6Address)) and bindto.version != address.version:
        _at(
            block, "bindto", problems, f"bindto {bindto} and the target {address} differ in family", "bindto is ignored"
        )
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
        line = next(child.line for child in block.children if child.word == "bind_port")
        problems.notice(line, "bind_port has no effect without bindto", "ignored, as by keepalived")
    return ConnectOptions(
        target=target,
        bindto=source,
        bind_if=bind_if,
        fwmark=integer(own, "fwmark", 0),
        connect_timeout=integer(own, "connect_timeout", timeout),
    )


def _udp(block: Statement, own: Values, timing: CheckTiming, connect: ConnectOptions, problems: Problems) -> UdpCheck:
    payload, reply = b"", None
    for child in block.children:
        if child.word == "payload" and len(child.words) > 1:
            payload = _hex(child, problems, wild=False) or payload
        elif child.word == "require_reply":
            found = _hex(child, problems, wild=True) if len(child.words) > 1 else b""
            reply = reply if found is None else found
    low, high = integer(own, "min_reply_length", 0), integer(own, "max_reply_length", 255)
    if low > high:
        problems.add(
            block.line,
            Severity.ERROR,
            f"min_reply_length {low} is more than max_reply_length {high}",
            "the check always fails",
            kind=ProblemClass.GENERAL,
        )
    return UdpCheck(
        timing=timing,
        connect=connect,
        payload=payload,
        require_reply=reply,
        min_reply_length=low,
        max_reply_length=high,
    )


def _hex(child: Statement, problems: Problems, *, wild: bool) -> bytes | None:
    """Bytes from hexadecimal digits; a lone digit before a blank is a byte. None if it is none of it."""
    digits = []
    for at, word in enumerate(child.words[1:], 1):
        if not re.fullmatch(HEX_WORD, word) or (not wild and ("x" in word or "X" in word)):
            problems.error(child.line, f"`{word}` is not hexadecimal", f"`{child.word}` is ignored", word=at)
            return None
        digits.append(word if len(word) % 2 == 0 else word[:-1] + "0" + word[-1])
    text = "".join(digits).lower()
    if "x" in text:
        message = "digits that may be anything (x) are accepted, but not active in this version"
        problems.inactive(child.line, message, "only the bytes before the first x are compared")
        text = text[: text.index("x") // 2 * 2]
    return bytes.fromhex(text)


def _at(block: Statement, word: str, problems: Problems, message: str, effect: str) -> None:
    line = next(child.line for child in reversed(block.children) if child.word == word)
    problems.error(line, message, effect, word=1)
