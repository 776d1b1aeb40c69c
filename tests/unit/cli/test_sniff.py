from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyvrrp.cli.sniff import dissected, sniff
from tests.golden.pcap import CAPTURES, frames

CAPTURE = str(CAPTURES / "auth-mismatch.pcap")


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "k.conf"
    path.write_text(
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 89\nauthentication {\nauth_type PASS\n"
        "auth_pass right\n}\nvirtual_ipaddress {\n192.0.2.100/24\n}\n}\n"
    )
    return str(path)


def test_a_capture_is_told_and_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert sniff(None, file=CAPTURE) == 0
    out = capsys.readouterr().out
    assert out.count(" v2     89 ") == 11
    assert "Free virtual router ids here: 1-88, 90-255" in out
    assert "refused" not in out


def test_a_configuration_says_why_it_would_refuse(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sniff(None, file=CAPTURE, config=config) == 1
    out = capsys.readouterr().out
    assert out.count("refused by VI_1: password differs") == 4
    assert "wrong" not in out


def test_json(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sniff(None, file=CAPTURE, config=config, json_output=True, count=3) == 1
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(entries) == 4
    assert entries[0]["virtual_router_id"] == 89
    assert entries[1]["refused"].startswith("password differs")
    assert entries[-1]["routers"][0]["senders"] == {"192.0.2.1": 2, "192.0.2.2": 1}


def test_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sniff(None, file=str(tmp_path / "x")) == 2
    (tmp_path / "y").write_text("no capture")
    assert sniff(None, file=str(tmp_path / "y")) == 2
    assert sniff(None, file=CAPTURE, config=str(tmp_path / "z")) == 2
    err = capsys.readouterr().err
    assert "No such file" in err
    assert "neither pcap nor pcapng" in err
    assert "there is no such file" in err


def test_scapy_shows_all_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert sniff(None, file=CAPTURE, count=1, dissect=True) == 0
    assert "###[ VRRP" in capsys.readouterr().out
    assert "vrid" in dissected(next(iter(frames("v2-noauth"))))
