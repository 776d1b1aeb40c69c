"""interface_up_down_delays: a link that goes counts only once it has stayed away for a while."""

from __future__ import annotations

from typing import Any

from pyvrrp.core.vrrp.events import Reconfigured
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import LinkDelay, Tracked
from tests.conformance.play import Director, instance, us


def director(down: float, up: float = 0, **changes: Any) -> Director:
    delay = LinkDelay(interface="eth0", down=us(down), up=us(up))
    config = Config(vrrp_instances=(instance(**changes),), interface_up_down_delays=(delay,))
    d = Director(config)
    d.start()
    d.run(5)
    assert d.state() == "MASTER"
    return d


def test_a_link_that_comes_back_in_time_was_never_away() -> None:
    d = director(2)
    assert d.link(5, "eth0", False) == []
    d.run(6.9)
    assert d.link(6.9, "eth0", True) == []
    d.run(20)
    assert d.state() == "MASTER"


def test_one_that_does_not_is_a_fault_when_the_time_is_over() -> None:
    d = director(2)
    d.link(5, "eth0", False)
    lines = d.run(7.5)
    assert [line for line in lines if "->" in line] == ["7 V MASTER->FAULT: interface down"]


def test_the_time_counts_from_the_first_news() -> None:
    d = director(2)
    d.link(5, "eth0", False)
    d.run(6)
    d.link(6, "eth0", False)
    assert "7 V MASTER->FAULT: interface down" in d.run(7.5)


def test_coming_up_has_a_delay_of_its_own() -> None:
    d = director(0, 3)
    assert d.link(5, "eth0", False)[-1] == "V MASTER->FAULT: interface down"
    assert d.link(6, "eth0", True) == []
    assert d.run(8) == []
    d.link(8, "eth0", False)
    assert d.run(10) == []
    d.link(10, "eth0", True)
    assert d.run(13)[0] == "13 V FAULT->BACKUP: fault cleared"


def test_a_device_that_is_gone_is_gone_at_once() -> None:
    d = director(2)
    assert d.link(5, "eth0", None)[-1] == "V MASTER->FAULT: interface missing"
    assert d.link(6, "eth0", True)[-1] == "V FAULT->BACKUP: fault cleared", "and there at once when it is new"


def test_another_delay_after_a_reload() -> None:
    d = director(2)
    delay = LinkDelay(interface="eth0", down=us(1))
    d.do(Reconfigured(us(5), Config(vrrp_instances=(instance(),), interface_up_down_delays=(delay,))))
    d.link(5, "eth0", False)
    assert any(line.startswith("6 V MASTER->FAULT") for line in d.run(6.5))


def test_what_is_tracked_with_a_weight_is_paced_too() -> None:
    d = director(2, track_interface=(Tracked(name="eth0", weight=-10),), dont_track_primary=True)
    d.link(5, "eth0", False)
    d.run(6.9)
    assert d.view().effective_priority == 100
    d.run(7.1)
    assert d.view().effective_priority == 90
