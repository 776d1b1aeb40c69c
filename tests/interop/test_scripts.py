"""track_script and notify scripts, as ours and as keepalived runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.conftest import Pair
from tests.topology.daemons import OURS
from tests.topology.lab import Lab, instance

pytestmark = pytest.mark.root

SECURE = "global_defs {\n    enable_script_security\n    script_user root\n}\n"


def check(flag: Path, *more: str) -> str:
    lines = "".join(f"    {line}\n" for line in more)
    return f'vrrp_script fit {{\n    script "/usr/bin/test -e {flag}"\n    interval 1\n{lines}}}\n'


def tracked(priority: int, more: str = "") -> str:
    return instance(priority=priority, more=f"track_script {{\n        fit\n    }}\n    {more}")


def test_a_failing_script_hands_over_and_its_recovery_takes_back(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    flag = tmp_path / "fit"
    flag.touch()
    lab.start("d1", pair.d1, SECURE, check(flag), tracked(150))
    lab.until_master("d1")
    lab.start("d2", pair.d2, instance(priority=100))
    lab.until_backup("d2")
    flag.unlink()
    lab.until_master("d2")
    flag.touch()
    lab.until_master("d1")


def test_a_weight_moves_the_priority(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    flag = tmp_path / "fit"
    flag.touch()
    lab.start("d1", pair.d1, SECURE, check(flag, "weight -80"), tracked(150))
    lab.until_master("d1")
    lab.start("d2", pair.d2, instance(priority=100))
    lab.until_backup("d2")
    flag.unlink()
    lab.until_master("d2")
    assert {advert.priority for advert in lab.adverts("d1")} >= {150, 70}


@pytest.mark.parametrize("init", ["init_fail", ""], ids=["init_fail", "plain"])
def test_what_a_script_counts_as_until_it_has_run_often_enough(lab: Lab, init: str) -> None:
    """With init_fail, which keepalived forgets: as failed until it succeeded `rise` times. Else once is enough."""
    text = SECURE
    for number, weight in enumerate((0, -50, 50), start=1):
        name, vrid = f"s{number}", 50 + number
        text += f'vrrp_script {name} {{\nscript "/bin/true"\ninterval 1\nrise 3\nweight {weight}\n{init}\n}}\n'
        text += instance(
            f"V{number}",
            priority=150,
            vrid=vrid,
            vips=(f"192.0.2.{vrid}/24",),
            more=f"track_script {{\n{name}\n}}\n",
        )
    began = lab.start("d1", OURS, text)

    def priorities(vrid: int) -> list[int]:
        return list(dict.fromkeys(advert.priority for advert in lab.adverts("d1", vrid=vrid)))

    wanted = {51: [150], 52: [100, 150], 53: [150, 200]} if init else {51: [150], 52: [150], 53: [200]}
    lab.until(lambda: {vrid: priorities(vrid) for vrid in wanted} == wanted, within=10, what=f"{wanted}")
    faulty = "V1) Entering FAULT STATE" in lab.daemons["d1"].log()
    assert faulty is bool(init)
    assert (lab.adverts("d1", vrid=51)[0].at - began > 2) or not init, "two more runs, a second apart"


def test_notify_scripts_get_keepaliveds_arguments(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    # Not below the test's own directory: with script security every folder on the way must be root's alone.
    notes = tmp_path / "notes"
    said = f"/bin/sh -c 'echo $0 $* >> {notes}'"
    more = f'notify_master "{said} master"\n    notify_backup "{said} backup"\n    notify "{said} all"'
    lab.start("d1", pair.d1, "global_defs {\n    script_user root\n}\n", instance(priority=150, more=more))
    wanted = {"backup", "master", "all INSTANCE VI_1 BACKUP 150", "all INSTANCE VI_1 MASTER 150"}

    def noted() -> set[str]:
        return set(notes.read_text().splitlines()) if notes.exists() else set()

    lab.until(lambda: noted() == wanted, within=10, what=f"{wanted} in {notes}")
    lab.stop("d1")
    lab.until(lambda: "all INSTANCE VI_1 STOP 150" in noted(), within=5, what="the stop is told")
