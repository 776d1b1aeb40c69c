"""The firewall's table as text; tests/interop/test_firewall.py asks the kernel what it does."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from pyvrrp.core.nft import removal, table_name
from pyvrrp.core.vrrp.firewall import TABLE, Table, change, ruleset, same_rules, usable

VIP, LINK_LOCAL, GLOBAL = map(ip_address, ("192.0.2.100", "fe80::1", "2001:db8::1"))
GUARDED = Table(guards=frozenset({4, 6}))


def test_families_are_those_that_something_needs() -> None:
    assert Table().families == []
    assert GUARDED.families == [4, 6]
    assert Table(vmacs=frozenset({("vrrp.5", "eth0", 6)})).families == [6]


def test_a_table_takes_the_place_of_what_is_there() -> None:
    text = ruleset(replace(GUARDED, dropped=frozenset({(VIP, "eth0")})), 4)
    assert text.startswith(removal("keepalived", 4))
    assert "set vips { type ipv4_addr; elements = { 192.0.2.100 }; }" in text
    assert "ip saddr @vips drop" in text
    assert "ip daddr @vips drop" in text
    assert "vmac" not in text
    assert "counter drop" in ruleset(replace(GUARDED, counters=True), 4)


def test_a_vmac_alone_filters_nothing_that_comes_in() -> None:
    text = ruleset(Table(vmacs=frozenset({("vrrp.5", "eth0", 4)})), 4)
    assert 'map vmac_map { type ifname : iface_index; elements = { "vrrp.5" : "eth0" }; }' in text
    assert "chain out" in text
    assert "chain in " not in text
    assert "vips" not in text


def test_only_the_difference_is_sent() -> None:
    before = replace(GUARDED, dropped=frozenset({(VIP, "eth0"), (LINK_LOCAL, "eth0")}))
    after = replace(GUARDED, dropped=frozenset({(VIP, "eth0"), (GLOBAL, "eth0")}))
    assert same_rules(before, after)
    assert change(before, after, 4) == ""
    assert change(before, after, 6).splitlines() == [
        "add element ip6 keepalived vips { 2001:db8::1 }",
        'delete element ip6 keepalived vips_link_local { fe80::1 . "eth0" }',
    ]
    assert not same_rules(before, replace(after, lent=frozenset({(LINK_LOCAL, "vrrp.5")})))


def test_names_that_cannot_be_written_are_not() -> None:
    assert usable("eth0.5@x")
    assert not any(map(usable, ('a"b', "a\\b", "a b", "eth*", "")))
    assert table_name("own", TABLE) == "own"
    assert table_name("own } table", TABLE) == table_name(None, TABLE) == "keepalived"
    odd = replace(GUARDED, dropped=frozenset({(LINK_LOCAL, 'x"; flush ruleset')}))
    assert "flush" not in ruleset(odd, 6)
