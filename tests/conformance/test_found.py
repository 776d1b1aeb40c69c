"""What the simulator found, each as a play of its own."""

from __future__ import annotations

from ipaddress import IPv4Address

from pyvrrp.model.vrrp import Authentication, AuthType
from pyvrrp.simulate.world import World
from tests.conformance.play import director, instance, us
from tests.unit.simulate.stage import config


def test_a_worker_that_replaces_another_is_not_deaf() -> None:
    """vrrp_startup_delay held it from hearing the new master while its addresses stayed: two holders for the delay."""
    before = director(instance(), vrrp_startup_delay=us(3))
    before.start()
    before.run(7)
    d = director(instance(), vrrp_startup_delay=us(3))
    masters = d.router.resume(before.router.snapshot())
    assert masters == {"V"}
    assert d.start(7, masters) == ["V INIT->BACKUP: worker restarted"]
    assert d.hear(7.1, 200) == ["V removes 192.0.2.100/24"]


def test_two_that_become_master_together_understand_each_other_with_ah() -> None:
    """Both numbered alike, each took the other's advertisement for its own come back: two masters for as long as they
    advertised at the same time."""
    secret = Authentication(type=AuthType.AH, password=b"secret")
    world = World({name: config(instance(authentication=secret)) for name in ("a", "b")})
    world.run(us(10))
    story = world.finish()
    assert not story.violations
    assert [span.holders for span in story.services[0].spans] == [(), ("a", "b"), ("b",)]


def test_nor_do_unicast_peers_whose_rounds_take_several_numbers() -> None:
    secret = Authentication(type=AuthType.AH, password=b"secret")
    addresses = {name: IPv4Address(f"10.0.0.{number}") for number, name in enumerate("abc", 1)}
    world = World(
        {
            name: config(
                instance(
                    authentication=secret,
                    priority=100 - (name == "c"),
                    mcast_src_ip=own,
                    unicast_peer=tuple(address for address in addresses.values() if address != own),
                )
            )
            for name, own in addresses.items()
        }
    )
    world.run(us(10))
    assert not world.finish().violations
