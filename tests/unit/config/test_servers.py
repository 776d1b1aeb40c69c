from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from pyvrrp.errors import ConfigProblem, Severity
from pyvrrp.model.checkers import TcpCheck
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import (
    Forwarding,
    Protocol,
    RealServer,
    ServiceKey,
    SorryServer,
    Tunnel,
    TunnelType,
    VirtualServer,
)
from pyvrrp.net import AF_INET, AF_INET6
from tests.unit.config.files import loaded, only, told

HEAD = "lb_algo rr\nlb_kind NAT\nprotocol TCP\n"
RS = "real_server 10.0.0.2 80 {\n}\n"
KEY = ServiceKey.of(Endpoint(IPv4Address("10.0.0.1"), 80), Protocol.TCP)
SERVER = RealServer(endpoint=Endpoint(IPv4Address("10.0.0.2"), 80))


def read(body: str, name: str = "10.0.0.1 80") -> tuple[VirtualServer | None, tuple[ConfigProblem, ...]]:
    found = loaded(f"virtual_server {name} {{\n{body}\n}}\n")
    made = found.config.virtual_servers
    return made[0] if made else None, found.problems


def good(body: str, name: str = "10.0.0.1 80") -> VirtualServer:
    made, problems = read(body, name)
    assert problems == ()
    assert made is not None
    return made


def test_the_least() -> None:
    assert good(HEAD + RS) == VirtualServer(key=KEY, scheduler="rr", real_servers=(SERVER,))


def test_everything_said() -> None:
    made = good(
        """\
lvs_sched sh
sh-port
sh-fallback
lvs_method TUN
protocol udp
ops
persistence_timeout
persistence_granularity 255.255.255.0
persistence_engine sip
weight 5
quorum 8
hysteresis 2
inhibit_on_failure
sorry_server 10.0.0.9 80
sorry_server_inhibit
sorry_server_lvs_method NAT
real_server 10.0.0.2 80 {
    inhibit_on_failure off
}
real_server 10.0.0.3 80 {
    weight 7
    lvs_method NAT
    uthreshold 100
    lthreshold 50
}
"""
    )
    assert made == VirtualServer(
        key=ServiceKey.of(Endpoint(IPv4Address("10.0.0.1"), 80), Protocol.UDP),
        scheduler="sh",
        flags=0x1C,
        persistence_timeout=360,
        persistence_netmask=IPv4Address("255.255.255.0"),
        persistence_engine="sip",
        quorum=8,
        hysteresis=2,
        sorry_server=SorryServer(
            endpoint=Endpoint(IPv4Address("10.0.0.9"), 80), forwarding=Forwarding.NAT, inhibit=True
        ),
        real_servers=(
            RealServer(endpoint=Endpoint(IPv4Address("10.0.0.2"), 80), weight=5, forwarding=Forwarding.TUN),
            RealServer(
                endpoint=Endpoint(IPv4Address("10.0.0.3"), 80),
                weight=7,
                forwarding=Forwarding.NAT,
                upper_threshold=100,
                lower_threshold=50,
                inhibit_on_failure=True,
            ),
        ),
    )


def test_firewall_marks() -> None:
    body = "lb_algo rr\nlb_kind DR\nreal_server 10.0.0.2 {\n}\n"
    assert good(body, "fwmark 5").key == ServiceKey(AF_INET, None, None, 5)
    assert good("ip_family inet6\n" + body.replace("10.0.0.2", "fe80::2"), "fwmark 5").key.family == AF_INET6
    assert (
        good("persistence_granularity 64\n" + body.replace("10.0.0.2", "fe80::2"), "fwmark 5").persistence_netmask == 64
    )


def test_ipv6() -> None:
    made = good(HEAD + "real_server 2001:db8::2 80 {\n}\n", "2001:db8::1 80")
    assert made.key == ServiceKey.of(Endpoint(IPv6Address("2001:db8::1"), 80), Protocol.TCP)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("foo 80", "`foo` is not an IP address"),
        ("10.0.0.1 99999", "port: 99999 is out of range (1 to 65535)"),
        ("10.0.0.1 http", "port: `http` is not a whole number"),
        ("10.0.0.1:80", "`10.0.0.1:80` is not an IP address"),
        ("fwmark abc", "fwmark: `abc` is not a whole number"),
        ("fwmark 0", "fwmark: 0 is out of range (1 to 4294967295)"),
        ("fwmark", "fwmark: its number is missing"),
        ("group", "the name of the group is missing"),
    ],
)
def test_virtual_servers_that_are_left_out(name: str, message: str) -> None:
    made, problems = read(HEAD + RS, name)
    assert made is None
    assert only(problems).message == message


