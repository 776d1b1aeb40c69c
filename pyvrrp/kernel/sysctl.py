"""Settings below /proc/sys of the network namespace we are in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pyvrrp.kernel.refusals import translated

_ROOT: Final = Path("/proc/sys")


class LinuxSysctls:
    """By their path below /proc/sys."""

    def read(self, path: str) -> str | None:
        """None where there is no such setting (any more)."""
        try:
            return (_ROOT / path).read_text().strip()
        except FileNotFoundError:
            return None

    def write(self, path: str, value: str) -> None:
        with translated(f"set {path} to {value}"):
            (_ROOT / path).write_text(value)

    def devices(self) -> list[str]:
        """All that have settings of their own, ``default`` among them."""
        return sorted(name for name in os.listdir(_ROOT / "net/ipv4/conf") if name != "all")
