"""What the simulator found, each as a play of its own."""

from __future__ import annotations

from tests.conformance.play import director, instance, us


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
