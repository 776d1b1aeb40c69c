"""What is left when processes of a director die, and what comes of it."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

import pytest

from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down, skew

pytestmark = pytest.mark.root


def worker(lab: Lab, name: str, role: str) -> int:
    return int(Path(lab.directory, f"{name}.{role}.pid").read_text())


def elect(lab: Lab, more: str = "", interval: float = 0.1) -> None:
    lab.start("d1", OURS, instance(priority=150, more=more, interval=interval))
    lab.until_master("d1")
    lab.start("d2", OURS, instance(priority=100, more=more, interval=interval))
    lab.until_backup("d2")


def test_addresses_left_behind_are_removed_at_the_next_start(lab: Lab) -> None:
    elect(lab, more="nopreempt")
    lab.kill("d1")
    lab.until(lambda: lab.hosts["d2"].holds(VIP), within=master_down(100) + SLACK, what="d2 takes over")
    assert lab.hosts["d1"].holds(VIP), "nobody was there to remove it"
    began = lab.start("d1", OURS, instance(priority=150, more="nopreempt"))
    lab.until_master("d2")
    assert not lab.adverts("d1", since=began)


def test_without_its_supervisor_a_worker_stops_in_order(lab: Lab) -> None:
    elect(lab)
    os.kill(lab.daemons["d1"].pid, signal.SIGKILL)
    lab.daemons["d1"].process.wait()
    lab.until_master("d2", within=skew(100) + 2 * SLACK)
    assert lab.adverts("d1")[-1].priority == 0
    lab.until(lambda: not lab.hosts["d1"].processes(), within=5, what="nothing of the daemon is left")


@pytest.mark.parametrize("user", ["root", "nobody"])
@pytest.mark.parametrize("role", ["checkers", "vrrp"])
def test_scripts_that_ask_something_die_with_their_worker(lab: Lab, role: str, user: str) -> None:
    """As those of keepalived, of which those that tell something die too."""
    noted = lab.directory / "pids"
    noted.touch()
    noted.chmod(0o666)
    script = lab.directory / "ask.sh"
    script.write_text(f"#!/bin/sh\necho $$ >> {noted}\nexec sleep 300\n")
    script.chmod(0o755)
    misc = f'MISC_CHECK {{\n misc_path "{script}"\n user {user}\n misc_timeout 300\n warmup 0\n}}\n'
    conf = {
        "checkers": "virtual_server 10.77.0.1 80 {\n lvs_sched rr\n lvs_method NAT\n protocol TCP\n"
        f" real_server 10.71.12.11 80 {{\n{misc} }}\n}}\n",
        "vrrp": f'vrrp_script S {{\n script "{script}"\n user {user}\n interval 300\n timeout 300\n}}\n'
        + instance(more="track_script {\n S\n}"),
    }[role]
    for above in (lab.directory, *lab.directory.parents[:3]):
        above.chmod(above.stat().st_mode | 0o11)
    lab.start("d1", OURS, conf)

    def asking() -> list[int]:
        return [int(line) for line in noted.read_text().split()]

    lab.until(asking, within=10, what="the script runs")
    (first,) = asking()
    descriptor = os.pidfd_open(first)
    os.kill(worker(lab, "d1", role), signal.SIGKILL)
    try:
        lab.until(lambda: select.select([descriptor], [], [], 0)[0], within=5, what="it has ended")
    finally:
        os.close(descriptor)
    lab.until(lambda: len(asking()) == 2, within=10, what="the successor asks again")


def test_a_worker_that_dies_is_replaced_and_carries_on(lab: Lab) -> None:
    elect(lab, interval=1)
    dead = worker(lab, "d1", "vrrp")
    before = lab.daemons["d1"].instance("VI_1")
    os.kill(dead, signal.SIGKILL)
    lab.until(lambda: worker(lab, "d1", "vrrp") != dead, within=5, what="there is another worker")
    lab.until(
        lambda: lab.daemons["d1"].instance("VI_1")["stats"]["advert_sent"] > before["stats"]["advert_sent"] + 2,
        within=6,
        what="it goes on with the adverts, and with counting them",
    )
    assert lab.holders() == ["d1"]
    assert not lab.adverts("d2"), "the other director has not noticed"
    after = lab.daemons["d1"].show()
    assert [(role["role"], role["restarts"]) for role in after["daemon"]["workers"]] == [("vrrp", 1)]


def test_a_stop_leaves_nothing(lab: Lab) -> None:
    elect(lab)
    before = {name: sorted(host.addresses()) for name, host in lab.hosts.items()}
    for name in ("d2", "d1"):
        lab.stop(name)
        assert not lab.hosts[name].processes()
        assert sorted(lab.hosts[name].addresses()) == [held for held in before[name] if held != f"{VIP}/24"]
        assert not list(lab.directory.glob(f"{name}*.pid"))
        assert not Path(f"/run/pyvrrp/{lab.daemons[name].pid}.sock").exists()
