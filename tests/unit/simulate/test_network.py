from __future__ import annotations

from ipaddress import ip_address
from random import Random

from pyvrrp.net import VRRP_GROUP4
from pyvrrp.simulate.network import REORDERED, Network, Path
from pyvrrp.simulate.steps import Partition, Quality
from pyvrrp.units import MILLISECOND

A, B, C = ("a", "eth0"), ("b", "eth0"), ("c", "eth1")


def network(path: Path | None = None) -> Network:
    return Network({A: "eth0", B: "eth0", C: "eth1"}, {ip_address("10.0.0.3"): C}, path or Path())


def test_a_group_is_heard_on_the_segment_and_an_address_everywhere() -> None:
    net = network()
    assert [route.receiver for route in net.routes(A, VRRP_GROUP4)] == ["b"]
    assert [route.receiver for route in net.routes(A, ip_address("10.0.0.3"))] == ["c"]
    assert net.routes(A, ip_address("10.0.0.99")) == []
    assert net.routes(C, ip_address("10.0.0.3")) == []


def test_partitions_and_links_cut_and_healing_mends_partitions_only() -> None:
    net = network()
    net.partition(Partition((frozenset("a"),), "eth0"))
    assert net.path(A, B) is None
    assert net.path(A, C) is not None
    net.heal()
    assert net.path(A, B) is not None
    net.link(B, False)
    net.heal()
    assert net.path(A, B) is None
    net.link(B, True)
    assert net.routes(A, VRRP_GROUP4)[0].path == Path()


def test_a_change_of_one_direction_leaves_the_other() -> None:
    net = network()
    net.change(Quality("loss", 1_000_000, ("a", "b")))
    assert net.path(A, B) is None
    assert net.path(B, A) == Path()
    net.change(Quality("loss", 0))
    assert net.path(A, B) == Path()
    net.change(Quality("delay", 7 * MILLISECOND, ("a", "b")))
    assert net.longest == 7 * MILLISECOND


def test_packets_are_lost_doubled_and_late_as_often_as_told() -> None:
    net, random = network(), Random(1)
    path = Path(loss=500_000, duplicate=500_000, reorder=500_000, delay=MILLISECOND, jitter=MILLISECOND)
    arrivals = [tuple(net.arrivals(path, 0, random)) for _ in range(2000)]
    assert 0.45 < sum(not times for times in arrivals) / 2000 < 0.55
    assert 0.45 < sum(len(times) == 2 for times in arrivals) / sum(len(times) > 0 for times in arrivals) < 0.55
    assert all(MILLISECOND <= at <= path.longest for times in arrivals for at in times)
    assert path.longest == 2 * MILLISECOND + REORDERED
    assert any(times and times[0] > 2 * MILLISECOND for times in arrivals)
