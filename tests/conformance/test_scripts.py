"""What track_script does to an instance."""

from __future__ import annotations

from dataclasses import replace

from pyvrrp.core.vrrp.events import Reconfigured, TrackerChanged
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracked, Tracker
from pyvrrp.model.vrrp import SyncGroup
from tests.conformance.play import Director, director, instance, us, vip

FIT = Tracked(name="fit")
TRACKED = instance(track_script=(FIT,))
SWEEP = "V removes 192.0.2.100/24"


def script(d: Director, at: float, up: bool, name: str = "fit") -> list[str]:
    return d.do(TrackerChanged(us(at), Tracker.SCRIPT, name, up))


def test_it_starts_only_after_the_first_result() -> None:
    d = director(TRACKED)
    assert d.start() == [SWEEP], "leftovers go at once"
    assert d.run(10) == []
    assert d.view().faults == ("waiting for the first result of script fit",)
    assert script(d, 10, True) == [SWEEP, "V INIT->BACKUP: startup"]
    assert d.run(13.7)[0] == "13.6094 V advertises 100"


def test_a_first_failure_is_a_fault() -> None:
    d = director(TRACKED)
    d.start()
    assert script(d, 1, False) == [SWEEP, "V INIT->FAULT: tracked script failed"]
    assert script(d, 2, True) == ["V FAULT->BACKUP: fault cleared"]


def test_a_failing_script_takes_a_master_down() -> None:
    d = director(TRACKED)
    d.start()
    script(d, 0, True)
    d.run(5)
    lines = script(d, 5, False)
    assert lines == ["V advertises 0", SWEEP, "V MASTER->FAULT: tracked script failed"]
    assert d.view().detail == "fit"


def test_reverse_means_the_opposite() -> None:
    d = director(instance(track_script=(replace(FIT, reverse=True),)))
    d.start()
    assert script(d, 1, True)[-1] == "V INIT->FAULT: tracked script failed"
    assert script(d, 2, False) == ["V FAULT->BACKUP: fault cleared"]


def test_weights_do_not_delay_and_move_the_priority() -> None:
    d = director(instance(track_script=(Tracked(name="a", weight=20), Tracked(name="b", weight=-30))))
    assert d.start()[-1] == "V INIT->BACKUP: startup"
    assert d.view().effective_priority == 100, "not known yet, adds nothing"
    script(d, 1, True, "a")
    assert d.view().effective_priority == 120
    script(d, 1, False, "b")
    assert d.view().effective_priority == 90
    assert dict(d.view().priority_sum) == {"priority": 100, "track_script a succeeds": 20, "track_script b fails": -30}
    script(d, 1, False, "a")
    script(d, 1, True, "b")
    assert d.view().effective_priority == 100


def test_a_group_waits_for_the_script_of_one_member() -> None:
    other = instance("W", virtual_router_id=52, virtual_ipaddress=(vip("192.0.2.101/24"),))
    d = director(TRACKED, other, groups=(SyncGroup(name="G", members=("V", "W")),))
    d.start()
    assert (d.state("V"), d.state("W")) == ("INIT", "INIT")
    script(d, 1, True)
    assert (d.state("V"), d.state("W")) == ("BACKUP", "BACKUP")
    script(d, 2, False)
    assert (d.state("V"), d.state("W")) == ("FAULT", "FAULT")


def test_a_master_that_gets_a_new_script_at_reload_stays_until_its_result() -> None:
    d = director()
    d.start()
    d.run(5)
    assert d.do(Reconfigured(us(5), Config(vrrp_instances=(TRACKED,)))) == ["V advertises 100"]
    assert d.state() == "MASTER"
    assert script(d, 6, False)[-1] == "V MASTER->FAULT: tracked script failed"


def test_a_script_that_nobody_tracks_changes_nothing() -> None:
    d = director()
    d.start()
    assert script(d, 1, False, "other") == []
