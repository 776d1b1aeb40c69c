"""Keywords of vrrp_instance and vrrp_sync_group."""

TABLE = """
[vrrp_sync_group]
group | lines group | required | active | members, by name
track_interface | lines track_interface | - | active | interfaces tracked for all members
track_script | lines track_script | - | active | script tracked for all members
track_file | lines tracked_file | - | active | file tracked for all members
track_process | lines track_process | - | active | process tracked for all members
track_bfd | lines track_bfd | - | track | BFD session tracked for all members
notify_master | command | none | active; once | script for that group state, no extra arguments
notify_backup | command | none | active; once | script for that group state, no extra arguments
notify_fault | command | none | active; once | script for that group state, no extra arguments
notify_stop | command | none | active; once | script for that group state, no extra arguments
notify | command | none | active; once | script + GROUP name STATE 0
smtp_alert | bool | global smtp_alert_vrrp/smtp_alert | active | mail on group change
global_tracking | flag | off | active; says DEPRECATED; old sync_group_tracking_weight | older spelling
sync_group_tracking_weight | flag | off | active | allow weighted tracking in the group
notify_priority_changes | bool | global | active | fifo events for priority changes of members

[vrrp_instance]
use_vmac | ?words | name vrrp.VRID, address 00:00:5e:00:01:VRID | active | run on a private macvlan with virtual MAC
use_vmac_addr | flag | off | active | VMACs also for VIPs on other interfaces
vmac_xmit_base | flag | off; forced with unicast | active | send adverts on the parent interface
use_ipvlan | ?words | bridge | active | run on an ipvlan
unicast_peer | lines unicast_peer | multicast | active | peers; empty block = deprecated fallback to multicast
unicast_fault_no_peer | flag | off | active | FAULT instead of multicast fallback
check_unicast_src | flag | off | active | drop unknown unicast sources
old_unicast_checksum | ?enum never | auto | active | pre-1.3.6 unicast checksum compatibility
native_ipv6 | flag | off | active | force IPv6 and version 3; error with IPv4 VIPs
state | word | BACKUP | active | initial state; other word: error, BACKUP
interface | ifname | required | active | missing and not dynamic_interfaces: fatal; loopback refused
vrf | ifname | none | active | VRF for unicast without interface
dont_track_primary | flag | off | active | ignore faults of own interface
track_interface | lines track_interface | - | active | interfaces that fault or weight the instance
track_script | lines track_script | - | active | scripts that fault or weight the instance
track_file | lines tracked_file | - | active | files that fault or weight the instance
track_process | lines track_process | - | active | processes that fault or weight the instance
track_bfd | lines track_bfd | - | track | BFD sessions that fault or weight the instance
mcast_src_ip | ip | first address of interface | active | source address; family must match
unicast_src_ip | ip | first address of interface | active | as mcast_src_ip, marks unicast configured
mcast_dst_ip | ip | vrrp_mcast_group4 | active | multicast destination of adverts
track_src_ip | flag | off | active | FAULT when the source address vanishes
virtual_router_id | uint= 1..255 | required | active | VRID
unicast_ttl | uint= 0..255 | 255 (IPv4), kernel (IPv6) | active | TTL of unicast adverts
version | uint 2..3 | vrrp_version | active | VRRP protocol version
priority | uint= 1..255 | 100 | active | 255 = address owner
advert_int | secs 0.01..255 | 1 s | active | advertisement interval
virtual_ipaddress | lines virtual_address | - | active | advertised VIPs
virtual_ipaddress_excluded | lines virtual_address | - | active | VIPs not in adverts; families may mix
no_virtual_ipaddress | flag | off | active; new | allow no VIP
promote_secondaries | flag | off | active | set sysctl on interface while running
linkbeat_use_polling | flag | off | active; says DEPRECATED; old linkbeat_interfaces | poll link of own interface
v3_checksum_as_v2 | bool | global | active; new | VRRPv3/IPv4 checksum without pseudo-header
virtual_routes | lines route | - | active | routes while master
virtual_rules | lines rule | - | active | rules while master
accept | flag | on | active | the addresses answer while master, whoever owns them
no_accept | flag | - | active | drop packets to VIPs
skip_check_adv_addr | bool_any | global | active | check VIP list only when the sender changes; "off" still turns it on
strict_mode | bool | global vrrp_strict | active | obey the RFCs to the letter
preempt | flag | on | active | clears nopreempt
nopreempt | flag | off | active | do not take over from a lower-priority master
preempt_delay | secs 0..1000 | 0 | active | wait before preempting
debug | uint 0..4 | 0 | active | unused level
notify_master | command | none | active; once | script at MASTER, no extra arguments
notify_backup | command | none | active; once | script at BACKUP, no extra arguments
notify_fault | command | none | active; once | script at FAULT, no extra arguments
notify_stop | command | none | active; once | script at STOP (waited for 1 s), no extra arguments
notify_deleted | ?command | off: deletion is reported as FAULT | active; once | report DELETED
notify | command | none | active; once | script + INSTANCE name STATE priority
notify_master_rx_lower_pri | command | none | active; once | master heard a lower-priority advert
smtp_alert | bool | global | active | mail on state change
notify_priority_changes | bool | sync group, then global | active | fifo events for priority changes
lvs_sync_daemon_interface | ifname | none | active; says DEPRECATED; old lvs_sync_daemon | ties it to this instance
garp_master_delay | uint 0..4294 | global | active | see vrrp_garp_master_delay
garp_master_refresh | uint 0.. | global | active | see vrrp_garp_master_refresh
garp_master_repeat | uint 0.. | global | active | see vrrp_garp_master_repeat
garp_master_refresh_repeat | uint 0.. | global | active | see vrrp_garp_master_refresh_repeat
garp_lower_prio_delay | uint 0..4294 | global (strict 0) | active | see vrrp_garp_lower_prio_delay
garp_lower_prio_repeat | uint 0..2147483647 | global (strict 0) | active | see vrrp_garp_lower_prio_repeat
down_timer_adverts | uint 1..100 | global (3; strict 3) | active | adverts missed before master-down
timer_expired_backup | ?uint= 1..254 | off | active; new | go BACKUP if the own advert timer ran too late
thread_timer_expired | ?uint= 1..254 | off | active; new; says DEPRECATED; old timer_expired_backup | old name
garp_extra_if | !extra 0..86400 | global | active | see vrrp_garp_extra_if; 0 disables
vmac_garp_intvl | !extra 0..86400 | global | active; says DEPRECATED; old garp_extra_if | old name
lower_prio_no_advert | bool | global (strict true) | active | stay silent on a lower-priority advert
higher_prio_send_advert | bool | global (strict false) | active | send one more advert before yielding
owner_ignore_adverts | bool | global for 255, else false | active; new | owner does not react to adverts
kernel_rx_buf_size | !uint= 0.. | vrrp_rx_bufs_policy | active | receive buffer of this instance socket
authentication | block vrrp_instance/authentication | none | active | RFC2338 authentication
auth_hmac | block vrrp_instance/auth_hmac | none | active; new | HMAC-SHA256-128 trailer

[vrrp_instance/authentication]
auth_type | word | none | active | plain password or IPsec AH
auth_pass | word | none | active | needed, else auth dropped

[vrrp_instance/auth_hmac]
key | words1 | - | active | add a key
active_key | uint= 1..255 | 0 (undefined: extension disabled) | active | key used to send
time_window | uint= 1..300 | 3 x advert_int in whole s, min 5, max 300 | active | freshness window
anti_replay | word | time | active | replay check by clock or by counter
mode | word | enforce (strict forces) | active | reject unsigned / accept both / sign nothing but verify
"""
