"""The state of VRRP as a value: what `pyvrrp show` and all other views render."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyvrrp.core.vrrp.stats import Stats
from pyvrrp.units import Micros


class Cause(StrEnum):
    """Why an instance changed its state."""

    STARTUP = "startup"
    OWNER = "address owner (priority 255)"
    MASTER_DOWN = "no advertisement from the master"
    PRIORITY_ZERO = "the master stopped (priority 0)"
    HIGHER = "our priority is higher than the master's"
    PREEMPTED = "advertisement of higher priority"
    LOST_TIE = "advertisement of equal priority from a higher address"
    GROUP = "sync group"
    INTERFACE_DOWN = "interface down"
    INTERFACE_MISSING = "interface missing"
    NO_SOURCE_ADDRESS = "no source address"
    TRACKED_INTERFACE_DOWN = "tracked interface down"
    TRACKED_SCRIPT_FAILED = "tracked script failed"
    TRACKED_FILE = "tracked file"
    TRACKED_PROCESS = "tracked process"
    TRACKED_BFD = "tracked BFD session down"
    NO_PEER = "no unicast peer"
    STALLED = "stalled while MASTER"
    RECOVERED = "fault cleared"
    KERNEL = "the kernel refused"
    RELOAD = "reload"
    RESUMED = "worker restarted"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of state. Names of states as in logs: INIT, BACKUP, MASTER, FAULT, STOP, DELETED."""

    instance: str
    at: Micros
    """CLOCK_MONOTONIC."""
    old: str
    new: str
    cause: Cause
    detail: str = ""
    """What exactly: the device, the peer and its priority, the time since the last advertisement."""
    priority: int
    """Effective priority at that moment."""

    @property
    def reason(self) -> str:
        """The cause, and what exactly."""
        return f"{self.cause.value}: {self.detail}" if self.detail else self.cause.value


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSnapshot:
    address: str
    """With prefix length."""
    dev: str
    advertised: bool
    present: bool
    """We have put it there and know of nobody who took it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSnapshot:
    """A route or a policy rule."""

    text: str
    """As ``ip route`` or ``ip rule`` has it, with the word route or rule before it."""
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSnapshot:
    name: str
    state: str
    since: Micros
    """CLOCK_MONOTONIC of the last change of state."""
    cause: Cause
    detail: str
    interface: str
    virtual_router_id: int
    version: int
    priority: int
    """Configured."""
    effective_priority: int
    priority_sum: tuple[tuple[str, int], ...]
    """What the effective priority is made of: ("priority", 100), ("track_interface eth1", -20)."""
    advert_int: Micros
    master_advert_int: Micros
    preempt: bool
    master_address: str | None
    """The master's source address; our own while MASTER; None while nobody is known."""
    master_priority: int | None
    last_advert: Micros | None
    """When the last acceptable advertisement came."""
    last_reject: str | None
    """Why the last refused advertisement was refused, and whose it was."""
    faults: tuple[str, ...]
    sync_group: str | None
    addresses: tuple[AddressSnapshot, ...]
    routing: tuple[RoutingSnapshot, ...] = ()
    """Routes and rules that come and go with mastership."""
    stats: Stats
    vmac: str | None = None
    """The device of its own (use_vmac, use_ipvlan)."""
    auth_number: int = 0
    """The number that AH or auth_hmac sent (AH: or heard) last; for a successor of the worker."""
    auth_marks: tuple[tuple[str, int], ...] = ()
    """auth_hmac: senders and the newest number of each."""
    transitions: tuple[Transition, ...]
    """The most recent ones, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSnapshot:
    name: str
    state: str
    since: Micros
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSnapshot:
    """Something that instances are tied to, other than an interface."""

    kind: str
    """track_script, track_file, track_process or track_bfd."""
    name: str
    state: str
    """In a word: ``succeeds``, ``runs``; of a file its number."""
    detail: str = ""
    """How the last run went, how many run, which file it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSnapshot:
    """What was changed in the kernel for devices of instances' own; a successor of the worker undoes it at its end."""

    made: tuple[str, ...] = ()
    """VMACs and ipvlans."""
    sysctls: tuple[tuple[str, str], ...] = ()
    """Path below /proc/sys and what stood there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VrrpSnapshot:
    instances: tuple[InstanceSnapshot, ...] = ()
    sync_groups: tuple[GroupSnapshot, ...] = ()
    trackers: tuple[TrackerSnapshot, ...] = ()
    static: tuple[RoutingSnapshot, ...] = ()
    """static_ipaddress, static_routes and static_rules."""
    devices: DeviceSnapshot | None = None
    """None where none are needed."""
