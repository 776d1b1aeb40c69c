"""Every keyword of keepalived's is in the schema, and ends in the model.

keywords.txt has a line for each row of the lists that were made from keepalived's parsers, block and keyword apart by
a tab; a keyword that both its VRRP and its LVS part read is there twice. The block `(lexer)` has what is no keyword.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvrrp.config.load import load
from pyvrrp.config.schema import ROOT, Keyword, schema
from pyvrrp.model.config import Config
from tests.unit.config.files import source

LIST = Path(__file__).with_name("keywords.txt")
LEXER = "(lexer)"
FORMS = {(ROOT, "virtual_server fwmark"), (ROOT, "virtual_server group")}
"""Arguments of virtual_server, listed as keywords."""
OURS = {(f"virtual_server/real_server/{check}", "nb_get_retry") for check in ("TCP_CHECK", "UDP_CHECK")}
"""Where people write it, and keepalived ignores it."""


def listed() -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in LIST.read_text().splitlines()]
    return [(block, word) for block, word in rows]


def known() -> dict[tuple[str, str], Keyword]:
    found = {}

    def walk(path: str, block: str) -> None:
        for word, row in schema()[block].items():
            found[path, word] = row
            if row.opens:
                walk(word if path == ROOT else f"{path}/{word}", row.opens)

    walk(ROOT, ROOT)
    return found


def test_none_is_missing_and_none_unknown() -> None:
    rows = listed()
    assert len(rows) == 818
    words = {row for row in rows if row[0] != LEXER} - FORMS
    assert words - known().keys() == set()
    assert known().keys() - words == OURS


# ---- each ends in the model

ALL = (
    "global_defs {{\n{global_defs}\n}}\n{root}\n"
    'vrrp_script S {{\nscript "/x"\n{vrrp_script}\n}}\ntrack_file F {{\nfile /x\n{track_file}\n}}\n'
    "vrrp_track_process P {{\nprocess x\n{vrrp_track_process}\n}}\n"
    "bfd_instance B {{\nneighbor_ip 10.0.0.9\n{bfd_instance}\n}}\n"
    "garp_group {{\ngarp_interval 1\n{garp_group}\n}}\n"
    "vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {{\n10.0.0.1\n}}\n"
    "track_script {{\nS\n}}\n{vrrp_instance}\n}}\n"
    "vrrp_instance W {{\ninterface eth1\nvirtual_router_id 6\nvirtual_ipaddress {{\n10.0.0.2\n}}\n}}\n"
    "vrrp_sync_group G {{\ngroup {{\nV\nW\n}}\n{vrrp_sync_group}\n}}\n"
)
BLOCKS: tuple[str, ...] = (
    "global_defs",
    "vrrp_script",
    "track_file",
    "vrrp_track_process",
    "bfd_instance",
    "garp_group",
)
BLOCKS += ("vrrp_instance", "vrrp_sync_group")
SAMPLES = {
    "accept": None,
    "preempt": ("nopreempt\npreempt", "nopreempt"),
    "file": ("file /x", "file /y"),
    "process": None,
    "neighbor_ip": None,
    "neighbour_ip": None,
    "group": None,
    "interval": ("interval 7", ""),
    "delay": ("delay 7", ""),
    "virtual_ipaddress": ("virtual_ipaddress {\n10.0.0.7\n}", ""),
    "virtual_ipaddress_excluded": ("virtual_ipaddress_excluded {\n10.0.0.7\n}", ""),
    "authentication": ("authentication {\nauth_type PASS\nauth_pass x\n}", ""),
    "auth_hmac": ("auth_hmac {\nactive_key 1\n}", ""),
}
"""Two texts that must make different models; None: a part of every text above."""
VALUES = {
    "state": "MASTER",
    "version": "3",
    "vrrp_version": "3",
    "json_version": "2",
    "checker_log_all_failures": None,
    "vrrp_mcast_group6": None,
    "vrrp_mcast_group4": "224.0.0.19",
    "mcast_dst_ip": "224.0.0.19",
    "child_wait_time": "7",
    "vrrp_owner_ignore_adverts": None,
    "interface": "eth7",
    "script_user": "nobody",
    "umask": "077",
    "lvs_timeouts": "udp 7",
    "debug": "3",
    "vrrp_netlink_cmd_rcv_bufs": "9",
    "instance": "i",
    "unicast_src_ip": "10.0.0.8",
    "mcast_src_ip": "10.0.0.8",
    "timer_expired_backup": "7",
    "param_match": "initial",
    "old_unicast_checksum": "never",
    "vrrp_min_garp": "",
}
"""Arguments that a reader's name does not suggest; None: what it changes is not in this configuration."""
BY_READER = {"uint": "7", "int": "7", "secs": "7", "ms": "1007", "bool": "", "bool_any": "", "flag": "", "word": "w"}
BY_READER |= {"words": "w", "words1": "w", "command": '"/c"', "ip": "10.0.0.7", "ip4": "10.0.0.7", "ifname": "eth7"}
BY_READER |= {"weight": "7"}


def cases() -> Iterator[tuple[str, str]]:
    for (block, word), row in known().items():
        judged = SAMPLES.get(word, "") is not None and VALUES.get(word, "") is not None
        if block in BLOCKS and judged and (word in SAMPLES or not row.opens):
            yield block, word


def config(block: str, text: str) -> Config:
    places = dict.fromkeys((*BLOCKS, "root"), "") | {block: text}
    return load(source(ALL.format(**places))).config


@pytest.mark.parametrize(("block", "word"), list(cases()))
def test_it_changes_the_model(block: str, word: str) -> None:
    row = known()[block, word]
    sample = SAMPLES.get(word) or ""
    if sample:
        assert config(block, sample[0]) != config(block, sample[1])
        return
    kind = row.argument.lstrip("?!").split(" ")[0].rstrip("~")
    detail = row.argument.partition(" ")[2]
    value = VALUES.get(word) or (detail.split(",")[0] if kind == "enum" else BY_READER[kind])
    assert config(block, f"{word} {value}") != config(block, "")


@pytest.mark.parametrize(
    "text",
    [
        "static_ipaddress {\n10.0.0.7 dev eth0\n}",
        "static_routes {\n10.0.0.0/8 dev eth0\n}",
        "static_rules {\nfrom 10.0.0.0/8 table 7\n}",
        "track_group T {\ngroup {\nV\n}\n}",
        "interface_up_down_delays {\neth0 1 2\n}",
        "linkbeat_interfaces {\neth0 MII\n}",
        "linkbeat_use_polling",
        "net_namespace_ipvs",
        "namespace_with_ipsets",
        "use_pid_dir",
        "instance i",
        "net_namespace n",
        "child_wait_time 7",
    ],
)
def test_what_stands_outside_of_blocks_changes_the_model(text: str) -> None:
    assert config("root", text) != config("root", "")


@pytest.mark.parametrize(
    "text",
    [
        "track_file {\nF weight 0\n}",
        "track_process {\nP\n}",
        "track_bfd {\nB\n}",
        "virtual_routes {\n10.0.0.0/8 via 10.0.0.7\n}",
        "virtual_rules {\nfrom 10.0.0.7 lookup 7\n}",
        "unicast_peer {\n10.0.0.7 min_ttl 7\n}",
        "virtual_ipaddress_excluded {\n10.0.0.7 home\n}",
        "auth_hmac {\nkey 1 x\n}",
    ],
)
def test_lines_of_an_instance_change_the_model(text: str) -> None:
    assert config("vrrp_instance", text) != config("vrrp_instance", "")
