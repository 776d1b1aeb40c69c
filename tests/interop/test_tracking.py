"""Weights and faults of all that can be tracked, in a pair: who is master follows them as in keepalived."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.conftest import Pair
from tests.topology.lab import Lab, instance

pytestmark = pytest.mark.root

GLOBAL = "global_defs {\n    enable_script_security\n    script_user root\n}\n"


class Thing:
    """Something to be tracked, which a test can make well or ill; it is well at first."""

    def __init__(self, kind: str, lab: Lab, directory: Path) -> None:
        self._lab = lab
        self._file = directory / "thing"
        self._file.write_text("0")
        self.ill: str = "" if kind != "track_file" else "1"
        self.kind = kind

    @property
    def conf(self) -> str:
        match self.kind:
            case "track_script":
                return f'vrrp_script thing {{\n    script "/usr/bin/test -e {self._file}"\n    interval 1\n}}\n'
            case "track_file":
                return f"track_file thing {{\n    file {self._file}\n}}\n"
        return ""

    @property
    def name(self) -> str:
        return "eth1" if self.kind == "track_interface" else "thing"

    def set(self, well: bool) -> None:
        if self.kind == "track_interface":
            self._lab.set_cable("d1", 1, up=well)
        elif self.kind == "track_file":
            self._file.write_text("0" if well else self.ill)
        elif well:
            self._file.touch()
        else:
            self._file.unlink()


KINDS = ["track_interface", "track_script", "track_file"]


@pytest.fixture(params=KINDS)
def thing(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Thing:
    return Thing(request.param, lab, tmp_path)


segments = pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)


def start(lab: Lab, pair: Pair, thing: Thing, options: str, priority: int = 150) -> None:
    more = f"{thing.kind} {{\n        {thing.name} {options}\n    }}"
    lab.start("d1", pair.d1, GLOBAL, thing.conf, instance(priority=priority, more=more))
    lab.start("d2", pair.d2, instance(priority=100))
    lab.until_backup("d2")


def priority(lab: Lab, name: str) -> int:
    adverts = [advert.priority for advert in lab.adverts(name) if advert.priority]
    return adverts[-1] if adverts else 0


@segments
def test_a_fault_hands_over_and_its_end_takes_back(lab: Lab, pair: Pair, thing: Thing) -> None:
    start(lab, pair, thing, "weight 0")
    lab.until_master("d1")
    thing.set(False)
    lab.until_master("d2")
    thing.set(True)
    lab.until_master("d1")


@segments
@pytest.mark.parametrize(
    ("options", "well", "ill"),
    [
        ("weight -80", 150, 70),
        ("weight 60", 210, 150),
        ("weight 80 reverse", 70, 150),
        ("weight -60 reverse", 150, 210),
    ],
)
def test_weights_move_the_priority(lab: Lab, pair: Pair, thing: Thing, options: str, well: int, ill: int) -> None:
    if thing.kind == "track_file":  # a number, which is multiplied
        weight = int(options.split()[1])
        sign = -1 if "reverse" in options else 1
        thing.ill, well, ill = "1", 150, 150 + sign * weight
    start(lab, pair, thing, options)
    for state, wanted in ((True, well), (False, ill), (True, well)):
        thing.set(state)
        master = "d1" if wanted > 100 else "d2"
        lab.until_master(master)
        if master == "d1":
            lab.until(lambda wanted=wanted: priority(lab, "d1") == wanted, within=10, what=f"d1 has {wanted}")  # type: ignore[misc]


@pytest.mark.parametrize("number", ["2", "-3", "0x10", "200", "-200"])
def test_the_number_in_a_file(lab: Lab, pair: Pair, tmp_path: Path, number: str) -> None:
    file = tmp_path / "number"
    file.write_text("0")
    block = f"track_file number {{\n    file {file}\n    weight 2\n}}\n"
    more = "track_file {\n        number\n    }"
    lab.start("d1", pair.d1, block, instance(priority=120, more=more))
    lab.until_master("d1")
    file.write_text(number)
    value = 120 + 2 * int(number, 0)
    if value < -100:
        lab.until(lambda: lab.holders() == [], within=5, what="a fault")
    else:
        wanted = max(1, min(254, value))
        lab.until(lambda: priority(lab, "d1") == wanted, within=5, what=f"priority {wanted}")


def test_what_the_group_tracks_moves_both(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    file = tmp_path / "number"
    file.write_text("0")
    block = f"track_file number {{\n    file {file}\n}}\n"
    members = instance("A", priority=120) + instance("B", priority=130, vrid=52, vips=("192.0.2.101/24",))
    group = (
        "vrrp_sync_group G {\n    group {\n        A\n        B\n    }\n    track_file {\n        number\n    }\n}\n"
    )
    lab.start("d1", pair.d1, block, members, group)
    lab.until_master("d1")
    file.write_text("-20")

    def seen() -> set[tuple[int, int]]:
        return {(advert.vrid, advert.priority) for advert in lab.adverts("d1")}

    lab.until(lambda: {(51, 100), (52, 110)} <= seen(), within=5, what="both moved")
