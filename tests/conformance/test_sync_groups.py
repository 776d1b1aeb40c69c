"""Instances that change state together."""

from __future__ import annotations

from dataclasses import replace

from pyvrrp.core.vrrp.actions import ReportGroup, ReportTransition
from pyvrrp.core.vrrp.events import Event, InterfaceChanged, Reconfigured, Started, StopRequested, TimePassed
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import SyncGroup
from tests.conformance.play import Director, director, instance, master, us, vip

A = instance("A")
B = instance("B", virtual_router_id=52, interface="eth1", virtual_ipaddress=(vip("198.51.100.1/24", "eth1"),))
GROUP = (SyncGroup(name="G", members=("A", "B")),)


def group_state(d: Director) -> str:
    return d.router.snapshot().sync_groups[0].state


def test_the_last_timer_takes_all_along() -> None:
    d = director(A, B, groups=GROUP)
    d.start()
    lines = d.run(7.3)
    masters = [line for line in lines if "->MASTER" in line]
    assert masters == [
        "3.60938 B BACKUP->MASTER: no advertisement from the master",
        "3.60938 A BACKUP->MASTER: sync group",
    ]
    assert group_state(d) == "MASTER"
    assert "VRRP_Group(G) Syncing instances to MASTER state" in d.logs
    assert d.told == ["group G is BACKUP", "group G is MASTER"]


def test_one_member_that_hears_a_master_holds_back_the_other() -> None:
    d = director(A, B, groups=GROUP)
    d.start()
    for second in range(1, 12):
        d.run(second)
        d.hear(second, 150, virtual_router_id=52, interface="eth1", addresses=("198.51.100.1",))
    assert d.state("A") == d.state("B") == "BACKUP"


def test_losing_one_election_loses_all_and_says_goodbye_for_the_others() -> None:
    d = master(A, B, groups=GROUP)
    lines = d.hear(60.1, 150)
    assert lines == [
        "A removes 192.0.2.100/24",
        "A MASTER->BACKUP: advertisement of higher priority",
        "B advertises 0",
        "B removes 198.51.100.1/24",
        "B MASTER->BACKUP: sync group",
    ]
    assert group_state(d) == "BACKUP"


def test_one_fault_is_a_fault_of_all_and_all_return_together() -> None:
    d = master(A, B, groups=GROUP)
    lines = d.link(60.1, "eth1", False)
    assert lines == [
        "A advertises 0",
        "A removes 192.0.2.100/24",
        "A MASTER->FAULT: sync group",
        "B advertises 0",
        "B removes 198.51.100.1/24",
        "B MASTER->FAULT: interface down",
    ]
    assert group_state(d) == "FAULT"
    assert d.link(61, "eth0", False) == []
    assert d.link(62, "eth1", True) == []
    assert d.state("B") == "FAULT"
    assert d.link(63, "eth0", True) == ["A FAULT->BACKUP: fault cleared", "B FAULT->BACKUP: fault cleared"]


def test_a_fault_at_start_keeps_the_group_in_fault() -> None:
    d = director(A, B, groups=GROUP)
    d.interfaces.pop("eth1")
    d.start()
    assert d.state("A") == d.state("B") == "FAULT"
    assert d.view("A").cause.value == "sync group"


def test_owner_in_a_mixed_group_waits_like_the_others() -> None:
    owner = instance("A", priority=255)
    d = director(owner, B, groups=GROUP)
    d.start()
    assert d.state("A") == "BACKUP"
    assert director(owner, B).start().count("A advertises 255") == 1


def test_group_stops_with_a_goodbye_for_each() -> None:
    d = master(A, B, groups=GROUP)
    assert [line for line in d.do(StopRequested(us(60.1))) if "advertises" in line] == [
        "A advertises 0",
        "B advertises 0",
    ]


def test_a_group_gone_at_reload_lets_its_members_part() -> None:
    d = master(A, B, groups=GROUP)
    assert d.do(Reconfigured(us(60.1), Config(vrrp_instances=(A, B)))) == []
    d.hear(60.2, 150)
    assert (d.state("A"), d.state("B")) == ("BACKUP", "MASTER")


def test_a_member_added_to_a_master_group_waits_and_joins() -> None:
    near = instance("B", virtual_router_id=52, virtual_ipaddress=(vip("192.0.2.101/24"),))
    d = master(A)
    d.do(Reconfigured(us(60.1), Config(vrrp_instances=(A, near), vrrp_sync_groups=GROUP)))
    assert (d.state("A"), d.state("B")) == ("MASTER", "BACKUP")
    d.run(63.8)
    assert group_state(d) == "MASTER"


def test_a_member_added_to_a_master_group_takes_it_down_if_it_hears_a_master() -> None:
    near = instance("B", virtual_router_id=52, virtual_ipaddress=(vip("192.0.2.101/24"),))
    d = master(A)
    d.do(Reconfigured(us(60.1), Config(vrrp_instances=(A, near), vrrp_sync_groups=GROUP)))
    assert (d.state("A"), d.state("B")) == ("MASTER", "BACKUP")
    d.hear(60.5, 150, virtual_router_id=52, addresses=("192.0.2.101",))
    assert (d.state("A"), d.state("B")) == ("BACKUP", "BACKUP")


def test_a_group_is_told_before_its_members_at_the_start_and_behind_them_later() -> None:
    alone = instance("X", virtual_router_id=77, virtual_ipaddress=(vip("192.0.2.177/24"),))
    d = director(A, B, alone, groups=GROUP)

    def told(event: Event) -> list[str]:
        actions = d.actions(event)
        whose = [a.transition.instance if isinstance(a, ReportTransition) else a for a in actions]
        return [a.name if isinstance(a, ReportGroup) else a for a in whose if isinstance(a, ReportGroup | str)]

    for name, facts in d.interfaces.items():
        d.do(InterfaceChanged(0, name, facts))
    assert told(Started(0)) == ["G", "A", "B", "X"]
    due = d.router.deadline()
    assert due is not None
    assert told(TimePassed(due)) == ["B", "A", "G", "X"]


def test_a_weaker_master_makes_the_whole_group_announce() -> None:
    garp = replace(A.garp, lower_prio_repeat=2, lower_prio_delay=3_000_000)
    d = master(A, replace(B, garp=garp), groups=GROUP)
    assert d.hear(60.1, 50) == ["A advertises 100", "A announces 192.0.2.100 x5", "B announces 198.51.100.1 x2"]
    assert [line for line in d.run(66) if "announces" in line] == [
        "63.1 B announces 198.51.100.1 x2",
        "65.1 A announces 192.0.2.100 x5",
    ]
