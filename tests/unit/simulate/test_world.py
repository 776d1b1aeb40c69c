"""The virtual directors do what real ones do in the topology tests."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import Authentication, AuthType, SyncGroup
from pyvrrp.simulate.network import Path
from pyvrrp.simulate.story import Fault, Story
from pyvrrp.units import MILLISECOND, SECOND
from tests.conformance.play import vip
from tests.unit.simulate.stage import config, instance, pair, play


def states(story: Story, instance_name: str = "V") -> list[str]:
    return [
        f"{change.at / SECOND:.2f} {change.director} {change.state}"
        for change in story.changes
        if change.instance == instance_name
    ]


def holders(story: Story) -> list[tuple[float, str]]:
    return [(round(span.begin / SECOND, 2), " ".join(span.holders)) for span in story.services[0].spans]


def test_a_crash_is_noticed_after_the_master_down_interval() -> None:
    story = play(pair(), "at 10s crash a", 20)
    # The last advertisement was sent at 9.41, b's master down interval is 3.61.
    assert holders(story) == [(0, ""), (3.41, "a"), (10, ""), (13.02, "b")]
    assert not story.violations


def test_a_clean_stop_takes_a_skew_time() -> None:
    assert holders(play(pair(), "at 10s stop a", 20))[-1] == (10.61, "b")


def test_a_director_that_a_scenario_starts_is_off_until_then() -> None:
    story = play(pair(), "at 10s start a", 20)
    assert states(story) == ["0.00 b BACKUP", "3.61 b MASTER", "10.00 a BACKUP", "13.41 a MASTER", "13.41 b BACKUP"]


def test_both_are_masters_apart_and_one_after_the_healing() -> None:
    story = play(pair(), "at 10s partition a | b\nat 20s heal", 30)
    assert [who for _, who in holders(story)] == ["", "a", "a b", "a"]
    assert not story.violations


def test_one_way_loss_makes_two_masters_that_nobody_is_blamed_for() -> None:
    story = play(pair(), "at 10s loss 100% a -> b\nat 20s heal", 30)
    assert "a b" in [who for _, who in holders(story)]
    assert not story.violations


def test_a_link_that_goes_down_is_a_fault_and_the_others_take_over() -> None:
    story = play(pair(), "at 10s link a eth0 down\nat 20s link a eth0 up", 40)
    mine = [line for line in states(story) if " a " in line]
    assert mine[-3:] == ["10.00 a FAULT", "20.00 a BACKUP", "23.41 a MASTER"]
    assert not story.violations


def test_a_worker_that_is_killed_keeps_its_addresses() -> None:
    story = play(pair(), "at 10s kill a", 20)
    assert [who for _, who in holders(story)] == ["", "a"]


def test_who_was_stalled_hears_first_what_came_meanwhile() -> None:
    # b is stalled for longer than its master down interval, and finds a's advertisements in its buffer.
    story = play(pair(), "at 10s stall b 8s", 30)
    assert [who for _, who in holders(story)] == ["", "a"]


def test_a_stalled_master_is_replaced_and_yields_only_to_a_better_one() -> None:
    story = play(pair(), "at 10s stall a 8s", 30)
    assert [who for _, who in holders(story)] == ["", "a", "a b", "a"]
    assert not story.violations


def test_trackers_fail_and_recover() -> None:
    tracking = {"track_script": (Tracked(name="chk", weight=-60),)}
    story = play(pair(**tracking), "at 10s script a chk fails\nat 20s script a chk ok", 40)
    assert [who for _, who in holders(story)] == ["", "a", "a b", "b", "a b", "a"]
    assert not story.violations


def test_an_address_that_somebody_removes_is_put_back() -> None:
    story = play(pair(), "at 10s remove a 192.0.2.100", 20)
    assert [who for _, who in holders(story)] == ["", "a"]
    assert len(states(story)) == 3


def test_unicast_peers_find_each_other() -> None:
    one, other = ip_address("192.0.2.1"), ip_address("192.0.2.2")
    configs = {
        "a": config(instance(priority=100, mcast_src_ip=one, unicast_peer=(other,))),
        "b": config(instance(priority=101, mcast_src_ip=other, unicast_peer=(one,))),
    }
    story = play(configs, "at 10s crash b", 30)
    assert [who for _, who in holders(story)] == ["", "b", "", "a"]


def test_a_reload_is_another_configuration() -> None:
    world_pair = pair()
    new = config(replace(world_pair["a"].vrrp_instances[0], priority=50))
    story = play(world_pair, "at 10s reload a new.conf", 30, reload=lambda name, file: new)
    assert [who for _, who in holders(story)][-1] == "b"
    assert not story.violations


def test_slow_clocks_take_longer() -> None:
    story = play(pair(), "", 5, clocks={"a": -100_000})
    assert holders(story)[1] == (3.61, "b")


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_plays_the_same(seed: int) -> None:
    lossy = Path(loss=300_000, jitter=20 * MILLISECOND, duplicate=100_000, reorder=100_000)
    one, other = (play(pair(), "at 30s crash a\nat 60s start a", 600, path=lossy, seed=seed) for _ in range(2))
    assert one == other
    assert one.lost > 0


# What is wrong is found.


def test_two_masters_because_of_a_password() -> None:
    configs = {
        name: config(instance(authentication=Authentication(type=AuthType.PASS, password=word)))
        for name, word in (("a", b"right"), ("b", b"wrong"))
    }
    story = play(configs, "", 20)
    assert [violation.fault for violation in story.violations] == [Fault.TWO]
    violation = story.violations[0]
    assert violation.directors == ("a", "b")
    assert violation.end is None
    assert "password differs" in violation.why


def test_an_address_that_the_master_does_not_have() -> None:
    configs = pair()
    configs["b"] = config(instance(priority=100, virtual_ipaddress=configs["b"].vrrp_instances[0].virtual_ipaddress))
    story = play(configs, "", 20)
    assert not story.violations
    from tests.conformance.play import vip

    more = (*configs["b"].vrrp_instances[0].virtual_ipaddress, vip("192.0.2.101/24"))
    configs["b"] = config(instance(priority=100, virtual_ipaddress=more))
    story = play(configs, "", 20)
    assert [(v.fault, v.address, v.directors) for v in story.violations] == [(Fault.NONE, "192.0.2.101", ("b",))]
    assert "a, which is master, does not have the address" in story.violations[0].why


def test_a_router_that_never_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyvrrp.core.vrrp.router import Router

    monkeypatch.setattr(Router, "not_before", None)
    story = play(pair(), "", 20)
    assert {violation.fault for violation in story.violations} == {Fault.NONE}


def test_a_router_that_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyvrrp.core.vrrp.router import Router

    monkeypatch.setattr(Router, "_datagram", lambda self, event: [])
    story = play(pair(), "", 20)
    assert {violation.fault for violation in story.violations} == {Fault.TWO}


def test_a_group_whose_other_member_hears_a_master_is_not_blamed() -> None:
    members = (instance("V"), instance("W", interface="eth1", virtual_router_id=52, virtual_ipaddress=()))
    configs = {
        name: config(
            *(replace(member, priority=priority) for member in members),
            groups=(SyncGroup(name="G", members=("V", "W")),),
        )
        for name, priority in (("a", 150), ("b", 100))
    }
    story = play(configs, "at 20s partition a | b on eth0\nat 60s heal", 80)
    assert not story.violations
    assert {line.split()[1] for line in states(story) if "MASTER" in line} == {"a"}


def test_many_instances_advertise_apart_and_move_one_slot_after_the_other() -> None:
    many = {
        name: config(
            *(
                instance(
                    f"V{n}", priority=priority, virtual_router_id=n + 1, virtual_ipaddress=(vip(f"10.0.{n}.1/24"),)
                )
                for n in range(64)
            )
        )
        for name, priority in (("a", 150), ("b", 100))
    }
    story = play(many, "at 10s crash a\nat 20s start a\nat 30s partition a | b\nat 40s heal", 50)
    assert not story.violations
    taken = sorted({change.at for change in story.changes if change.director == "b" and change.at > 10 * SECOND})
    first = [at for at in taken if at < 20 * SECOND]
    assert len(first) == 4, "64 instances in slots of 16"
    assert first[-1] - first[0] == 3 * SECOND // 4
