"""What it means, in the words of an operator, that a known keyword is not active in this version.

{name} is the block in which it stands (``V``, ``10.0.0.2 80``), {value} its first argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

INACTIVE: Final[Mapping[str, str]] = {
    "addressword": "address {name} is added without it",
    "bfd": "no BFD session {value} runs",
    "boot": "VRRP does not wait for it",
    "buffers": "socket buffers keep the kernel's size",
    "check": "real server {name} is not checked by it and stays in the pool",
    "checksum": "checksums are sent as the standard says",
    "dbus": "D-Bus is not served",
    "debounce": "a link that goes up or down counts at once",
    "extraif": "addresses on other interfaces get no extra announcements",
    "fifo": "nothing is written to a FIFO",
    "file": "file {value} is not watched",
    "files": "files keep their usual names and places",
    "firewall": "no firewall rules are made",
    "garpgroup": "gratuitous ARP is paced by interface only (vrrp_garp_interval)",
    "groupweight": "weighted trackers of members keep their weight",
    "ha_suspend": "checks run whether the address is here or not",
    "hmac": "adverts of {name} carry no HMAC, and none is asked for",
    "igmp": "IGMP joins go out as usual",
    "iproute": "names of tables, scopes and protocols are not read from there",
    "ipvsnft": "each address gets its own IPVS service",
    "linkbeat": "link state comes from netlink",
    "mail": "no mail is sent",
    "no_accept": "packets to the addresses of {name} are accepted",
    "nopeer": "without peers {name} falls back to multicast",
    "omega": "nothing is notified at stop",
    "process": "process {value} is not watched",
    "promote": "the sysctl promote_secondaries is left alone",
    "reload": "a reload follows SIGHUP only, and reads the file as it is then",
    "routes": "no routes come and go with {name}",
    "rules": "no policy rules come and go with {name}",
    "sched": "the processes run with the scheduling that they were started with",
    "script": "no script runs for it",
    "seed": "random numbers stay random",
    "snmp": "SNMP is not served",
    "static": "nothing static is added to or removed from the kernel",
    "strict": "{name} keeps to keepalived's ordinary rules",
    "timerexpired": "a late timer does not make {name} step back",
    "title": "processes keep their names",
    "tlsverify": "any certificate will do",
    "track": "{name} is not tracked by it",
    "tracksrc": "{name} does not watch its source address",
    "umask": "only the command line's umask counts",
    "unicastttl": "unicast adverts are sent with TTL 255",
    "unknownvrid": "adverts for unknown virtual routers are not logged",
    "vmac": "{name} uses the interface's own MAC address",
    "vrf": "{name} needs an interface",
}
