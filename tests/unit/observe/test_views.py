"""What an operator reads, as whole pages: tests/golden/show/*.txt. UPDATE_GOLDEN=1 writes them anew; read the diff."""

from __future__ import annotations

import os
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from pyvrrp.core.lvs.snapshot import LvsSnapshot, VirtualServerSnapshot
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.core.vrrp.stats import Stats
from pyvrrp.observe.layout import Style, plain
from pyvrrp.observe.numbers import Rates
from pyvrrp.observe.picture import Picture, WorkerSnapshot
from pyvrrp.observe.view_vrrp import COUNTERS
from pyvrrp.observe.views import local_time, view
from pyvrrp.units import SECOND
from tests.unit.observe.pictures import BACKUP, DAEMON, EPOCH, FAULT, MASTER, PICTURE, SERVER, WORST

GOLDEN = Path(__file__).parents[2] / "golden" / "show"


def utc(epoch: int) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(epoch // SECOND))}.{epoch % SECOND // 1000:03d}"


def a_second_later(picture: Picture) -> Picture:
    assert picture.lvs is not None

    def busier(service: VirtualServerSnapshot) -> VirtualServerSnapshot:
        return replace(
            service,
            traffic=service.traffic and replace(service.traffic, connections=service.traffic.connections + 250),
            real_servers=tuple(
                replace(server, traffic=replace(server.traffic, in_bytes=server.traffic.in_bytes + 1_500_000))
                if server.traffic
                else server
                for server in service.real_servers
            ),
        )

    services = tuple(busier(service) for service in picture.lvs.virtual_servers)
    return replace(picture, taken=picture.taken + SECOND, lvs=replace(picture.lvs, virtual_servers=services))


NO_LVS = replace(PICTURE, lvs=None, daemon=replace(DAEMON, workers=DAEMON.workers[:1]))
NO_VRRP = replace(PICTURE, vrrp=None, daemon=replace(DAEMON, workers=DAEMON.workers[1:]))
DUMB = replace(
    PICTURE,
    vrrp=None,
    lvs=None,
    daemon=replace(
        DAEMON,
        workers=(
            WorkerSnapshot(role="vrrp", pid=4712, restarts=0, problem=None),
            WorkerSnapshot(role="checkers", pid=4713, restarts=1, problem="does not answer"),
        ),
    ),
)
EMPTY = replace(PICTURE, vrrp=VrrpSnapshot(), lvs=LvsSnapshot(ipvs_ready=True, ipvs_problem=None))
PAGES: dict[str, tuple[Picture, str | None, int | None]] = {
    "ordinary-80": (PICTURE, None, 80),
    "ordinary-plain": (PICTURE, None, None),
    "worst-80": (WORST, None, 80),
    "worst-120": (WORST, None, 120),
    "worst-plain": (WORST, None, None),
    "vrrp-80": (WORST, "vrrp", 80),
    "lvs-80": (WORST, "lvs", 80),
    "no-lvs-80": (NO_LVS, None, 80),
    "no-vrrp-80": (NO_VRRP, None, 80),
    "no-answer-80": (DUMB, None, 80),
    "empty-80": (EMPTY, None, 80),
    "master-80": (PICTURE, "NC-MAIN-API-PUB", 80),
    "backup-80": (WORST, "VI_6", 80),
    "fault-80": (WORST, FAULT.name, 80),
    "group-80": (PICTURE, "NC-MAIN-API", 80),
    "real-server-80": (WORST, "10.71.12.76", 80),
    "virtual-server-120": (WORST, "[2001:db8:0:1::10]:53", 120),
}


def compare(name: str, text: str) -> None:
    page = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(text)
    assert text == page.read_text()


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str) -> None:
    picture, what, width = PAGES[name]
    compare(name, plain(view(picture, what, width=width, clock=utc)))


