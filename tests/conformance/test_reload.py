"""A reload is a difference: what did not change is not touched."""

from __future__ import annotations

from dataclasses import replace

from pyvrrp.core.vrrp.events import Reconfigured
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.units import SECOND
from tests.conformance.play import director, instance, master, us, vip

A = instance("A")
B = instance("B", virtual_router_id=52, virtual_ipaddress=(vip("192.0.2.101/24"),))


def config(*instances: VrrpInstance) -> Config:
    return Config(vrrp_instances=instances)


def test_nothing_changed_nothing_done_and_no_advertisement_missed() -> None:
    d = master(A, B)
    d.run(60.2)
    before = d.view("A")
    assert d.do(Reconfigured(us(60.2), config(A, B))) == []
    assert d.view("A") == before
    assert [line for line in d.run(60.7) if "A adv" in line] == ["60.6094 A advertises 100"]


def test_an_added_address_is_added_and_announced_alone() -> None:
    d = master(A)
    more = replace(A, virtual_ipaddress=(*A.virtual_ipaddress, vip("192.0.2.102/24")))
    assert d.do(Reconfigured(us(60.1), config(more))) == [
        "A advertises 100",
        "A adds 192.0.2.102/24",
        "A announces 192.0.2.102 x5",
    ]
    assert d.state("A") == "MASTER"


def test_a_removed_address_is_removed() -> None:
    d = master(replace(A, virtual_ipaddress=(*A.virtual_ipaddress, vip("192.0.2.102/24"))))
    assert d.do(Reconfigured(us(60.1), config(A))) == ["A removes 192.0.2.102/24", "A advertises 100"]


def test_an_address_that_moves_to_another_master_stays_where_it_is() -> None:
    d = master(A, B)
    bigger = replace(B, virtual_ipaddress=(*B.virtual_ipaddress, *A.virtual_ipaddress))
    other = replace(A, virtual_ipaddress=(vip("192.0.2.103/24"),))
    lines = d.do(Reconfigured(us(60.1), config(other, bigger)))
    assert not any("removes" in line for line in lines)
    assert "B adds 192.0.2.100/24" in lines


def test_an_instance_that_is_gone_says_goodbye() -> None:
    d = master(A, B)
    assert d.do(Reconfigured(us(60.1), config(A))) == [
        "B advertises 0",
        "B removes 192.0.2.101/24",
        "B MASTER->DELETED: reload",
    ]
    assert [i.name for i in d.router.snapshot().instances] == ["A"]
    assert not any(line.split()[1] == "B" for line in d.run(70))


def test_the_addresses_of_a_removed_instance_stay_if_another_master_wants_them() -> None:
    d = master(A, B)
    heir = replace(B, virtual_ipaddress=(*B.virtual_ipaddress, *A.virtual_ipaddress))
    assert not any("removes" in line for line in d.do(Reconfigured(us(60.1), config(heir))))


def test_a_new_instance_starts_as_backup_and_finds_its_interface() -> None:
    d = master(A)
    lines = d.do(Reconfigured(us(60.1), config(A, B)))
    assert lines == ["B removes 192.0.2.101/24", "B INIT->BACKUP: startup"]
    assert "63.7094 B advertises 100" in d.run(64)


def test_a_renamed_instance_keeps_its_state() -> None:
    d = master(A)
    d.do(Reconfigured(us(60.1), config(replace(A, name="Z"))))
    assert d.state("Z") == "MASTER"
    d.hear(60.2, 42)
    assert d.logs[-1].startswith("(Z) Received advert from 192.0.2.2 with lower priority 42")


def test_a_changed_priority_is_advertised_at_once() -> None:
    d = master(A)
    assert d.do(Reconfigured(us(60.1), config(replace(A, priority=42)))) == ["A advertises 42"]


def test_a_changed_interval_sets_the_new_rhythm() -> None:
    d = master(A)
    d.do(Reconfigured(us(60.1), config(replace(A, advert_int=2 * SECOND))))
    assert [line.split()[0] for line in d.run(65) if "adv" in line] == ["62.1", "64.1"]


def test_a_backup_counts_with_the_new_values() -> None:
    d = director(A)
    d.start()
    d.do(Reconfigured(us(1), config(replace(A, priority=200))))
    assert d.run(4.3)[0] == "3.21875 A advertises 200"


def test_another_interface_is_another_instance() -> None:
    d = master(A)
    moved = replace(A, interface="eth5", virtual_ipaddress=(vip("192.0.2.100/24", "eth5"),))
    lines = d.do(Reconfigured(us(60.1), config(moved)))
    assert lines[:3] == ["A advertises 0", "A removes 192.0.2.100/24", "A MASTER->DELETED: reload"]
    assert d.state("A") == "FAULT"
