"""Every keyword of the schema changes the configuration's value, in every block where it may stand."""

from __future__ import annotations

import gc
from collections.abc import Mapping

import pytest

from pyvrrp.config.load import load
from pyvrrp.config.schema import ROOT, Keyword
from pyvrrp.model.config import Config
from tests.unit.config.files import source
from tests.unit.config.test_keywords import known

SERVER = "virtual_server/real_server"
CHECKS: tuple[str, ...] = (
    "TCP_CHECK",
    "PING_CHECK",
    "UDP_CHECK",
    "HTTP_GET",
    "SSL_GET",
    "SMTP_CHECK",
    "DNS_CHECK",
    "MISC_CHECK",
)
CHECKS += ("FILE_CHECK", "BFD_CHECK")
URL = "url {\npath /\n}\n"
NEEDED = {"HTTP_GET": URL, "SSL_GET": URL, "MISC_CHECK": "misc_path /x\n", "FILE_CHECK": "track_file F\n"}
NEEDED |= {"BFD_CHECK": "name B\n"}
"""Without which a check is dropped."""

INSTANCE = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.0.0.1\n}\n%s\n}\n"
OTHERS = (
    'vrrp_script S {\nscript "/x"\n}\nvrrp_script S2 {\nscript "/y"\n}\ntrack_file F {\nfile /x\n}\n'
    "track_file F2 {\nfile /y\n}\nvrrp_track_process P {\nprocess x\n}\n"
    "bfd_instance B {\nneighbor_ip 10.0.0.9\n}\nbfd_instance B2 {\nneighbor_ip 10.0.0.9\n}\n"
)
PAIR = INSTANCE % "" + (INSTANCE % "").replace("V {", "W {").replace("_id 5", "_id 6").replace("0.1\n", "0.2\n")
POOL = "protocol TCP\nlb_kind NAT\n%s\nreal_server 10.0.0.2 80 {\n%s\n}\n"
KEY = 32 * "k"
HTTP = "HTTP_GET {\nurl {\npath /\n}\n}\n"


def pool(own: str = "", server: str = "TCP_CHECK {\n}\n" + HTTP, name: str = "10.0.0.1 80") -> str:
    return f"virtual_server {name} {{\n" + POOL % (own, server) + "}\n"


def route(block: str, words: str) -> str:
    line = f"{words}10.0.0.0/8 %s\n" if "rule" not in block else f"from 10.0.0.0/8 table 9 {words}%s\n"
    return f"{block} {{\n{line}}}\n"


