"""Rarer keywords of vrrp_instance and vrrp_sync_group, each kind a group of its own; fields are named as keywords."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Hmac:
    """auth_hmac."""

    keys: tuple[tuple[int, str], ...] = ()
    """Number and value, as written."""
    active_key: int = 0
    time_window: int | None = None
    """Seconds; None: three advertisement intervals."""
    anti_replay: str = "time"
    mode: str = "enforce"


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
class PeerTtl:
    """Options of a unicast peer."""

    peer: str
    min_ttl: int = 0
    max_ttl: int = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOptions:
    """What of an instance or a sync group the daemon does not act on."""

    use_vmac: tuple[str, ...] | None = field(default=None, metadata={"bare": ()})
    use_vmac_addr: bool = False
    vmac_xmit_base: bool = False
    use_ipvlan: tuple[str, ...] | None = None
    unicast_fault_no_peer: bool = False
    unicast_ttl: int | None = None
    old_unicast_checksum: str | None = field(default=None, metadata={"bare": "auto"})
    native_ipv6: bool = False
    vrf: str | None = None
    track_src_ip: bool = False
    no_virtual_ipaddress: bool = False
    promote_secondaries: bool = False
    linkbeat_use_polling: bool = False
    v3_checksum_as_v2: bool | None = None
    no_accept: bool = False
    strict_mode: bool | None = None
    debug: int = 0
    lvs_sync_daemon_interface: str | None = None
    timer_expired_backup: int | None = field(default=None, metadata={"bare": 254})
    garp_extra_if: tuple[str, ...] | None = None
    kernel_rx_buf_size: int | None = None
    notify_deleted: bool = field(default=False, metadata={"bare": True})
    """Alone: its being removed is told to FIFOs only."""
    smtp_alert: bool | None = None
    """None: as global_defs say."""
    notify_priority_changes: bool | None = None
    virtual_routes: tuple[Route, ...] = ()
    virtual_rules: tuple[Route, ...] = ()
    auth_hmac: Hmac | None = None
    addresses: tuple[AddressOptions, ...] = ()
    peers: tuple[PeerTtl, ...] = ()
