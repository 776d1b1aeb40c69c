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
use_vmac | flag | off | addressword | put this VIP on a VMAC

[static_ipaddress: address]
track_group | word | none | addressword | follow this track_group

[route]
<dst> | word | required | routes | destination
inet | flag | deduced | routes | force IPv4
inet6 | flag | deduced, else IPv4 | routes | force IPv6
src | ip | - | routes | preferred source
via | word | - | routes | gateway
gw | ip | - | routes; old via | old name of via
from | word | - | routes | source prefix
tos | word | - | routes | type of service
dsfield | word | - | routes | see tos
table | word | main | routes | routing table
protocol | word | keepalived (18) | routes | originating protocol
scope | word | global | routes | scope
metric | word | - | routes | route metric
priority | word | - | routes | see first name
preference | word | - | routes | metric / rule order
dev | ifname | - | routes | interface
oif | ifname | - | routes | output interface
onlink | flag | - | routes | gateway is on link
encap | word | - | routes | lightweight tunnel
expires | word | - | routes | lifetime
mtu | word | - | routes | path MTU
hoplimit | word | - | routes | hop limit
advmss | word | - | routes | advertised MSS
rtt | word | - | routes | initial RTT
rttvar | word | - | routes | initial RTT variance
reordering | word | - | routes | reordering metric
window | word | - | routes | TCP window clamp
cwnd | word | - | routes | cwnd clamp
ssthresh | word | - | routes | initial ssthresh
realms | word | - | routes | routing realms
rto_min | word | - | routes | minimum RTO
initcwnd | word | - | routes | initial cwnd
initrwnd | word | - | routes | initial receive window
features | word | - | routes | route features
quickack | word | - | routes | TCP quick ack
congctl | word | - | routes | congestion control
pref | word | - | routes | router preference
ttl-propagate | word | - | routes | MPLS TTL propagation
fastopen_no_cookie | word | - | routes | TFO without cookie
add | flag | - | routes | fail if it exists (ip route add)
prepend | flag | this one | routes | put before equal routes (kernel default)
append | flag | - | routes | put after equal routes
or | ip | - | routes; old nexthop | second gateway
nexthop | word | - | routes | multipath
as | word | - | routes | NAT/MPLS form
no_track | flag | off | routes | do not react to deletion
vrf | word | - | routes | use its table

[static_routes: route]
track_group | word | none | static | follow this track_group

[rule]
inet | flag | deduced | rules | force IPv4
inet6 | flag | deduced | rules | force IPv6
from | word | - | rules | source selector
to | word | - | rules | destination selector
table | word | - | rules | action
lookup | word | - | rules | action
not | flag | - | rules | invert
preference | word | auto-assigned downward with error | rules | metric / rule order
order | word | - | rules | see preference
priority | word | - | rules | see first name
tos | word | - | rules | type of service
dsfield | word | - | rules | see tos
fwmark | word | - | rules | mark selector
realms | word | - | rules | routing realms
suppress_prefixlength | word | - | rules | ignore results with shorter prefix
sup_pl | word | - | rules | see suppress_prefixlength
suppress_ifgroup | word | - | rules | ignore results via this group
sup_group | word | - | rules | see suppress_ifgroup
dev | ifname | - | rules | interface
iif | ifname | - | rules | input interface
oif | ifname | - | rules | output interface
tunnel-id | word | - | rules | tunnel id selector
uidrange | word | - | rules | uid selector
l3mdev | flag | - | rules | action
protocol | word | keepalived (18) | rules | originating protocol
ipproto | word | - | rules | IP protocol selector
sport | word | - | rules | source ports
dport | word | - | rules | destination ports
no_track | flag | off | rules | do not react to deletion
type | word | - | rules | optional word before an action
goto | word | - | rules | action
nop | flag | - | rules | action
blackhole | flag | - | rules | action
unreachable | flag | - | rules | action
prohibit | flag | - | rules | action

[static_rules: rule]
track_group | word | none | static | follow this track_group

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
<line> | words1 | - | garpgroup | names of interfaces

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
