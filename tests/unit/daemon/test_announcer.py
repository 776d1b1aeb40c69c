"""The pace of gratuitous ARP: by interface, by group, and no more of it than is worth the wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_interface

from pyvrrp.core.vrrp.actions import SendGratuitousArps
from pyvrrp.daemon.announcer import Announcer
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.tracked import GarpGroup
from pyvrrp.model.vmac import Vmac
from pyvrrp.model.vrrp import Garp, VirtualAddress, VrrpInstance
from pyvrrp.units import MILLISECOND, SECOND


def address(text: str, dev: str) -> VirtualAddress:
    return VirtualAddress(interface=ip_interface(text), dev=dev)


A, B = address("192.0.2.100/24", "eth0"), address("192.0.2.101/24", "eth1")
ON_VMAC = address("192.0.2.102/24", "vrrp.5")
SIX = address("2001:db8::1/64", "eth0")
INSTANCE = VrrpInstance(
    name="V",
    interface="eth0",
    virtual_router_id=5,
    virtual_ipaddress=(A, B, ON_VMAC),
    vmac=Vmac(name="vrrp.5", parent="eth0", family=4),
    garp=Garp(repeat=2, refresh_repeat=1, lower_prio_repeat=2),
)
GROUP = GarpGroup(garp_interval=SECOND, interfaces=("eth0", "eth1"))


def sent(play: Callable[[Announcer], None], config: Config, seconds: float = 0) -> list[VirtualAddress]:
    """What goes out within the time."""
    found: list[VirtualAddress] = []

    async def run() -> None:
        announcer = Announcer(lambda _, address: found.append(address), lambda: False)
        announcer.configure(config)
        play(announcer)
        await asyncio.sleep(seconds)

    asyncio.run(run())
    return found


def config(interval: int = 0, *groups: GarpGroup) -> Config:
    return Config(global_defs=GlobalDefs(garp_interval=interval), vrrp_instances=(INSTANCE,), garp_groups=groups)


def test_without_intervals_all_goes_out_at_once() -> None:
    assert sent(lambda a: a.announce([SendGratuitousArps("V", (A, B), 2)]), config()) == [A, B, A, B]


def test_a_deadline_that_has_come_need_not_wait_for_all_and_each_address_comes_before_any_again() -> None:
    many = tuple(address(f"192.0.2.{number}/24", "eth0") for number in range(10))
    found: list[VirtualAddress] = []

    async def run() -> None:
        announcer = Announcer(lambda _, address: found.append(address), lambda: True)
        announcer.configure(config())
        announcer.announce([SendGratuitousArps("V", many, 2)])
        assert len(found) == 8
        announcer.announce([SendGratuitousArps("V", (A,), 1)])
        while len(found) < 21:
            await asyncio.sleep(0)

    asyncio.run(run())
    assert found == [*many, A, *many]


def test_an_interface_has_its_own_pace_and_a_vmac_that_of_its_parent() -> None:
    assert sent(lambda a: a.announce([SendGratuitousArps("V", (A, B, ON_VMAC, SIX), 1)]), config(SECOND)) == [A, B, SIX]


def test_interfaces_of_a_group_share_one_pace() -> None:
    assert sent(lambda a: a.announce([SendGratuitousArps("V", (A, B, ON_VMAC, SIX), 1)]), config(0, GROUP)) == [A, SIX]


def test_what_waits_is_no_more_than_one_burst() -> None:
    def play(announcer: Announcer) -> None:
        for _ in range(9):
            announcer.announce([SendGratuitousArps("V", (A,), 2)])

    assert sent(play, config(MILLISECOND), seconds=0.2) == [A, A, A]


def test_what_waits_is_forgotten_with_the_mastership() -> None:
    def play(announcer: Announcer) -> None:
        announcer.announce([SendGratuitousArps("V", (A,), 2)])
        announcer.forget({"V"})

    assert sent(play, config(MILLISECOND), seconds=0.05) == [A]
