"""Rarer keywords of vrrp_instance and vrrp_sync_group, each kind a group of its own; fields are named as keywords."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of virtual_routes, virtual_rules, static_routes or static_rules."""

    words: tuple[str, ...]
    """As written."""
    dev: str | None = None
    table: str | None = None
    track_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressOptions:
    """Words of an address line that are not acted on."""

    address: str
    """As written."""
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOptions:
    """What of an instance or a sync group the daemon does not act on."""

    use_vmac: tuple[str, ...] | None = field(default=None, metadata={"bare": ()})
    use_vmac_addr: bool = False
    vmac_xmit_base: bool = False
    use_ipvlan: tuple[str, ...] | None = None
    vrf: str | None = None
    promote_secondaries: bool = False
    no_accept: bool = False
    debug: int = 0
    lvs_sync_daemon_interface: str | None = None
    garp_extra_if: tuple[str, ...] | None = None
    virtual_routes: tuple[Route, ...] = ()
    virtual_rules: tuple[Route, ...] = ()
    addresses: tuple[AddressOptions, ...] = ()
