from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyvrrp import __version__
from tests.unit.cli.test_show import run

CONFIG = """\
global_defs {
    router_id here
    bogus 1
}
"""


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"pyvrrp {__version__}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_help_names_the_commands(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 0
    for words in ("show", "check", "--version"):
        assert words in done.stdout


def test_check_passes_its_options_and_its_status_on(tmp_path: Path) -> None:
    path = tmp_path / "keepalived.conf"
    path.write_text(CONFIG)
    done = run("check", "--json", str(path))
    told = json.loads(done.stdout)
    assert done.returncode == told["status"] != 0
    assert [(row["line"], row["severity"]) for row in told["problems"]] == [(3, "error")]
    path.write_text(CONFIG.replace("bogus 1", "@other bogus 1"))
    assert run("check", "--strict", "-i", "this", str(path)).returncode == 0
    assert run("check", "--strict", "--config-id", "other", str(path)).returncode != 0
