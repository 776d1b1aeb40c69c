"""The vrrp worker's job in a real event loop, with the kernel's twin below it."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest_asyncio

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.daemon.vrrp_role import VrrpRole
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.scripts import Command, VrrpScript
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.observe.codec import from_json
from tests.conformance.play import instance, us, vip
from tests.fakes.host import FakeHost
from tests.fakes.kernel import FakeKernel, Segment, Verb
from tests.waiting import eventually

VIP = vip("192.0.2.100/24")


class Hosted(FakeHost):
    """A role, its kernel and what it said."""

    def __init__(self, segment: Segment, number: int, *instances: VrrpInstance, **global_defs: object) -> None:
        super().__init__()
        facts = InterfaceFacts(2, True, bytes((2, 0, 0, 0, 0, number)), (IPv4Address(f"192.0.2.{number}"),))
        self.kernel = FakeKernel({"eth0": facts})
        segment.connect(self.kernel, "eth0")
        self.config = Config(
            vrrp_instances=instances,
            vrrp_scripts=global_defs.pop("scripts", ()),  # type: ignore[arg-type]
            global_defs=GlobalDefs(**global_defs),  # type: ignore[arg-type]
        )
        self.role = VrrpRole(self, self.kernel.links, self.kernel.addresses, self.kernel.packets)

    def start(self, previous: VrrpSnapshot | None = None) -> None:
        self.role.start(self.config, previous)

    def picture(self) -> VrrpSnapshot:
        return from_json(VrrpSnapshot, json.loads("".join(self.role.pieces(full=False))))

    @property
    def state(self) -> str:
        return self.picture().instances[0].state

    @property
    def holds(self) -> bool:
        return ("eth0", VIP.address) in self.kernel.virtual

    async def leave(self) -> None:
        assert self.mails == []
        loop = asyncio.get_running_loop()
        for descriptor in (self.kernel.links.bell.descriptor, self.kernel.packets.bell.descriptor):
            loop.remove_reader(descriptor)
        loop.remove_reader(self.role._timer.fileno())
        self.role._timer.close()
        self.kernel.close()


FAST = instance(version=3, advert_int=us(0.05))
"""A master down interval of 180 ms."""


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[tuple[Hosted, Hosted]]:
    segment = Segment()
    first, second = Hosted(segment, 1, replace(FAST, priority=150)), Hosted(segment, 2, FAST)
    yield first, second
    await first.leave()
    await second.leave()


async def elected(pair: tuple[Hosted, Hosted]) -> tuple[Hosted, Hosted]:
    first, second = pair
    first.start()
    second.start()
    await eventually(lambda: first.holds and second.state == "BACKUP")
    return pair


async def test_the_better_one_becomes_master_and_announces(pair: tuple[Hosted, Hosted]) -> None:
    first, second = await elected(pair)
    verbs = [operation.verb for operation in first.kernel.operations]
    assert verbs.index(Verb.SEND) < verbs.index(Verb.ADD) < verbs.index(Verb.ANNOUNCE)
    assert len(first.kernel.done(Verb.ANNOUNCE)) == 5
    assert "(V) Entering BACKUP STATE (init)" in first.texts
    assert first.texts[-1] == "(V) Entering MASTER STATE"
    assert not second.holds
    assert first.changes == 2


async def test_a_clean_stop_hands_over(pair: tuple[Hosted, Hosted]) -> None:
    first, second = await elected(pair)
    await first.role.stop()
    assert not first.holds
    await eventually(lambda: second.holds)
    assert "(V) the master stopped (priority 0): 192.0.2.1" in second.texts


async def test_dont_release_vrrp_leaves_everything(pair: tuple[Hosted, Hosted]) -> None:
    first, _ = await elected(pair)
    first.options = replace(first.options, dont_release_vrrp=True)
    sent = len(first.kernel.done(Verb.SEND))
    await first.role.stop()
    assert first.holds
    assert len(first.kernel.done(Verb.SEND)) == sent


async def test_the_cable_is_pulled_and_plugged(pair: tuple[Hosted, Hosted]) -> None:
    first, second = await elected(pair)
    first.kernel.set_up("eth0", False)
    await eventually(lambda: first.state == "FAULT" and second.holds)
    assert not first.holds
    first.kernel.set_up("eth0", True)
    await eventually(lambda: first.holds and not second.holds)


async def test_an_interface_that_comes_later_is_taken_into_service() -> None:
    late = Hosted(Segment(), 1, FAST)
    facts = late.kernel.devices.pop("eth0")
    late.start()
    assert late.state == "FAULT"
    assert late.kernel.done(Verb.OPEN) == []
    late.kernel.set_device("eth0", facts)
    await eventually(lambda: late.holds)
    assert len(late.kernel.done(Verb.OPEN)) == 1
    await late.leave()


async def test_a_device_that_returns_with_another_index_gets_new_sockets(pair: tuple[Hosted, Hosted]) -> None:
    first, _ = await elected(pair)
    facts = first.kernel.devices["eth0"]
    first.kernel.set_device("eth0", None)
    await eventually(lambda: first.state == "FAULT")
    own = tuple(address for address in facts.addresses if address != VIP.address)
    first.kernel.set_device("eth0", replace(facts, index=7, addresses=own))
    await eventually(lambda: first.holds)
    assert len(first.kernel.done(Verb.OPEN)) == 2


async def test_an_address_that_is_taken_away_comes_back(pair: tuple[Hosted, Hosted]) -> None:
    first, _ = await elected(pair)
    first.kernel.take_address("eth0", VIP.address)
    first.kernel.virtual.pop(("eth0", VIP.address), None)
    await eventually(lambda: first.holds)
    assert first.state == "MASTER"
    assert any("removed from eth0 by somebody else" in line for line in first.texts)


async def test_a_refused_address_is_told_and_tried_until_it_works() -> None:
    alone = Hosted(Segment(), 1, FAST)
    alone.kernel.refuse(Verb.ADD, errno.EPERM)
    alone.start()
    await eventually(lambda: alone.state == "MASTER")
    assert not alone.picture().instances[0].addresses[0].present
    assert any("192.0.2.100" in line and "ermi" in line for line in alone.texts)
    alone.kernel.refuse(Verb.ADD, 0)
    await eventually(lambda: alone.holds)
    await alone.leave()


async def test_a_refused_advertisement_is_told_once_and_its_return_too() -> None:
    alone = Hosted(Segment(), 1, FAST)
    alone.kernel.refuse(Verb.SEND, errno.EPERM)
    alone.start()
    await eventually(lambda: alone.picture().instances[0].stats.advert_sent > 4)
    assert sum("send" in line for line in alone.texts) == 1
    alone.kernel.refuse(Verb.SEND, 0)
    await eventually(lambda: "(V) advertisements go out again" in alone.texts)
    await alone.leave()


async def test_reload_keeps_the_master_and_adds_an_instance(pair: tuple[Hosted, Hosted]) -> None:
    first, second = await elected(pair)
    other = instance(
        "W", version=3, advert_int=us(0.05), virtual_router_id=52, virtual_ipaddress=(vip("192.0.2.101/24"),)
    )
    bigger = replace(first.config, vrrp_instances=(*first.config.vrrp_instances, other))
    first.role.reload(bigger)
    assert first.holds
    await eventually(lambda: first.picture().instances[1].state == "MASTER")
    assert first.picture().instances[0].stats.become_master == 1
    assert second.picture().instances[0].stats.become_master == 0


async def test_a_successor_goes_on_with_counters_addresses_and_history(pair: tuple[Hosted, Hosted]) -> None:
    first, second = await elected(pair)
    snapshot = first.picture()
    loop = asyncio.get_running_loop()
    loop.remove_reader(first.kernel.packets.bell.descriptor)
    loop.remove_reader(first.kernel.links.bell.descriptor)
    loop.remove_reader(first.role._timer.fileno())
    first.role._timer.close()
    first.role = VrrpRole(first, first.kernel.links, first.kernel.addresses, first.kernel.packets)
    first.start(snapshot)
    assert first.holds
    await eventually(lambda: first.state == "MASTER")
    assert second.state == "BACKUP"
    assert first.kernel.done(Verb.REMOVE)[1:] == [], "only the cleaning at the very first start"
    view = first.picture().instances[0]
    assert view.stats.become_master == 2
    assert [t.new for t in view.transitions] == ["BACKUP", "MASTER", "BACKUP", "MASTER"]


async def test_what_arrived_while_we_slept_is_read_before_a_deadline_is_judged(pair: tuple[Hosted, Hosted]) -> None:
    """The backup is stalled for longer than its master down interval; the master went on advertising."""
    _, second = await elected(pair)
    loop = asyncio.get_running_loop()
    descriptor = second.kernel.packets.bell.descriptor
    loop.remove_reader(descriptor)
    loop.remove_reader(second.role._timer.fileno())
    heard = second.picture().instances[0].stats.advert_rcvd
    waiting = second.kernel.packets._waiting
    await eventually(lambda: len(waiting) >= 6)
    second.role._wake()
    assert second.state == "BACKUP"
    assert second.picture().instances[0].stats.advert_rcvd >= heard + 6
    assert second.delays


async def test_a_master_with_a_new_name_is_known_to_yield(pair: tuple[Hosted, Hosted]) -> None:
    """While all are MASTER a deadline need not wait for what arrived; whoever is not must not skip that."""
    first, second = pair
    second.start()
    await eventually(lambda: second.holds)
    second.role.reload(replace(second.config, vrrp_instances=(replace(FAST, name="W"),)))
    assert second.holds
    assert second.role._listening.all_masters
    first.start()
    await eventually(lambda: second.state == "BACKUP")
    assert not second.role._listening.all_masters


async def test_vrrp_garp_interval_paces_the_announcements() -> None:
    alone = Hosted(Segment(), 1, FAST, garp_interval=us(0.02))
    alone.start()
    await eventually(lambda: alone.holds)
    assert len(alone.kernel.done(Verb.ANNOUNCE)) == 1
    await eventually(lambda: len(alone.kernel.done(Verb.ANNOUNCE)) == 5)
    await alone.role.stop()
    await alone.leave()


async def test_no_announcement_after_mastership_is_lost() -> None:
    alone = Hosted(Segment(), 1, FAST, garp_interval=us(0.02))
    alone.start()
    await eventually(lambda: alone.holds)
    await alone.role.stop()
    announced = len(alone.kernel.done(Verb.ANNOUNCE))
    await eventually(lambda: not alone.role._performer._announcer._waiting)
    assert len(alone.kernel.done(Verb.ANNOUNCE)) == announced
    await alone.leave()


async def test_a_script_decides_whether_the_instance_runs(tmp_path: Path) -> None:
    flag = tmp_path / "fit"
    fit = VrrpScript(name="fit", script=Command(("/usr/bin/test", "-e", str(flag))), interval=us(0.05), timeout=us(10))
    tracking = replace(FAST, track_script=(Tracked(name="fit"),))
    alone = Hosted(Segment(), 1, tracking, scripts=(fit,))
    alone.start()
    assert alone.state == "INIT"
    await eventually(lambda: alone.state == "FAULT")
    flag.touch()
    await eventually(lambda: alone.holds)
    flag.unlink()
    await eventually(lambda: alone.state == "FAULT" and not alone.holds)
    assert any(line.startswith("(V) tracked script failed: fit: exit status 1 after 0.") for line in alone.texts)
    await alone.role.stop()
    await alone.leave()
