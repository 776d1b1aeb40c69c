"""Who is told what, of instances and groups. That all of it arrives is shown beside keepalived, in tests/interop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyvrrp.core.vrrp.snapshot import GroupSnapshot, VrrpSnapshot
from pyvrrp.daemon.vrrp_teller import VrrpTeller
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.globals import Fifos, Mail
from pyvrrp.model.notify import Notify
from pyvrrp.model.scripts import Command
from pyvrrp.model.vrrp import SyncGroup, VrrpInstance
from tests.fakes.host import TellingHost

V = VrrpInstance(name="V", interface="eth0", virtual_router_id=1)
MAIL = Mail(notification_email=("a@x.org",), smtp_server=("127.0.0.1",))


class World(TellingHost):
    """What the teller told."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.teller = VrrpTeller(self)

    def configure(self, *instances: VrrpInstance, groups: tuple[SyncGroup, ...] = (), **definitions: Any) -> None:
        self.teller.configure(
            Config(vrrp_instances=instances, vrrp_sync_groups=groups, global_defs=GlobalDefs(**definitions))
        )

    def fifos(self, **changes: Any) -> Fifos:
        return Fifos(notify_fifo=(str(self.directory / "fifo"),), **changes)

    async def noted(self) -> list[str]:
        await self.teller._means.settle(10)
        return self.notes()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    assert (made.said, made.changes) == ([], 0)


async def test_scripts_of_a_state_and_for_every_change(world: World) -> None:
    notify = Notify(notify_master=world.command("up"), notify=world.command("all"))
    world.configure(
        replace(V, notify=notify),
        groups=(SyncGroup(name="G", members=("V",), notify=Notify(notify=world.command("grp"))),),
    )
    world.teller.instance("V", "MASTER", 150)
    world.teller.group("G", "FAULT")
    assert await world.noted() == ["all INSTANCE V MASTER 150", "grp GROUP G FAULT 0", "up "]


async def test_scripts_find_the_reason_in_their_environment(world: World) -> None:
    said = Command(("/bin/sh", "-c", f'echo "$VRRP_OLD_STATE, $VRRP_CAUSE" >> {world.directory}/notes'))
    world.configure(replace(V, notify=Notify(notify_fault=said)))
    world.teller.instance("V", "FAULT", 100, "MASTER", "interface down: eth0")
    assert await world.noted() == ["MASTER, interface down: eth0"]


async def test_an_instance_that_a_reload_removed_is_told_of_its_end(world: World) -> None:
    notify = Notify(notify_fault=world.command("fault"), notify=world.command("all"))
    asked = Notify(notify=world.command("all"), notify_deleted=world.command("deleted"), tell_deleted=True)
    world.configure(replace(V, notify=notify), replace(V, name="W", notify=asked), fifos=world.fifos())
    world.configure(fifos=world.fifos())
    world.teller.instance("V", "DELETED", 100)
    world.teller.instance("W", "DELETED", 100)
    assert world.lines() == ['INSTANCE "V" FAULT 100', 'INSTANCE "W" DELETED 100']
    assert await world.noted() == ["all INSTANCE V FAULT 100", "all INSTANCE W DELETED 100", "deleted "]


async def test_lower_priority(world: World) -> None:
    world.configure(replace(V, notify=Notify(notify_master_rx_lower_pri=world.command("lower"))), fifos=world.fifos())
    world.teller.lower_priority("V", 120)
    assert world.lines() == ['INSTANCE "V" MASTER_RX_LOWER_PRI 120']
    assert await world.noted() == ["lower "]


@pytest.mark.parametrize(
    ("instance", "group", "default", "told"),
    [
        (None, None, False, False),
        (None, None, True, True),
        (None, False, True, False),
        (True, False, False, True),
        (False, True, True, False),
    ],
)
async def test_priorities_are_told_to_those_who_asked(
    world: World, instance: bool | None, group: bool | None, default: bool, told: bool
) -> None:
    world.configure(
        replace(V, notify_priority_changes=instance),
        groups=(SyncGroup(name="G", members=("V",), notify_priority_changes=group),),
        fifos=world.fifos(vrrp_notify_priority_changes=default),
    )
    world.teller.priority("V", "MASTER", 80)
    world.teller.priority("V", "INIT", 90)
    wanted = ['INSTANCE "V" MASTER_PRIORITY 80', 'INSTANCE "V" BACKUP_PRIORITY 90']
    assert world.lines() == (wanted if told else [])
    await world.teller.settle()


async def test_states_after_a_reload(world: World) -> None:
    world.configure(V, fifos=world.fifos())
    wants = [world.teller.wants_states]
    world.configure(V, fifos=world.fifos(fifo_write_vrrp_states_on_reload=True))
    assert [*wants, world.teller.wants_states] == [False, True]
    world.teller.states(VrrpSnapshot(sync_groups=(GroupSnapshot(name="G", state="MASTER", since=0, members=()),)))
    assert world.lines() == ['GROUP "G" MASTER 0']
    await world.teller.settle()


@pytest.mark.parametrize(
    ("wish", "mail", "sent"),
    [
        (None, MAIL, False),
        (True, MAIL, True),
        (None, replace(MAIL, smtp_alert=True), True),
        (None, replace(MAIL, smtp_alert=True, smtp_alert_vrrp=False), False),
        (False, replace(MAIL, smtp_alert=True), False),
        (True, replace(MAIL, smtp_server=()), False),
        (True, replace(MAIL, notification_email=()), False),
    ],
)
async def test_mails_to_those_who_asked(world: World, wish: bool | None, mail: Mail, sent: bool) -> None:
    world.configure(replace(V, smtp_alert=wish), mail=mail)
    world.teller.instance("V", "MASTER", 100)
    text = ("VRRP Instance V - Entering MASTER state", "VRRP Instance is now owning VRRP VIPs")
    assert world.mails == ([text] if sent else [])


async def test_no_state_is_mailed_twice_in_a_row(world: World) -> None:
    world.configure(
        replace(V, smtp_alert=True),
        groups=(SyncGroup(name="G", members=("V",), smtp_alert=True),),
        mail=replace(MAIL, no_email_faults=True),
    )
    for state in ("BACKUP", "BACKUP", "FAULT", "BACKUP", "STOP"):
        world.teller.instance("V", state, 100)
        world.teller.group("G", state)
    assert [subject for subject, _ in world.mails] == [
        "VRRP Instance V - Entering BACKUP state",
        "VRRP Group G - Entering BACKUP state",
        "VRRP Instance V - Entering BACKUP state",
        "VRRP Group G - Entering BACKUP state",
        "VRRP Instance V - Stopping",
        "VRRP Group G - Stopping",
    ]
    assert world.mails[1][1] == "All VRRP group instances are now in BACKUP state"
    assert world.mails[-1][1] == "All VRRP group instances are now stopping"
