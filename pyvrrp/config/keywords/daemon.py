"""Keywords outside of all blocks, and those of global_defs."""

TABLE = """
[/]
linkbeat_use_polling | flag | off | active | ask the interfaces for their link state instead of listening to netlink
net_namespace | !word | none | active; once | run in this network namespace; pid files go to their own directory
net_namespace_ipvs | ?word | that of the process; bare = that of process 1 | active | programme IPVS in this namespace
namespace_with_ipsets | flag | off | active | permit ipsets inside a namespace on kernels older than 3.13
use_pid_dir | flag | off (on if instance or net_namespace set) | active | put pid files in RUNSTATEDIR/keepalived/
instance | !word | none | active; once | name of this daemon, part of pid file names and of the syslog ident
child_wait_time | uint 0.. | 5 s | active | how long the supervisor waits for its workers at stop before it kills them
global_defs | block global_defs | - | active | settings for all; several blocks are read as one
track_group | block track_group !NAME | - | active | instances that follow the health of static items
static_ipaddress | lines static_ipaddress | - | active | addresses kept for the life of the daemon
static_routes | lines static_routes | - | active | routes kept for the life of the daemon
static_rules | lines static_rules | - | active | policy rules kept for the life of the daemon
vrrp_sync_group | block vrrp_sync_group !NAME | - | active | instances that change state together
garp_group | block garp_group | - | active; needs garp_interval or gna_interval | common pacing of gratuitous ARP
linkbeat_interfaces | lines linkbeat_interfaces | - | active | per-interface link polling
vrrp_instance | block vrrp_instance !NAME | - | active | one virtual router
vrrp_script | block vrrp_script NAME | - | active; needs script | a command that says whether instances are fit
vrrp_track_process | block vrrp_track_process NAME | - | active; needs process | process-presence check; needs process
interface_up_down_delays | lines interface_up_down_delays | - | active | debounce link up/down per interface
track_file | block track_file NAME | - | active; needs file | value file watched with inotify
vrrp_track_file | block track_file NAME | - | active; old track_file; needs file | older spelling of track_file
bfd_instance | block bfd_instance NAME | - | bfd; needs neighbor_ip or neighbour_ip | BFD session, at most 31 characters
SSL | block SSL | - | active | client certificate for SSL_GET
virtual_server_group | lines virtual_server_group NAME | - | active; needs <line> | addresses and marks of one service
virtual_server | block virtual_server ADDRESS | - | active | service: ADDRESS [PORT], fwmark N, or group NAME

[global_defs]
process_names | flag | off | active | set child process titles keepalived_vrrp, keepalived_lvs, keepalived_bfd
process_name | word | keepalived | active | parent process title
vrrp_process_name | word | unset | active | VRRP child title
checker_process_name | word | unset | active | checker child title
lvs_process_name | word | unset | active; old checker_process_name | as checker_process_name; log line only
bfd_process_name | word | unset | bfdproc | BFD child title
use_symlink_paths | bool | false | active | keep symlinks in script paths instead of resolving them
set_supplementary_groups | bool | false | active | give every script the supplementary groups of its user
router_id | !word | local host name | active | identity shown in mail subjects etc.
notification_email_from | !word | user@local_name when smtp_server set | active | from address
smtp_server | words | none (no mail) | active | SMTP relay; default port 25
smtp_helo_name | ?word | local host name | active | HELO argument
smtp_connect_timeout | uint 1..4294 | 30 | active | timeout for each SMTP step
notification_email | lines notification_email | none | active; needs <line> | recipients; empty block: error
smtp_alert | bool | unset (=false) | active | default mail switch for vrrp and checkers
smtp_alert_vrrp | bool | unset | active | overrides smtp_alert for vrrp
smtp_alert_checker | bool | unset | active | overrides smtp_alert for checkers
no_email_faults | flag | off | active | suppress mail for FAULT
startup_script | !command | none | active; once | run once by parent before children start; second use: error
startup_script_timeout | !uint 1..1000 | 10 s | active | time limit of startup_script
shutdown_script | !command | none | active; once | run once by parent after children exited
shutdown_script_timeout | !uint 1..1000 | 10 once a script is set | active | time limit of shutdown_script
max_auto_priority | ?int -1..99 | 0 | active | ceiling for automatic SCHED_RR escalation when timers run late
min_auto_priority_delay | !uint 1..10000000 | 1 s | active | lateness that triggers escalation
checker_log_all_failures | bool | false | active | log each failed checker attempt
dynamic_interfaces | ?enum allow_if_changes | off | active | interfaces may be absent at start and come/go
default_interface | !word | eth0 | active | interface for static addresses without dev
disable_local_igmp | flag | off | active | stop IGMP joins for 224.0.0.0/24
v3_checksum_as_v2 | flag | off | active; new | VRRPv3/IPv4 checksum without pseudo-header
lvs_timeouts | !words | unchanged | active | IPVS connection timeouts
lvs_flush | flag | off | active | flush IPVS at start
lvs_flush_on_stop | ?enum VS | off | active | flush IPVS at stop (all, or only own virtual servers)
lvs_flush_onstop | ?enum VS | off | active; old lvs_flush_on_stop | silent synonym
lvs_sync_daemon | !words | id = vrid of VI | active; once | IPVS connection-sync daemon
vrrp_mcast_group4 | ip4 | 224.0.0.18 | active | IPv4 group adverts are sent to
vrrp_mcast_group6 | ip | ff02::12 | active | IPv6 group adverts are sent to
vrrp_garp_master_delay | uint 0..4294 | 5 s | active | delay before 2nd GARP burst; 0 = none
vrrp_garp_master_repeat | uint 0.. | 5 | active | GARPs per burst on becoming master
vrrp_garp_master_refresh | uint 0.. | 0 (never) | active | periodic GARP interval as master
vrrp_garp_master_refresh_repeat | uint 0.. | 1 | active | GARPs per refresh
vrrp_garp_lower_prio_delay | uint 0..4294 | vrrp_garp_master_delay | active | as master_delay, after a lower advert
vrrp_garp_lower_prio_repeat | uint 0..2147483647 | vrrp_garp_master_repeat | active | 0 = none
vrrp_down_timer_adverts | uint 1..100 | 3 | active | adverts missed before master-down
vrrp_garp_interval | secs 0.000001..4294.967295 | 0 | active | gap between GARPs per interface; >=1 logs a note
vrrp_gna_interval | secs 0.000001..4294.967295 | 0 | active | gap between unsolicited NAs
vrrp_min_garp | bool | off | active | set repeat=1, refresh=0, refresh_repeat=0, delay=0 for those still at defaults
vrrp_garp_extra_if | !extra 1..86400 | 0 (off) | active | refresh GARPs for VIPs on VMAC/other interfaces
vrrp_vmac_garp_intvl | !extra 1..86400 | 0 | active; says DEPRECATED; old vrrp_garp_extra_if | old name
vrrp_lower_prio_no_advert | bool | false | active | stay silent on a lower-priority advert
vrrp_higher_prio_send_advert | bool | false | active | send one more advert before yielding
vrrp_version | uint 2..3 | 2 | active | default version for IPv4 instances
vrrp_iptables | ?words | unset; bare = INPUT OUTPUT | active; says GENERAL | iptables chains for no_accept
vrrp_ipsets | ?words | - | active | ipset names
nftables | ?word | unset; bare = keepalived | active; once | use nftables for no_accept / VMAC
nftables_priority | int= -2147483648..2147483647 | -1 | active | base chain priority
nftables_ifindex | flag | off | active | match ifindex instead of name
nftables_ipvs | ?word | unset; bare = keepalived_ipvs | active | nftables marks packets to groups, for one IPVS service
nftables_ipvs_priority | int= -2147483648..2147483647 | -1 | active | base chain priority of the IPVS table
nftables_ipvs_start_fwmark | uint= 1.. | 1000 | active | first mark allocated
nftables_counters | flag | off | active | add counters to rules
vrrp_check_unicast_src | flag | off | active | drop unicast adverts from unlisted sources
vrrp_skip_check_adv_addr | bool all | false | active | check VIP list only when the sender changes
vrrp_strict | flag | false | active | obey the RFCs to the letter
vrrp_priority | !int -20..19 | 0 | active | nice of VRRP child
checker_priority | !int -20..19 | 0 | active | nice of checker child
bfd_priority | !int -20..19 | 0 | bfdproc | nice of BFD child
vrrp_no_swap | flag | off | active | mlockall in VRRP child
checker_no_swap | flag | off | active | mlockall in checker child
bfd_no_swap | flag | off | bfdproc | mlockall in BFD child
vrrp_rt_priority | !uint 1..99 | off | active | SCHED_RR priority of the vrrp child
vrrp_cpu_affinity | !uint 0..4095 | all CPUs | active | CPU pinning of the vrrp child
vrrp_rlimit_rttime | uint 1.. | 10000 us | active | RLIMIT_RTTIME when real-time
vrrp_rlimit_rtime | uint 1.. | 10000 | active; old vrrp_rlimit_rttime | log line only
checker_rt_priority | !uint 1..99 | off | active | SCHED_RR priority of the checker child
checker_cpu_affinity | !uint 0..4095 | all CPUs | active | CPU pinning of the checker child
checker_rlimit_rttime | uint 1.. | 10000 | active | RLIMIT_RTTIME when real-time
checker_rlimit_rtime | uint 1.. | 10000 | active; old checker_rlimit_rttime | log line only
bfd_rt_priority | !uint 1..99 | off | bfdproc | SCHED_RR priority of the bfd child
bfd_cpu_affinity | !uint 0..4095 | all CPUs | bfdproc | CPU pinning of the bfd child
bfd_rlimit_rttime | uint 1.. | 10000 | bfdproc | RLIMIT_RTTIME when real-time
bfd_rlimit_rtime | uint 1.. | 10000 | bfdproc; old bfd_rlimit_rttime | log line only
notify_fifo | !word | none | active; once | fifo receiving both VRRP and LVS events; second use: error
notify_fifo_script | !command | none | active; once | reader started with the fifo path appended
vrrp_notify_fifo | !word | none | active; once | VRRP event fifo
vrrp_notify_fifo_script | !command | none | active; once | reader of vrrp_notify_fifo (path appended)
lvs_notify_fifo | !word | none | active; once | LVS event fifo
lvs_notify_fifo_script | !command | none | active; once | reader of lvs_notify_fifo (path appended)
vrrp_notify_priority_changes | bool | false | active | fifo events for effective-priority changes
fifo_write_vrrp_states_on_reload | flag | off | active | repeat current states on the fifos after reload
snmp_socket | !word | /var/agentx/master (net-snmp) | snmp; once | agentX socket; second use: error (SNMP builds)
enable_traps | flag | off | snmp | SNMP traps
enable_snmp_vrrp | flag | off (-x sets all) | snmp | KEEPALIVED-MIB vrrp part
enable_snmp_keepalived | flag | off | snmp; old enable_snmp_vrrp | silent synonym
enable_snmp_rfc | flag | off | snmp | both RFC MIBs
enable_snmp_rfcv2 | flag | off | snmp | RFC2787 MIB
enable_snmp_rfcv3 | flag | off | snmp | RFC6527 MIB
enable_snmp_checker | flag | off | snmp | checker part of MIB
snmp_vs_stats_update_interval | secs 0.001..30 | 5 | snmp; new | how stale virtual-server counters may be
snmp_rs_stats_update_interval | secs 0.001..30 | = vs interval | snmp; new | how stale real-server counters may be
enable_dbus | flag | off | dbus | D-Bus interface (DBUS builds)
dbus_service_name | !word | org.keepalived.Vrrp1 | dbus | well-known bus name
dbus_no_interface_name | word | none | dbus; new | object-path word for instances without interface
script_user | !words | keepalived_script if it exists, else the daemon user | active | default uid/gid of scripts
enable_script_security | flag | off | active | refuse to run root scripts whose path is writable by non-root
vrrp_netlink_cmd_rcv_bufs | !uint= 0.. | kernel | buffers | receive buffer of the VRRP netlink command socket
vrrp_netlink_cmd_rcv_bufs_force | bool | false | buffers | SO_RCVBUFFORCE
vrrp_netlink_monitor_rcv_bufs | !uint= 0.. | kernel | buffers | receive buffer of the VRRP netlink monitor socket
vrrp_netlink_monitor_rcv_bufs_force | bool | false | buffers | SO_RCVBUFFORCE
lvs_netlink_cmd_rcv_bufs | !uint= 0.. | kernel | buffers | as vrrp_, checker process
lvs_netlink_cmd_rcv_bufs_force | bool | false | buffers | SO_RCVBUFFORCE
lvs_netlink_monitor_rcv_bufs | !uint= 0.. | kernel | buffers | as vrrp_, checker process
lvs_netlink_monitor_rcv_bufs_force | bool | false | buffers | SO_RCVBUFFORCE
process_monitor_rcv_bufs | !uint= 0.. | kernel | active | proc-connector socket
process_monitor_rcv_bufs_force | bool | false | active | SO_RCVBUFFORCE
rs_init_notifies | bool | false | active | notify for real servers at start
no_checker_emails | bool | false | active | mail only when a server is added/removed
vrrp_rx_bufs_policy | !word | system default | active | receive-buffer sizing
vrrp_rx_bufs_multiplier | !uint= 1.. | 3 | active | factor for the MTU/ADVERT policies
vrrp_startup_delay | secs 0.001..4294 | 0 | active | hold VRRP after start; larger of this and delay_after_boot wins
vrrp_delay_after_boot | secs 0.001..4294 | 0 | active; new | hold VRRP until this long after system boot
log_unknown_vrids | flag | off | active | log adverts for VRIDs not configured on the interface
vrrp_owner_ignore_adverts | bool | false | active; new | priority-255 instances ignore adverts
vmac_prefix | word | vrrp | active; once | prefix of generated VMAC names
vmac_addr_prefix | word | = vmac_prefix | active; once | prefix of VMACs made for VIPs on other interfaces
umask | umask | 0177 | active | file creation mask
random_seed | uint= 0.. | time based | seed | meant to seed ${_RANDOM}; has no effect in keepalived either
reload_check_config | ?word | off; bare = /dev/null | reload | validate with a -t child before reload
reload_time_file | !word | none | reload | file holding the time of a scheduled reload
reload_repeat | flag | off | reload | keep the file when it holds only a time of day
reload_file | ?word | off; bare = pid-file name with .reload | reload | created while configuration is being read
include_check | ?words | none | active | stricter include: read, match, wildcard_match, brace_match; bare: all
config_save_dir | word | none | files | save config and state before/after every reload (debug)
tmp_config_directory | !word | memfd, else RUNSTATEDIR | files | where the consolidated copy lives
data_use_instance | bool | false | files | put instance/namespace into .data file names
json_version | uint 1..2 | 1 | files; new | JSON layout
iproute_usr_dir | word | none | active | iproute2 tables (lower precedence)
iproute_etc_dir | word | /etc/iproute2 | active | iproute2 tables (higher precedence)
state_dump_file | word | TMP/keepalived.data | files | SIGUSR1 output
stats_dump_file | word | - | files | parsed and dumped but NOT used by 2.4.3: stats always go to TMP/keepalived.stats
json_dump_file | word | - | files | parsed but NOT used by 2.4.3: JSON always goes to TMP/keepalived.json
"""
