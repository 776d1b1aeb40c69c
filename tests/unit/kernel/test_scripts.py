"""Real files; owners and modes as root alone can make them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvrrp.kernel.scripts import ScriptFiles

pytestmark = pytest.mark.root
NOBODY = 65534


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Path]:
    """A script to which the way is safe: all of it belongs to root, and everybody may enter."""
    folder = Path(f"/run/vrrp-test-{os.getpid()}")
    folder.mkdir(mode=0o755)
    file = folder / "it's"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    try:
        yield file
    finally:
        file.unlink()
        folder.rmdir()


def test_a_good_script(script: Path) -> None:
    finding = ScriptFiles().inspect(str(script), 0, 0)
    assert (finding.missing, finding.refused, finding.weakness) == (None, None, None)


@pytest.mark.parametrize(
    ("owner", "group", "mode", "reason"),
    [
        (NOBODY, 0, 0o755, "is owned by nobody"),
        (0, NOBODY, 0o775, "may be written by group"),
        (0, 0, 0o757, "everybody (mode 0757)"),
        (0, 0, 0o775, None),
    ],
)
def test_what_makes_a_script_insecure_and_what_mends_it(
    script: Path, owner: int, group: int, mode: int, reason: str | None
) -> None:
    for target in (script, script.parent):
        os.chown(target, owner, group)
        target.chmod(mode)
        weakness = ScriptFiles().inspect(str(script), 0, 0).weakness
        if reason is None:
            assert weakness is None
        else:
            assert weakness is not None
            assert weakness.path == str(target)
            assert reason in weakness.reason
            subprocess.run(["sh", "-c", weakness.cure], check=True)
            assert ScriptFiles().inspect(str(script), 0, 0).weakness is None
        os.chown(target, 0, 0)
        target.chmod(0o755)
    script.chmod(0o757)
    assert ScriptFiles().inspect(str(script), NOBODY, NOBODY).weakness is None


def test_who_may_run_it(script: Path) -> None:
    files = ScriptFiles()
    script.chmod(0o644)
    assert "mode 0644" in (files.inspect(str(script), 0, 0).refused or "")
    script.chmod(0o700)
    assert files.inspect(str(script), NOBODY, NOBODY).refused
    script.parent.chmod(0o700)
    assert files.inspect(str(script), NOBODY, NOBODY).missing
    assert files.inspect(str(script.parent), 0, 0).irregular


def test_what_is_not_there() -> None:
    files = ScriptFiles()
    assert "No such file" in (files.inspect("/nosuch/script", 0, 0).missing or "")
    assert "PATH" in (files.inspect("no-such-program", 0, 0).missing or "")
    assert files.inspect("a\0b", 0, 0).missing
    assert files.inspect("sh", 0, 0).missing is None


def test_accounts() -> None:
    files = ScriptFiles()
    assert files.account("root", None) == (0, 0)
    assert files.account("root", ":nogroup") == (0, NOBODY)
    assert files.account("root", ":") == (0, 0)
    assert "user" in str(files.account("no-such-user", None))
    assert "group" in str(files.account("root", "no-such-group"))