PLACES: Mapping[str, str] = {
    ROOT: "%s\n",
    "global_defs": "global_defs {\n%s\n}\n" + PAIR + pool(),
    "global_defs/notification_email": "global_defs {\nnotification_email {\n%s\n}\n}\n",
    "track_group": "track_group T {\n%s\n}\n",
    "track_group/group": "track_group T {\ngroup {\n%s\n}\n}\n",
    "static_ipaddress": "static_ipaddress {\n10.0.0.9/24 dev eth0 %s\n}\n",
    "static_routes": route("static_routes", ""),
    "static_rules": route("static_rules", ""),
    "vrrp_sync_group": OTHERS + PAIR + "vrrp_sync_group G {\ngroup {\nV\nW\n}\n%s\n}\n",
    "vrrp_sync_group/group": PAIR + "vrrp_sync_group G {\ngroup {\n%s\n}\n}\n",
    "garp_group": "garp_group {\ngarp_interval 1\n%s\n}\n",
    "garp_group/interfaces": "garp_group {\ngarp_interval 1\ninterfaces {\n%s\n}\n}\n",
    "linkbeat_interfaces": "linkbeat_interfaces {\n%s\n}\n",
    "interface_up_down_delays": "interface_up_down_delays {\n%s\n}\n",
    "vrrp_instance": OTHERS + INSTANCE,
    "vrrp_instance/virtual_ipaddress": INSTANCE.replace("10.0.0.1\n", "10.0.0.1/24 %s\n").replace("}\n%s\n}", "}\n}"),
    "vrrp_instance/virtual_ipaddress_excluded": INSTANCE % "virtual_ipaddress_excluded {\n10.0.0.9/24 %s\n}",
    "vrrp_instance/virtual_routes": INSTANCE % route("virtual_routes", ""),
    "vrrp_instance/virtual_rules": INSTANCE % route("virtual_rules", ""),
    "vrrp_instance/auth_hmac": INSTANCE % f"auth_hmac {{\nkey 1 {KEY}\nactive_key 1\n%s\n}}",
    "vrrp_instance/authentication": INSTANCE % "authentication {\nauth_type PASS\nauth_pass x\n%s\n}",
    "vrrp_script": 'vrrp_script S {\nscript "/x"\n%s\n}\n' + INSTANCE % "track_script {\nS\n}",
    "vrrp_track_process": "vrrp_track_process P {\nprocess x\n%s\n}\n",
    "track_file": "track_file F {\nfile /x\n%s\n}\n",
    "vrrp_track_file": "vrrp_track_file F {\nfile /x\n%s\n}\n",
    "bfd_instance": "bfd_instance B {\nneighbor_ip 10.0.0.9\n%s\n}\n",
    "SSL": "SSL {\n%s\n}\n" + pool("", "SSL_GET {\nurl {\npath /\n}\n}\n"),
    "virtual_server_group": "virtual_server_group G {\n%s\n}\n",
    "virtual_server": pool("%s"),
    SERVER: OTHERS + pool("", "%s\nTCP_CHECK {\n}\n" + HTTP),
    f"{SERVER}/SMTP_CHECK/host": pool("", "SMTP_CHECK {\nhost {\nconnect_ip 10.0.0.8\n%s\n}\n}\n"),
}
PLACES = {
    **PLACES,
    **{f"vrrp_instance/{kind}": INSTANCE % f"{kind} {{\n%s\n}}" for kind in ("unicast_peer", "track_interface")},
    "vrrp_sync_group/track_interface": PLACES["vrrp_sync_group"] % "track_interface {\n%s\n}",
    **{
        f"{owner}/track_{kind}": PLACES[owner] % f"track_{kind} {{\n%s\n}}"
        for owner in ("vrrp_instance", "vrrp_sync_group")
        for kind in ("script", "file", "process", "bfd")
    },
    **{f"{SERVER}/{check}": OTHERS + pool("", f"{check} {{\n{NEEDED.get(check, '')}%s\n}}\n") for check in CHECKS},
    **{
        f"{SERVER}/{check}/url": pool("", f"{check} {{\nurl {{\npath /\n%s\n}}\n}}\n")
        for check in ("HTTP_GET", "SSL_GET")
    },
}
"""Where each block's keywords are written, as one line or several."""

