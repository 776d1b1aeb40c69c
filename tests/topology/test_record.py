"""A running daemon is recorded, and its decisions are made again from the file."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.topology.daemons import OURS
from tests.topology.lab import VIP, Lab, instance

pytestmark = pytest.mark.root

PYVRRP = (sys.executable, "-c", "from pyvrrp.cli.main import main; main()")
SERVERS = (
    "virtual_server 192.0.2.50 80 {\n delay_loop 1\n lb_algo rr\n lb_kind NAT\n protocol TCP\n"
    " real_server 192.0.2.1 81 {\n  TCP_CHECK {\n   connect_timeout 1\n  }\n }\n}\n"
)


def pyvrrp(lab: Lab, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = lab.hosts[name].command(*PYVRRP, *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def replayed(path: Path, *options: str) -> str:
    """What is told of it; it must decide the same."""
    verified = subprocess.run([*PYVRRP, "replay", "--verify", str(path)], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "all as they were recorded" in verified.stdout
    return subprocess.run([*PYVRRP, "replay", *options, str(path)], capture_output=True, text=True, check=True).stdout


def test_a_recording_in_the_middle_of_a_life(lab: Lab, tmp_path: Path) -> None:
    secret = partial(instance, version=2, interval=1, password="s3cr3tXY")
    tape = tmp_path / "tape"
    lab.start("d1", OURS, secret(priority=100))
    lab.until_master("d1")
    began = pyvrrp(lab, "d1", "record", "start", str(tape))
    assert (began.returncode, began.stderr) == (0, "")
    again = pyvrrp(lab, "d1", "record", "start", str(tmp_path / "other"))
    assert again.returncode == 1
    assert "it records to" in again.stderr
    lab.start("d2", OURS, secret(priority=150))
    lab.until_master("d2", within=15)
    lab.kill("d2")
    lab.until(lambda: "d1" in lab.holders(), within=15, what="d1 takes over")
    ended = pyvrrp(lab, "d1", "record", "stop")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = replayed(tape)
    assert "goes from MASTER to BACKUP: advertisement of higher priority: 192.0.2.2, priority 150" in told
    assert "goes from BACKUP to MASTER: no advertisement from the master" in told
    assert b"s3cr3tXY" not in tape.read_bytes()
    assert b"s3cr3tXY".hex().encode() not in tape.read_bytes()
    assert json.loads(tape.read_text().splitlines()[-1])["end"] == "asked to end"
    assert lab.holders(VIP)


def test_the_checkers_worker_for_a_while(lab: Lab, tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    lab.start("d1", OURS, SERVERS)
    lab.until_started("d1")
    began = pyvrrp(lab, "d1", "record", "start", "--role", "checkers", "--for", "4s", str(tape))
    assert (began.returncode, began.stderr) == (0, "")
    lab.until(lambda: '"end"' in tape.read_text(), within=20, what="the recording ends")
    # The server may be down by now: then each of its checks is an event, and no news.
    assert "connection refused" in replayed(tape, "--all")
    assert pyvrrp(lab, "d1", "record", "start", str(tmp_path / "x")).returncode == 1  # there is no vrrp worker
