"""SIGHUP: what did not change goes on undisturbed."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from pathlib import Path

import pytest

from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down

pytestmark = pytest.mark.root

OTHER = "192.0.2.101"


def elect(lab: Lab) -> None:
    lab.start("d1", OURS, instance(priority=150))
    lab.until_master("d1")
    lab.start("d2", OURS, instance(priority=100))
    lab.until_backup("d2")


def until_reloaded(lab: Lab, name: str, result: str = "complete") -> None:
    daemon = lab.daemons[name]
    lab.until(
        lambda: result in str(daemon.show()["daemon"]["last_reload"]), within=3, what=f"{name} says: reload {result}"
    )


def test_a_master_stays_master_and_takes_a_new_address(lab: Lab) -> None:
    elect(lab)
    garps = len(lab.garps("d1"))
    # The other one first, as an administrator does it: from then on it refuses what it hears.
    both = (f"{VIP}/24", f"{OTHER}/24")
    reloaded = lab.reload("d1", instance(priority=150, vips=both))
    lab.until(lambda: lab.holders(OTHER) == ["d1"], within=3, what="d1 has the new address")
    lab.until(lambda: lab.garps("d1", OTHER), within=SLACK, what="the neighbours are told")
    until_reloaded(lab, "d1")

    assert lab.hosts["d1"].holds(VIP)
    assert lab.daemons["d1"].log().count("Entering MASTER STATE") == 1
    assert garps >= 5
    times = [advert.at for advert in lab.adverts("d1", since=reloaded - 0.3)]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.3, "no advertisement was missed"
    assert {advert.priority for advert in lab.adverts("d1")} == {150}
    assert lab.adverts("d1")[-1].addresses == (VIP, OTHER)


def test_nothing_happens_when_nothing_has_changed(lab: Lab) -> None:
    elect(lab)
    before = lab.daemons["d1"].instance("VI_1")["since"]
    lab.reload("d1")
    lab.reload("d2")
    until_reloaded(lab, "d1")
    until_reloaded(lab, "d2")
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=0.6, what="d1 keeps the VIP")
    assert not lab.adverts("d2")
    assert lab.daemons["d1"].instance("VI_1")["since"] == before


def test_an_instance_that_is_gone_lets_go(lab: Lab) -> None:
    elect(lab)
    second = instance("VI_2", priority=150, vrid=52, vips=(f"{OTHER}/24",))
    lab.reload("d1", instance(priority=150), second)
    lab.until(lambda: lab.holders(OTHER) == ["d1"], within=3, what="the new instance becomes master")
    lab.reload("d1", instance(priority=150))
    lab.until(lambda: not lab.holders(OTHER), within=3, what="the address of the removed instance is gone")
    assert lab.adverts("d1", vrid=52)[-1].priority == 0
    assert lab.holders() == ["d1"]
    assert not lab.adverts("d2")


def test_a_higher_priority_takes_over_after_a_reload(lab: Lab) -> None:
    elect(lab)
    lab.reload("d2", instance(priority=200))
    lab.until_master("d2", within=5)
    lab.until(lambda: "Entering BACKUP STATE" in lab.daemons["d1"].log().split("MASTER STATE")[-1], within=2, what="d1")


def test_a_configuration_that_cannot_be_used_changes_nothing(lab: Lab) -> None:
    elect(lab)
    lab.daemons["d1"].conf.unlink()
    lab.reload("d1")
    until_reloaded(lab, "d1", "refused")
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=0.6, what="d1 keeps the VIP")
    assert not lab.adverts("d2")


def changing(number: int) -> str:
    """Something else each time: of instances, scripts, checks."""
    script = f"vrrp_script s {{\nscript /bin/true\ninterval {1 + number % 3}\n}}\n"
    tracking = "track_script {\ns\n}\n"
    servers = "".join(
        f"real_server 127.0.{pool}.{server} 9 {{\nweight {1 + number % 7}\nTCP_CHECK {{\nconnect_timeout 1\n}}\n}}\n"
        for pool in range(40)
        for server in range(3 + number % 2)
    )
    pool = f"virtual_server {VIP} 80 {{\ndelay_loop 60\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{servers}}}\n"
    vips = (f"{VIP}/24", f"192.0.2.{110 + number % 5}/24")
    return script + instance(priority=100 + number % 9, vips=vips, more=tracking) + pool


def belongings(lab: Lab) -> dict[int, tuple[int, int]]:
    """Of each process of the daemon: MiB that it alone has, and open files."""
    found = {}
    for pid in lab.hosts["d1"].processes():
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
            if b"pyvrrp" in Path(f"/proc/{pid}/cmdline").read_bytes():
                anonymous = next(line.split()[1] for line in status if line.startswith("RssAnon:"))
                found[pid] = int(anonymous) // 1024, len(os.listdir(f"/proc/{pid}/fd"))
    return found


def test_many_reloads_leave_nothing_behind(lab: Lab) -> None:
    looks: list[dict[int, tuple[int, int]]] = []

    def reload_often(first: int, last: int) -> None:
        for number in range(first, last):
            done = lab.daemons["d1"].log().count("Reload complete")
            lab.reload("d1", changing(number))
            lab.until(lambda: lab.daemons["d1"].log().count("Reload complete") > done, within=10, what=f"{number}")  # noqa: B023

    def look() -> bool:
        looks.append(belongings(lab))
        return len(looks[-1]) == 3

    lab.start("d1", OURS, changing(0))
    lab.until_master("d1")
    reload_often(1, 41)
    lab.until(look, within=5, what="no script is being started")
    before = looks[-1]
    reload_often(41, 121)
    lab.until(look, within=5, what="no script is being started")
    after = looks[-1]
    assert after.keys() == before.keys(), "no process was replaced"
    for pid, (memory, files) in before.items():
        # 80 configurations of 0.4 MiB and more would be 30.
        assert after[pid][0] - memory < 6, (before, after)
        assert after[pid][1] <= files + 4, (before, after)


def test_a_backup_counts_on_from_what_it_heard_last(lab: Lab) -> None:
    """A reload in the middle of its wait does not make it wait anew. (keepalived begins its wait again.)"""
    lab.start("d1", OURS, instance(priority=150, interval=1))
    lab.until_master("d1")
    lab.start("d2", OURS, instance(priority=100, interval=1))
    lab.until_backup("d2")
    seen = len(lab.adverts("d1"))
    lab.until(lambda: len(lab.adverts("d1")) > seen, within=3, what="d2 hears d1")
    lab.kill("d1")
    last = lab.adverts("d1")[-1].at
    wait = master_down(100, interval=1)
    lab.until(lambda: time.time() - last > wait / 2, within=wait, what="half of the wait is over")
    lab.reload("d2", instance(priority=100, interval=1, vips=(f"{VIP}/24", f"{OTHER}/24")))
    lab.until(lambda: lab.adverts("d2"), within=wait, what="d2 takes over")
    assert lab.adverts("d2")[0].at - last < wait + SLACK
    assert lab.adverts("d2")[0].addresses == (VIP, OTHER)


def test_what_is_tracked_goes_on_in_its_rhythm(lab: Lab, tmp_path: Path) -> None:
    """A script that did not change is not started anew, and what it counts is not forgotten."""
    runs, flag = tmp_path / "runs", tmp_path / "flag"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ndate +%s.%N >> {runs}\ntest -e {flag}\n")
    script.chmod(0o755)
    flag.touch()
    text = (
        f"global_defs {{\nscript_user root\n}}\nvrrp_script s {{\nscript {script}\ninterval 2\nfall 2\nweight -50\n}}\n"
    )
    more = "track_script {\ns\n}\n"
    lab.start("d1", OURS, text, instance(priority=150, more=more))
    lab.until_master("d1")

    def times() -> list[float]:
        return [float(line) for line in runs.read_text().split()]

    lab.until(lambda: len(times()) >= 2, within=5, what="it has run twice")
    flag.unlink()
    lab.until(lambda: len(times()) == 3, within=3, what="it has failed once")
    for vips in ((f"{VIP}/24", f"{OTHER}/24"), (f"{VIP}/24",)):
        lab.reload("d1", text, instance(priority=150, more=more, vips=vips))
        until_reloaded(lab, "d1")
        lab.until(lambda v=vips: len(lab.adverts("d1")[-1].addresses) == len(v), within=3, what="reloaded")  # type: ignore[misc]
    lab.until(lambda: lab.adverts("d1")[-1].priority == 100, within=4, what="the second failure counts")
    for earlier, later in itertools.pairwise(times()):
        assert 2 - SLACK < later - earlier < 2 + SLACK