@pytest.mark.parametrize("width", [80, 120, None])
def test_watched_page(width: int | None) -> None:
    later = a_second_later(PICTURE)
    text = plain(view(later, "lvs", width=width, rates=Rates(PICTURE, later), clock=utc))
    compare(f"watch-{width or 'plain'}", text)


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_tables_keep_to_the_width(width: int, watched: bool) -> None:
    rates = Rates(WORST, a_second_later(WORST)) if watched else None
    for name in (None, "VI_6", "10.71.12.76", "192.0.2.10"):
        for line in plain(view(WORST, name, width=width, rates=rates)).splitlines():
            assert len(line) <= width, line


def test_hundreds_of_real_servers_are_all_there() -> None:
    assert PICTURE.lvs is not None
    servers = tuple(replace(SERVER, address=f"10.1.{i // 250}.{i % 250}:80") for i in range(900))
    service = replace(PICTURE.lvs.virtual_servers[0], real_servers=servers)
    text = plain(view(replace(PICTURE, lvs=replace(PICTURE.lvs, virtual_servers=(service,))), width=80))
    assert all(server.address in text for server in servers)
    assert "900/900 up" in text


def test_ages_do_not_depend_on_the_wall_clock() -> None:
    moved = replace(PICTURE, taken_epoch=EPOCH - 400 * 86_400 * SECOND)
    assert view(moved, width=80) == view(PICTURE, width=80)


def styles(picture: Picture) -> dict[str, Style]:
    """The style of each text."""
    return {piece.text: piece.style for line in view(picture) for piece in line}


def test_what_is_bad_looks_bad() -> None:
    looks = styles(WORST)
    assert looks["MASTER"] is Style.GOOD
    assert looks["FAULT"] is Style.BAD
    assert looks["balanced:"] is Style.BAD
    assert looks["DOWN 12s"] is Style.BAD
    assert looks["1/2 up"] is Style.WARN
    assert looks["80/100"] is Style.WARN
    assert looks["13"] is Style.BAD
    assert Style.BAD not in styles(NO_LVS).values()


@pytest.mark.parametrize(
    ("check", "style"),
    [
        ({}, Style.GOOD),
        ({"checked": False}, Style.WARN),
        ({"last_error": "connection refused"}, Style.WARN),
    ],
)
def test_only_a_server_whose_checks_passed_is_green(check: dict[str, Any], style: Style) -> None:
    assert PICTURE.lvs is not None
    server = replace(SERVER, checkers=(SERVER.checkers[0], replace(SERVER.checkers[0], **check)))
    service = replace(PICTURE.lvs.virtual_servers[0], real_servers=(server,))
    looks = styles(replace(PICTURE, lvs=replace(PICTURE.lvs, virtual_servers=(service,))))
    assert looks["up 3m12s"] is style


def test_addresses_that_are_not_where_they_should_be() -> None:
    gone = replace(MASTER, addresses=(replace(MASTER.addresses[0], present=False),))
    left = replace(BACKUP, addresses=(replace(BACKUP.addresses[0], present=True),))
    looks = styles(replace(PICTURE, vrrp=VrrpSnapshot(instances=(gone, left))))
    assert looks["192.0.2.10/25 (missing)"] is Style.BAD
    assert looks["2001:db8:0:1::10/64 (still there)"] is Style.BAD


def test_an_instance_named_like_its_group_is_told_with_it() -> None:
    assert PICTURE.vrrp is not None
    group = replace(PICTURE.vrrp.sync_groups[0], name=MASTER.name, members=(MASTER.name, BACKUP.name))
    picture = replace(PICTURE, vrrp=VrrpSnapshot(instances=(MASTER, BACKUP, FAULT), sync_groups=(group,)))
    text = plain(view(picture, MASTER.name))
    assert "SYNC GROUP" in text
    assert f"{MASTER.name} is MASTER" in text
    assert "VI_6" in text
    assert "VI_6 is" not in text
    assert FAULT.name not in text


def test_every_counter_has_its_words() -> None:
    assert list(COUNTERS) == [field.name for field in fields(Stats)]


def test_the_wall_clock_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX-2")
    time.tzset()
    try:
        assert local_time(EPOCH + 5_000) == "2026-09-21 16:13:20.005"
    finally:
        monkeypatch.undo()
        time.tzset()
