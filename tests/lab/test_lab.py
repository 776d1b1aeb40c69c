"""README's first command: the whole story, then nothing left of it; what a mistake is told; what Ctrl-C leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RUN = REPOSITORY / "examples" / "lab" / "run"
MASTER_DOWN = 3 + (256 - 90) / 256
"""Seconds; advert_int 1, of the director with priority 90."""

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]


def traces() -> list[str]:
    """What a lab, here or in a guest, would have left: namespaces, directories, processes."""
    found = [f"namespace {name}" for name in listed("/run/netns") if name.startswith("pyvrrp-lab-")]
    found += [f"/run/{name}" for name in listed("/run") if name.startswith("pyvrrp-lab")]
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(REPOSITORY / "examples" / "lab") in command:
            found.append(f"process {pid}: {command}")
    return found


def listed(directory: str) -> list[str]:
    return os.listdir(directory) if os.path.isdir(directory) else []


def test_the_story_holds_and_leaves_nothing() -> None:
    done = subprocess.run([RUN, "--fast", "--json"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    acts = {act["key"]: act for act in report["acts"]}
    assert report["ok"]
    assert list(acts) == [
        *("election", "pool", "traffic", "kill", "return"),
        *("server-down", "server-up", "stop", "restart", "power-off", "power-on"),
    ]
    # The figures are measured, not asserted: they agree with each other and with the protocol.
    assert MASTER_DOWN - 1.3 < acts["kill"]["took"] < MASTER_DOWN + 1.5
    assert acts["kill"]["gap"] < 1, "the dead master's kernel goes on forwarding"
    assert abs(acts["power-off"]["gap"] - acts["power-off"]["took"]) < 1, "without power nobody forwards"
    assert acts["power-off"]["lost"] > 10
    assert acts["stop"]["took"] < 2
    assert min(report["client"]["by"].values()) > 100
    assert report["left"] == traces() == []


def test_ctrl_c_in_the_middle_leaves_nothing() -> None:
    lab = subprocess.Popen([RUN, "--fast"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert lab.stdout is not None
    try:
        for line in lab.stdout:
            if "Entering MASTER" in line:
                break
        lab.send_signal(signal.SIGINT)
        rest = lab.stdout.read()
    finally:
        lab.stdout.close()
        lab.terminate()
        lab.wait(30)

    assert lab.returncode == 130, rest
    assert "ended before its story did" in rest
    deadline = time.monotonic() + 5
    while traces() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert traces() == []


def test_a_daemon_that_does_not_run_is_a_failed_story() -> None:
    done = subprocess.run([RUN, "--fast", "--json", "--daemon", "false"], capture_output=True, text=True)

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert not report["ok"]
    assert [act["text"] for act in report["acts"]] == ["director1 ended with exit status 1"]


def test_exec_without_a_lab_says_how_to_get_one() -> None:
    done = subprocess.run([RUN, "--exec", "director1", "true"], capture_output=True, text=True)

    assert done.returncode == 2
    assert "no lab is up: sudo examples/lab/run --keep" in done.stderr
