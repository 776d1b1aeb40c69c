"""``pyvrrp show`` must be there at once: it loads only what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.cli.test_show import PYVRRP
from tests.unit.observe.pictures import serving

MODULES = """
import sys
from pyvrrp.cli.main import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(*sys.modules, sep="\\n", file=sys.stderr)
"""
UNWANTED = {"asyncio", "ssl", "pyroute2", "asyncio_dgram", "scapy", "rich", "logging"}
UNWANTED_ROOMS = ("pyvrrp.kernel", "pyvrrp.daemon", "pyvrrp.config", "pyvrrp.checkers", "pyvrrp.wire")


def test_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    with serving(path):
        done = subprocess.run(
            [sys.executable, "-c", MODULES, "show", "--socket", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    loaded = set(done.stderr.split())
    assert "pyvrrp.cli.show" in loaded
    assert sorted(UNWANTED & loaded) == []
    assert not [name for name in loaded if name.startswith(UNWANTED_ROOMS)]


def test_it_takes_less_than_three_tenths_of_a_second(tmp_path: Path) -> None:
    """As installed: with its modules compiled."""
    path = tmp_path / "1.sock"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path / "cache")
    times: list[float] = []
    with serving(path):
        while len(times) < 20 and min(times, default=1.0) > 0.3:
            begin = time.monotonic()
            subprocess.run(
                [*PYVRRP, "show", "--socket", str(path)],
                stdout=subprocess.DEVNULL,
                env=environment,
                timeout=60,
                check=True,
            )
            times.append(time.monotonic() - begin)
    assert min(times) < 0.3, times
