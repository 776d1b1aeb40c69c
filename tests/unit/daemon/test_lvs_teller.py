"""Who is told what, of real and virtual servers: real balancer, real scripts, a real FIFO."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyvrrp.core.lvs.actions import Action, ReportChecker, ReportRealServer, ReportVirtualServer, StartCheck
from pyvrrp.core.lvs.events import CheckFinished, Reconfigured, TimePassed
from pyvrrp.daemon.lvs_teller import LvsTeller, checker_text
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.globals import Fifos, Mail
from pyvrrp.model.lvs import VirtualServer
from pyvrrp.model.scripts import ScriptRules
from pyvrrp.units import SECOND
from tests.fakes.host import TellingHost
from tests.unit.lvs.samples import RS1, RS2, VIP, Play, real_server, target_of, virtual_server

MAIL = Mail(notification_email=("a@x.org",), smtp_server=("127.0.0.1",))
VS = "[192.0.2.10]:tcp:80"
ONE, TWO = "[10.0.0.1]:tcp:80", "[10.0.0.2]:tcp:80"


class World(TellingHost):
    """A balancer, and what the teller told of what it did."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.teller = LvsTeller(self)

    def config(self, *services: VirtualServer, **definitions: Any) -> Config:
        fifos = Fifos(notify_fifo=(str(self.directory / "fifo"),), lvs_notify_fifo=(str(self.directory / "lvs"),))
        return Config(virtual_servers=services, global_defs=GlobalDefs(fifos=fifos, **definitions))

    def begin(self, config: Config) -> Play:
        self.teller.configure(config)
        play = Play(config)
        self.tell(play.actions)
        return play

    def tell(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, ReportRealServer):
                self.teller.real_server(action)
            elif isinstance(action, ReportVirtualServer):
                self.teller.virtual_server(action)
            elif isinstance(action, ReportChecker):
                self.teller.checker(action)

    async def noted(self) -> list[str]:
        await self.teller._means.settle(10)
        return self.notes()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    assert (made.said, made.changes) == ([], 0)


def pool(world: World, **options: Any) -> VirtualServer:
    servers = [
        real_server(at, notify_up=world.command(f"{word} up"), notify_down=world.command(f"{word} down"))
        for at, word in ((RS1, "one"), (RS2, "two"))
    ]
    scripts = {"quorum_up": world.command("quorum up"), "quorum_down": world.command("quorum down")}
    return virtual_server(*servers, **(scripts | options))


def fail(play: Play, *servers: Any) -> list[Action]:
    """Until their checks have failed."""
    play.dead.update(servers)
    return run(play)


def run(play: Play, seconds: int = 60) -> list[Action]:
    """All that is done in that time."""
    end, actions = play.at + seconds * SECOND, list[Action]()
    while (deadline := play.balancer.deadline()) is not None and deadline <= end:
        play.at = max(play.at, deadline)
        for action in play.told(TimePassed(play.at)):
            if isinstance(action, StartCheck):
                error = "refused" if target_of(action) in play.dead else None
                actions += play.told(CheckFinished(play.at, action.id, error))
    return actions


async def test_scripts_and_lines_of_a_failure_and_of_the_quorum(world: World) -> None:
    play = world.begin(world.config(pool(world, quorum=2)))
    assert world.lines() == [f"VS {VS} UP"]
    world.tell(fail(play, RS1))
    assert world.lines() == [f"RS {ONE} {VS} DOWN", f"VS {VS} DOWN"]
    play.dead.clear()
    world.tell(run(play))
    assert world.lines() == [f"RS {ONE} {VS} UP", f"VS {VS} UP"]
    assert len(world.lines("lvs")) == 5, "both FIFOs get all of it"
    assert await world.noted() == ["one down ", "one up ", "quorum down ", "quorum up ", "quorum up "]
    await world.teller.settle()