def test_address_and_port_in_one_word_are_recognised() -> None:
    assert only(read(HEAD + RS, "10.0.0.1:80")[1]).suggestion == "write `virtual_server 10.0.0.1 80`"


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (RS, ["virtual_server 10.0.0.1 80 has no (valid) lb_kind", "virtual_server 10.0.0.1 80 has no protocol"]),
        (HEAD, ["virtual_server 10.0.0.1 80 has no real servers"]),
        (HEAD + "sorry_server 10.0.0.9 80\n", ["virtual_server 10.0.0.1 80 has no real servers"]),
        (HEAD + "lb_algo rr|wrr\n" + RS, ["`rr|wrr` is not a scheduler"]),
        (HEAD + "lb_kind dr\n" + RS, ["`dr` is not a forwarding method"]),
        (HEAD + "protocol FOO\n" + RS, ["`FOO` is not a protocol"]),
        (HEAD + "ops\n" + RS, ["one-packet scheduling (ops) is for UDP only"]),
        (HEAD + "sh-port\n" + RS, ["`sh-port` is for scheduler sh, which must be set before"]),
        (HEAD + "hashed\n" + RS, ["`hashed` is for the schedulers sh and mh"]),
        (HEAD + "ip_family inet6\n" + RS, ["the virtual server is IPv4"]),
        (HEAD + "persistence_granularity foo\n" + RS, ["`foo` is not an IPv4 mask"]),
        (HEAD + "persistence_timeout 0\n" + RS, ["0 is out of range (1 to 2678400)"]),
        (HEAD + f"persistence_engine {'x' * 17}\n" + RS, ["the name is longer than 16 characters"]),
        (HEAD + "sorry_server_inhibit\n" + RS, ["`sorry_server_inhibit` must come after sorry_server"]),
        (HEAD + "sorry_server fe80::1 80\n" + RS, ["the virtual server is IPv4"]),
        (HEAD + "sorry_server foo\n" + RS, ["`foo` is not an IP address"]),
        (HEAD + RS + RS, ["real server 10.0.0.2:80 is here already"]),
        (HEAD + RS + "real_server fe80::2 80 {\n}\n", ["the virtual server is IPv4"]),
        (HEAD + RS + "real_server foo 80 {\n}\n", ["`foo` is not an IP address"]),
        (HEAD + "quorum 5\n" + RS, ["quorum 5 is more than all weights together (1)"]),
        (HEAD + "hysteresis 5\n" + RS, ["hysteresis 5 is not less than quorum 1"]),
    ],
)
def test_what_keepalived_complains_of(body: str, messages: list[str]) -> None:
    _, problems = read(body)
    found = [problem.message for problem in problems if problem.kind]
    assert found[: len(messages)] == messages


def test_what_is_used_instead() -> None:
    made, _ = read(RS)
    assert made is not None
    assert (made.scheduler, made.key.protocol, made.real_servers[0].forwarding) == (
        "wlc",
        Protocol.UDP,
        Forwarding.NAT,
    )
    made, problems = read(HEAD + RS, "10.0.0.1")
    assert made is not None
    assert (made.persistence_timeout, made.real_servers[0].endpoint.port) == (360, 80)
    assert only(problems).effect == "persistence_timeout 360 is used"
    assert good(HEAD + "persistence_timeout 50\n" + RS, "10.0.0.1 0").persistence_timeout == 50


@pytest.mark.parametrize(
    ("method", "written", "used", "complaints"),
    [
        ("NAT", "81", 81, 0),
        ("NAT", "", 80, 0),
        ("DR", "", 80, 0),
        ("DR", "80", 80, 0),
        ("DR", "81", 80, 1),
        ("TUN", "81", 80, 1),
    ],
)
def test_only_nat_changes_the_port(method: str, written: str, used: int, complaints: int) -> None:
    made, problems = read(f"lb_algo rr\nprotocol TCP\nlb_kind {method}\nreal_server 10.0.0.2 {written} {{\n}}\n")
    assert made is not None
    assert made.real_servers[0].endpoint.port == used
    assert len(problems) == complaints


