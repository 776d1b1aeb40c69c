from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from pyvrrp.errors import ConfigProblem, ProblemClass, Severity
from pyvrrp.model.checkers import (
    CheckTiming,
    ConnectOptions,
    HttpCheck,
    HttpVersion,
    Pattern,
    SslCheck,
    TlsFiles,
    Url,
)
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import SECOND
from tests.unit.config.files import loaded, only

MD5 = "0123456789ABCDEF0123456789abcdef"


def http(
    body: str, kind: str = "HTTP_GET", vs: str = "", rs: str = "", before: str = ""
) -> tuple[HttpCheck | None, tuple[ConfigProblem, ...]]:
    text = f"{before}\nvirtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{vs}\n"
    found = loaded(f"{text}real_server 10.0.0.2 80 {{\n{rs}\n{kind} {{\n{body}\n}}\n}}\n}}\n")
    checkers = found.config.virtual_servers[0].real_servers[0].checkers
    assert len(checkers) < 2
    check = checkers[0] if checkers else None
    assert check is None or isinstance(check, HttpCheck)
    return check, found.problems


def url(body: str, **around: str) -> tuple[Url, tuple[ConfigProblem, ...]]:
    check, problems = http(f"url {{\npath /\n{body}\n}}", **around)
    assert check is not None
    (made,) = check.urls
    return made, problems


def test_defaults() -> None:
    assert http("url {\npath /x\n}") == (
        HttpCheck(
            timing=CheckTiming(delay_before_retry=3 * SECOND),
            connect=ConnectOptions(target=Endpoint(IPv4Address("10.0.0.2"), 80)),
            urls=(Url(path="/x"),),
        ),
        (),
    )


def test_everything_said() -> None:
    body = "http_protocol 1.0c\nfast_recovery\nenable_sni\nvirtualhost a.example\nretry 7\n"
    body += (
        f"url {{\npath /x\ndigest {MD5}\nstatus_code 200 301-302\nstatus_code 404\n"
        "regex 'a +'\nregex_options caseless\n"
    )
    body += "regex_no_match\nregex_min_offset 3\nregex_max_offset 9\ntls_compliant\n}\nurl {\npath /y\n}"
    tls = "SSL {\nca /ca\ncertificate /crt\nkey /key\npassword secret\n}"
    check, problems = http(body, "SSL_GET", before=tls)
    assert problems == ()
    assert isinstance(check, SslCheck)
    assert (check.version, check.fast_recovery, check.timing.retry) == (HttpVersion.HTTP_1_0_CLOSE, True, 7)
    assert check.tls == TlsFiles(ca="/ca", certificate="/crt", key="/key", password="secret")
    assert check.urls == (
        Url(
            path="/x",
            host="a.example",
            status=((200, 200), (301, 302), (404, 404)),
            digest=MD5.lower(),
            pattern=Pattern(regex="a +", options=("caseless",), wanted=False, min_offset=3, max_offset=9),
            server_name="a.example",
            close_notify=True,
        ),
        Url(path="/y", host="a.example", server_name="a.example"),
    )


def test_the_host_is_the_nearest_and_sni_skips_the_real_servers() -> None:
    around = {"vs": "virtualhost vs", "rs": "virtualhost rs"}
    assert url("", **around)[0].host == "rs"
    assert url("virtualhost u", **around)[0].host == "u"
    check, _ = http("enable_sni\nurl {\npath /\n}", "SSL_GET", **around)
    assert check is not None
    assert (check.urls[0].host, check.urls[0].server_name) == ("rs", "vs")
    check, _ = http("sni_name s\nvirtualhost c\nurl {\npath /\n}", "SSL_GET", **around)
    assert check is not None
    assert (check.urls[0].host, check.urls[0].server_name) == ("c", "s")
    assert url("", vs="virtualhost vs")[0].server_name is None


@pytest.mark.parametrize(
    ("body", "effect"),
    [
        ("status_code 99", "not accepted"),
        ("status_code 300-200", "not accepted"),
        ("digest abc", "not compared"),
        (f"digest {MD5}\ndigest {MD5}", "second one is ignored"),
    ],
)
def test_what_keepalived_refuses(body: str, effect: str) -> None:
    made, problems = url(body)
    assert made.status == ((200, 299),)
    problem = only(problems)
    assert (problem.severity, problem.kind) == (Severity.ERROR, ProblemClass.GENERAL)
    assert effect in problem.effect


@pytest.mark.parametrize("regex", ["(", "[[:alpha:]]", r'"\p{L}"'])
def test_a_regex_that_we_cannot_use_is_told_and_not_a_complaint_of_keepaliveds(regex: str) -> None:
    made, problems = url(f"regex {regex}")
    assert made.pattern is None
    problem = only(problems)
    assert (problem.severity, problem.kind) == (Severity.ERROR, ProblemClass.OK)


def test_options_of_pcre_only_are_named() -> None:
    made, problems = url("regex a\nregex_options ungreedy caseless no_auto_possess")
    assert made.pattern is not None
    assert made.pattern.options == ("ungreedy", "caseless", "no_auto_possess")
    assert only(problems).severity is Severity.INACTIVE


def test_offsets_in_the_wrong_order_are_dropped() -> None:
    made, problems = url("regex a\nregex_min_offset 9\nregex_max_offset 3")
    assert made.pattern == Pattern(regex="a")
    assert only(problems).kind is ProblemClass.OK


def test_urls_without_a_path_are_dropped_and_so_is_a_check_without_urls() -> None:
    check, problems = http("url {\n}\nurl {\npath /\n}")
    assert check is not None
    assert check.urls == (Url(path="/"),)
    assert only(problems).effect == "it is dropped"
    for body in ("", "url {\n}"):
        check, problems = http(body)
        assert check is None
        assert problems[-1].kind is ProblemClass.GENERAL


def test_nb_get_retry_is_an_old_spelling_of_retry() -> None:
    check, problems = http("nb_get_retry 4\nurl {\npath /\n}")
    assert check is not None
    assert check.timing.retry == 4
    assert (only(problems).severity, only(problems).kind) == (Severity.DEPRECATED, ProblemClass.DEPRECATED)


def test_a_second_ssl_block_takes_the_place_of_the_first() -> None:
    check, problems = http("url {\npath /\n}", "SSL_GET", before="SSL {\nca /a\n}\nSSL {\nkey /k\n}")
    assert isinstance(check, SslCheck)
    assert check.tls == TlsFiles(key="/k")
    assert only(problems).kind is ProblemClass.GENERAL