async def test_mails_are_keepaliveds(world: World) -> None:
    play = world.begin(world.config(pool(world, smtp_alert=True), mail=MAIL))
    world.tell(fail(play, RS1, RS2))
    assert world.mails[0] == (f"Virtualserver {VS} - UP", "Gained quorum 1+0=1 <= 2")
    assert sorted(world.mails[1:]) == [
        (f"Realserver {ONE} of virtual server {VS} - DOWN", "TCP CHECK failed on service"),
        (f"Realserver {TWO} of virtual server {VS} - DOWN", "TCP CHECK failed on service"),
        (f"Virtualserver {VS} - DOWN", "Lost quorum 1-0=1 > 0"),
    ]
    await world.teller.settle()


@pytest.mark.parametrize(
    ("mail", "wish", "subjects"),
    [
        (MAIL, None, ["Realserver"]),
        (MAIL, False, []),
        (replace(MAIL, smtp_alert=False), None, []),
        (replace(MAIL, smtp_alert=False), True, ["Realserver"]),
        (replace(MAIL, smtp_alert=False, smtp_alert_checker=True), None, ["Virtualserver", "Realserver"]),
        (replace(MAIL, no_checker_emails=True), None, ["Realserver"]),
        (replace(MAIL, smtp_server=()), True, []),
    ],
)
async def test_who_gets_mails(world: World, mail: Mail, wish: bool | None, subjects: list[str]) -> None:
    service = pool(world)
    service = replace(service, real_servers=tuple(replace(s, smtp_alert=wish) for s in service.real_servers))
    play = world.begin(world.config(service, mail=mail))
    world.tell(fail(play, RS1))
    assert [subject.split()[0] for subject, _ in world.mails] == subjects
    await world.teller.settle()


async def test_each_checker_has_its_mail_unless_only_servers_are_wanted(world: World) -> None:
    service = virtual_server(real_server(RS1, checks=2))
    play = world.begin(world.config(service, mail=MAIL))
    world.tell(fail(play, RS1, replace(RS1, port=81)))
    assert len(world.mails) == 2
    await world.teller.settle()


async def test_servers_that_a_reload_removes(world: World) -> None:
    play = world.begin(world.config(pool(world), mail=MAIL))
    world.lines()
    less = world.config(replace(pool(world), real_servers=pool(world).real_servers[:1]), mail=MAIL)
    world.teller.configure(less)
    world.tell(play.told(Reconfigured(play.at, less)))
    assert world.lines() == [f"RS {TWO} {VS} DOWN"]
    assert world.mails == [(f"Realserver {TWO} of virtual server {VS} - DOWN", "Removing")]
    world.teller.configure(world.config())
    world.tell(play.told(Reconfigured(play.at, world.config())))
    assert world.lines() == [f"RS {ONE} {VS} DOWN", f"VS {VS} DOWN"]
    await world.teller.settle()


@pytest.mark.parametrize("wanted", [False, True])
async def test_servers_assumed_up_are_told_where_it_is_asked_for(world: World, wanted: bool) -> None:
    play = world.begin(world.config(pool(world), scripts=ScriptRules(rs_init_notifies=wanted)))
    world.lines()
    world.teller.begin(play.balancer.alive())
    assert world.lines() == ([f"RS {ONE} {VS} UP", f"RS {TWO} {VS} UP"] if wanted else [])
    await world.teller.settle()


@pytest.mark.parametrize("omega", [False, True])
async def test_the_end_is_told_where_omega_asks_for_it(world: World, omega: bool) -> None:
    play = world.begin(world.config(pool(world, omega=omega, smtp_alert=True), mail=MAIL))
    world.lines()
    world.mails.clear()
    world.teller.stop(list(play.balancer.alive()))
    wanted = [f"RS {ONE} {VS} DOWN", f"RS {TWO} {VS} DOWN", f"VS {VS} DOWN"]
    assert world.lines() == (wanted if omega else [])
    assert [body for _, body in world.mails] == (["Shutting down"] * 3 if omega else [])
    await world.teller.settle()


def test_what_mails_say_of_checkers() -> None:
    assert checker_text("PING_CHECK", True) == "ICMP CHECK succeed on service"
    assert checker_text("HTTP_GET", False) == "CHECK failed on service"
    assert VIP.protocol is not None
