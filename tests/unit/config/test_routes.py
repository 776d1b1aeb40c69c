from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from pyvrrp.config import Loaded, load
from pyvrrp.config.expand import expand
from pyvrrp.errors import ConfigProblem, Severity
from pyvrrp.model.routing import Encap, EncapType, Metrics, Nexthop, Route, Rule, RuleAction
from tests.unit.config.files import MAIN, MemoryFiles, only

FILES = {
    "/etc/iproute2/rt_tables": "# made up\n254 main\n0x64\thundred # a hundred\nbad line here\n",
    "/etc/iproute2/rt_scopes": "200 everywhere\n",
    "/etc/protocols": "sctp\t132\tSCTP # stream\n",
}
INSTANCE = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.0.0.1\n}\n%s\n}\n"


def loaded(text: str) -> Loaded:
    return load(expand(MAIN, MemoryFiles({**FILES, MAIN: text}), "host", {}))


def route(line: str) -> tuple[Route | None, list[ConfigProblem]]:
    result = loaded(INSTANCE % f"virtual_routes {{\n{line}\n}}")
    routes = result.config.instance("V").virtual_routes
    return (routes[0] if routes else None), [p for p in result.problems if p.severity is not Severity.INACTIVE]


def rule(line: str) -> tuple[Rule | None, list[ConfigProblem]]:
    result = loaded(INSTANCE % f"virtual_rules {{\n{line}\n}}")
    rules = result.config.instance("V").virtual_rules
    return (rules[0] if rules else None), [p for p in result.problems if p.severity is not Severity.INACTIVE]


def to(prefix: str, **rest: Any) -> Route:
    return Route(destination=ip_interface(prefix), dev="eth0", **rest)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("10.9.0.0/16 dev eth0", to("10.9.0.0/16")),
        ("default via 10.0.0.9 oif eth0", to("0.0.0.0/0", via=ip_address("10.0.0.9"))),
        ("inet6 default dev eth0", to("::/0")),
        ("fe80::/64 dev eth0 from 2001:db8::/32 pref low expires 9", None),
        ("blackhole 10.9.0.0/16 dev eth0 table hundred", to("10.9.0.0/16", type=6, table=100)),
        ("to 10.9.0.0/16 dev eth0 scope everywhere append", to("10.9.0.0/16", scope=200, append=True)),
        ("10.9.0.0/16 dev eth0 append prepend add", to("10.9.0.0/16", add=True)),
        ("10.9.0.0/16 dev eth0 protocol 7 no_track", to("10.9.0.0/16", protocol=7, track=False)),
        ("10.9.0.0/16 dev eth0 realms 1/2 tos 0x10 priority 3", to("10.9.0.0/16", realms=0x10002, tos=16, metric=3)),
        ("10.9.0.0/16 dev eth0 vrf red onlink", to("10.9.0.0/16", vrf="red", onlink=True)),
        (
            "10.9.0.0/16 dev eth0 mtu lock 1400 rtt 300ms rttvar 1.5s rto_min 250 features ecn congctl lock cubic",
            to(
                "10.9.0.0/16",
                metrics=Metrics(
                    mtu=1400, rtt=2400, rttvar=6000, rto_min=250, features=1, congctl="cubic", lock=("mtu", "congctl")
                ),
            ),
        ),
        (
            "10.9.0.0/16 encap ip id 5 dst 10.0.0.9 ttl 9 dev eth0",
            to("10.9.0.0/16", encap=Encap(type=EncapType.IP, id=5, dst=ip_address("10.0.0.9"), ttl=9)),
        ),
        ("10.9.0.0/16 encap mpls 5/6 dev eth0", to("10.9.0.0/16", encap=Encap(type=EncapType.MPLS, labels=(5, 6)))),
        (
            "10.9.0.0/16 encap ila 1:2:3:ff dev eth0",
            to("10.9.0.0/16", encap=Encap(type=EncapType.ILA, locator=bytes.fromhex("00010002000300ff"))),
        ),
        (
            "10.9.0.0/16 no_track nexthop via 10.0.0.8 weight 2 onlink nexthop dev eth1 realms 3",
            Route(
                destination=ip_interface("10.9.0.0/16"),
                track=False,
                nexthops=(Nexthop(via=ip_address("10.0.0.8"), weight=2, onlink=True), Nexthop(dev="eth1", realms=3)),
            ),
        ),
        ("10.9.0.0/16 dev eth0 via inet6 fe80::1", to("10.9.0.0/16", via=ip_address("fe80::1"))),
    ],
)
def test_good_routes(line: str, expected: Route | None) -> None:
    found, problems = route(line)
    assert problems == []
    if expected is None:
        expected = to("fe80::/64", source=ip_interface("2001:db8::/32"), pref=3, expires=9)
    assert found == expected


def test_old_spellings() -> None:
    found, problems = route("10.9.0.0/16 gw 10.0.0.8 or 10.0.0.9 dev eth0")
    hops = (Nexthop(via=ip_address("10.0.0.8")), Nexthop(via=ip_address("10.0.0.9")))
    assert found == to("10.9.0.0/16", nexthops=hops)
    assert [problem.severity for problem in problems] == [Severity.DEPRECATED] * 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("foo", "`foo` is no option of a route, and no destination"),
        ("10.9.0.0/16 via fe80::1", "IPv6 in an IPv4 route"),
        ("10.9.0.0/16 dev eth0 table nowhere", "`nowhere` is no routing table (see /etc/iproute2/rt_tables)"),
        ("dev eth0", "the route has no destination"),
        ("10.9.0.0/16 dev eth0 encap ip ttl 5", "encap ip needs dst or id"),
        ("10.9.0.0/16 no_track nexthop via 10.0.0.8 metric 5", "`metric` is no option of a nexthop"),
    ],
)
def test_routes_that_are_left_out(line: str, message: str) -> None:
    found, problems = route(line)
    assert found is None
    assert only(problems).message == message
    assert only(problems).effect == "the route is left out"


