"""nftables_ipvs: the addresses of a group get one mark, and IPVS one service for it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from pyvrrp.core.lvs.actions import MarkPackets
from pyvrrp.core.lvs.events import AddressesChanged, Reconfigured, StopRequested, TimePassed
from pyvrrp.core.lvs.ipvs_table import RemoveService
from pyvrrp.core.lvs.marking import Marked, Marks, MarkTable, mark_table, ruleset
from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.model.config import Config
from pyvrrp.model.globals import Firewall
from pyvrrp.model.lvs import Protocol, ServiceKey, VirtualServer
from pyvrrp.net import AF_INET, AF_INET6
from tests.fakes.ipvs import FakeIpvs
from tests.unit.lvs.samples import RS1, RS2, Play, config, real_server
from tests.unit.lvs.test_groups import addresses, group, served

FIREWALL = Firewall(nftables_ipvs="keepalived_ipvs")
PAIR = addresses("192.0.2.10", "192.0.2.11")
SIX = addresses("2001:db8::1", "2001:db8::1")


def mark(number: int, family: int = AF_INET) -> ServiceKey:
    return ServiceKey(family, None, None, number)


def played(*virtuals: VirtualServer, previous: LvsSnapshot | None = None) -> Play:
    """A play that can mark."""
    return Play(marking(*virtuals), table={}, previous=previous, marking=True)


def marking(*virtuals: VirtualServer) -> Config:
    return config(*virtuals, firewall=FIREWALL)


def reload(play: Play, configuration: Config, *, able: bool = True) -> None:
    play.told(Reconfigured(play.at, configuration, marking=able))


def tables(play: Play) -> list[MarkTable]:
    return [action.table for action in play.actions if isinstance(action, MarkPackets)]


def test_a_group_is_one_service_in_each_family() -> None:
    play = played(served(group(PAIR, SIX), real_server(RS1)))
    assert list(play.balancer.wanted()) == [mark(1000), mark(1000, AF_INET6)]
    assert tables(play) == [
        MarkTable(entries=(Marked(Protocol.TCP, PAIR, 1000), Marked(Protocol.TCP, SIX, 1000))),
    ]
    (virtual,) = play.balancer.snapshot(None).virtual_servers
    assert virtual.services == ("FWM 1000 for 2 addresses", "FWM 1000 inet6 for 1 addresses")


def test_marks_are_of_group_and_protocol_and_none_is_given_that_somebody_uses() -> None:
    one, two = group(PAIR), group(addresses("192.0.2.20", "192.0.2.21"), name="H")
    udp = served(one, real_server(RS1), protocol=Protocol.UDP)
    marked = replace(one, ranges=(), marks=group(marks=(1001,)).marks, name="M")
    virtuals = [
        served(one, real_server(RS1)),
        served(one, real_server(RS2), ordinal=1),
        replace(udp, key=replace(udp.key, ordinal=2)),
        served(two, real_server(RS1)),
        served(marked, real_server(RS1)),
    ]
    given = Marks({}).apply(virtuals, FIREWALL)
    assert [virtual.group and virtual.group.mark for virtual in given] == [1000, 1000, 1002, 1003, 0]


def test_a_mark_outlives_reloads_and_workers() -> None:
    first, second = served(group(PAIR), real_server(RS1)), served(group(SIX, name="H"), real_server(RS2))
    play = played(first, second)
    told = play.balancer.snapshot(None)
    assert told.marks == (("G", "TCP", 1000), ("H", "TCP", 1001))
    shifted = served(group(addresses("2001:db8::2", "2001:db8::3"), name="H"), real_server(RS2))
    reload(play, marking(shifted))
    assert list(play.balancer.wanted()) == [mark(1001, AF_INET6)]
    assert [op.key for op in play.operations if isinstance(op, RemoveService)] == [mark(1000)]
    assert [entry.mark for table in tables(play) for entry in table.entries] == [1001]
    heir = played(shifted, first, previous=told)
    assert list(heir.balancer.wanted()) == [mark(1001, AF_INET6), mark(1000)]


def test_without_nftables_each_address_is_a_service_and_nothing_is_left_behind() -> None:
    play = played(served(group(PAIR), real_server(RS1)))
    reload(play, marking(served(group(PAIR), real_server(RS1))), able=False)
    assert [str(key) for key in play.balancer.wanted()] == ["[192.0.2.10]:tcp:80", "[192.0.2.11]:tcp:80"]
    assert tables(play) == [MarkTable()]
    reload(play, marking(served(group(PAIR), real_server(RS1))), able=False)
    assert tables(play) == []


def test_an_heir_without_marks_takes_down_what_its_predecessor_made() -> None:
    told = played(served(group(PAIR), real_server(RS1))).balancer.snapshot(None)
    play = Play(config(served(group(PAIR), real_server(RS1))), table={}, previous=told)
    assert tables(play) == [MarkTable()]


@pytest.mark.parametrize("release", [True, False])
def test_the_table_goes_with_the_services(release: bool) -> None:
    play = played(served(group(PAIR), real_server(RS1)))
    play.told(StopRequested(play.at, release=release))
    assert tables(play) == ([MarkTable()] if release else [])


def test_an_unchanged_reload_tells_nftables_nothing() -> None:
    play = played(served(group(PAIR), real_server(RS1)))
    reload(play, marking(served(group(PAIR), real_server(RS1))))
    assert tables(play) == []


def test_ha_suspend_looks_at_the_addresses() -> None:
    play = played(served(group(PAIR), real_server(RS1), ha_suspend=True))
    play.told(AddressesChanged(play.at, (ip_address("192.0.2.12"),)))
    deadline = play.balancer.deadline()
    assert deadline is not None
    assert play.told(TimePassed(deadline)) == []
    play.told(AddressesChanged(play.at, (ip_address("192.0.2.11"),)))
    assert play.logs == ["Activating healthchecker for service [10.0.0.1]:tcp:80 for VS [G]:0"]


def test_an_address_of_several_groups_is_the_first_ones() -> None:
    wide = served(group(addresses("192.0.2.10", "192.0.2.20")), real_server(RS1))
    inside = served(group(addresses("192.0.2.12", "192.0.2.12"), name="H"), real_server(RS1))
    other = served(group(addresses("192.0.2.12", "192.0.2.12", 443), name="I"), real_server(RS1))
    every = served(group(addresses("192.0.2.8", "192.0.2.30"), name="J"), real_server(RS1))
    marked = Marks({}).apply([inside, wide, other, every], FIREWALL)
    told = [(str(entry.range), entry.mark) for entry in mark_table(marked, FIREWALL).entries]
    assert told == [
        ("192.0.2.12 80", 1000),
        ("192.0.2.10-192.0.2.11 80", 1001),
        ("192.0.2.13-192.0.2.20 80", 1001),
        ("192.0.2.12 443", 1002),
        ("192.0.2.8-192.0.2.9 80", 1003),
        ("192.0.2.21-192.0.2.30 80", 1003),
    ]


def test_the_rules_in_the_words_of_nft() -> None:
    table = MarkTable(
        name="own",
        priority=-5,
        entries=(
            Marked(Protocol.TCP, PAIR, 1000),
            Marked(Protocol.TCP, addresses("192.0.2.5", "192.0.2.5", 0), 1001),
            Marked(Protocol.UDP, SIX, 1002),
        ),
    )
    assert table.families == [4, 6]
    pair = "flags interval; elements = { 192.0.2.10-192.0.2.11 . 80 : 1000 };"
    assert ruleset(table, 4).splitlines() == [
        "add table ip own",
        "delete table ip own",
        "table ip own {",
        f"\tmap tcp_map {{ type ipv4_addr . inet_service : mark; {pair} }}",
        "\tmap tcp_any_map { type ipv4_addr : mark; flags interval; elements = { 192.0.2.5 : 1001 }; }",
        "\tchain in {",
        "\t\ttype filter hook input priority -5; policy accept;",
        "\t\tmeta l4proto tcp meta mark set ip daddr . tcp dport map @tcp_map counter return",
        "\t\tmeta l4proto tcp meta mark set ip daddr map @tcp_any_map counter return",
        "\t}",
        "}",
    ]
    assert "ip6 daddr . udp dport map @udp_map" in ruleset(table, 6)


def test_a_kernel_table_follows() -> None:
    """Through a table that refuses what IPVS would."""
    ipvs = FakeIpvs()
    play = played(served(group(PAIR), real_server(RS1)))
    assert ipvs.apply(play.operations) == []
    assert list(ipvs.services) == [mark(1000)]
