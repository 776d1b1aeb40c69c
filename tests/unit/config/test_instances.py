from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import pytest

from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import (
    Authentication,
    AuthType,
    Garp,
    PeerTtl,
    State,
    VirtualAddress,
    VrrpInstance,
)
from pyvrrp.units import SECOND
from tests.unit.config.files import loaded, only, told

VIP = "virtual_ipaddress {\n10.0.0.1/24\n}\n"


def instance(body: str, rest: str = VIP, before: str = "") -> VrrpInstance:
    """The instance of a body in which nothing is wrong."""
    found = loaded(f"{before}vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\n{body}\n{rest}}}\n")
    assert found.problems == ()
    return found.config.instance("V")


def problems(body: str, rest: str = VIP) -> tuple[VrrpInstance | None, list[tuple[int, Severity, str]]]:
    found = loaded(f"vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\n{body}\n{rest}}}\n")
    made = found.config.vrrp_instances
    return made[0] if made else None, told(found.problems)


PLAIN = VrrpInstance(
    name="V",
    interface="eth0",
    virtual_router_id=5,
    virtual_ipaddress=(VirtualAddress(interface=IPv4Interface("10.0.0.1/24"), dev="eth0"),),
)


def test_defaults() -> None:
    assert instance("") == PLAIN


def test_everything_said() -> None:
    made = instance(
        """\
state BACKUP
priority 90
advert_int 2
preempt_delay 300.5
authentication {
    auth_type PASS
    auth_pass 1111
}
virtual_ipaddress_excluded {
    10.1.0.1 dev eth1
    fe80::1/64
}
track_interface {
    eth1
    eth2 weight 10
    eth3 weight 10 reverse
}
dont_track_primary
unicast_src_ip 10.0.0.2
unicast_peer {
    10.0.0.3
    10.0.0.4
}
check_unicast_src
lower_prio_no_advert
higher_prio_send_advert
skip_check_adv_addr off
down_timer_adverts 5
garp_master_delay 1
garp_master_repeat 2
garp_master_refresh 3
garp_master_refresh_repeat 4
garp_lower_prio_delay 6
garp_lower_prio_repeat 0
accept
debug 2
"""
    )
    assert made.state is State.BACKUP
    assert (made.priority, made.advert_int, made.preempt, made.preempt_delay) == (90, 2 * SECOND, True, 300_500_000)
    assert made.authentication == Authentication(type=AuthType.PASS, password=b"1111")
    assert [(str(a.interface), a.dev) for a in made.virtual_ipaddress_excluded] == [
        ("10.1.0.1/32", "eth1"),
        ("fe80::1/64", "eth0"),
    ]
    assert made.track_interface == (
        Tracked(name="eth1"),
        Tracked(name="eth2", weight=10),
        Tracked(name="eth3", weight=10, reverse=True),
    )
    assert made.dont_track_primary
    assert made.mcast_src_ip == IPv4Address("10.0.0.2")
    assert made.unicast_peer == (IPv4Address("10.0.0.3"), IPv4Address("10.0.0.4"))
    assert made.check_unicast_src
    assert made.lower_prio_no_advert
    assert made.higher_prio_send_advert
    assert made.skip_check_adv_addr, "any valid word turns it on, off too"
    assert made.down_timer_adverts == 5
    assert made.garp == Garp(
        repeat=2, delay=SECOND, refresh=3 * SECOND, refresh_repeat=4, lower_prio_repeat=0, lower_prio_delay=6 * SECOND
    )


def test_global_defaults_are_copied_wherever_they_stand() -> None:
    before = "global_defs {\nvrrp_version 3\nvrrp_garp_master_repeat 2\nvrrp_mcast_group4 224.0.0.50\n}\n"
    for made in (instance("", before=before), instance("", VIP + "}\n" + before.rstrip("}\n") + "\n")):
        assert (made.version, made.garp.repeat, made.mcast_dst_ip) == (3, 2, IPv4Address("224.0.0.50"))
    assert instance("version 2\ngarp_master_repeat 7\n", before=before).garp.repeat == 7


