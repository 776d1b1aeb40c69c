"""``pyvrrp lvs diff``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pyvrrp.cli.lvs import diff, differences
from tests.unit.observe.pictures import PICTURE, WORST, serving


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    return tmp_path


def test_what_differs_is_told_and_makes_a_status(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert WORST.lvs is not None
    found = replace(WORST.lvs, ipvs_ready=True, ipvs_problem=None)
    with serving(sockets / "1.sock", replace(WORST, lvs=found)):
        assert diff(directory=str(sockets)) == 1
        out = capsys.readouterr().out
        assert diff(json_output=True, directory=str(sockets)) == 1
        told = json.loads(capsys.readouterr().out)
    lines = out.splitlines()
    assert lines[0].split() == ["SERVICE", "SERVER", "WANTED", "PRESENT"]
    assert lines[-1].split() == ["FWM", "7", "10.71.12.69:0", "DR", "weight", "1", "-"]
    assert len(told) == len(differences(found)) == len(lines) - 1
    assert told[0] == {"service": "UDP [2001:db8:0:1::10]:53", "destination": None, "wanted": "wlc", "present": None}


def test_nothing_differs(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(sockets / "1.sock", PICTURE):
        assert diff(directory=str(sockets)) == 0
    assert capsys.readouterr() == ("", "")


def test_without_ipvs_or_without_a_daemon(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(sockets / "1.sock", WORST):
        assert diff(directory=str(sockets)) == 1
    assert capsys.readouterr().err.startswith("pyvrrp: nothing is balanced: this kernel has no IPVS")
    assert diff(directory=str(sockets)) == 3