def test_without_its_argument_nothing_starts() -> None:
    _, problems = route("10.9.0.0/16 dev eth0 metric")
    assert only(problems).severity is Severity.FATAL


def test_a_route_without_device_is_watched_and_told() -> None:
    found, problems = route("10.9.0.0/16 via 10.0.0.9")
    assert found is not None
    assert found.track
    assert only(problems).severity is Severity.NOTICE


def test_times_are_kept_in_their_range() -> None:
    found, problems = route("10.9.0.0/16 dev eth0 rtt 1ms")
    assert found is not None
    assert found.metrics == Metrics(rtt=1600)
    assert only(problems).effect == "200 ms are used"


def on(**rest: Any) -> Rule:
    return Rule(action=RuleAction.TABLE, **{"table": 100, "priority": 5, **rest})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from 10.0.0.0/8 lookup hundred order 0x5", on(source=ip_interface("10.0.0.0/8"))),
        ("to fe80::/10 not table 100 preference 5", on(version=6, destination=ip_interface("fe80::/10"), invert=True)),
        ("inet6 from all table 100 preference 5", on(version=6, source=ip_interface("::/0"))),
        ("fwmark 0x10/0xff tos 8 table 100 preference 5", on(fwmark=16, fwmask=255, tos=8)),
        ("iif eth0 oif eth1 sup_pl 0 table 100 preference 5", on(iif="eth0", oif="eth1", suppress_prefixlength=0)),
        ("ipproto sctp sport 80 dport 1-9 table 100 preference 5", on(ipproto=132, sport=(80, 80), dport=(1, 9))),
        ("uidrange 1-2 tunnel-id 7 table 100 preference 5", on(uidrange=(1, 2), tunnel_id=7)),
        ("l3mdev preference 5 no_track protocol 9", on(table=None, l3mdev=True, track=False, protocol=9)),
        ("from all type prohibit priority 5", None),
    ],
)
def test_good_rules(line: str, expected: Rule | None) -> None:
    found, problems = rule(line)
    assert problems == []
    assert found == (expected or Rule(action=RuleAction.PROHIBIT, priority=5, source=ip_interface("0.0.0.0/0")))


@pytest.mark.parametrize(
    "line",
    [
        "from all preference 5",
        "from all table 0 preference 5",
        "from all table 5 blackhole preference 5",
        "from all goto 5 preference 5",
        "realms 5 blackhole preference 5",
        "sport 80-99999 table 5 preference 5",
        "ipproto nosuch table 5 preference 5",
    ],
)
def test_rules_that_are_left_out(line: str) -> None:
    found, problems = rule(line)
    assert found is None
    assert only(problems).effect == "the rule is left out"


def test_rules_without_preference_keep_their_order_over_the_whole_file() -> None:
    rules = "{\nfrom 10.0.0.0/8 table 1\nfrom fe80::/10 table 2\nfrom 10.1.0.0/16 table 3\n}\n"
    found = loaded(f"static_rules {rules}" + INSTANCE % f"virtual_rules {rules}")
    assert [one.priority for one in found.config.static_rules] == [16384, 16384, 16383]
    assert [one.priority for one in found.config.instance("V").virtual_rules] == [16382, 16383, 16381]


def test_what_is_static() -> None:
    text = (
        "global_defs {\ndefault_interface eth7\n}\ntrack_group G {\ngroup {\nV\n}\n}\n"
        "static_ipaddress {\n10.9.0.1/16\n10.9.0.2 dev eth1 track_group G\n}\n"
        "static_routes {\n10.8.0.0/16 dev eth1 track_group G\n}\n"
        "static_rules {\niif eth1 table 5 preference 5 track_group H\n}\n"
    )
    result = loaded(text + INSTANCE % "")
    config = result.config
    assert [(a.dev, a.track_group) for a in config.static_ipaddress] == [("eth7", None), ("eth1", "G")]
    assert config.static_routes[0].track_group == "G"
    assert config.static_rules[0].track_group is None
    assert config.track_groups[0].group == ("V",)
    assert {use.name for use in result.interfaces} == {"eth0", "eth1", "eth7"}
    assert (
        only([p for p in result.problems if p.severity is Severity.ERROR]).message == "there is no track_group H above"
    )


@pytest.mark.parametrize(
    ("words", "table"),
    [
        ("", None),
        ("iproute_etc_dir /own/", 7),
        ("iproute_usr_dir /usual", 5),
        ("iproute_usr_dir /usual\niproute_etc_dir /own", 7),
    ],
)
def test_names_may_stand_elsewhere(words: str, table: int | None) -> None:
    """iproute_etc_dir counts for more than iproute_usr_dir, and both more than nothing."""
    files = MemoryFiles(
        {
            "/own/rt_tables": "7 mine\n",
            "/usual/rt_tables": "5 mine\n6 other\n",
            MAIN: f"global_defs {{\n{words}\n}}\nstatic_routes {{\n10.9.0.0/16 dev eth0 table mine\n}}\n",
        }
    )
    routes = load(expand(MAIN, files, "host", {}, seed=7)).config.static_routes
    assert [route.table for route in routes] == ([] if table is None else [table])