@pytest.mark.parametrize(
    ("body", "priority", "state"),
    [
        ("", 100, State.BACKUP),
        ("priority 255", 255, State.MASTER),
        ("state MASTER", 255, State.MASTER),
        ("state MASTER\npriority 100", 100, State.MASTER),
        ("state BACKUP\npriority 255", 255, State.BACKUP),
        ("state BACKUP\nstate MASTER\npriority 1", 1, State.MASTER),
    ],
)
def test_state_and_priority(body: str, priority: int, state: State) -> None:
    made = instance(body)
    assert (made.priority, made.state) == (priority, state)


@pytest.mark.parametrize(
    ("body", "message", "expected"),
    [
        ("state SLAVE", "`SLAVE` is not a state to start in", {"state": State.BACKUP}),
        ("state MASTER\nstate BACKUP", "the state was set to MASTER before", {"state": State.MASTER}),
        ("priority 0", "0 is out of range (1 to 255)", {"priority": 100}),
        ("nopreempt\nstate MASTER\npriority 9", "nopreempt does not go together with state MASTER", {"preempt": True}),
        ("nopreempt\npriority 255", "nopreempt does not go together with priority 255", {"preempt": True}),
        ("nopreempt\npreempt_delay 5", "preempt_delay does not go together with nopreempt", {"preempt_delay": 0}),
        ("state MASTER\npreempt_delay 5", "preempt_delay does not go together with state MASTER", {"preempt_delay": 0}),
        ("advert_int 0.5", "version 2 has whole seconds only", {"advert_int": SECOND}),
        ("advert_int 1.5", "version 2 has whole seconds only", {"advert_int": 2 * SECOND}),
        ("version 3\nadvert_int 0.015", "version 3 has 0.01 s to 40.95 s", {"advert_int": 20_000}),
        ("version 3\nadvert_int 41", "version 3 has 0.01 s to 40.95 s", {"advert_int": 40_950_000}),
        ("version 3\nversion 2", "version 2, but it is 3 already", {"version": 3}),
        ("authentication {\nauth_type PASS\n}", "there is no auth_pass", {"authentication": None}),
        (
            "authentication {\nauth_type NONE\nauth_pass x\n}",
            "`NONE` is not an authentication type",
            {"authentication": None},
        ),
        (
            "version 3\nauthentication {\nauth_type PASS\nauth_pass x\n}",
            "version 3 has no authentication",
            {"version": 3},
        ),
        (
            "track_interface {\neth0\n}",
            "eth0 is the instance's own interface, which is tracked anyway",
            {"track_interface": ()},
        ),
        ("mcast_dst_ip 10.0.0.1", "10.0.0.1 is not a multicast address", {"mcast_dst_ip": IPv4Address("224.0.0.18")}),
        (
            "unicast_peer {\nfoo\n10.0.0.9\n}",
            "`foo` is not an IP address",
            {"unicast_peer": (IPv4Address("10.0.0.9"),)},
        ),
        ("unicast_peer {\n}", "`unicast_peer`, but there are no unicast peers", {"unicast_peer": ()}),
        ("check_unicast_src", "`check_unicast_src`, but there are no unicast peers", {"check_unicast_src": True}),
        ("garp_master_repeat 0", "garp_master_repeat must be at least 1", {"version": 2}),
        ("virtual_ipaddress {\nfoo\n}", "`foo` is not an IP address", {"priority": 100}),
    ],
)
def test_what_keepalived_complains_of_and_survives(body: str, message: str, expected: dict[str, object]) -> None:
    made, found = problems(body)
    assert [text for _, severity, text in found if severity in (Severity.ERROR, Severity.WARNING)] == [message]
    assert made is not None
    assert {name: getattr(made, name) for name in expected} == expected


def test_a_long_password_is_cut_and_never_shown() -> None:
    body = "authentication {\nauth_type PASS\nauth_pass geheimnis99\n}\n"
    found = loaded(f"vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\n{body}{VIP}}}\n")
    authentication = found.config.instance("V").authentication
    assert authentication is not None
    assert authentication.password == b"geheimni"
    assert "geheim" not in repr(only(found.problems))
    assert only(found.problems).kind is ProblemClass.GENERAL


