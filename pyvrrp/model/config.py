"""The whole configuration as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from pyvrrp.units import SECOND, Micros

if TYPE_CHECKING:  # nobody needs all of them
    from pyvrrp.model.globals import (
        Buffers,
        Fifos,
        Firewall,
        IpvsGlobals,
        Mail,
        Observers,
        Places,
        ProcessNames,
        Scheduling,
        VrrpGlobals,
    )
    from pyvrrp.model.lvs import VirtualServer, VirtualServerGroup
    from pyvrrp.model.routing import Route, Rule
    from pyvrrp.model.scripts import ScriptRules, VrrpScript
    from pyvrrp.model.tracked import (
        BfdInstance,
        GarpGroup,
        LinkBeat,
        LinkDelay,
        TrackFile,
        TrackGroup,
        TrackProcess,
    )
    from pyvrrp.model.vrrp import SyncGroup, VirtualAddress, VrrpInstance


class FlushOnStop(Enum):
    """lvs_flush_on_stop."""

    NO = "no"
    SERVICES = "VS"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalDefs:
    """global_defs and the root keywords that are not blocks, as far as they are not copied elsewhere."""

    router_id: str | None = None
    """None: the host's name."""
    instance: str | None = None
    """Name of this daemon: part of pid file names and of the syslog ident."""
    net_namespace: str | None = None
    use_pid_dir: bool = False
    child_wait_time: Micros = 5 * SECOND
    """How long the supervisor waits for its workers at stop before it kills them."""
    lvs_flush: bool = False
    """Empty the whole IPVS table at start."""
    lvs_flush_on_stop: FlushOnStop = FlushOnStop.NO
    vrrp_startup_delay: Micros = 0
    garp_interval: Micros = 0
    """vrrp_garp_interval: minimum gap between gratuitous ARPs on an interface."""
    gna_interval: Micros = 0
    """vrrp_gna_interval: the same for unsolicited neighbor advertisements."""
    dynamic_interfaces: bool = False
    scripts: ScriptRules | None = None
    """How scripts are run; None where nothing is said about it, as in the groups that follow."""
    mail: Mail | None = None
    process_names: ProcessNames | None = None
    scheduling: Scheduling | None = None
    firewall: Firewall | None = None
    fifos: Fifos | None = None
    observers: Observers | None = None
    buffers: Buffers | None = None
    places: Places | None = None
    vrrp: VrrpGlobals | None = None
    ipvs: IpvsGlobals | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that a keepalived.conf says, defaults filled in."""

    global_defs: GlobalDefs = field(default_factory=GlobalDefs)
    vrrp_instances: tuple[VrrpInstance, ...] = ()
    vrrp_sync_groups: tuple[SyncGroup, ...] = ()
    vrrp_scripts: tuple[VrrpScript, ...] = ()
    """Those that something tracks."""
    virtual_servers: tuple[VirtualServer, ...] = ()
    virtual_server_groups: tuple[VirtualServerGroup, ...] = ()
    track_files: tuple[TrackFile, ...] = ()
    track_processes: tuple[TrackProcess, ...] = ()
    bfd_instances: tuple[BfdInstance, ...] = ()
    garp_groups: tuple[GarpGroup, ...] = ()
    track_groups: tuple[TrackGroup, ...] = ()
    interface_up_down_delays: tuple[LinkDelay, ...] = ()
    linkbeat_interfaces: tuple[LinkBeat, ...] = ()
    static_ipaddress: tuple[VirtualAddress, ...] = ()
    """There for the life of the daemon, as the two that follow."""
    static_routes: tuple[Route, ...] = ()
    static_rules: tuple[Rule, ...] = ()

    def instance(self, name: str) -> VrrpInstance:
        """The instance of that name; KeyError if there is none."""
        for instance in self.vrrp_instances:
            if instance.name == name:
                return instance
        raise KeyError(name)
