"""``pyvrrp probe``: the checks of a configuration, made once and told."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.topology.daemons import BIN


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """One that answers, and one that does not."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield server.getsockname()[1], bound.getsockname()[1]


def probe(directory: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = directory / "keepalived.conf"
    path.write_text(text)
    argv = [str(BIN / "pyvrrp"), "probe", str(path), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def service(mark: int, *servers: tuple[str, int, str]) -> str:
    pool = "".join(f"real_server {host} {port} {{\n{check}\n}}\n" for host, port, check in servers)
    return f"virtual_server fwmark {mark} {{\nlb_algo rr\nlb_kind NAT\n{pool}}}\n"


def test_results_with_times_and_reasons(tmp_path: Path, ports: tuple[int, int]) -> None:
    well, dead = ports
    script = "MISC_CHECK {\nmisc_path \"/bin/sh -c 'exit 7'\"\nmisc_dynamic\n}"
    text = "global_defs {\nscript_user root\n}\n" + service(
        1,
        ("127.0.0.1", well, "TCP_CHECK {\n}"),
        ("127.0.0.1", dead, "TCP_CHECK {\n}"),
        ("127.0.0.2", well, script),
        ("127.0.0.3", well, "TCP_CHECK {\nbindto 192.0.2.1\n}"),
    )
    said = probe(tmp_path, text)
    assert said.returncode == 1, said.stderr
    lines = said.stdout.splitlines()
    assert lines[0] == "FWM 1"
    assert [" ".join(line.split()[-5:]) for line in lines[1:]][1].endswith("ms connection refused")
    found = json.loads(probe(tmp_path, text, "--json").stdout)
    assert [one["result"] for one in found] == ["passed", "failed", "passed", "not made"]
    assert found[0]["milliseconds"] < 60_000
    assert found[2]["reason"] == "status 7: weight 5"
    assert "cannot bind to 192.0.2.1" in found[3]["reason"]


def test_one_server_only(tmp_path: Path, ports: tuple[int, int]) -> None:
    well, dead = ports
    text = service(1, ("127.0.0.1", well, "TCP_CHECK {\n}"), ("127.0.0.2", dead, "TCP_CHECK {\n}"))
    assert probe(tmp_path, text, "127.0.0.1").returncode == 0
    assert probe(tmp_path, text, f"127.0.0.2:{dead}").returncode == 1
    nobody = probe(tmp_path, text, "127.0.0.9")
    assert (nobody.returncode, nobody.stderr) == (2, "pyvrrp: no check of 127.0.0.9 is configured\n")


def test_a_configuration_that_cannot_be_used(tmp_path: Path) -> None:
    said = probe(tmp_path, "virtual_server\n")
    assert said.returncode == 3
    assert "keepalived.conf:1:" in said.stderr
