"""Who is told of a change of state."""

from __future__ import annotations

from dataclasses import dataclass

from pyvrrp.model.scripts import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """The notify keywords of an instance or a sync group: commands for a state, and one for every change."""

    notify_master: Command | None = None
    notify_backup: Command | None = None
    notify_fault: Command | None = None
    notify_stop: Command | None = None
    notify_deleted: Command | None = None
    tell_deleted: bool = False
    """notify_deleted stands there, with or without a command; otherwise a deleted instance is told as FAULT."""
    notify_master_rx_lower_pri: Command | None = None
    notify: Command | None = None
    """With INSTANCE or GROUP, name, state and priority as further arguments."""
