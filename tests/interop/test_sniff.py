"""pyvrrp sniff hears what real keepalived says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.topology.daemons import KEEPALIVED
from tests.topology.lab import VIP, Lab, instance

pytestmark = [pytest.mark.root, pytest.mark.keepalived]

PYVRRP = (sys.executable, "-c", "from pyvrrp.cli.main import main; main()")


@contextmanager
def sniffing(lab: Lab, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """What it prints, line by line; it is ended with the block."""
    command = lab.hosts[name].command(*PYVRRP, "sniff", *arguments)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def entries(process: subprocess.Popen[str], wanted: str, count: int) -> list[dict[str, Any]]:
    """The first so many of a kind."""
    assert process.stdout is not None
    found: list[dict[str, Any]] = []
    while len(found) < count and (line := process.stdout.readline()):
        entry = json.loads(line)
        if entry.get("kind") == wanted:
            found.append(entry)
    return found


@pytest.mark.parametrize(("version", "interval", "password"), [(3, 0.1, None), (2, 1, "1111")])
def test_advertisements_and_announcements(lab: Lab, version: int, interval: float, password: str | None) -> None:
    with sniffing(lab, "d2", "eth0", "--json") as process:
        conf = instance(priority=150, version=version, interval=interval, password=password)
        lab.start("d1", KEEPALIVED, conf)
        (advert,) = entries(process, "advertisement", 1)
        (announcement,) = entries(process, "announcement", 1)
    assert (advert["version"], advert["virtual_router_id"], advert["priority"]) == (version, 51, 150)
    assert advert["interval"] == interval * 1_000_000
    assert advert["auth"] == ("PASS" if password else None)
    assert (advert["source"], advert["interface"], advert["mac"]) == (lab.address("d1"), "eth0", lab.mac("d1"))
    assert advert["addresses"] == [VIP]
    assert (announcement["address"], announcement["mac"]) == (VIP, lab.mac("d1"))


def test_why_we_would_refuse_it_and_the_summary_at_the_end(lab: Lab, tmp_path: Path) -> None:
    ours = tmp_path / "ours.conf"
    ours.write_text(instance(version=2, interval=1, password="other"))
    with sniffing(lab, "d2", "eth0", "--config", str(ours)) as process:
        lab.start("d1", KEEPALIVED, instance(version=2, interval=1, password="1111"))
        assert process.stdout is not None
        for line in process.stdout:
            if "refused by VI_1: password differs" in " ".join(line.split()):
                break
        process.send_signal(signal.SIGINT)
        rest = " ".join(process.stdout.read().split())
        assert process.wait(10) == 1
    assert f"{lab.address('d1')}: {VIP}" in rest
    assert "Free virtual router ids here: 1-50, 52-255" in rest


def test_so_many_and_no_more(lab: Lab) -> None:
    lab.start("d1", KEEPALIVED, instance(priority=150))
    lab.until_master("d1")
    out = lab.hosts["d2"].run(*PYVRRP, "sniff", "-c", "3")
    assert out.count(" v3     51  150   0.1s") == 3
