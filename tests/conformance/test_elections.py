"""Every edge of the transition table, as plays (RFC 3768 §6.4, RFC 9568 §6.4)."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from pyvrrp.core.vrrp.events import (
    AddressRemoved,
    DatagramReceived,
    InterfaceChanged,
    InterfaceFacts,
    KernelRefused,
    Reconfigured,
    StopRequested,
)
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import Authentication, AuthType, Garp, State
from pyvrrp.net import VRRP_GROUP4, VRRP_GROUP6
from pyvrrp.units import SECOND
from tests.conformance.play import director, instance, master, us, vip

TAKES = [
    "3.60938 V advertises 100",
    "3.60938 V BACKUP->MASTER: no advertisement from the master",
    "3.60938 V adds 192.0.2.100/24",
    "3.60938 V announces 192.0.2.100 x5",
]
LEAVES = ["V removes 192.0.2.100/24"]


def test_start_is_backup_and_clears_leftovers() -> None:
    assert director().start() == ["V removes 192.0.2.100/24", "V INIT->BACKUP: startup"]


def test_nobody_there_becomes_master_after_the_master_down_interval() -> None:
    d = director()
    d.start()
    assert d.run(3.7) == TAKES


def test_master_advertises_in_rhythm_and_announces_again_after_garp_master_delay() -> None:
    d = director()
    d.start()
    d.run(3.7)
    lines = d.run(9)
    assert [line.split()[0] for line in lines if "advertises" in line] == [
        "4.60938",
        "5.60938",
        "6.60938",
        "7.60938",
        "8.60938",
    ]
    assert [line for line in lines if "announces" in line] == ["8.60938 V announces 192.0.2.100 x5"]


def test_refresh_bursts_are_counted_from_mastering() -> None:
    d = director(instance(garp=Garp(repeat=3, delay=us(2), refresh=us(4))))
    d.start()
    lines = [line for line in d.run(14) if "announces" in line]
    assert lines == [
        "3.60938 V announces 192.0.2.100 x3",
        "5.60938 V announces 192.0.2.100 x3",
        "7.60938 V announces 192.0.2.100 x1",
        "11.6094 V announces 192.0.2.100 x1",
    ]


def test_owner_is_master_at_once() -> None:
    d = director(instance(priority=255))
    assert d.start() == [
        "V advertises 255",
        "V INIT->MASTER: address owner (priority 255)",
        "V adds 192.0.2.100/24",
        "V announces 192.0.2.100 x5",
    ]


def test_state_master_waits_like_any_backup() -> None:
    d = director(instance(state=State.MASTER))
    d.start()
    assert d.run(3.7) == TAKES


def test_startup_delay_postpones_even_the_owner() -> None:
    d = director(instance(priority=255), vrrp_startup_delay=us(4))
    d.start()
    assert d.hear(1, 1) == []
    assert d.run(6.9) == []
    assert d.run(7.1)[0].startswith("7.00391 V advertises 255")


def test_an_advertisement_restarts_the_wait() -> None:
    d = director()
    d.start()
    for second in range(1, 20):
        assert d.hear(second, 150) == []
        assert d.run(second + 0.99) == []
    assert d.run(22.6) == []
    assert d.run(22.7)[0] == "22.6094 V advertises 100"
    assert d.view().detail == "the last one came 3.609375 s before, from 192.0.2.2 (priority 150)"


def test_equal_priority_does_not_preempt() -> None:
    d = director()
    d.start()
    d.hear(3, 100)
    assert d.run(6.5) == []


def test_lower_priority_is_discarded_and_taken_over() -> None:
    d = director()
    d.start()
    assert d.hear(1, 90) == d.hear(2, 90) == d.hear(3, 90) == []
    assert d.run(3.7)[1] == "3.60938 V BACKUP->MASTER: our priority is higher than the master's"
    assert [line for line in d.logs if "discarding" in line] == [
        "(V) received lower priority (90) advert from 192.0.2.2 - discarding"
    ]


def test_nopreempt_defers_to_a_lower_priority() -> None:
    d = director(instance(preempt=False))
    d.start()
    for second in range(1, 10):
        d.hear(second, 50)
    assert d.run(12.6) == []
    assert d.run(12.7)[0] == "12.6094 V advertises 100"


def test_preempt_delay_starts_with_the_first_lower_advertisement() -> None:
    d = director(instance(preempt_delay=us(5)))
    d.start()
    lines: list[str] = []
    for second in range(1, 15):
        lines += d.run(second)
        d.hear(second, 90)
    # Deferred to until 6 s; the last one that counted came at 5 s.
    assert lines[0] == "8.60938 V advertises 100"


def test_preempt_delay_is_cancelled_by_a_better_master() -> None:
    d = director(instance(preempt_delay=us(2)))
    d.start()
    lines: list[str] = []
    for second, priority in enumerate([90, 100, 90, 90, 90, 90, 90, 90, 90], 1):
        lines += d.run(second)
        d.hear(second, priority)
    assert lines[0] == "7.60938 V advertises 100"


def test_priority_zero_is_followed_after_the_skew_time() -> None:
    d = director()
    d.start()
    d.hear(1, 150)
    d.hear(1.5, 0)
    assert d.run(2.1) == []
    assert d.run(2.2)[:2] == ["2.10938 V advertises 100", "2.10938 V BACKUP->MASTER: the master stopped (priority 0)"]


def test_priority_zero_is_forgotten_when_another_master_speaks() -> None:
    d = director()
    d.start()
    d.hear(1.5, 0)
    d.hear(1.9, 120, "192.0.2.3")
    assert d.run(5.5) == []


def test_master_answers_priority_zero_at_once() -> None:
    d = master()
    assert d.hear(60.1, 0) == ["V advertises 100"]


def test_master_yields_to_a_higher_priority_without_goodbye() -> None:
    d = master()
    assert d.hear(60.1, 150) == [*LEAVES, "V MASTER->BACKUP: advertisement of higher priority"]
    assert d.view().detail == "192.0.2.2, priority 150"
    assert d.run(63.6) == []
    assert d.run(63.8)[0] == "63.7094 V advertises 100"


def test_higher_prio_send_advert_answers_before_yielding() -> None:
    d = master(instance(higher_prio_send_advert=True))
    assert d.hear(60.1, 150)[0] == "V advertises 100"
    assert d.state() == "BACKUP"


def test_equal_priority_higher_address_wins_between_masters() -> None:
    d = master()
    assert d.hear(60.1, 100, "192.0.2.0") == ["V advertises 100", "V announces 192.0.2.100 x5"]
    assert (
        d.hear(60.2, 100, "192.0.2.2")[-1] == "V MASTER->BACKUP: advertisement of equal priority from a higher address"
    )


def test_master_answers_a_lower_priority_and_announces_again_later() -> None:
    d = master()
    d.run(60.1)
    assert d.hear(60.1, 90) == ["V advertises 100", "V announces 192.0.2.100 x5"]
    assert d.told == ["V met a lower priority"]
    assert [line for line in d.run(66) if "announces" in line] == ["65.1 V announces 192.0.2.100 x5"]


def test_lower_prio_no_advert_keeps_quiet() -> None:
    d = master(instance(lower_prio_no_advert=True, garp=Garp(lower_prio_repeat=0)))
    assert d.hear(60.1, 90) == []


def test_a_forger_is_not_amplified() -> None:
    """However many lower advertisements come, two answers an interval are enough; our rhythm goes on."""
    d = master()
    lines: list[str] = []
    for n in range(1000):
        lines += d.hear(60.5 + n / 1000, 1, f"192.0.2.{n % 250 + 3}")
        lines += d.run(60.5 + n / 1000)
    assert 2 <= sum("advertises" in line for line in lines) <= 4
    assert sum("announces" in line for line in lines) <= 3


def test_twin_address_is_named() -> None:
    d = master()
    assert d.hear(60.1, 100, "192.0.2.1") == []
    assert any("used twice" in line for line in d.logs)


def test_link_down_is_a_fault_and_says_goodbye() -> None:
    d = master()
    assert d.link(60.1, "eth0", False) == ["V advertises 0", *LEAVES, "V MASTER->FAULT: interface down"]
    assert d.view().faults == ("interface down: eth0",)
    assert d.hear(60.2, 90) == []
    assert d.run(70) == []
    assert d.link(70, "eth0", True) == ["V FAULT->BACKUP: fault cleared"]
    assert d.run(73.7)[0] == "73.6094 V advertises 100"


def test_backup_faults_without_a_word_on_the_wire() -> None:
    d = director()
    d.start()
    assert d.link(1, "eth0", False) == ["V BACKUP->FAULT: interface down"]


def test_owner_returns_from_a_fault_at_once() -> None:
    d = director(instance(priority=255))
    d.start()
    d.link(1, "eth0", False)
    assert d.link(2, "eth0", True)[:2] == ["V advertises 255", "V FAULT->MASTER: fault cleared"]


def test_dont_track_primary_survives_link_down() -> None:
    d = master(instance(dont_track_primary=True))
    assert d.link(60.1, "eth0", False) == []
    assert d.state() == "MASTER"


def test_interface_missing_at_start_waits_for_it() -> None:
    d = director()
    facts = d.interfaces.pop("eth0")
    assert d.start() == ["V removes 192.0.2.100/24", "V INIT->FAULT: interface missing"]
    assert d.do(InterfaceChanged(us(5), "eth0", facts)) == ["V FAULT->BACKUP: fault cleared"]


def test_no_source_address_is_a_fault() -> None:
    d = master()
    bare = InterfaceFacts(2, True, b"\2\0\0\0\0\1", ())
    assert d.do(InterfaceChanged(us(60.1), "eth0", bare))[-1] == "V MASTER->FAULT: no source address"


def test_a_virtual_address_is_no_source() -> None:
    d = director()
    own, virtual = d.interfaces["eth0"].addresses[0], vip("192.0.2.100/24").address
    d.interfaces["eth0"] = InterfaceFacts(2, True, b"\2\0\0\0\0\1", (virtual, own))
    d.start()
    d.run(5)
    assert d.view().master_address == "192.0.2.1"


def test_device_of_an_excluded_address_is_tracked_too() -> None:
    d = master(instance(virtual_ipaddress_excluded=(vip("10.71.12.1/24", "eth1"),)))
    assert d.link(60.1, "eth1", False)[-1] == "V MASTER->FAULT: interface down"
    assert "eth1" in d.view().detail


def test_excluded_addresses_come_and_go_but_are_not_advertised() -> None:
    d = director(instance(virtual_ipaddress_excluded=(vip("10.71.12.1/24", "eth1"),)))
    d.start()
    lines = d.run(3.7)
    assert "3.60938 V adds 192.0.2.100/24 10.71.12.1/24" in lines
    assert d.hear(4, 90) != []
    assert not any("differs" in line for line in d.logs)


def test_tracked_interface_without_weight_faults() -> None:
    d = master(instance(track_interface=(Tracked(name="eth0"), Tracked(name="eth7", reverse=True))))
    facts = InterfaceFacts(9, True, b"\2\0\0\0\0\7")
    assert d.do(InterfaceChanged(us(60.1), "eth7", facts))[-1] == "V MASTER->FAULT: tracked interface down"
    assert d.do(InterfaceChanged(us(61), "eth7", None)) == ["V FAULT->BACKUP: fault cleared"]


def test_tracked_interface_with_weight_moves_the_priority() -> None:
    d = director(instance(track_interface=(Tracked(name="eth7", weight=-30), Tracked(name="eth0", weight=5))))
    d.start()
    assert d.view().effective_priority == 75
    assert dict(d.view().priority_sum) == {
        "priority": 100,
        "track_interface eth7 down": -30,
        "track_interface eth0 up": 5,
    }
    d.do(InterfaceChanged(us(1), "eth7", InterfaceFacts(9, True, b"\2\0\0\0\0\7")))
    assert d.view().effective_priority == 105
    # The wait counts from where it began, with the new skew time.
    assert d.run(3.6)[0].startswith("3.58984 V advertises 105")


def test_kernel_refusal_is_told_and_tried_again() -> None:
    d = master()
    address = vip("192.0.2.100/24")
    d.do(KernelRefused(us(60.1), "V", "add 192.0.2.100/24 to eth0: no memory", (address,)))
    assert not d.view().addresses[0].present
    assert "61.1 V adds 192.0.2.100/24" in d.run(61.2)
    assert d.logs[-1] == "(V) add 192.0.2.100/24 to eth0: no memory"


def test_an_address_removed_by_somebody_comes_back_without_election() -> None:
    d = master()
    removed = vip("192.0.2.100/24").address
    assert d.do(AddressRemoved(us(60.1), "eth0", removed)) == ["V adds 192.0.2.100/24", "V announces 192.0.2.100 x1"]
    assert d.do(AddressRemoved(us(60.2), "eth0", removed)) == []
    assert not d.view().addresses[0].present
    assert "61.1 V adds 192.0.2.100/24" in d.run(61.2)
    assert d.state() == "MASTER"


def test_a_stopped_backup_says_nothing() -> None:
    d = director()
    d.start()
    assert d.do(StopRequested(us(1))) == ["V BACKUP->STOP: stopped"]


def test_a_stopped_master_says_goodbye_and_removes() -> None:
    d = master()
    assert d.do(StopRequested(us(60.1))) == ["V advertises 0", *LEAVES, "V MASTER->STOP: stopped"]
    assert d.run(70) == []


def test_stop_in_fault() -> None:
    d = director()
    d.start()
    d.link(1, "eth0", False)
    assert d.do(StopRequested(us(2))) == ["V FAULT->STOP: stopped"]


def test_stop_before_start_does_nothing_to_the_kernel() -> None:
    assert director().do(StopRequested(0)) == ["V INIT->STOP: stopped"]


def test_a_replaced_worker_keeps_the_addresses_and_resumes_after_one_skew_time() -> None:
    d = director()
    assert d.start(masters=frozenset({"V"})) == ["V INIT->BACKUP: worker restarted"]
    assert d.view().addresses[0].present
    lines = d.run(0.7)
    assert lines[0] == "0.609375 V advertises 100"
    assert lines[1] == "0.609375 V BACKUP->MASTER: worker restarted"


def test_a_replaced_worker_yields_if_somebody_has_taken_over() -> None:
    d = director(instance(preempt=False))
    d.start(masters=frozenset({"V"}))
    assert d.hear(0.3, 90) == LEAVES
    assert d.run(3.8) == []


@pytest.mark.parametrize("end", ["fault", "stop", "delete"])
def test_a_replaced_worker_that_ends_while_listening_leaves_nothing(end: str) -> None:
    d = director()
    d.start(masters=frozenset({"V"}))
    if end == "fault":
        lines = d.link(0.1, "eth0", False)
    elif end == "stop":
        lines = d.do(StopRequested(us(0.1)))
    else:
        lines = d.do(Reconfigured(us(0.1), Config()))
    assert lines[0] == LEAVES[0]


# What must not be believed.

PASSWORD = Authentication(type=AuthType.PASS, password=b"1111")


@pytest.mark.parametrize(
    ("ours", "theirs", "counter", "words"),
    [
        ({}, {"ttl": 254}, "ip_ttl_err", "TTL is not 255"),
        ({}, {"version": 3}, "vers_err", "wrong VRRP version"),
        ({"version": 3}, {}, "vers_err", "wrong VRRP version"),
        ({}, {"interval": 2}, "advert_interval_err", "2 s, ours is 1 s"),
        ({}, {"auth": b"1111"}, "authtype_mismatch", "PASS, ours is none"),
        ({"authentication": PASSWORD}, {}, "authtype_mismatch", "none, ours is PASS"),
        ({"authentication": PASSWORD}, {"auth": b"2222"}, "auth_failure", "auth_pass is not the same"),
        ({}, {"damage": 9}, "chk_err", "invalid checksum"),
        ({}, {"damage": 3}, "packet_len_err", "wrong length"),
        ({"unicast_peer": (vip("192.0.2.2/32").address,)}, {}, "addr_list_err", "wrong destination"),
        (
            {"unicast_peer": (vip("192.0.2.9/32").address,), "check_unicast_src": True},
            {"destination": vip("192.0.2.1/32").address},
            None,
            "not a unicast peer",
        ),
    ],
)
def test_refused_advertisements_count_and_change_nothing(
    ours: dict[str, Any], theirs: dict[str, Any], counter: str | None, words: str
) -> None:
    d = director(instance(**ours))
    d.start()
    for n in range(30):
        assert d.hear(n / 10, 200, **theirs) == []
    lines = d.run(3.7)
    assert lines[0] == TAKES[0], "a refused advertisement must not postpone the takeover"
    assert d.view().last_reject is not None
    if counter is not None:
        assert getattr(d.view().stats, counter) == 30
    assert sum(words in line for line in d.logs) == 1, "told once"
    # As MASTER too: nothing that is refused makes us yield, answer or miss an advertisement.
    before = d.view().stats.advert_sent
    for n in range(60):
        d.run(4 + n / 20)
        assert d.hear(4 + n / 20, 200, **theirs) == []
    d.run(7)
    assert d.state() == "MASTER"
    assert d.view().stats.advert_sent == before + 3


def test_a_password_is_never_told() -> None:
    d = director(instance(authentication=PASSWORD))
    d.start()
    d.hear(1, 200, auth=b"geheim")
    assert not any("1111" in line or "geheim" in line for line in [*d.logs, d.view().last_reject or ""])


def test_owner_ignores_advertisements_if_told_to() -> None:
    d = director(instance(priority=255, owner_ignore_adverts=True))
    d.start()
    assert d.hear(1, 255, "192.0.2.200") == []
    assert d.state() == "MASTER"


def test_other_address_lists_are_named_but_believed() -> None:
    d = director()
    d.start()
    d.hear(3, 150, addresses=("192.0.2.150",))
    assert d.run(6.5) == []
    assert d.view().stats.addr_list_err == 1
    assert (
        d.logs[-1]
        == "(V) virtual_ipaddress differs from that of 192.0.2.2: only here 192.0.2.100; only there 192.0.2.150"
    )


def test_skip_check_adv_addr_compares_once_a_master() -> None:
    d = director(instance(skip_check_adv_addr=True))
    d.start()
    for second in (1, 2, 3):
        d.hear(second, 150, addresses=("192.0.2.150",))
    assert d.view().stats.addr_list_err == 1


def test_short_and_foreign_datagrams_are_nothing() -> None:
    d = director()
    d.start()
    peer = IPv4Address("192.0.2.2")
    assert d.do(DatagramReceived(us(1), "eth0", peer, VRRP_GROUP4, 255, b"\x21\x33")) == []
    assert d.hear(1, 200, virtual_router_id=99) == []
    assert d.hear(1, 200, interface="eth9") == []


# Version 3.


def test_v3_skew_follows_the_interval() -> None:
    d = director(instance(version=3, advert_int=us(0.1), priority=200))
    d.start()
    assert d.run(0.33)[0] == "0.321875 V advertises 200"


def test_v3_learns_the_masters_interval_and_forgets_it_as_master() -> None:
    d = director(instance(version=3, advert_int=us(2)))
    d.start()
    d.hear(1, 150, version=3, interval=0.5)
    assert d.view().master_advert_int == SECOND // 2
    lines = d.run(6)
    assert lines[0] == "2.80469 V advertises 100"
    assert [line for line in lines if "advertises" in line][1] == "4.80469 V advertises 100"
    assert d.view().master_advert_int == 2 * SECOND


def test_v3_unicast_sends_a_checksum_of_its_own_to_each_peer() -> None:
    peers = (vip("192.0.2.2/32").address, vip("192.0.2.3/32").address)
    d = director(instance(version=3, unicast_peer=peers))
    d.start()
    lines = d.run(3.7)
    assert [line for line in lines if "advertises" in line] == ["3.60938 V advertises 100"] * 2
    assert d.view().stats.advert_sent == 1


def test_unicast_instances_may_share_an_id_if_their_peers_differ() -> None:
    near, far = vip("192.0.2.2/32").address, vip("192.0.2.3/32").address
    d = director(
        instance("N", unicast_peer=(near,)),
        instance("F", unicast_peer=(far,), virtual_ipaddress=(vip("192.0.2.101/24"),)),
    )
    d.start()
    own = vip("192.0.2.1/32").address
    d.hear(3, 150, str(near), destination=own)
    assert [line.split()[1] for line in d.run(4) if "advertises" in line] == ["F"]
    d.hear(4.1, 150, str(far), destination=own, addresses=("192.0.2.101",))
    assert (d.state("N"), d.state("F")) == ("BACKUP", "BACKUP")


def test_a_fault_that_clears_during_the_startup_delay_does_not_shorten_it() -> None:
    d = director(instance(priority=255), vrrp_startup_delay=us(10))
    facts = d.interfaces.pop("eth0")
    d.start()
    assert d.do(InterfaceChanged(us(2), "eth0", facts)) == ["V FAULT->BACKUP: fault cleared"]
    assert d.run(13) == []
    assert d.run(13.1)[0].startswith("13.0039 V advertises 255")


def test_over_ipv6_the_source_is_link_local() -> None:
    virtual = (vip("fe80::100/64"), vip("2001:db8::100/64"))
    d = director(instance(version=3, virtual_ipaddress=virtual, mcast_dst_ip=VRRP_GROUP6))
    own = tuple(IPv6Address(a) for a in ("2001:db8::1", "fe80::100", "fe80::1"))
    d.interfaces["eth0"] = dataclasses.replace(d.interfaces["eth0"], addresses=own)
    d.start()
    assert d.run(3.7)[0] == "3.60938 V advertises 100"
    assert d.view().master_address == "fe80::1"
    global_only = dataclasses.replace(d.interfaces["eth0"], addresses=own[:1])
    assert d.do(InterfaceChanged(us(4), "eth0", global_only))[-1] == "V MASTER->FAULT: no source address"
