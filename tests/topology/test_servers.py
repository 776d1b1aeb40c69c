"""Each kind of check against a real server of its kind: well, dead, half-open, slow, lying, flapping."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from pyvrrp.checkers.outcome import CheckFailed, Outcome
from pyvrrp.checkers.runner import Runner
from pyvrrp.checkers.runner import ask as ask_once
from pyvrrp.kernel.processes import start
from pyvrrp.model.checkers import (
    Asking,
    Checker,
    CheckTiming,
    ConnectOptions,
    DnsCheck,
    HttpCheck,
    HttpVersion,
    MiscCheck,
    Pattern,
    PingCheck,
    SmtpCheck,
    SslCheck,
    TcpCheck,
    TlsFiles,
    UdpCheck,
    Url,
)
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.scripts import Command
from pyvrrp.units import MILLISECOND, SECOND, Micros
from tests.topology.net import Host, Net, inside
from tests.topology.servers import BODY, Server, Servers

pytestmark = pytest.mark.root

SHORT = 300 * MILLISECOND
LONG = 10 * SECOND
FOREVER = 3600 * SECOND


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("servers"))
    yield made
    made.close()


def at(port: int, timeout: Micros = LONG, host: str = "127.0.0.1", **options: Any) -> ConnectOptions:
    return ConnectOptions(target=Endpoint(ip_address(host), port), connect_timeout=timeout, **options)


def ask(check: Asking) -> str | None:
    """Why it failed; None if it passed."""
    outcome = asyncio.run(ask_once(check, lambda command: pytest.fail("no script")))
    if isinstance(outcome, Exception):
        assert isinstance(outcome, CheckFailed), outcome
        return str(outcome)
    return None


def web(servers: Servers, path: str = "/", timeout: Micros = LONG, **options: Any) -> HttpCheck:
    version = options.pop("version", HttpVersion.HTTP_1_0)
    connect = at(servers.web.port, timeout, options.pop("address", "127.0.0.1"))
    return HttpCheck(timing=CheckTiming(), connect=connect, urls=(Url(path=path, **options),), version=version)


def secure(servers: Servers, *, verify: bool = False, ca: bool = False, **options: Any) -> SslCheck:
    files = TlsFiles(ca=str(servers.directory / "ca.pem")) if ca else None
    connect = at(servers.https, options.pop("timeout", LONG))
    url = Url(path="/", **options)
    return SslCheck(timing=CheckTiming(), connect=connect, urls=(url,), tls=files, verify=verify)


def says(text: str, **options: Any) -> dict[str, Any]:
    return {"pattern": Pattern(regex=text, **options)}


# ---- nginx


@pytest.mark.parametrize("version", HttpVersion)
def test_a_page(servers: Servers, version: HttpVersion) -> None:
    digest = hashlib.md5(BODY).hexdigest()
    # nginx keeps a connection of HTTP/1.1 open, unless the request asks to close it.
    assert ask(web(servers, version=version, digest=digest)) is None
    assert ask(web(servers, version=version, address="::1")) is None


@pytest.mark.parametrize(
    ("path", "options", "end"),
    [
        ("/nosuch", {}, "HTTP status code 404 from url(/nosuch)"),
        ("/broken", {}, "HTTP status code 500 from url(/broken)"),
        ("/broken", {"status": ((100, 199), (500, 599))}, None),
        ("/moved", {"status": ((200, 200),)}, "HTTP status code 302 from url(/moved)"),
        ("/moved", {"status": ((301, 302),)}, None),
        ("/", says("all is w"), None),
        ("/", says("all was w"), "url(/) does not match the regex"),
        ("/", says("^ALL.*l$", options=("caseless", "multiline")), None),
        ("/", says("all is w", wanted=False), "url(/) matches the regex"),
        ("/", {"host": "a.example", **says("host a")}, None),
        ("/", {"host": "other.example", **says("host a")}, "url(/) does not match the regex"),
    ],
)
def test_pages_that_are_right_and_that_lie(
    servers: Servers, path: str, options: dict[str, Any], end: str | None
) -> None:
    assert ask(web(servers, path, **options)) == end


def test_a_wrong_digest(servers: Servers) -> None:
    assert ask(web(servers, digest="0" * 32)) == f"MD5 digest {hashlib.md5(BODY).hexdigest()} of url(/), not {'0' * 32}"


def test_a_slow_page_has_its_time_for_each_piece(servers: Servers) -> None:
    assert ask(web(servers, "/drip", 3 * SECOND)) is None  # takes 12 s, a few bytes each second


def test_sni(servers: Servers) -> None:
    assert ask(secure(servers, server_name="b.example", host="b.example", **says("secure b.example b.example"))) is None
    assert ask(secure(servers, **says("secure a.example \n"))) is None


@pytest.mark.parametrize(
    ("options", "end"),
    [
        ({"server_name": "a.example"}, None),
        ({"server_name": "b.example"}, None),
        ({"host": "b.example"}, None),
        ({"host": "a.example:443"}, None),
        ({}, None),  # by its address
        ({"server_name": "c.example"}, "certificate is not valid: Hostname mismatch"),
        ({"server_name": "a.example", "ca": False}, "certificate is not valid: unable to get local issuer certificate"),
        ({"server_name": "c.example", "verify": False}, None),
    ],
)
def test_tls_verify(servers: Servers, options: dict[str, Any], end: str | None) -> None:
    found = ask(secure(servers, **{"verify": True, "ca": True, **options}))
    assert (found or "").startswith(end or "")
    assert (found is None) == (end is None)


# ---- dnsmasq, aiosmtpd


def names(servers: Servers, timeout: Micros = LONG, **options: str) -> DnsCheck:
    return DnsCheck(timing=CheckTiming(), connect=at(servers.names.port, timeout), **options)


@pytest.mark.parametrize(
    ("type_", "name", "end"),
    [
        ("A", "good.example", None),
        ("AAAA", "good.example", None),  # no error, and no answer
        ("A", "bad.example", "answered with NXDOMAIN"),
        ("SOA", ".", "answered with REFUSED"),
    ],
)
def test_names(servers: Servers, type_: str, name: str, end: str | None) -> None:
    assert ask(names(servers, type=type_, name=name)) == end


def test_mail(servers: Servers) -> None:
    check = SmtpCheck(timing=CheckTiming(), connect=at(servers.mail.port), helo_name="check.example")
    assert ask(check) is None
    assert ask(replace(check, connect=at(servers.grumpy.port))) == "HELO answered with 550, not 250"


# ---- all kinds, in all states


def kinds(servers: Servers, timeout: Micros) -> dict[str, tuple[Server, Asking]]:
    timing = CheckTiming()
    return {
        "TCP_CHECK": (servers.web, TcpCheck(timing=timing, connect=at(servers.web.port, timeout))),
        "HTTP_GET": (servers.web, web(servers, timeout=timeout)),
        "SSL_GET": (servers.web, secure(servers, timeout=timeout)),
        "DNS_CHECK": (servers.names, names(servers, timeout, type="A", name="good.example")),
        "SMTP_CHECK": (servers.mail, SmtpCheck(timing=timing, connect=at(servers.mail.port, timeout))),
        "UDP_CHECK": (
            servers.names,
            UdpCheck(
                timing=timing,
                connect=at(servers.names.port, timeout),
                payload=bytes.fromhex("abcd01000001000000000000") + b"\4good\7example\0\0\1\0\1",
                require_reply=bytes.fromhex("abcd8580"),
                min_reply_length=20,
            ),
        ),
    }


KINDS = ("TCP_CHECK", "HTTP_GET", "SSL_GET", "DNS_CHECK", "SMTP_CHECK", "UDP_CHECK")


@pytest.mark.parametrize("kind", KINDS)
def test_well_dead_and_flapping(servers: Servers, kind: str) -> None:
    server, check = kinds(servers, LONG)[kind]
    for _ in range(2):
        assert ask(check) is None
        server.kill()
        assert ask(kinds(servers, FOREVER)[kind][1]) == "connection refused"  # at once
        server.start()
    assert ask(check) is None


HALF_OPEN = {
    "TCP_CHECK": None,
    "HTTP_GET": "Timeout HTTP read in 0.3 s",
    "SSL_GET": "no TLS handshake in 0.3 s",
    "DNS_CHECK": "no answer in 0.3 s",
    "SMTP_CHECK": "no answer to greeting in 0.3 s",
    "UDP_CHECK": "no answer in 0.3 s",
}


@pytest.mark.parametrize("kind", KINDS)
def test_half_open_and_slow(servers: Servers, kind: str) -> None:
    server, check = kinds(servers, SHORT)[kind]
    server.freeze()
    try:
        assert ask(check) == HALF_OPEN[kind]
    finally:
        server.thaw()
    _, patient = kinds(servers, LONG)[kind]
    with server.nap(0.5):
        assert ask(patient) is None


@pytest.mark.parametrize("state", ["well", "dead", "half-open"])
def test_no_check_leaves_work_for_the_collector_of_garbage(servers: Servers, state: str) -> None:
    """Which stops everything while it looks, and does not run in the worker."""
    several: dict[str, Checker] = {
        **{kind: check for kind, (_, check) in kinds(servers, SHORT).items()},
        "regex": web(servers, timeout=SHORT, **says("all is well")),
        "another regex": web(servers, timeout=SHORT, **says("all was well")),
        "status": web(servers, "/broken", SHORT),
        "certificate": secure(servers, timeout=SHORT, verify=True),
        "ping": PingCheck(timing=CheckTiming(), connect=at(0, SHORT, "127.0.0.1")),
        "misbound": TcpCheck(timing=CheckTiming(), connect=at(1, bindto=Endpoint(ip_address("192.0.2.1"), 0))),
        "script": MiscCheck(timing=CheckTiming(), command=Command(("/bin/false",)), timeout=SECOND, dynamic=False),
    }

    async def garbage() -> int:
        ended: list[tuple[int, Outcome]] = []
        runner = Runner(ended.extend, 1000, lambda command: start(command, None))
        for times in (1, 10):  # what is loaded at first leaves some
            gc.collect()
            ended.clear()
            for number, check in enumerate(list(several.values()) * times):
                runner.begin(number, check)
            while len(ended) < len(several) * times:
                await asyncio.sleep(0.01)
            # Let who was told last get to its end.
            await asyncio.sleep(0)
        ended.clear()
        found = gc.collect()
        await runner.close()
        return found

    actors = (servers.web, servers.names, servers.mail)
    gc.disable()
    try:
        for actor in actors:
            {"dead": actor.kill, "half-open": actor.freeze, "well": actor.thaw}[state]()
        assert asyncio.run(garbage()) == 0
    finally:
        gc.enable()
        for actor in actors:
            actor.start() if state == "dead" else actor.thaw()


# ---- hosts that can be pinged


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    net = Net()
    try:
        net.add_bridge("wire")
        made = []
        for number in (1, 2):
            host = net.add_host(f"h{number}")
            net.plug(host, "eth0", "wire")
            host.set_link("eth0", up=True)
            host.add_address("eth0", f"10.9.0.{number}/24")
            host.run("ip", "addr", "add", f"fd09::{number}/64", "dev", "eth0", "nodad")
            made.append(host)
        yield made[0], made[1]
    finally:
        net.close()


@pytest.mark.parametrize("address", ["10.9.0.2", "fd09::2"])
def test_pings(hosts: tuple[Host, Host], address: str) -> None:
    here, there = hosts

    def ping(timeout: Micros = LONG, **options: Any) -> str | None:
        with inside(here.namespace):
            return ask(PingCheck(timing=CheckTiming(), connect=at(0, timeout, address, **options)))

    assert ping() is None
    assert ping(bind_if="eth0") is None
    there.set_link("eth0", up=False)
    assert ping(SHORT) == "no answer in 0.3 s"
    there.set_link("eth0", up=True)
    if ":" in address:
        there.run("ip", "addr", "replace", "fd09::2/64", "dev", "eth0", "nodad")
    deadline = time.monotonic() + 30  # the kernel lets a device begin up to a second late
    while (reason := ping(SECOND)) is not None:
        assert time.monotonic() < deadline, reason
