"""Addresses on devices that carry no advertisements (garp_extra_if)."""

from __future__ import annotations

from ipaddress import ip_interface

from pyvrrp.core.vrrp.garp import GarpSchedule, elsewhere
from pyvrrp.model.vmac import Vmac
from pyvrrp.model.vrrp import Garp, GarpExtra, VirtualAddress, VrrpInstance
from pyvrrp.units import SECOND


def address(text: str, dev: str) -> VirtualAddress:
    return VirtualAddress(interface=ip_interface(text), dev=dev)


OWN, ON_VMAC, ON_OTHER = (
    address("192.0.2.100/24", "eth0"),
    address("192.0.2.101/24", "vrrp.5"),
    address("192.0.2.102/24", "eth1"),
)


def instance(extra: GarpExtra | None) -> VrrpInstance:
    return VrrpInstance(
        name="V",
        interface="eth0",
        virtual_router_id=5,
        virtual_ipaddress=(OWN, ON_VMAC, ON_OTHER),
        vmac=Vmac(name="vrrp.5", parent="eth0", family=4),
        vmac_xmit_base=True,
        garp=Garp(delay=0),
        garp_extra_if=extra,
    )


def test_which_addresses_it_is_about() -> None:
    assert elsewhere(instance(GarpExtra(interval=SECOND))) == (ON_VMAC,)
    assert elsewhere(instance(GarpExtra(interval=SECOND, every_device=True))) == (ON_VMAC, ON_OTHER)


def test_they_are_due_each_interval() -> None:
    config, schedule = instance(GarpExtra(interval=3 * SECOND)), GarpSchedule()
    schedule.start(config, SECOND)
    assert schedule.deadline == 4 * SECOND
    assert schedule.extra_due(config, 4 * SECOND - 1) == ()
    assert schedule.extra_due(config, 4 * SECOND) == (ON_VMAC,)
    assert schedule.deadline == 7 * SECOND
    schedule.clear()
    assert schedule.extra_due(config, 9 * SECOND) == ()


def test_none_are_due_where_none_are_wanted() -> None:
    schedule = GarpSchedule()
    schedule.start(instance(None), SECOND)
    assert schedule.deadline is None
