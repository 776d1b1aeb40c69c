"""What the supervisor decides about lives and deaths, free of any process: exit statuses, respawning, who is needed."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from typing import Final

from pyvrrp.daemon.exit_status import ExitStatus
from pyvrrp.daemon.options import Options
from pyvrrp.model.config import Config
from pyvrrp.units import SECOND, Micros

ROLES: Final = ("checkers", "vrrp")
"""In the order in which they are started, as keepalived's children."""


PERMANENT: Final = frozenset({ExitStatus.FATAL, ExitStatus.CONFIG, ExitStatus.PERMISSION})
"""A worker that exits with one of these would do so again: the daemon stops with the same status."""

SETTLED: Final[Micros] = 60 * SECOND
"""A worker that ran this long did not die of its start: it is replaced at once."""
LONGEST_DELAY: Final[Micros] = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended."""

    status: int | None
    """Exit status; None where a signal ended it."""
    signal: int | None

    @classmethod
    def of(cls, wait_status: int) -> Death:
        """From what waitpid(2) tells."""
        code = os.waitstatus_to_exitcode(wait_status)
        return cls(code, None) if code >= 0 else cls(None, -code)

    @property
    def permanent(self) -> ExitStatus | None:
        """The status with which the whole daemon ends, where replacing the worker is of no use."""
        return ExitStatus(self.status) if self.status in PERMANENT else None

    @property
    def clean(self) -> bool:
        """It left nothing behind, so its successor has nothing to carry on."""
        return self.status == ExitStatus.OK

    def __str__(self) -> str:
        if self.signal is None:
            return f"exited with status {self.status}"
        try:
            return f"was killed by {signal.Signals(self.signal).name}"
        except ValueError:  # the real-time signals between MIN and MAX have no names
            return f"was killed by signal {self.signal}"


def early_deaths(before: int, ran: Micros) -> int:
    """How many times in a row a worker has now died, counting only from its last long life."""
    return 1 if ran >= SETTLED else before + 1


def respawn_delay(deaths: int) -> Micros:
    """How long to wait after so many deaths in a row: 0, 1, 2, 4 … 60 s."""
    return 0 if deaths <= 1 else min(LONGEST_DELAY, SECOND << min(deaths - 2, 6))


def needed(role: str, config: Config, options: Options) -> bool:
    """Whether this configuration has work for the role and the command line lets it."""
    if role == "vrrp":
        static = config.static_ipaddress or config.static_routes or config.static_rules
        return options.run_vrrp and bool(options.all_workers or config.vrrp_instances or static)
    return options.run_checkers and bool(options.all_workers or config.virtual_servers)


def share(role: str, config: Config, options: Options) -> Config:
    """The part of the configuration that a role needs: a VRRP worker must not hold 20000 real servers."""
    if role == "vrrp":
        fifos = config.global_defs.fifos
        if fifos is not None and fifos.notify_fifo_script is not None and needed("checkers", config, options):
            # The checkers worker writes to that FIFO too, and its reader is to be started once.
            fifos = replace(fifos, notify_fifo_script=None)
            config = replace(config, global_defs=replace(config.global_defs, fifos=fifos))
        return replace(config, virtual_servers=())
    return replace(config, vrrp_instances=(), vrrp_sync_groups=())


def fixed_at_start(old: Config, new: Config) -> list[str]:
    """The keywords that changed though they hold for the whole life of a daemon: such a reload is refused."""
    names = ("net_namespace", "instance", "use_pid_dir")
    changed = [name for name in names if getattr(old.global_defs, name) != getattr(new.global_defs, name)]
    places = {config.global_defs.ipvs and config.global_defs.ipvs.net_namespace_ipvs for config in (old, new)}
    return [*changed, "net_namespace_ipvs"] if len(places) > 1 else changed
