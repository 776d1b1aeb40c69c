"""Rarer keywords of vrrp_instance and vrrp_sync_group, each kind a group of its own; fields are named as keywords."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOptions:
    """What of an instance or a sync group the daemon does not act on."""

    debug: int = 0
    lvs_sync_daemon_interface: str | None = None