BLOCKS = {
    "global_defs": "router_id r",
    "track_group": "group {\nV\n}",
    "static_ipaddress": "10.0.0.7/24 dev eth0",
    "static_routes": "10.0.0.0/8 dev eth0",
    "static_rules": "from 10.0.0.0/8 table 7",
    "garp_group": "garp_interval 1\ninterface eth0",
    "linkbeat_interfaces": "eth0 MII",
    "interface_up_down_delays": "eth0 1 2",
    "vrrp_instance": "interface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.0.0.1\n}",
    "vrrp_track_process": "process x",
    "bfd_instance": "neighbor_ip 10.0.0.9",
    "virtual_server_group": "10.0.0.1 80",
    "notification_email": "a@b",
    "interfaces": "eth0",
    "track_interface": "eth7 weight 7",
    "track_script": "S weight 7",
    "track_process": "P weight 7",
    "track_bfd": "B weight 7",
    "unicast_peer": "10.0.0.7",
    "virtual_ipaddress": "10.0.0.7/24",
    "virtual_ipaddress_excluded": "10.0.0.7/24",
    "virtual_routes": "10.0.0.0/8 via 10.0.0.7 dev eth0",
    "virtual_rules": "from 10.0.0.7 lookup 7",
    "authentication": "auth_type PASS\nauth_pass x",
    "auth_hmac": f"key 1 {KEY}\nactive_key 1",
    "track_file": "F weight 7",
    "group": "V",
    "url": "path /other",
    "host": "connect_ip 10.0.0.7",
}
BLOCKS |= {check: NEEDED.get(check, "") for check in CHECKS}
"""What is written into a block to see that it counts."""
WHOLE = {
    (ROOT, "vrrp_script"): 'vrrp_script S {\nscript "/x"\n}\n' + INSTANCE % "track_script {\nS\n}",
    (ROOT, "vrrp_sync_group"): PAIR + "vrrp_sync_group G {\ngroup {\nV\n}\n}",
    (ROOT, "SSL"): PLACES["SSL"] % "ca /x",
    (ROOT, "virtual_server"): pool(),
    (ROOT, "track_file"): "track_file F {\nfile /x\n}",
    (ROOT, "vrrp_track_file"): "vrrp_track_file F {\nfile /x\n}",
    ("vrrp_sync_group", "group"): "group {\nV\n}",
    ("vrrp_instance/virtual_ipaddress", "<first word>"): "\n10.0.0.7",
    ("vrrp_instance/virtual_ipaddress_excluded", "<first word>"): "\n10.0.0.7",
    ("static_ipaddress", "<first word>"): "\n10.0.0.7",
    ("virtual_server_group", "fwmark"): "fwmark 7",
    (f"{SERVER}/FILE_CHECK", "weight"): "weight 7",
    (f"{SERVER}/BFD_CHECK", "name"): "name B2",
    ("virtual_server", "real_server"): "real_server 10.0.0.7 80 {\n}",
    ("virtual_server_group", "<IPADDR>"): "10.0.0.1",
    ("virtual_server_group", "<IPADDR>-<N>"): "10.0.0.1-7",
    ("virtual_server_group", "<IPADDR>-<IPADDR>"): "10.0.0.1-10.0.0.7",
    ("virtual_server_group", "<IPADDR>/<MASK>"): "10.0.0.0/29",
    ("global_defs", "nftables_ipvs_priority"): "nftables_ipvs\nnftables_ipvs_priority 7",
    ("vrrp_instance", "preempt"): "nopreempt\npreempt",
    ("vrrp_instance", "unicast_fault_no_peer"): "unicast_src_ip 10.0.0.8\nunicast_fault_no_peer",
    ("vrrp_instance", "unicast_ttl"): "unicast_peer {\n10.0.0.7\n}\nunicast_ttl 7",
    ("vrrp_instance", "vmac_xmit_base"): "use_vmac\nvmac_xmit_base",
    ("vrrp_instance", "timer_expired_backup"): "nopreempt\ntimer_expired_backup 7",
    ("vrrp_instance", "thread_timer_expired"): "nopreempt\nthread_timer_expired 7",
    ("vrrp_instance/auth_hmac", "active_key"): f"key 2 {KEY}\nactive_key 2",
    ("virtual_server", "lb_kind"): "lb_kind DR",
    ("virtual_server", "lvs_method"): "lvs_method DR",
    ("virtual_server", "sh-port"): "lb_algo sh\nsh-port",
    ("virtual_server", "sh-fallback"): "lb_algo sh\nsh-fallback",
    ("virtual_server", "mh-port"): "lb_algo mh\nmh-port",
    ("virtual_server", "mh-fallback"): "lb_algo mh\nmh-fallback",
    ("virtual_server", "ops"): "protocol UDP\nops",
    ("virtual_server", "quorum"): "weight 7\nquorum 7",
    ("virtual_server", "hysteresis"): "weight 7\nquorum 7\nhysteresis 6",
    ("virtual_server", "sorry_server_inhibit"): "sorry_server 10.0.0.9 80\nsorry_server_inhibit",
    ("virtual_server", "sorry_server_lvs_method"): "sorry_server 10.0.0.9 80\nsorry_server_lvs_method DR",
    (f"{SERVER}/UDP_CHECK", "max_reply_length"): "max_reply_length 7",
}
WHOLE |= {
    (f"{SERVER}/{check}", "bind_port"): "bindto 10.0.0.7\nbind_port 7" for check in (*CHECKS[:7], "SMTP_CHECK/host")
}
WHOLE |= {(f"{SERVER}/{check}", "enable_sni"): "virtualhost h\nenable_sni" for check in ("HTTP_GET", "SSL_GET")}
REGEX = {"regex_no_match": "", "regex_options": "dotall", "regex_min_offset": "7", "regex_max_offset": "7"}
REGEX |= {"regex_stack": "7 8"}
WHOLE |= {
    (f"{SERVER}/{check}/url", word): f"regex a\n{word} {value}"
    for check in ("HTTP_GET", "SSL_GET")
    for word, value in REGEX.items()
}
"""Keywords that say nothing alone; BASE has what stands there without them."""
BASE = {
    ("vrrp_instance", "preempt"): "nopreempt",
    ("vrrp_instance", "unicast_fault_no_peer"): "unicast_src_ip 10.0.0.8",
    ("vrrp_instance", "unicast_ttl"): "unicast_peer {\n10.0.0.7\n}",
    ("vrrp_instance", "vmac_xmit_base"): "use_vmac",
    ("vrrp_instance", "timer_expired_backup"): "nopreempt",
    ("vrrp_instance", "thread_timer_expired"): "nopreempt",
    ("vrrp_instance/auth_hmac", "active_key"): f"key 2 {KEY}",
    ("global_defs", "nftables_ipvs_priority"): "nftables_ipvs",
    ("virtual_server", "sh-port"): "lb_algo sh",
    ("virtual_server", "sh-fallback"): "lb_algo sh",
    ("virtual_server", "mh-port"): "lb_algo mh",
    ("virtual_server", "mh-fallback"): "lb_algo mh",
    ("virtual_server", "ops"): "protocol UDP",
    ("virtual_server", "quorum"): "weight 7",
    ("virtual_server", "hysteresis"): "weight 7\nquorum 7",
    ("virtual_server", "sorry_server_inhibit"): "sorry_server 10.0.0.9 80",
    ("virtual_server", "sorry_server_lvs_method"): "sorry_server 10.0.0.9 80",
}
BASE |= {place: "bindto 10.0.0.7" for place in WHOLE if place[1] == "bind_port"}
BASE |= {place: "virtualhost h" for place in WHOLE if place[1] == "enable_sni"}
BASE |= {place: "regex a" for place in WHOLE if place[1] in REGEX}
BASE |= {(ROOT, "vrrp_script"): INSTANCE % "", (ROOT, "vrrp_sync_group"): PAIR}
BASE |= {(ROOT, "SSL"): PLACES["SSL"] % ""}

