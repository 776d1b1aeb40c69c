"""Rarer keywords of vrrp_instance and vrrp_sync_group, each kind a group of its own; fields are named as keywords."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOptions:
    """What of an instance or a sync group the daemon does not act on."""

    use_vmac: tuple[str, ...] | None = field(default=None, metadata={"bare": ()})
    use_vmac_addr: bool = False
    vmac_xmit_base: bool = False
    use_ipvlan: tuple[str, ...] | None = None
    vrf: str | None = None
    no_accept: bool = False
    debug: int = 0
    lvs_sync_daemon_interface: str | None = None
    garp_extra_if: tuple[str, ...] | None = None
