"""IGMP reports for the groups of the link (224.0.0.0/24), which no router needs: disable_local_igmp."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pyvrrp.kernel.refusals import translated

_SETTING: Final = Path("/proc/sys/net/ipv4/igmp_link_local_mcast_reports")


class LocalReports:
    """Of the network namespace we are in."""

    def __init__(self) -> None:
        self._before: str | None = None

    def disable(self) -> None:
        """Before the groups are joined; KernelError where the setting cannot be written."""
        with translated("stop IGMP reports for 224.0.0.0/24"):
            before = _SETTING.read_text().strip()
            if before != "0":
                _SETTING.write_text("0")
                self._before = before

    def restore(self) -> None:
        if self._before is not None:
            with translated("restore IGMP reports for 224.0.0.0/24"):
                _SETTING.write_text(self._before)
            self._before = None
