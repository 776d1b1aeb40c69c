"""What instances may be tied to, and what paces interfaces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyvrrp.net import Address
from pyvrrp.units import MILLISECOND, Micros


class Tracker(StrEnum):
    """The kinds of things that are tracked; the value is the keyword of the block that lists them."""

    INTERFACE = "track_interface"
    SCRIPT = "track_script"
    FILE = "track_file"
    PROCESS = "track_process"
    BFD = "track_bfd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """One line of track_interface, track_script, track_file, track_process or track_bfd."""

    name: str
    weight: int = 0
    """0: if it is down it is a fault. Otherwise added to the priority: a positive weight while it is up, a negative one
    while it is down; a file's number is multiplied by it. Where the line says nothing, that of the thing tracked."""
    reverse: bool = False
    """Weight 0: being up is the fault. Otherwise what the weight adds is subtracted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitFile:
    """init_file [VALUE] [overwrite]: what is written at start."""

    value: int = 0
    overwrite: bool = False
    """Even where there is a file already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFile:
    """track_file NAME: a file with a number in it."""

    name: str
    file: str
    weight: int = 1
    """What the number is multiplied by; 0: a number other than 0 is a fault."""
    reverse: bool = False
    init_file: InitFile | None = None
    """None: nothing is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackProcess:
    """vrrp_track_process NAME: how many processes of a name run."""

    name: str
    process: tuple[str, ...]
    """Name and, where given, arguments."""
    param_match: str | None = None
    """exact, initial or partial; None: arguments do not matter, unless some are given."""
    weight: int = 0
    reverse: bool = False
    quorum: int = 1
    quorum_max: int | None = None
    terminate_delay: Micros = 0
    fork_delay: Micros = 0
    full_command: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BfdInstance:
    """bfd_instance NAME (RFC 5880, RFC 5881)."""

    name: str
    neighbor_ip: Address
    source_ip: Address | None = None
    min_rx: Micros = 10 * MILLISECOND
    min_tx: Micros = 10 * MILLISECOND
    idle_tx: Micros = 1000 * MILLISECOND
    multiplier: int = 5
    passive: bool = False
    ttl: int | None = None
    """None: 255 for IPv4, 64 for IPv6."""
    max_hops: int = 0
    multihop: bool = False
    weight: int = 0
    reverse: bool = False
    vrrp: bool = True
    """Instances hear of it."""
    checker: bool = True
    """So do real servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GarpGroup:
    """garp_group: interfaces that share one pace."""

    garp_interval: Micros = 0
    gna_interval: Micros = 0
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDelay:
    """One line of interface_up_down_delays."""

    interface: str
    down: Micros
    up: Micros = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBeat:
    """One line of linkbeat_interfaces."""

    interface: str
    method: str | None = None
    """MII, ETHTOOL or IOCTL; None: the best there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackGroup:
    """track_group NAME: instances that static items follow."""

    name: str
    group: tuple[str, ...]
