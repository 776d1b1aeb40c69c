"""``pyvrrp show`` must be there at once: it loads only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
