from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import cast

import pytest

from pyvrrp.errors import ConfigProblem, ProblemClass, Severity
from pyvrrp.model.checkers import (
    Asking,
    CheckTiming,
    ConnectOptions,
    DnsCheck,
    PingCheck,
    SmtpCheck,
    TcpCheck,
    UdpCheck,
)
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import SECOND
from tests.unit.config.files import loaded, only

SERVER = Endpoint(IPv4Address("10.0.0.2"), 80)
PLAIN = TcpCheck(timing=CheckTiming(), connect=ConnectOptions(target=SERVER))


def checks(
    body: str, kind: str = "TCP_CHECK", vs: str = "", rs: str = ""
) -> tuple[tuple[Asking, ...], tuple[ConfigProblem, ...]]:
    text = f"virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {{\n{rs}\n"
    found = loaded(f"{text}{kind} {{\n{body}\n}}\n}}\n{vs}\n}}\n")
    (server,) = found.config.virtual_servers
    return cast("tuple[Asking, ...]", server.real_servers[0].checkers), found.problems


def test_defaults() -> None:
    assert checks("") == ((PLAIN,), ())


def test_everything_said() -> None:
    body = "connect_ip 10.0.0.9\nconnect_port 8080\nbindto 10.0.0.1\nbind_port 99\nbind_if eth1\nfwmark 7\n"
    body += "connect_timeout 0.5\nretry 0\ndelay_before_retry 2\nwarmup 0\ndelay_loop 6\nalpha\nlog_all_failures\n"
    assert checks(body) == (
        (
            TcpCheck(
                connect=ConnectOptions(
                    target=Endpoint(IPv4Address("10.0.0.9"), 8080),
                    bindto=Endpoint(IPv4Address("10.0.0.1"), 99),
                    bind_if="eth1",
                    fwmark=7,
                    connect_timeout=500_000,
                ),
                timing=CheckTiming(
                    delay_loop=6 * SECOND,
                    retry=0,
                    delay_before_retry=2 * SECOND,
                    warmup=0,
                    alpha=True,
                    log_all_failures=True,
                ),
            ),
        ),
        (),
    )


def test_inheritance_goes_from_the_virtual_server_to_the_check_wherever_it_stands() -> None:
    vs = "retry 7\ndelay_loop 9\nconnect_timeout 2\nalpha\nwarmup 1"
    ((check,), _) = checks("delay_loop 5", rs="retry 4", vs=vs)
    assert check.timing == CheckTiming(delay_loop=5 * SECOND, retry=4, warmup=SECOND, alpha=True)
    assert check.connect.connect_timeout == 2 * SECOND
    ((check,), _) = checks("", rs="alpha off\ndelay_before_retry 3", vs=vs)
    assert check.timing == replace(
        CheckTiming(), delay_loop=9 * SECOND, retry=7, delay_before_retry=3 * SECOND, warmup=SECOND
    )


def test_warmup_is_the_checks_own_delay_loop() -> None:
    ((check,), _) = checks("", vs="delay_loop 6")
    assert (check.timing.delay_loop, check.timing.warmup) == (6 * SECOND, 6 * SECOND)


def test_nb_get_retry_is_taken_as_retry_and_told() -> None:
    (check,), problems = checks("nb_get_retry 3")
    assert check.timing.retry == 3
    problem = only(problems)
    assert (problem.severity, problem.kind) == (Severity.DEPRECATED, ProblemClass.UNKNOWN_KEYWORD)
    assert problem.effect == "taken as `retry`"
    assert checks("nb_get_retry 3\nretry 5")[0][0].timing.retry == 5


def test_bind_port_needs_bindto() -> None:
    made, problems = checks("bind_port 5")
    assert made == (PLAIN,)
    assert only(problems).severity is Severity.NOTICE


def test_families_must_agree() -> None:
    made, problems = checks("bindto fe80::1")
    assert made == (PLAIN,)
    assert only(problems).kind is ProblemClass.GENERAL
    ((check,), problems) = checks("connect_ip 2001:db8::1")
    assert check.connect.target == Endpoint(IPv6Address("2001:db8::1"), 80)
    assert problems == ()


