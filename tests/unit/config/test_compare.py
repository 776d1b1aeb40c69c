from __future__ import annotations

import pytest

from pyvrrp.config import load
from pyvrrp.config.compare import Side, compare
from pyvrrp.errors import ConfigProblem, Severity
from tests.unit.config.files import source

ONE = """\
global_defs {
router_id left
}
vrrp_sync_group G {
group {
V
}
}
vrrp_instance V {
state BACKUP
interface eth0
virtual_router_id 5
priority 100
advert_int 1
authentication {
auth_type PASS
auth_pass geheim
}
virtual_ipaddress {
10.0.0.1/24
}
virtual_ipaddress_excluded {
10.1.0.1/24
}
}
virtual_server 10.0.0.1 80 {
protocol TCP
lb_algo rr
lb_kind NAT
real_server 10.0.0.2 80 {
}
real_server 10.0.0.3 80 {
}
}
"""
TWO = ONE.replace("priority 100", "priority 90").replace("id left", "id right")


def compared(one: str, two: str) -> tuple[ConfigProblem, ...]:
    sides = [Side(expanded, load(expanded)) for expanded in (source(one), source(two))]
    return compare(*sides)


def test_a_pair() -> None:
    assert compared(ONE, TWO) == ()


E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTICE


@pytest.mark.parametrize(
    ("old", "new", "severity", "line", "message"),
    [
        ("router_id 5", "router_id 6", E, 12, "V: virtual_router_id is 5 here and 6 there"),
        ("advert_int 1", "advert_int 2", E, 14, "V: advert_int is 1 here and 2 there"),
        ("auth_pass geheim", "auth_pass other", E, 17, "V: auth_pass differs"),
        ("10.0.0.1/24", "10.0.0.1/25", E, 19, "V: virtual_ipaddress: 10.0.0.1/24 only here"),
        ("10.1.0.1/24", "10.1.0.2/24", W, 22, "V: virtual_ipaddress_excluded: 10.1.0.1/24 only here"),
        ("priority 90", "priority 100", W, 13, "V: both have priority 100"),
        ("router_id right", "router_id left", W, 2, "both have router_id left"),
        ("lb_algo rr", "lb_algo wlc", W, 26, "virtual server [10.0.0.1]:tcp:80: lb_algo is rr here and wlc there"),
        (
            "10.0.0.3 80 {\n}",
            "10.0.0.3 80 {\nweight 5\n}",
            W,
            26,
            "virtual server [10.0.0.1]:tcp:80: real server 10.0.0.3:80 has weight 1 here and 5 there",
        ),
        ("10.0.0.3 80", "10.0.0.4 80", W, 26, "virtual server [10.0.0.1]:tcp:80: real server 10.0.0.3:80 only here"),
        ("virtual_server 10.0.0.1", "virtual_server 10.0.0.9", E, 26, "virtual server [10.0.0.1]:tcp:80 is missing in"),
        ("vrrp_sync_group G", "vrrp_sync_group H", W, 4, "sync group G is only here"),
        ("advert_int 1\n", "advert_int 1\nunicast_peer {\n10.0.0.7\n}\n", E, 9, "V: multicast here and unicast there"),
        ("advert_int 1\n", "advert_int 1\nmcast_dst_ip 224.0.0.9\n", E, 9, "V: mcast_dst_ip is 224.0.0.18 here and"),
    ],
)
def test_what_must_be_equal_and_what_must_differ(
    old: str, new: str, severity: Severity, line: int, message: str
) -> None:
    assert old in TWO
    found = compared(ONE, TWO.replace(old, new))
    assert message in found[0].message
    assert (found[0].severity, found[0].span.line) == (severity, line)
    assert found[0].span.origin[-1].startswith("the other: /etc/keepalived.conf")


def test_both_places_are_told_and_no_secret() -> None:
    found = compared(ONE, "\n" + TWO.replace("geheim", "heimlich"))
    assert [problem.span.origin for problem in found] == [("the other: /etc/keepalived.conf:18:1: auth_pass ********",)]
    assert "geheim" not in repr(found)


def test_authentication_and_version() -> None:
    without = TWO.replace("authentication {\nauth_type PASS\nauth_pass geheim\n}\n", "")
    assert [problem.message for problem in compared(ONE, without)] == ["V: authentication only here"]
    messages = [problem.message for problem in compared(ONE, without.replace("advert_int", "version 3\nadvert_int"))]
    assert messages == ["V: version is 2 here and 3 there", "V: authentication only here"]


def test_instances_of_other_names_are_found_by_their_id() -> None:
    renamed = TWO.replace("vrrp_instance V", "vrrp_instance W").replace("group {\nV", "group {\nW")
    assert [problem.message for problem in compared(ONE, renamed)] == [
        "sync group G has V here and W there",
    ]


def test_an_instance_without_counterpart() -> None:
    messages = [problem.message for problem in compared(ONE, "")]
    assert messages[0] == "V (virtual_router_id 5) has no counterpart in /etc/keepalived.conf"
    assert [problem.severity for problem in compared("", ONE)] == [E, W, E]


UNICAST = "advert_int 1\nunicast_src_ip 10.0.0.%d\nunicast_peer {\n10.0.0.%d\n}\n"


def unicast(text: str, own: int, peer: int) -> str:
    return text.replace("advert_int 1\n", UNICAST % (own, peer))


def test_unicast_peers() -> None:
    assert compared(unicast(ONE, 7, 8), unicast(TWO, 8, 7)) == ()
    [problem] = compared(unicast(ONE, 7, 8), unicast(TWO, 8, 9))
    assert problem.message == "V: 10.0.0.7, from which the other sends, is no unicast_peer"
    messages = [problem.message for problem in compared(unicast(ONE, 7, 8), unicast(TWO, 7, 8))]
    assert "V: both send from 10.0.0.7" in messages


def test_weights_that_never_cause_a_failover() -> None:
    def tracking(weight: int) -> str:
        return ONE.replace("advert_int 1\n", f"advert_int 1\ntrack_interface {{\neth1 weight {weight}\n}}\n")

    assert compared(tracking(-20), TWO) == ()
    [problem] = compared(tracking(-5), TWO)
    assert problem.message == "V: the weights here lower priority 100 to 95 at most, the other has 90"
    assert problem.severity is W
    [problem] = compared(TWO, tracking(-5))
    assert "the weights there" in problem.message


def test_two_masters() -> None:
    one, two = (text.replace("state BACKUP", "state MASTER") for text in (ONE, TWO))
    assert [(problem.severity, problem.message) for problem in compared(one, two)] == [(N, "V: both have state MASTER")]
