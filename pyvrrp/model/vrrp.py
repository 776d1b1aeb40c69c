"""What a valid VRRP configuration is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from pyvrrp.model.tracked import Tracked, Tracker
from pyvrrp.net import VRRP_GROUP4, Address, Interface
from pyvrrp.units import SECOND, Micros

if TYPE_CHECKING:  # most configurations do without
    from pyvrrp.model.auth_hmac import Hmac
    from pyvrrp.model.notify import Notify
    from pyvrrp.model.options import InstanceOptions
    from pyvrrp.model.routing import Route, Rule
    from pyvrrp.model.vmac import Vmac


class State(IntEnum):
    """VRRP states with keepalived's numbers (they appear in its JSON)."""

    INIT = 0
    BACKUP = 1
    MASTER = 2
    FAULT = 3
    DELETED = 97
    STOP = 98

    __hash__ = int.__hash__  # at each transition, and Enum's own is slow


class AuthType(IntEnum):
    """RFC 2338 §5.3.6."""

    NONE = 0
    PASS = 1
    AH = 2


class UnicastChecksum(Enum):
    """old_unicast_checksum: what version 3's checksum covers over unicast IPv4."""

    AUTO = "auto"
    """The peer's address; a peer that does it the old way is answered in kind."""
    OLD = "old"
    """The multicast group in the peer's place, as keepalived before 1.3.6."""
    NEVER = "never"
    """The peer's address, and nothing else is accepted."""


class Scope(IntEnum):
    """Address scopes (rtnetlink RT_SCOPE_*)."""

    GLOBAL = 0
    SITE = 200
    LINK = 253
    HOST = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    type: AuthType
    """auth_type."""
    password: bytes
    """auth_pass: 1 to 8 bytes, not padded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualAddress:
    """One line of virtual_ipaddress, virtual_ipaddress_excluded or static_ipaddress."""

    interface: Interface
    """Address and prefix length; /32 or /128 where none is written."""
    dev: str
    """Network device; the instance's own where none is written."""
    label: str | None = None
    broadcast: IPv4Address | None = None
    """brd ADDR (``brd +`` and ``brd -`` are resolved from the prefix)."""
    scope: int = Scope.GLOBAL
    """IPv4 only."""
    peer: Address | None = None
    """The other end of a point-to-point link; the address has no prefix then."""
    home: bool = False
    """Mobile IPv6 home address."""
    dad: bool = False
    """-nodad: duplicate address detection, which others go without."""
    mngtmpaddr: bool = False
    noprefixroute: bool = False
    autojoin: bool = False
    preferred_lft: int | None = None
    """Seconds, IPv6 only; None: 0 for a /128, for ever otherwise."""
    track: bool = True
    """False with no_track: whoever removes it may do so, and its device may be down."""
    use_vmac: bool = False
    """On a virtual MAC of its own."""
    track_group: str | None = None
    """Static addresses: instances of the group are in FAULT while the device is down."""

    def __hash__(self) -> int:
        """What tells nearly all of them apart; a thousand that come at once must not wait for the rest."""
        return hash((self.dev, int(self.interface)))

    @property
    def address(self) -> Address:
        return self.interface.ip


