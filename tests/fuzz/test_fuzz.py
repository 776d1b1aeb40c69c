"""A few seconds of the fuzzer; `python -m tests.fuzz.config` runs it for as long as you like."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.config.files import source

SECONDS = int(os.environ.get("PYVRRP_FUZZ_SECONDS", "10"))
ROOT = Path(__file__).resolve().parents[2]
CORPUS = sorted((ROOT / "tests/fuzz/corpus").iterdir())


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_what_was_found_once(file: Path) -> None:
    from pyvrrp.config import exit_status, load

    assert exit_status(load(source(file.read_bytes())).problems) in (0, 2, 4, 5, 6)


@pytest.mark.timeout(SECONDS + 90)
def test_nothing_new_is_found(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python", exc_type=ImportError)
    command = [sys.executable, "-m", "tests.fuzz.config", f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    found = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert done.returncode == 0, (found, done.stderr[-3000:])
    assert "Done " in done.stderr
