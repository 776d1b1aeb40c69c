"""What the command line asks of the daemon, as far as it is not about the command line itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FACILITIES: Final = {"user": 1, "daemon": 3, **{f"local{n}": 16 + n for n in range(8)}}
"""syslog's numbers of the facilities that -S takes (RFC 3164 §4.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """keepalived's flags as values (`pyvrrp.cli.compat` reads argv into this)."""

    config_file: str = "/etc/keepalived/keepalived.conf"
    """-f. A glob is allowed, as in keepalived."""
    config_id: str | None = None
    """-i: what ``@ID`` lines compare with; None is the host's name up to the first dot."""
    foreground: bool = False
    """-n."""
    log_console: bool = False
    """-l: log to stderr too (with -n)."""
    log_detail: int = 0
    """-D: 0, 1 or 2."""
    log_facility: str = "daemon"
    """-S."""
    no_syslog: bool = False
    """-G."""
    dump_config: bool = False
    """-d."""
    run_vrrp: bool = True
    """False with -C."""
    run_checkers: bool = True
    """False with -P."""
    pid_file: str | None = None
    """-p; None is keepalived's name."""
    vrrp_pid_file: str | None = None
    """-r."""
    checkers_pid_file: str | None = None
    """-c."""
    net_namespace: str | None = None
    """-s; goes before the keyword net_namespace."""
    dont_release_vrrp: bool = False
    """-V: leave addresses at stop."""
    dont_release_ipvs: bool = False
    """-I."""
    dont_respawn: bool = False
    """-R: if a worker dies, stop."""
    ignore_sigint: bool = False
    umask: int | None = None
    """-u."""
    all_workers: bool = False
    """--all: start every worker, with or without something to do for it."""
    record: str | None = None
    """--record: the workers record what happens to them from their start, each to this name and its role's."""
    not_active: tuple[str, ...] = ()
    """Options that were given and that this version accepts without acting on them: to be named in the log."""
