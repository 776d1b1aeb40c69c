from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from pyvrrp.config import exit_status, load
from pyvrrp.config.advice import advise
from pyvrrp.errors import Severity
from tests.unit.config.files import only, source, told
from tests.unit.config.reference import TEXT

INSTANCE = """\
vrrp_instance %s {
interface %s
virtual_router_id %d
%s
virtual_ipaddress {
%s
}
}
"""
SERVER = """\
virtual_server 10.0.0.1 80 {
protocol TCP
lb_algo rr
lb_kind NAT
quorum %d
hysteresis %d
real_server 10.0.0.2 80 {
}
real_server 10.0.0.3 80 {
}
}
"""


def advice(text: str, *addresses: str) -> list[tuple[int, Severity, str]]:
    expanded = source(text)
    loaded = load(expanded)
    found = advise(expanded, loaded, [IPv4Address(address) for address in addresses] if addresses else None)
    assert exit_status((*loaded.problems, *found)) == exit_status(loaded.problems)
    return told(found)


def instance(inside: str = "", address: str = "10.0.0.1/24", *, name: str = "V", interface: str = "eth0") -> str:
    return INSTANCE % (name, interface, 5, inside, address)


def test_nothing_to_say() -> None:
    assert advice(TEXT) == []
    assert advice(instance() + SERVER % (1, 1)) == []


def test_the_same_virtual_router_twice_on_what_may_be_one_segment() -> None:
    first, second = instance(), instance(address="10.0.0.9/24", name="W", interface="eth1")
    [(line, severity, message)] = advice(first + second)
    assert (line, severity) == (11, Severity.NOTICE)
    assert message == "V on eth0 and W on eth1 share virtual_router_id 5 and a subnet"
    assert advice(first + second.replace("10.0.0.9", "10.0.9.9")) == []
    assert advice(first + second.replace("_id 5", "_id 6")) == []


def test_an_address_without_prefix() -> None:
    assert advice(instance(address="10.0.0.1")) == [(6, Severity.NOTICE, "10.0.0.1 has no prefix length")]
    text = instance().replace("}\n}", "}\nvirtual_ipaddress_excluded {\n10.1.0.1 dev eth1\n}\n}")
    assert advice(text) == [(9, Severity.NOTICE, "10.1.0.1 has no prefix length")]


def test_an_owner_that_does_not_own() -> None:
    owner = instance("priority 255")
    [(line, severity, message)] = advice(owner, "10.0.0.7")
    assert (line, severity) == (4, Severity.WARNING)
    assert "10.0.0.1 is no address of this host" in message
    assert advice(owner, "10.0.0.7", "10.0.0.1") == []
    assert advice(owner) == []
    assert advice(instance("priority 254"), "10.0.0.7") == []


@pytest.mark.parametrize("letter", ["\u00a0", "\u200b", "\ufeff", "\u2003"])
def test_an_invisible_character_in_an_argument(letter: str) -> None:
    [(line, severity, message)] = advice(f"global_defs {{\nrouter_id a{letter}b\n}}\n")
    assert (line, severity) == (2, Severity.WARNING)
    assert f"U+{ord(letter):04X}" in message


def test_letters_of_other_languages_are_none() -> None:
    assert advice("global_defs {\nrouter_id 路由\n}\n") == []


TRACK = "track_interface {\neth1 weight %d\n}\n"


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("nopreempt\n" + TRACK % -20, "causes no failover with nopreempt"),
        ("priority 255\n" + TRACK % -20, "never changes a priority of 255"),
        ("priority 254\n" + TRACK % 20, "cannot raise a priority of 254"),
        ("priority 1\n" + TRACK % -20, "cannot lower a priority of 1"),
        (TRACK % -20, None),
        ("priority 254\n" + TRACK % -20, None),
        ("nopreempt\ntrack_interface {\neth1\n}", None),
    ],
)
def test_weights_that_change_nothing(inside: str, said: str | None) -> None:
    found = advice(instance(inside))
    assert [said in message for _, _, message in found if said] == [True] * (said is not None)
    assert len(found) == (said is not None)
    assert all(severity is Severity.WARNING for _, severity, _ in found)


def test_a_quorum_that_is_never_gained_again() -> None:
    assert [message for _, _, message in advice(SERVER % (2, 1))] == [
        "quorum 2 with hysteresis 1 is more than all weights together (2)"
    ]
    assert advice(SERVER % (2, 0)) == []


DEFINED = "vrrp_script S {\nscript /bin/true\n}\ntrack_file F {\nfile /tmp/f\n}\n"


def test_what_is_defined_and_not_used() -> None:
    assert advice(DEFINED + instance()) == [
        (1, Severity.NOTICE, "vrrp_script S is not used"),
        (4, Severity.NOTICE, "track_file F is not used"),
    ]
    assert advice(DEFINED + instance("track_script {\nS\n}\ntrack_file {\nF weight 1\n}")) == []


def test_advice_has_its_place_in_an_included_file() -> None:
    expanded = source("include /etc/more.conf\n", more=instance(address="10.0.0.1"))
    problem = only(advise(expanded, load(expanded)))
    assert (problem.span.file, problem.span.line) == ("/etc/more.conf", 6)
    assert problem.span.origin == ("included from /etc/keepalived.conf:1",)


def test_real_servers_that_no_route_or_the_wrong_one_leads_to() -> None:
    two, three = IPv4Address("10.0.0.2"), IPv4Address("10.0.0.3")
    expanded = source((SERVER % (1, 0)).replace("NAT", "DR"))
    loaded = load(expanded)
    (far, none) = told(advise(expanded, loaded, None, {two: IPv4Address("10.1.0.1")}))
    assert far == (7, Severity.NOTICE, "the way to real server 10.0.0.2 leads over 10.1.0.1")
    assert none == (9, Severity.NOTICE, "no route of this host leads to real server 10.0.0.3")
    assert told(advise(expanded, loaded, None, {two: None, three: None})) == []
    expanded = source(SERVER % (1, 0))
    assert told(advise(expanded, load(expanded), None, {two: IPv4Address("10.1.0.1"), three: None})) == [], "NAT may"
