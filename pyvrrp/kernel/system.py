"""What the process itself may do, and how it treats its memory."""

from __future__ import annotations

import gc
import resource
from pathlib import Path
from typing import Final

_NEEDED: Final = {
    12: ("CAP_NET_ADMIN", "addresses and the IPVS table cannot be changed"),
    13: ("CAP_NET_RAW", "advertisements and gratuitous ARP cannot be sent or received"),
}


def missing_privileges() -> list[str]:
    """One sentence for each capability the process lacks; nothing if all is well."""
    return _missing(Path("/proc/self/status").read_text(encoding="ascii", errors="replace"))


def _missing(status: str) -> list[str]:
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    effective = int(fields["CapEff"], 16)
    return [
        f"{name} is missing: {consequence}; start as root, "
        f"or grant it (systemd: AmbientCapabilities={name}, otherwise setcap on the interpreter)"
        for bit, (name, consequence) in _NEEDED.items()
        if not effective >> bit & 1
    ]


def raise_open_files(wanted: int) -> int:
    """Let this process open so many files, or as many as it may; how many that is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def freeze_garbage() -> None:
    """After start and after each reload, in the vrrp worker: collect once, then never again.

    A collection over all that was loaded takes tens of milliseconds, longer than a short advertisement interval.
    What the machines make afterwards has no cycles; reference counting frees it.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.disable()