VALUES = {
    "state": "MASTER",
    "version": "3",
    "vrrp_version": "3",
    "json_version": "2",
    "vrrp_mcast_group4": "224.0.0.19",
    "vrrp_mcast_group6": "ff02::99",
    "mcast_dst_ip": "224.0.0.19",
    "interface": "eth7",
    "script_user": "nobody",
    "umask": "077",
    "lvs_timeouts": "udp 7",
    "lvs_sync_daemon": "eth0 inst V",
    "debug": "3",
    "unicast_src_ip": "10.0.0.8",
    "mcast_src_ip": "10.0.0.8",
    "param_match": "initial",
    "old_unicast_checksum": "never",
    "lb_algo": "rr",
    "lvs_sched": "rr",
    "lvs_method": "DR",
    "persistence_granularity": "255.255.255.0",
    "protocol": "UDP",
    "sorry_server": "10.0.0.9 80",
    "digest": "0123456789abcdef0123456789abcdef",
    "status_code": "204",
    "http_protocol": "1.1",
    "type": "A",
    "file": "/y",
    "process": "y",
    "neighbor_ip": "10.0.0.8",
    "neighbour_ip": "10.0.0.8",
    "auth_type": "AH",
    "scope": "link",
    "brd": "10.0.0.255",
    "broadcast": "10.0.0.255",
    "label": "eth0:1",
    "payload": "07",
    "require_reply": "07",
    "key": f"2 {KEY}",
    "anti_replay": "monotonic",
    "mode": "permissive",
    "track_file": "F2",
}
"""Arguments that a reader's name does not suggest."""
BY_READER = {"uint": "7", "int": "7", "secs": "7", "ms": "1007", "bool": "", "bool_any": "", "flag": "", "word": "w"}
BY_READER |= {"words": "w", "words1": "w", "word1": "w", "command": '"/c"', "ip": "10.0.0.7", "ip4": "10.0.0.7"}
BY_READER |= {"ifname": "eth7", "weight": "7", "newsecs": "7", "extra": "all 7"}
ON_ANOTHER = (INSTANCE % "%s").replace("10.0.0.1", "10.0.0.1 dev eth1")
ELSEWHERE = {
    ("vrrp_instance", "vrf"): ON_ANOTHER.replace(
        "interface eth0\n", "unicast_peer {\n10.0.0.7\n}\nunicast_src_ip 10.0.0.8\n"
    ),
    ("vrrp_instance", "use_vmac_addr"): ON_ANOTHER,
    ("global_defs", "vmac_prefix"): "global_defs {\n%s\n}\n" + INSTANCE % "use_vmac",
    ("global_defs", "vmac_addr_prefix"): "global_defs {\n%s\n}\n" + ON_ANOTHER % "use_vmac_addr",
    ("virtual_server", "ip_family"): pool("%s", "", "fwmark 7").replace(
        "real_server 10", "lvs_method TUN\nreal_server 10"
    ),
    ("global_defs", "vrrp_mcast_group6"): "global_defs {\n%s\n}\n" + (INSTANCE % "").replace("10.0.0.1", "fe80::1"),
    ("vrrp_track_process", "process"): "vrrp_track_process P {\n%s\n}\n",
    ("vrrp_instance", "native_ipv6"): "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\n%s\n}\n",
    ("vrrp_sync_group", "group"): PAIR + "vrrp_sync_group G {\n%s\n}\n",
    (f"{SERVER}/BFD_CHECK", "name"): OTHERS + pool("", "BFD_CHECK {\n%s\n}\n"),
    ("global_defs", "vrrp_owner_ignore_adverts"): "global_defs {\n%s\n}\n" + INSTANCE % "priority 255",
}
"""Where a keyword needs something else around it than the others of its block."""

