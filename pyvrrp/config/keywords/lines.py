"""Blocks whose lines are data, and the words of those lines."""

TABLE = """
[address]
<first word> | word | /32 or /128 | active | ADDRESS[/LENGTH]
dev | ifname | the instance's interface | active | interface
scope | word | global | active | scope
brd | word | none | active | broadcast address; + and - derive it from the prefix
broadcast | word | none | active | same as brd
label | word | none | active | interface alias label
peer | ip | none | active | point-to-point peer
home | flag | off | active | address flag
-nodad | flag | off | active | address flag (clears the default NODAD)
mngtmpaddr | flag | off | active | address flag
noprefixroute | flag | off | active | address flag
autojoin | flag | off | active | address flag
no_track | flag | off | active | do not react to its deletion
preferred_lft | word | forever | active | preferred lifetime

[virtual_address: address]
use_vmac | flag | off | active | put this VIP on a VMAC

[static_ipaddress: address]
track_group | word | none | active | follow this track_group

[route]
<dst> | word | required | active | destination
inet | flag | deduced | active | force IPv4
inet6 | flag | deduced, else IPv4 | active | force IPv6
src | ip | - | active | preferred source
via | word | - | active | gateway
gw | ip | - | active; old via | old name of via
from | word | - | active | source prefix
tos | word | - | active | type of service
dsfield | word | - | active | see tos
table | word | main | active | routing table
protocol | word | keepalived (18) | active | originating protocol
scope | word | global | active | scope
metric | word | - | active | route metric
priority | word | - | active | see first name
preference | word | - | active | metric / rule order
dev | ifname | - | active | interface
oif | ifname | - | active | output interface
onlink | flag | - | active | gateway is on link
encap | word | - | active | lightweight tunnel
expires | word | - | active | lifetime
mtu | word | - | active | path MTU
hoplimit | word | - | active | hop limit
advmss | word | - | active | advertised MSS
rtt | word | - | active | initial RTT
rttvar | word | - | active | initial RTT variance
reordering | word | - | active | reordering metric
window | word | - | active | TCP window clamp
cwnd | word | - | active | cwnd clamp
ssthresh | word | - | active | initial ssthresh
realms | word | - | active | routing realms
rto_min | word | - | active | minimum RTO
initcwnd | word | - | active | initial cwnd
initrwnd | word | - | active | initial receive window
features | word | - | active | route features
quickack | word | - | active | TCP quick ack
congctl | word | - | active | congestion control
pref | word | - | active | router preference
ttl-propagate | word | - | active | MPLS TTL propagation
fastopen_no_cookie | word | - | active | TFO without cookie
add | flag | - | active | fail if it exists (ip route add)
prepend | flag | this one | active | put before equal routes (kernel default)
append | flag | - | active | put after equal routes
or | ip | - | active; old nexthop | second gateway
nexthop | word | - | active | multipath
as | word | - | active | NAT/MPLS form
no_track | flag | off | active | do not react to deletion
vrf | word | - | active | use its table

[static_routes: route]
track_group | word | none | active | follow this track_group

[rule]
inet | flag | deduced | active | force IPv4
inet6 | flag | deduced | active | force IPv6
from | word | - | active | source selector
to | word | - | active | destination selector
table | word | - | active | action
lookup | word | - | active | action
not | flag | - | active | invert
preference | word | auto-assigned downward with error | active | metric / rule order
order | word | - | active | see preference
priority | word | - | active | see first name
tos | word | - | active | type of service
dsfield | word | - | active | see tos
fwmark | word | - | active | mark selector
realms | word | - | active | routing realms
suppress_prefixlength | word | - | active | ignore results with shorter prefix
sup_pl | word | - | active | see suppress_prefixlength
suppress_ifgroup | word | - | active | ignore results via this group
sup_group | word | - | active | see suppress_ifgroup
dev | ifname | - | active | interface
iif | ifname | - | active | input interface
oif | ifname | - | active | output interface
tunnel-id | word | - | active | tunnel id selector
uidrange | word | - | active | uid selector
l3mdev | flag | - | active | action
protocol | word | keepalived (18) | active | originating protocol
ipproto | word | - | active | IP protocol selector
sport | word | - | active | source ports
dport | word | - | active | destination ports
no_track | flag | off | active | do not react to deletion
type | word | - | active | optional word before an action
goto | word | - | active | action
nop | flag | - | active | action
blackhole | flag | - | active | action
unreachable | flag | - | active | action
prohibit | flag | - | active | action

[static_rules: rule]
track_group | word | none | active | follow this track_group

[track_interface]
<line> | words1 | 0 (fault) | active | IFNAME [weight N [reverse]], N -253..253

[track_script]
<line> | words1 | the script's | active | NAME [weight N [reverse or noreverse]]

[tracked_file]
<line> | words1 | the file's | active | NAME [weight N [reverse or noreverse]]

[track_process]
<line> | words1 | the process's | active | NAME [weight N [reverse or noreverse]]

[track_bfd]
<line> | words1 | the session's | track | NAME [weight N [reverse or noreverse]]

[unicast_peer]
<line> | words1 | TTL 0 to 255 | active | ADDRESS [min_ttl N] [max_ttl N]

[group]
<line> | words1 | - | active | names of instances

[interfaces]
<line> | words1 | - | active | names of interfaces

[notification_email]
<line> | words1 | - | active | addresses of recipients

[interface_up_down_delays]
<line> | words1 | UP 0 | active | IFNAME DOWN [UP], seconds

[linkbeat_interfaces]
<line> | words1 | the best there is | active | IFNAME [MII, ETHTOOL or IOCTL]

[virtual_server_group]
<IPADDR> | words1 | port none | active | single address entry
<IPADDR>-<N> | words1 | port none | active | range inside one /24 (v4) or one /112 (v6), both ends included
<IPADDR>-<IPADDR> | words1 | port none | active | range with a full end address; may cross a /24
<IPADDR>/<MASK> | words1 | port none | active | CIDR block, all addresses including network and broadcast
fwmark | words1 | family unset | active | firewall mark entry
"""
