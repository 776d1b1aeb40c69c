"""virtual_server_group, and the virtual servers that name one."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest

from pyvrrp.errors import Severity
from pyvrrp.model.config import Config
from pyvrrp.model.lvs import AddressRange, GroupMark, Protocol, ServiceKey, VirtualServer, VirtualServerGroup
from pyvrrp.net import AF_INET, AF_INET6
from tests.unit.config.files import loaded

HEAD = "lb_algo rr\nlb_kind NAT\nprotocol TCP\n"
RS = "real_server 10.0.0.2 80 {\n}\n"


def entries(*lines: str) -> VirtualServerGroup:
    (group,) = loaded("virtual_server_group G {\n" + "\n".join(lines) + "\n}\n").config.virtual_server_groups
    return group


def complaints(text: str) -> list[str]:
    return [problem.message for problem in loaded(text).problems if problem.severity is not Severity.INACTIVE]


def served(lines: str, *bodies: str) -> Config:
    blocks = "".join(f"virtual_server group G {{\n{body}}}\n" for body in bodies)
    return loaded(f"virtual_server_group G {{\n{lines}\n}}\n{blocks}").config


def services(server: VirtualServer) -> list[str]:
    return [str(key) for key in server.services()]


@pytest.mark.parametrize(
    ("line", "first", "last", "port"),
    [
        ("10.0.0.1 80", "10.0.0.1", "10.0.0.1", 80),
        ("10.0.0.1", "10.0.0.1", "10.0.0.1", 0),
        ("10.0.0.1 000", "10.0.0.1", "10.0.0.1", 0),
        ("10.0.0.5-20 80", "10.0.0.5", "10.0.0.20", 80),
        ("10.0.0.5-10.0.1.2 80", "10.0.0.5", "10.0.1.2", 80),
        ("10.0.0.5-10.0.0.5 80", "10.0.0.5", "10.0.0.5", 80),
        ("10.0.0.8/29 80", "10.0.0.8", "10.0.0.15", 80),
        ("2001:db8::10-1f 80", "2001:db8::10", "2001:db8::1f", 80),
        ("2001:db8::10-2001:db8::20 80", "2001:db8::10", "2001:db8::20", 80),
        ("2001:db8::/126", "2001:db8::", "2001:db8::3", 0),
    ],
)
def test_addresses(line: str, first: str, last: str, port: int) -> None:
    found = AddressRange(ip_address(first), ip_address(last), port)
    assert entries(line).ranges == (found,)
    assert len(found) == len(list(found)) == int(ip_address(last)) - int(ip_address(first)) + 1


def test_marks() -> None:
    assert entries("fwmark 5", "fwmark 6 inet", "fwmark 4294967295 inet6").marks == (
        GroupMark(5),
        GroupMark(6, AF_INET),
        GroupMark(4294967295, AF_INET6),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("10.0.0.5-5", "a range must end behind where it begins"),
        ("10.0.0.5-", "a range must end behind where it begins"),
        ("10.0.0.5-256", "the range ends at 256, and 255 is the most"),
        ("2001:db8::1-10000", "the range ends at 10000, and ffff is the most"),
        ("10.0.0.5-4x", "`x` behind the range means nothing"),
        ("10.0.0.5-10.0.0.4", "the range ends before it begins"),
        ("10.0.0.9/29", "10.0.0.9/29 has bits set behind its prefix length"),
        ("10.0.0.0/33", "prefix length: 33 is out of range (1 to 32)"),
        ("10.0.0.1-2001:db8::1", "`10.0.0.1-2001:db8::1` is neither an address nor a range"),
        ("foo", "`foo` is neither an address nor a range"),
        ("10.0.0.1 http", "port: `http` is not a whole number"),
        ("fwmark 0", "0 is what packets without a mark have"),
        ("fwmark x", "fwmark: `x` is not a whole number"),
        ("fwmark 5 inet7", "`inet7` is not a family"),
        ("2001:db8::/64", "2001:db8::/64 has more than 65536 addresses, each of which would be a service"),
    ],
)
def test_lines_that_are_skipped(line: str, message: str) -> None:
    text = f"virtual_server_group G {{\n{line}\n10.0.0.1 80\n}}\n"
    assert complaints(text) == [message]
    assert loaded(text).config.virtual_server_groups == (entries("10.0.0.1 80"),)
    alone = "virtual_server_group G has no entry that can be used"
    assert complaints(text.replace("10.0.0.1 80\n", "", 1)) == [alone, message]


def test_what_follows_a_range_does_not_cost_it() -> None:
    assert entries("10.0.0.5-7x").ranges == (AddressRange(IPv4Address("10.0.0.5"), IPv4Address("10.0.0.7")),)


def test_a_colon_before_the_port_is_recognised() -> None:
    found = loaded("virtual_server_group G {\n10.0.0.1:80\n10.0.0.2 80\n}\n").problems
    assert [p.suggestion for p in found if p.suggestion] == ["write `10.0.0.1 80`"]


def test_a_second_group_of_the_same_name_does_not_count() -> None:
    text = "virtual_server_group G {\n10.0.0.1\n}\nvirtual_server_group G {\n10.0.0.2\n}\n"
    assert complaints(text) == ["virtual_server_group G is defined already"]
    assert loaded(text).config.virtual_server_groups == (entries("10.0.0.1"),)


def test_a_mark_must_say_its_family_between_both() -> None:
    text = "virtual_server_group G {\n10.0.0.1\n2001:db8::1\nfwmark 5\n}\n"
    assert complaints(text) == ["virtual_server_group G has IPv4, IPv6, and a fwmark that does not say which it is"]
    assert loaded(text).config.virtual_server_groups == ()


# ---- virtual servers


def test_a_service_for_each_entry() -> None:
    (server,) = served("10.0.0.1-2 80\nfwmark 7", HEAD + RS).virtual_servers
    assert server.key == ServiceKey(0, Protocol.TCP, None, group="G")
    assert str(server.key) == "[G]:0"
    assert services(server) == ["[10.0.0.1]:tcp:80", "[10.0.0.2]:tcp:80", "FWM 7"]


def test_they_are_told_apart_by_their_order() -> None:
    found = served("10.0.0.1 80", HEAD + RS, "virtualhost x\n" + HEAD + RS).virtual_servers
    assert [(str(server.key), server.virtualhost) for server in found] == [("[G]:0", None), ("[G]:1", "x")]


def test_a_mark_has_the_family_of_the_servers() -> None:
    (server,) = served(
        "fwmark 7\nfwmark 8 inet6", "lb_algo rr\nlb_kind NAT\nreal_server fd00::1 {\n}\n"
    ).virtual_servers
    assert [key.family for key in server.services()] == [AF_INET6, AF_INET6]
    assert server.key.protocol is None


def test_only_tunnels_lead_to_the_other_family() -> None:
    lines = "10.0.0.1 80\n2001:db8::1 80\nfwmark 7 inet6"
    (server,) = served(lines, HEAD.replace("NAT", "TUN") + "real_server 10.0.0.2 {\n}\n").virtual_servers
    assert len(services(server)) == 3
    (server,) = served(lines, HEAD + RS).virtual_servers
    assert services(server) == ["[10.0.0.1]:tcp:80"]
    text = f"virtual_server_group G {{\n{lines}\n}}\nvirtual_server group G {{\n{HEAD}{RS}}}\n"
    assert complaints(text) == ["2 entries of group G are not of the servers' family"]


def test_ports_are_as_written() -> None:
    dr = HEAD.replace("NAT", "DR")
    (server,) = served("10.0.0.1 80\n10.0.0.1 81", dr + RS + "real_server 10.0.0.3 {\n}\n").virtual_servers
    assert [str(real.endpoint) for real in server.real_servers] == ["10.0.0.2:80", "10.0.0.3:0"]


def test_a_name_that_does_not_exist() -> None:
    text = f"virtual_server_group GROUP {{\n10.0.0.1 80\n}}\nvirtual_server group GRUOP {{\n{HEAD}{RS}}}\n"
    found = loaded(text)
    assert found.config.virtual_servers == ()
    (problem,) = (p for p in found.problems if p.severity is Severity.ERROR)
    assert (problem.suggestion, problem.kind) == ("did you mean `GROUP`?", 0)


@pytest.mark.parametrize(
    ("lines", "body", "message"),
    [
        ("10.0.0.1 80", HEAD.replace("protocol TCP\n", "") + RS, "virtual_server group G has no protocol"),
        ("fwmark 7", HEAD + RS, "a firewall mark has no protocol"),
        ("10.0.0.1", HEAD + RS, "a virtual server without a port must be persistent"),
        (
            "10.0.0.1 80\nfwmark 7",
            HEAD + "ha_suspend\n" + RS,
            "ha_suspend is for addresses, and a firewall mark has none",
        ),
        (
            "10.0.0.1 81",
            HEAD.replace("NAT", "DR") + RS,
            "DR cannot change the port: `10.0.0.1 81` of group G has another one",
        ),
        ("10.0.0.1 80\nfwmark 7", HEAD.replace("NAT", "DR") + RS, "with DR the port is the client's"),
        ("10.0.0.1 80", HEAD, "virtual_server group G has no real servers"),
    ],
)
def test_what_is_complained_of(lines: str, body: str, message: str) -> None:
    text = f"virtual_server_group G {{\n{lines}\n}}\nvirtual_server group G {{\n{body}}}\n"
    assert complaints(text) == [message]
