"""Commands that the daemon is to run, and vrrp_script."""

from __future__ import annotations

from dataclasses import dataclass

from pyvrrp.units import SECOND, Micros


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, and who runs it: ``"PROGRAM ARGUMENT..." [USER [GROUP]]``."""

    words: tuple[str, ...]
    """At least one: the program. A first word that begins with ``<`` tests whether a file can be read."""
    user: str | None = None
    """None: script_user."""
    group: str | None = None
    """None: the user's own. ``:`` before it asks for the supplementary groups too."""

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class VrrpScript:
    """vrrp_script NAME: a command whose exit status says whether instances are fit."""

    name: str
    script: Command
    interval: Micros = SECOND
    timeout: Micros = 0
    """0: as long as `interval`."""
    weight: int = 0
    """0: failure is a fault. Otherwise -253..253, added to the priority on success (positive) or failure."""
    reverse: bool = False
    rise: int = 1
    """Successes in a row until it is up."""
    fall: int = 1
    """Failures in a row until it is down."""
    init_fail: bool = False
    """Down until the first success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRules:
    """How scripts are run (global_defs)."""

    script_user: str | None = None
    """None: the account keepalived_script where there is one, else the daemon's own."""
    script_group: str | None = None
    enable_script_security: bool = False
    """A script that root would run and others could change is not run."""
    use_symlink_paths: bool = False
    set_supplementary_groups: bool = False
    startup_script: Command | None = None
    startup_script_timeout: Micros = 10 * SECOND
    shutdown_script: Command | None = None
    shutdown_script_timeout: Micros = 10 * SECOND
    rs_init_notifies: bool = False
    """Real servers are notified about at start too."""