def test_ports_of_the_sorry_server() -> None:
    body = "lb_algo rr\nprotocol TCP\nlb_kind %s\nsorry_server 10.0.0.9 %s\n" + RS
    for method, written, used in (("NAT", "", 0), ("NAT", "81", 81), ("DR", "81", 80), ("DR", "", 80)):
        made, _ = read(body % (method, written))
        assert made is not None
        assert made.sorry_server is not None
        assert made.sorry_server.endpoint.port == used


def test_a_mark_and_dr_leave_the_port_to_the_client() -> None:
    made, problems = read("lb_algo rr\nlb_kind DR\n" + RS, "fwmark 5")
    assert made is not None
    assert made.real_servers[0].endpoint.port == 0
    assert only(problems).effect == "the port is ignored"


def test_the_method_is_the_one_known_when_the_server_was_read() -> None:
    body = "lb_algo rr\nprotocol TCP\nlb_kind NAT\n" + RS + "lb_kind DR\nreal_server 10.0.0.3 80 {\n}\n"
    assert [server.forwarding for server in good(body).real_servers] == [Forwarding.NAT, Forwarding.DR]
    late = good("lb_algo rr\nprotocol TCP\n" + RS + "lb_kind DR\n")
    assert late.real_servers[0].forwarding is Forwarding.DR


def test_weights_of_zero_only_never_reach_a_quorum() -> None:
    made, problems = read(HEAD + "real_server 10.0.0.2 80 {\nweight 0\n}\n")
    assert made is not None
    assert (made.quorum, made.hysteresis) == (0, 4294967295)
    assert only(problems).effect == "quorum is never reached"


def test_gue_and_gre_tunnels() -> None:
    made, problems = read(HEAD.replace("NAT", "TUN type gre") + RS)
    assert made is not None
    assert made.real_servers[0].tunnel == Tunnel(type=TunnelType.GRE)
    assert problems == ()


def test_the_same_service_twice() -> None:
    again = RS + RS.replace("10.0.0.2", "10.0.0.3")
    found = loaded("".join(f"virtual_server 10.0.0.1 80 {{\n{HEAD}{servers}}}\n" for servers in (RS, again)))
    (made,) = found.config.virtual_servers
    assert [str(one.endpoint) for one in made.real_servers] == ["10.0.0.2:80", "10.0.0.3:80"]
    assert told(found.problems) == [(8, Severity.ERROR, "virtual server [10.0.0.1]:tcp:80 is configured already")]


@pytest.mark.parametrize(
    ("head", "written", "asked"),
    [
        ("10.0.0.1 80", "10.0.0.2 8080", "10.0.0.2:8080"),
        ("10.0.0.1 80", "10.0.0.2", "10.0.0.2:80"),
        ("fwmark 7", "10.0.0.2 8080", "10.0.0.2:8080"),
    ],
)
@pytest.mark.parametrize("method", ["NAT", "DR", "TUN"])
def test_checks_ask_at_the_port_that_is_written(method: str, head: str, written: str, asked: str) -> None:
    (made,) = loaded(
        f"virtual_server {head} {{\nlvs_method {method}\nlb_algo rr\nprotocol TCP\n"
        f"real_server {written} {{\nTCP_CHECK {{\n}}\n}}\n}}\n"
    ).config.virtual_servers
    (check,) = made.real_servers[0].checkers
    assert isinstance(check, TcpCheck)
    assert str(check.connect.target) == asked


@pytest.mark.parametrize(
    ("servers", "kind"),
    [
        ("real_server fd00::2 {\n}\n", AF_INET6),
        ("real_server 10.0.0.2 {\n}\n", AF_INET),
        ("real_server fd00::2 {\n}\nreal_server 10.0.0.2 {\n}\n", AF_INET),
        ("real_server fd00::2 {\n}\nsorry_server 10.0.0.9\n", AF_INET),
    ],
)
def test_a_mark_whose_servers_are_behind_tunnels_has_their_family(servers: str, kind: int) -> None:
    (made,) = loaded(f"virtual_server fwmark 7 {{\nlb_algo rr\nlvs_method TUN\n{servers}}}\n").config.virtual_servers
    assert made.key.family == kind


def test_an_old_mask_is_read_as_keepalived_reads_it() -> None:
    made, problems = read(HEAD + "persistence_granularity 24\n" + RS)
    assert made is not None
    assert made.persistence_netmask == IPv4Address("0.0.0.24")
    assert only(problems).severity is Severity.NOTICE


def test_a_prefix_length_at_an_address_is_noticed() -> None:
    made, problems = read(HEAD + RS, "10.0.0.1/24 80")
    assert made is not None
    assert made.key == KEY
    assert only(problems).severity is Severity.NOTICE
