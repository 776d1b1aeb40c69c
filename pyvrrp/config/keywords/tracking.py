"""Keywords of what instances and real servers may be tied to."""

TABLE = """
[vrrp_script]
script | !command | required | active | check command
interval | newsecs 0.001..4294 | 1 s | active | time between runs
timeout | newsecs 0.001..4294 | interval | active | run time limit
weight | weight -253..253 | 0 | active | 0 = fault on failure
rise | uint 1..2147483647 | 1 | active | successes needed to go up
fall | uint 1..2147483647 | 1 | active | failures needed to go down
user | words1 | script_user | active | uid/gid of the script
init_fail | flag | off (start assumed up) | active | intended: start in failed state

[vrrp_track_process]
process | words1 | required | active; once | name (and arguments) to look for
param_match | ?words | none, exact if args given | active | how arguments are compared
weight | !weight -254..254 | 0 | active; once | priority change; 0 = fault
quorum | uint 1..65535 | 1 | active | minimum number of processes
quorum_max | uint 0..65535 | unlimited | active | 0 = must not run
delay | secs 0.000001..3600 | 0 | active | both delays
terminate_delay | secs 0.000001..3600 | 0 | active | delay before acting on loss
fork_delay | secs 0.000001..3600 | 0 | active | delay before acting on appearance
full_command | flag | off; on with args or param_match | active | match /proc/PID/cmdline

[track_file]
file | !word | required | active | path read
weight | !weight -254..254 | 1 | active | multiplier
init_file | ?words | off; value 0 | active | create (or overwrite) file at start; never on reload or -t

[bfd_instance]
source_ip | ip | any | bfd | local address; family must match neighbour
neighbor_ip | ip | required | bfd | bad address: instance dropped
neighbour_ip | ip | required | bfd | spelling variant
min_rx | ms 1..4294967 | 10 | bfd | required minimum receive interval
min_tx | ms 1..4294967 | 10 | bfd | desired minimum transmit interval
idle_tx | ms 1000..4294967 | 1000 | bfd | transmit interval while down
multiplier | uint 1..255 | 5 | bfd | detection multiplier
passive | flag | active | bfd | wait for the neighbour to start
ttl | uint 1..255 | 255 for IPv4, 64 for IPv6 | bfd | TTL/hop limit sent
hoplimit | uint 1..255 | as ttl | bfd | alias of ttl
max_hops | int -1..255 | 0 | bfd | allowed TTL drop
multihop | bool | false | bfd; new | port 4784 instead of 3784
weight | weight -253..253 | 0 | bfd | read by the VRRP child only
vrrp | flag | both if neither vrrp nor checker | bfd | send events to VRRP
checker | flag | both if neither | bfd | send events to checkers

[track_group]
group | lines group | - | active | instances of the group

[garp_group]
garp_interval | secs 0..4294.967295 | 0 | active | gap between GARPs
gna_interval | secs 0..4294.967295 | 0 | active | gap between NAs
interface | ifname | - | active | put one interface in the group; already in one / VMAC: error
interfaces | lines interfaces | - | active | several interfaces
"""