class Tracking:
    """What has a field for each block of things tracked: instances and sync groups."""

    __slots__ = ()

    @property
    def tracked(self) -> list[tuple[Tracker, Tracked]]:
        """All of it, with its kind."""
        return [(kind, one) for kind in Tracker for one in getattr(self, kind)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTtl:
    """What TTL advertisements of a unicast peer must have, where that is said (min_ttl, max_ttl)."""

    peer: Address
    min_ttl: int = 0
    max_ttl: int = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Garp:
    """How gratuitous ARP is sent (keywords garp_*)."""

    repeat: int = 5
    """garp_master_repeat: packets an address and burst."""
    delay: Micros = 5 * SECOND
    """garp_master_delay: a second burst so long after becoming MASTER; 0 none."""
    refresh: Micros = 0
    """garp_master_refresh: period of further bursts; 0 none."""
    refresh_repeat: int = 1
    """garp_master_refresh_repeat."""
    lower_prio_repeat: int = 5
    """garp_lower_prio_repeat: packets after a lower-priority advertisement met a MASTER."""
    lower_prio_delay: Micros = 5 * SECOND
    """garp_lower_prio_delay: and again so long after it; 0 none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GarpExtra:
    """[all] SECONDS: gratuitous ARP for addresses on devices that carry no advertisements (garp_extra_if)."""

    interval: Micros
    every_device: bool = False
    """On devices of all kinds, not on VMACs only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VrrpInstance(Tracking):
    """One virtual router on one interface (vrrp_instance)."""

    name: str
    interface: str
    """Network device that carries the advertisements; empty: unicast from `mcast_src_ip`, wherever the routes lead."""
    virtual_router_id: int
    """1..255."""
    version: int = 2
    """2 or 3 (version, else vrrp_version)."""
    state: State = State.BACKUP
    """Configured initial state: BACKUP or MASTER (which, as in keepalived, skips no master down interval)."""
    priority: int = 100
    """1..255; 255 is the address owner."""
    advert_int: Micros = SECOND
    """Advertisement interval: whole seconds in v2, centiseconds in v3."""
    preempt: bool = True
    """False with nopreempt."""
    preempt_delay: Micros = 0
    authentication: Authentication | None = None
    virtual_ipaddress: tuple[VirtualAddress, ...] = ()
    """Advertised addresses, in the order written."""
    virtual_ipaddress_excluded: tuple[VirtualAddress, ...] = ()
    """Added and removed with the others, not advertised."""
    virtual_routes: tuple[Route, ...] = ()
    """There while MASTER, added after the addresses and removed before them."""
    virtual_rules: tuple[Rule, ...] = ()
    """Likewise, after the routes."""
    static_devices: tuple[str, ...] = ()
    """Devices of static lines whose track_group the instance is in: while one is down, it is in FAULT."""
    promote_secondaries: bool = False
    """When an address goes away, others of its prefix stay (the device's sysctl)."""
    track_interface: tuple[Tracked, ...] = ()
    track_script: tuple[Tracked, ...] = ()
    track_file: tuple[Tracked, ...] = ()
    track_process: tuple[Tracked, ...] = ()
    track_bfd: tuple[Tracked, ...] = ()
    dont_track_primary: bool = False
    """Do not fault when `interface` goes down."""
    linkbeat_use_polling: bool = False
    """Ask `interface` for its link."""
    mcast_src_ip: Address | None = None
    """Source of advertisements (also unicast_src_ip); the interface's first address where None."""
    mcast_dst_ip: Address = VRRP_GROUP4
    """Multicast destination (vrrp_mcast_group4, mcast_dst_ip)."""
    unicast_peer: tuple[Address, ...] = ()
    """Not empty: advertise to these instead of the group."""
    check_unicast_src: bool = False
    """Believe only peers."""
    peer_ttl: tuple[PeerTtl, ...] = ()
    unicast_ttl: int | None = None
    """TTL of unicast advertisements; None: 255 over IPv4, the system's over IPv6."""
    no_peer: bool = False
    """Unicast is asked for and has no peers, which is a fault (unicast_fault_no_peer)."""
    old_unicast_checksum: UnicastChecksum = UnicastChecksum.AUTO
    v3_checksum_as_v2: bool = False
    """Version 3 over IPv4: the checksum covers the message alone (RFC 9568 §5.2.8)."""
    auth_hmac: Hmac | None = None
    track_src_ip: bool = False
    """A source address (`mcast_src_ip`) that is on no device is a fault."""
    strict_mode: bool = False
    """Keep to the RFCs. The reader of the configuration has drawn the consequences."""
    timer_expired_backup: int | None = None
    """A MASTER that was stalled for so long that a backup of this priority took over goes to BACKUP by itself."""
    kernel_rx_buf_size: int | None = None
    """Bytes of the receiving socket's buffer; None: as vrrp_rx_bufs_policy says, or ours."""
    lower_prio_no_advert: bool = False
    """A MASTER does not answer lower-priority advertisements."""
    higher_prio_send_advert: bool = False
    """A MASTER answers a better advertisement once before it steps down."""
    skip_check_adv_addr: bool = False
    """Do not compare the address list again while the master stays the same."""
    owner_ignore_adverts: bool = False
    down_timer_adverts: int = 3
    """Advertisement intervals in a master down interval, 1..100."""
    notify: Notify | None = None
    smtp_alert: bool | None = None
    """Its changes of state are mailed; None: as global_defs say, else not."""
    notify_priority_changes: bool | None = None
    """Changes of the effective priority are written to FIFOs; None: as the sync group says, else global_defs."""
    garp: Garp = field(default_factory=Garp)
    garp_extra_if: GarpExtra | None = None
    vmac: Vmac | None = None
    """A device of its own, on `interface` (use_vmac, use_ipvlan)."""
    vmac_xmit_base: bool = False
    """Advertise from `interface` nevertheless."""
    address_vmacs: tuple[Vmac, ...] = ()
    """VMACs on other interfaces, for virtual addresses there."""
    accept: bool = True
    """False with no_accept: packets to and from the virtual addresses are dropped; never so for their owner."""
    options: InstanceOptions | None = None
    """What is not acted on."""

    @property
    def advert_dev(self) -> str:
        """Device by which the advertisements come and go."""
        return self.interface if self.vmac is None or self.vmac_xmit_base else self.vmac.name

    @property
    def vmacs(self) -> tuple[Vmac, ...]:
        """All devices of its own."""
        return self.address_vmacs if self.vmac is None else (self.vmac, *self.address_vmacs)

    @property
    def family(self) -> int:
        """4 or 6: the family of the advertised addresses, or of the advertisements."""
        return (self.virtual_ipaddress[0].address if self.virtual_ipaddress else self.mcast_dst_ip).version

    @property
    def addresses(self) -> tuple[VirtualAddress, ...]:
        """All addresses that come and go with mastership, advertised ones first."""
        return self.virtual_ipaddress + self.virtual_ipaddress_excluded


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncGroup(Tracking):
    """Instances that change state together (vrrp_sync_group). What it tracks is tracked for every member: the reader of
    the configuration has put it into the members too."""

    name: str
    members: tuple[str, ...]
    """Names of defined instances, in the order written."""
    sync_group_tracking_weight: bool = False
    """Weights of the members' own trackers count."""
    options: InstanceOptions | None = None
    """What is not acted on."""
    track_interface: tuple[Tracked, ...] = ()
    track_script: tuple[Tracked, ...] = ()
    track_file: tuple[Tracked, ...] = ()
    track_process: tuple[Tracked, ...] = ()
    track_bfd: tuple[Tracked, ...] = ()
    notify: Notify | None = None
    smtp_alert: bool | None = None
    """Its changes of state are mailed; None: as global_defs say, else not."""
    notify_priority_changes: bool | None = None
    """Changes of the effective priority are written to FIFOs; None: as the sync group says, else global_defs."""
