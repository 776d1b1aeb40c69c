"""Rarer parts of global_defs, each a group of its own; the fields are named as the keywords.

Where a keyword may stand alone, the field's metadata say what it means then (`bare`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyvrrp.model.scripts import Command
from pyvrrp.net import Address
from pyvrrp.units import SECOND, Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Who is told by mail, and through whom."""

    notification_email: tuple[str, ...] = ()
    notification_email_from: str | None = None
    smtp_server: tuple[str, ...] = ()
    """Host and, where given, port."""
    smtp_helo_name: str | None = None
    smtp_connect_timeout: int = 30
    """Seconds, for each step."""
    smtp_alert: bool | None = None
    """None: not said."""
    smtp_alert_vrrp: bool | None = None
    smtp_alert_checker: bool | None = None
    no_email_faults: bool = False
    no_checker_emails: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessNames:
    """Titles of the processes."""

    process_names: bool = False
    process_name: str | None = None
    vrrp_process_name: str | None = None
    checker_process_name: str | None = None
    bfd_process_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """How the processes are scheduled."""

    max_auto_priority: int = field(default=0, metadata={"bare": 99})
    """Ceiling for the real-time priority that is taken where timers run late; 0 never, -1 never and not told."""
    min_auto_priority_delay: Micros = SECOND
    """Lateness that makes a process take it."""
    vrrp_priority: int = 0
    """Nice value, -20..19."""
    checker_priority: int = 0
    bfd_priority: int = 0
    vrrp_no_swap: bool = False
    checker_no_swap: bool = False
    bfd_no_swap: bool = False
    vrrp_rt_priority: int = 0
    """SCHED_RR, 1..99; 0: ordinary."""
    checker_rt_priority: int = 0
    bfd_rt_priority: int = 0
    vrrp_cpu_affinity: tuple[str, ...] = ()
    """Numbers of processors; none: all."""
    checker_cpu_affinity: tuple[str, ...] = ()
    bfd_cpu_affinity: tuple[str, ...] = ()
    vrrp_rlimit_rttime: Micros = 10_000
    checker_rlimit_rttime: Micros = 10_000
    bfd_rlimit_rttime: Micros = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """The rules that no_accept and firewall marks need."""

    vrrp_iptables: tuple[str, ...] = field(default=(), metadata={"bare": ("INPUT", "OUTPUT")})
    vrrp_ipsets: tuple[str, ...] | None = field(default=None, metadata={"bare": ()})
    """Names of sets; empty: none are used."""
    nftables: str | None = field(default=None, metadata={"bare": "keepalived"})
    """Name of the table."""
    nftables_priority: int = -1
    nftables_ifindex: bool = False
    nftables_counters: bool = False
    nftables_ipvs: str | None = field(default=None, metadata={"bare": "keepalived_ipvs"})
    nftables_ipvs_priority: int = -1
    nftables_ipvs_start_fwmark: int = 1000
    namespace_with_ipsets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fifos:
    """Where events are written; each is PATH [USER [GROUP]]."""

    notify_fifo: tuple[str, ...] = ()
    notify_fifo_script: Command | None = None
    vrrp_notify_fifo: tuple[str, ...] = ()
    vrrp_notify_fifo_script: Command | None = None
    lvs_notify_fifo: tuple[str, ...] = ()
    lvs_notify_fifo_script: Command | None = None
    vrrp_notify_priority_changes: bool = False
    fifo_write_vrrp_states_on_reload: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Observers:
    """SNMP and D-Bus."""

    snmp_socket: str | None = None
    enable_traps: bool = False
    enable_snmp_vrrp: bool = False
    enable_snmp_rfc: bool = False
    enable_snmp_rfcv2: bool = False
    enable_snmp_rfcv3: bool = False
    enable_snmp_checker: bool = False
    snmp_vs_stats_update_interval: Micros = 5 * SECOND
    snmp_rs_stats_update_interval: Micros | None = None
    """None: as for virtual servers."""
    enable_dbus: bool = False
    dbus_service_name: str | None = None
    dbus_no_interface_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffers:
    """Sizes of socket buffers, in bytes; 0: the kernel's."""

    vrrp_netlink_cmd_rcv_bufs: int = 0
    vrrp_netlink_cmd_rcv_bufs_force: bool = False
    vrrp_netlink_monitor_rcv_bufs: int = 0
    vrrp_netlink_monitor_rcv_bufs_force: bool = False
    lvs_netlink_cmd_rcv_bufs: int = 0
    lvs_netlink_cmd_rcv_bufs_force: bool = False
    lvs_netlink_monitor_rcv_bufs: int = 0
    lvs_netlink_monitor_rcv_bufs_force: bool = False
    process_monitor_rcv_bufs: int = 0
    process_monitor_rcv_bufs_force: bool = False
    vrrp_rx_bufs_policy: tuple[str, ...] = ()
    """MTU, ADVERT, or a number."""
    vrrp_rx_bufs_multiplier: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """When files are read again, and where others lie."""

    reload_check_config: str | None = field(default=None, metadata={"bare": "/dev/null"})
    reload_time_file: str | None = None
    reload_repeat: bool = False
    reload_file: str | None = field(default=None, metadata={"bare": ""})
    """Empty: beside the pid file."""
    include_check: tuple[str, ...] | None = field(default=None, metadata={"bare": ()})
    """Empty: all."""
    config_save_dir: str | None = None
    tmp_config_directory: str | None = None
    data_use_instance: bool = False
    json_version: int = 1
    iproute_usr_dir: str | None = None
    iproute_etc_dir: str | None = None
    state_dump_file: str | None = None
    stats_dump_file: str | None = None
    json_dump_file: str | None = None
    umask: str | None = None
    random_seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VrrpGlobals:
    """What is said about VRRP for all instances, and is not copied into each."""

    allow_if_changes: bool = False
    """dynamic_interfaces allow_if_changes."""
    default_interface: str | None = None
    disable_local_igmp: bool = False
    linkbeat_use_polling: bool = False
    log_unknown_vrids: bool = False
    vrrp_delay_after_boot: Micros = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IpvsTimeouts:
    """lvs_timeouts, in seconds; 0: as they are."""

    tcp: int = 0
    tcpfin: int = 0
    udp: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDaemon:
    """lvs_sync_daemon: who keeps the connections of two directors alike. None: the kernel's default."""

    interface: str
    instance: str | None = None
    """The vrrp_instance whose state it follows; None: it is master and backup from start to stop."""
    id: int | None = None
    """syncid, 0..255; None: virtual_router_id of the instance, else 0."""
    maxlen: int | None = None
    """Bytes of a message."""
    port: int | None = None
    ttl: int | None = None
    group: Address | None = None
    """Multicast, IPv4 or IPv6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IpvsGlobals:
    """What is said about IPVS for all virtual servers."""

    net_namespace_ipvs: str | None = field(default=None, metadata={"bare": ""})
    """Empty: the namespace of process 1."""
    lvs_timeouts: IpvsTimeouts | None = None
    lvs_sync_daemon: SyncDaemon | None = None