def test_a_link_local_target_needs_a_device() -> None:
    made, problems = checks("connect_ip fe80::1")
    assert made == ()
    assert "bind_if is needed" in only(problems).message
    assert len(checks("connect_ip fe80::1\nbind_if eth0")[0]) == 1


def test_udp_digits_that_may_be_anything() -> None:
    (check,), problems = checks("require_reply 0Xff x 12", "UDP_CHECK")
    assert problems == ()
    assert isinstance(check, UdpCheck)
    assert (check.require_reply, check.reply_mask) == (b"\x00\xff\x00\x12", b"\xf0\xff\xf0\xff")


@pytest.mark.parametrize(
    ("body", "payload", "reply"),
    [
        ("", b"", None),
        ("payload 00ff", b"\x00\xff", None),
        ("payload 00 f 1", b"\x00\x0f\x01", None),
        ("require_reply", b"", b""),
        ("require_reply 00 FF", b"", b"\x00\xff"),
    ],
)
def test_udp(body: str, payload: bytes, reply: bytes | None) -> None:
    (check,), problems = checks(body, "UDP_CHECK")
    assert problems == ()
    assert check == UdpCheck(timing=PLAIN.timing, connect=PLAIN.connect, payload=payload, require_reply=reply)


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ("payload zz", Severity.ERROR),
        ("payload 0x", Severity.ERROR),
        ("payload", Severity.ERROR),
        ("require_reply zz", Severity.ERROR),
        ("min_reply_length 10\nmax_reply_length 5", Severity.ERROR),
    ],
)
def test_udp_complaints(body: str, severity: Severity) -> None:
    (check,), problems = checks(body, "UDP_CHECK")
    assert only(problems).severity is severity
    assert isinstance(check, UdpCheck)
    assert check.require_reply is None


def test_several_checks_of_a_server() -> None:
    made, _ = checks("}\nUDP_CHECK {\n}\nTCP_CHECK {\nretry 9")
    assert [type(check) for check in made] == [TcpCheck, UdpCheck, TcpCheck]


def test_ping() -> None:
    assert checks("", "PING_CHECK") == ((PingCheck(timing=CheckTiming(), connect=PLAIN.connect),), ())


def test_dns() -> None:
    made, problems = checks("delay_loop 9", "DNS_CHECK")
    timing = CheckTiming(delay_loop=9 * SECOND, retry=3, delay_before_retry=9 * SECOND, warmup=9 * SECOND)
    assert (made, problems) == ((DnsCheck(timing=timing, connect=PLAIN.connect),), ())
    ((check,), _) = checks("type aaaa\nname a.example", "DNS_CHECK")
    assert isinstance(check, DnsCheck)
    assert (check.type, check.name) == ("AAAA", "a.example")


@pytest.mark.parametrize("body", ["type AAA", "name a..b", f"name {'x' * 64}", "name a\nname b"])
def test_dns_complaints(body: str) -> None:
    (check,), problems = checks(body, "DNS_CHECK")
    assert isinstance(check, DnsCheck)
    assert (only(problems).severity, only(problems).kind) == (Severity.ERROR, ProblemClass.GENERAL)
    assert check.type == "SOA"


def test_smtp_and_its_hosts() -> None:
    assert checks("helo_name a.example", "SMTP_CHECK") == (
        (SmtpCheck(timing=CheckTiming(), connect=PLAIN.connect, helo_name="a.example"),),
        (),
    )
    hosts = "host {\nconnect_ip 10.0.0.7\nretry 4\n}\nhost {\nconnect_port 26\n}"
    made, _ = checks(f"connect_timeout 2\n{hosts}", "SMTP_CHECK")
    assert [str(check.connect.target) for check in made] == ["10.0.0.2:80", "10.0.0.7:80", "10.0.0.2:26"]
    assert {(check.timing.retry, check.connect.connect_timeout) for check in made} == {(4, 2 * SECOND)}
    assert len(checks(hosts, "SMTP_CHECK")[0]) == 2