ROUTES = ("static_routes", "vrrp_instance/virtual_routes")
RULES = ("static_rules", "vrrp_instance/virtual_rules")
ADDRESSES = ("static_ipaddress", "vrrp_instance/virtual_ipaddress", "vrrp_instance/virtual_ipaddress_excluded")
LINE_VALUES = {
    **dict.fromkeys(("inet6", "expires", "pref"), "7"),
    **dict.fromkeys(("rtt", "rttvar", "rto_min"), "1s"),
    **dict.fromkeys(("quickack", "fastopen_no_cookie"), "1"),
    **dict.fromkeys(("sport", "dport", "uidrange"), "7-8"),
    "via": "10.0.0.7",
    "encap": "mpls 7",
    "features": "ecn",
    "ttl-propagate": "enabled",
    "protocol": "7 no_track",
    "nexthop": "via 10.0.0.7",
    "from": "10.0.0.7",
    "to": "10.0.0.7",
    "goto": "8",
    "type": "nop",
    "tunnel-id": "7",
    "<dst>": "10.0.0.0/9",
    "label": "eth0:1",
    "preferred_lft": "7",
    "scope": "link",
    "track_group": "T",
    "peer": "10.0.0.7",
}
"""Arguments of words in lines; 7 where a number is as good as any."""
ACTIONS = ("table", "lookup", "l3mdev", "goto", "nop", "blackhole", "unreachable", "prohibit", "type")
GROUP = "track_group T {\ngroup {\nV\n}\n}\n"
VERSION6 = ("inet6", "expires", "pref")
ELSEWHERE |= {(path, word): PLACES[path].replace("10.0.0.0/8", "default") for path in ROUTES for word in VERSION6}
ELSEWHERE |= {(path, "from"): PLACES[path].replace("10.0.0.0/8 %s", "fe80::/10 %s") for path in ROUTES}
ELSEWHERE |= {(path, "prepend"): PLACES[path].replace("%s", "add %s") for path in ROUTES}
ELSEWHERE |= {(path, "inet6"): PLACES[path].replace("from 10.0.0.0/8", "from all") for path in RULES}
ELSEWHERE |= {(path, word): PLACES[path].replace("table 9", "preference 6") for path in RULES for word in ACTIONS}
ELSEWHERE |= {(path, "track_group"): GROUP + PLACES[path].replace("%s", "dev eth0 %s") for path in ("static_routes",)}
ELSEWHERE |= {("static_rules", "track_group"): GROUP + PLACES["static_rules"].replace("%s", "dev eth0 %s")}
ELSEWHERE |= {("static_ipaddress", "track_group"): GROUP + PLACES["static_ipaddress"]}
ELSEWHERE |= {(path, "preferred_lft"): PLACES[path].replace("10.0.0.9/24", "fe80::9/64") for path in ADDRESSES[::2]}
ELSEWHERE |= {(ADDRESSES[1], "preferred_lft"): PLACES[ADDRESSES[1]].replace("10.0.0.1/24", "fe80::9/64")}