@pytest.mark.parametrize("body", ["authentication {\nauth_pass x\n}", "authentication {\n}", "no_virtual_ipaddress"])
def test_what_keepalived_is_silent_about(body: str) -> None:
    assert instance(body).authentication is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"interface eth0\n{VIP}", "V has no (valid) virtual_router_id"),
        (f"interface eth0\nvirtual_router_id 0\n{VIP}", "V has no (valid) virtual_router_id"),
        (f"virtual_router_id 5\n{VIP}", "V has no (valid) interface"),
        (f"virtual_router_id 5\ninterface lo\n{VIP}", "V has no (valid) interface"),
        (f"virtual_router_id 5\ninterface abcdefghijklmnop\n{VIP}", "V has no (valid) interface"),
        ("virtual_router_id 5\ninterface eth0\nversion 3\n", "V has no virtual_ipaddress, which version 3 asks for"),
        (
            "virtual_router_id 5\ninterface eth0\nmcast_src_ip fe80::1\n" + VIP,
            "V has no virtual_ipaddress, which version 3 asks for",
        ),
    ],
)
def test_what_stops_keepalived_stops_us(text: str, message: str) -> None:
    found = loaded(f"vrrp_instance V {{\n{text}}}\n")
    assert message in [problem.message for problem in found.fatal]


def test_no_address_in_version_2_is_survived() -> None:
    made, found = problems("", rest="")
    assert made is not None
    assert made.virtual_ipaddress == ()
    assert found == [(1, Severity.WARNING, "V has no virtual_ipaddress")]
    assert instance("no_virtual_ipaddress", rest="").virtual_ipaddress == ()


def test_the_first_address_fixes_the_family() -> None:
    _, found = problems("virtual_ipaddress {\n10.0.0.2\nfe80::2\n}", rest="")
    assert found == [(6, Severity.ERROR, "an IPv6 address in an instance that is IPv4 by its virtual_ipaddress")]


@pytest.mark.parametrize("body", ["", "native_ipv6\n"])
def test_over_ipv6_it_is_version_3_to_the_ipv6_group(body: str) -> None:
    made, found = problems(f"{body}virtual_ipaddress {{\nfe80::1\n2001:db8::1/64\n}}", rest="")
    assert made is not None
    assert (made.version, made.family, str(made.mcast_dst_ip)) == (3, 6, "ff02::12")
    assert [str(address.interface) for address in made.virtual_ipaddress] == ["fe80::1/128", "2001:db8::1/64"]
    assert found == []


def test_an_address_given_twice_is_there_once() -> None:
    made, found = problems("virtual_ipaddress {\n10.0.0.1/24\n}\nvirtual_ipaddress_excluded {\n10.0.0.1/24\n}")
    assert made == PLAIN
    assert found == [
        (7, Severity.NOTICE, "10.0.0.1 is in virtual_ipaddress too"),
        (11, Severity.NOTICE, "10.0.0.1 is given twice"),
    ]


def test_ttl_options_of_a_peer_turn_on_source_checking() -> None:
    made, found = problems("unicast_peer {\n10.0.0.9 min_ttl 255 max_ttl 300 foo 10.0.0.10\n}")
    assert made is not None
    assert made.check_unicast_src
    assert made.peer_ttl == (PeerTtl(peer=IPv4Address("10.0.0.9"), min_ttl=255),)
    assert [severity for _, severity, _ in found] == [Severity.ERROR, Severity.ERROR]


def test_a_tracked_script_must_be_defined_before() -> None:
    script = 'vrrp_script chk {\nscript "/x"\n}\n'
    body = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\ntrack_script {\n%s\n}\n" + VIP + "}\n"
    assert not [p for p in loaded(script + body % "chk").problems if p.kind]
    assert (
        only([p for p in loaded(body % "chk" + script).problems if p.kind]).message
        == "vrrp_script chk is defined after V"
    )
    problem = only([p for p in loaded(script + body % "chck").problems if p.kind])
    assert problem.suggestion == "did you mean `chk`?"
