"""What global_defs says of the processes, as the kernel shows it: the same of ours and of keepalived."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import Lab, instance

pytestmark = pytest.mark.root

ANY = pytest.mark.parametrize("program", [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)])
SERVER = "virtual_server 192.0.2.50 80 {\ndelay_loop 1\nreal_server 192.0.2.1 80 {\nTCP_CHECK {\n}\n}\n}\n"


def defs(text: str) -> str:
    return f"global_defs {{\n{text}\n}}\n"


def worker(lab: Lab, role: str = "vrrp") -> int:
    return int((lab.directory / f"d1.{role}.pid").read_text())


def standing(pid: int) -> dict[str, Any]:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "name": status["Name"].strip(),
        "policy": os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK,
        "real-time": os.sched_getparam(pid).sched_priority,
        "nice": os.getpriority(os.PRIO_PROCESS, pid),
        "processors": os.sched_getaffinity(pid),
        "locked": int(status["VmLck"].split()[0]) > 0,
    }


@ANY
def test_scheduling(lab: Lab, program: str) -> None:
    words = "vrrp_priority -5\nvrrp_cpu_affinity 0\nvrrp_no_swap\nvrrp_process_name routers\nprocess_name boss"
    lab.start("d1", program, defs(words), instance(priority=150))
    lab.until_master("d1")
    found = standing(worker(lab))
    assert (found["nice"], found["processors"], found["locked"], found["name"]) == (-5, {0}, True, "routers")
    assert standing(lab.daemons["d1"].pid)["name"] == "boss"
    assert standing(lab.daemons["d1"].pid)["nice"] == os.getpriority(os.PRIO_PROCESS, 0), "as it was started"


@ANY
def test_real_time(lab: Lab, program: str) -> None:
    script = lab.directory / "told"
    told = f"notify_master \"/bin/sh -c 'chrt -p $$ > {script}'\" root\n"
    lab.start("d1", program, defs("vrrp_rt_priority 7\nvrrp_rlimit_rttime 200000"), instance(priority=150, more=told))
    lab.until_master("d1")
    found = standing(worker(lab))
    assert (found["policy"], found["real-time"]) == (os.SCHED_RR, 7)
    lab.until(lambda: script.exists() and "SCHED_OTHER" in script.read_text(), within=5, what="scripts are ordinary")


@ANY
def test_names_of_all(lab: Lab, program: str) -> None:
    lab.start("d1", program, defs("process_names"), instance(priority=150))
    lab.until_master("d1")
    assert standing(worker(lab))["name"] == "keepalived_vrrp"


def test_a_reload_changes_them_and_gives_them_back(lab: Lab) -> None:
    lab.start("d1", OURS, instance(priority=150))
    lab.until_master("d1")
    before = standing(worker(lab))
    lab.reload("d1", defs("vrrp_priority 3\nvrrp_rt_priority 2\nvrrp_cpu_affinity 1"), instance(priority=150))
    lab.until(lambda: standing(worker(lab))["real-time"] == 2, within=5, what="real-time")
    assert standing(worker(lab))["processors"] == {1}
    lab.reload("d1", instance(priority=150))
    lab.until(lambda: standing(worker(lab)) == before, within=5, what="as before")
    assert lab.holders() == ["d1"]
    assert lab.daemons["d1"].log().count("Entering MASTER STATE") == 1


def test_the_checkers_have_their_own(lab: Lab) -> None:
    lab.start("d1", OURS, defs("checker_priority 4\nchecker_process_name asking"), SERVER)
    lab.until_started("d1")
    found = standing(worker(lab, "checkers"))
    assert (found["nice"], found["name"]) == (4, "asking")


@pytest.mark.parametrize(
    ("program", "role"),
    [(OURS, "vrrp"), pytest.param(KEEPALIVED, "vrrp", marks=pytest.mark.keepalived), (OURS, "checkers")],
)
def test_who_comes_late_is_given_a_higher_priority(lab: Lab, program: str, role: str) -> None:
    """A step each time, up to max_auto_priority. A timer does not know a stopped process from one out of turn."""
    words = "max_auto_priority 2\nmin_auto_priority_delay 100000\nvrrp_priority -3\nchecker_priority -3"
    lab.start("d1", program, defs(words), instance(priority=150), SERVER if role == "checkers" else "")
    lab.until_master("d1")
    if role == "checkers":
        lab.until(lambda: "refused" in lab.daemons["d1"].log(), within=5, what="it checks")
    pid = worker(lab, role)
    assert standing(pid)["policy"] == os.SCHED_OTHER

    def be_late() -> None:
        os.kill(pid, signal.SIGSTOP)
        lab.holds_for(lambda: True, seconds=1.3, what="it is stopped")
        os.kill(pid, signal.SIGCONT)

    for priority in (1, 2):
        be_late()
        lab.until(lambda p=priority: standing(pid)["real-time"] == p, within=3, what=f"priority {priority}")  # type: ignore[misc]
        assert standing(pid)["policy"] == os.SCHED_RR
    told = len(lab.daemons["d1"].log())
    be_late()
    lab.until(lambda: " ago" in lab.daemons["d1"].log()[told:], within=3, what="it is told all the same")
    assert standing(pid)["real-time"] == 2
    if program == OURS:
        lab.reload("d1", defs("checker_priority -3\nvrrp_priority -3"), instance(priority=150), SERVER)
        lab.until(lambda: standing(pid)["policy"] == os.SCHED_OTHER, within=3, what="ordinary again")
        assert standing(pid)["nice"] == -3


@ANY
def test_umask(lab: Lab, program: str) -> None:
    """Of what a script makes."""
    made = lab.directory / "made"
    told = f'notify_master "/usr/bin/touch {made}" root\n'
    lab.start("d1", program, defs("umask IWGRP|IWOTH"), instance(priority=150, more=told))
    lab.until(made.exists, within=10, what="the script has run")
    assert stat.S_IMODE(made.stat().st_mode) == 0o644