WITHOUT_EFFECT = {
    ("virtual_server", "hashed"): "sets nothing in keepalived either",
    ("vrrp_instance", "no_virtual_ipaddress"): "keeps the complaint away",
    ("vrrp_instance", "accept"): "the default, which no_accept changes",
    **{(path, "inet"): "the addresses say so too" for path in (*ROUTES, *RULES)},
    **{(path, "as"): "keepalived does not act on it either" for path in ROUTES},
}
"""Why a keyword may stand there without changing anything."""


def text(path: str, row: Keyword) -> str:
    place = (path, row.word)
    if place in WHOLE:
        return WHOLE[place]
    if row.opens is not None:
        name = " X" if len(row.argument.split()) > 2 else ""
        return f"{row.word}{name} {{\n{BLOCKS[row.word]}\n}}"
    if row.word == "<line>":
        return BLOCKS[path.split("/")[-1]]
    kind = row.argument.lstrip("?!").split(" ")[0].rstrip("=")
    detail = row.argument.partition(" ")[2]
    if path in (*ROUTES, *RULES, *ADDRESSES):
        return line_text(row, kind)
    value = VALUES.get(row.word) or (detail.split(",")[-1] if kind == "enum" else BY_READER[kind])
    return f"{row.word} {value}".strip()


def line_text(row: Keyword, kind: str) -> str:
    word = "" if row.word == "<dst>" else row.word
    value = LINE_VALUES.get(row.word) or VALUES.get(row.word) or BY_READER[kind].replace("w", "7")
    return word if kind == "flag" else f"{word} {value}".strip()


def config(path: str, word: str, inside: str) -> Config:
    return load(source(ELSEWHERE.get((path, word), PLACES[path]) % inside)).config


@pytest.mark.parametrize(("path", "word"), list(known()))
def test_it_changes_the_model(path: str, word: str) -> None:
    written = text(path, known()[path, word])
    changed = config(path, word, written) != config(path, word, BASE.get((path, word), ""))
    assert changed == ((path, word) not in WITHOUT_EFFECT), written


def test_nothing_that_is_read_has_cycles() -> None:
    """The daemon keeps the collector of garbage from looking at it."""
    keywords = known()

    def read_all() -> None:
        for (path, word), row in keywords.items():
            config(path, word, text(path, row))
            config(path, word, "nonsense {")

    read_all()  # what is loaded at first leaves some
    gc.collect()
    gc.disable()
    try:
        read_all()
        assert gc.collect() == 0
    finally:
        gc.enable()
