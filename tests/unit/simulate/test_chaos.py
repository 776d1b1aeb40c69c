from __future__ import annotations

from pyvrrp.model.tracked import Tracked
from pyvrrp.simulate.chaos import chaos, settling, tour
from pyvrrp.simulate.steps import Begin, Crash, Heal
from pyvrrp.simulate.topology import lay_out
from pyvrrp.simulate.world import World
from pyvrrp.units import MINUTE, SECOND
from tests.unit.simulate.stage import config, instance, pair


def test_the_tour_begins_with_the_best_and_ends_with_all() -> None:
    steps, length = tour(pair())
    assert steps[0].step == Crash("a")
    world = World(pair(), steps)
    world.run(length)
    assert not world.finish().violations


def test_settling_covers_what_may_delay_a_master() -> None:
    slow = config(instance(advert_int=10 * SECOND, preempt_delay=20 * SECOND), vrrp_startup_delay=30 * SECOND)
    assert settling({"a": slow}) > 2 * 80 * SECOND


def test_the_same_seed_makes_the_same_faults_and_another_one_others() -> None:
    configs = pair(track_script=(Tracked(name="chk"),), track_file=(Tracked(name="n", weight=1),))
    topology = lay_out(configs)
    one, again, other = (chaos(seed, configs, topology, 60 * MINUTE, MINUTE) for seed in (1, 1, 2))
    assert one == again != other
    assert 60 < len(one) < 300
    assert {type(timed.step).__name__ for timed in one + other} >= {"Crash", "Stall", "Partition", "Quality", "Track"}


def test_in_the_end_everything_is_mended() -> None:
    configs = pair()
    steps = chaos(7, configs, lay_out(configs), 20 * MINUTE, MINUTE)
    last = max(timed.at for timed in steps)
    assert last <= 20 * MINUTE - settling(configs)
    assert {str(timed.step) for timed in steps if timed.at == last} >= {str(Heal()), str(Begin("a")), str(Begin("b"))}


def test_hours_of_chaos_hold() -> None:
    configs = pair()
    for seed in range(4):
        world = World(configs, chaos(seed, configs, lay_out(configs), 60 * MINUTE, MINUTE), seed=seed)
        world.run(60 * MINUTE)
        assert not world.finish().violations
