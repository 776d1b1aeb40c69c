"""nftables_ipvs with this kernel: which packets get the mark. What IPVS makes of a mark is in tests/kernel."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.topology.daemons import OURS, Daemon
from tests.topology.net import Host, Net, inside
from tests.waiting import until

pytestmark = pytest.mark.root

TABLES = ("ip", "ip6")
GROUP = "virtual_server_group G {\n 10.77.0.5-6 80\n fd77::5-6 80\n}\n"
ANY = "virtual_server_group H {\n 10.77.0.9\n}\n"
SERVER = (
    "virtual_server group {0} {{\n lvs_sched rr\n lvs_method TUN\n protocol {1}\n persistence_timeout 60\n"
    " real_server 10.71.12.11 80 {{\n }}\n}}\n"
)
CONF = GROUP + ANY + SERVER.format("G", "UDP") + SERVER.format("H", "TCP") + SERVER.format("G", "SCTP")


def conf(text: str = CONF, words: str = "nftables_ipvs") -> str:
    return f"global_defs {{\n {words}\n}}\n{text}"


@pytest.fixture
def host() -> Iterator[Host]:
    with contextlib.closing(Net()) as net:
        made = net.add_host("d1")
        for address in ("10.77.0.5/32", "10.77.0.6/32", "10.77.0.7/32", "10.77.0.9/32", "fd77::6/128"):
            made.add_address("lo", address)
        # Behind our chain, and before the place where IPVS looks.
        for family in TABLES:
            made.run("nft", f"add table {family} watch")
            made.run("nft", f"add chain {family} watch in {{ type filter hook input priority 50; }}")
            for mark in (1000, 1001, 1002):
                made.run("nft", f"add rule {family} watch in meta mark {mark} counter comment m{mark}")
        yield made


def seen(host: Host) -> list[int]:
    """How many packets came with the marks 1000, 1001 and 1002, over IPv4 and then IPv6."""
    found = []
    for family in TABLES:
        told = host.run("nft", "list", "chain", family, "watch", "in")
        found += [int(number) for number in re.findall(r"counter packets (\d+)", told)]
    return found


def send(host: Host, address: str, port: int, kind: int = socket.SOCK_DGRAM) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(host.namespace):
        made = socket.socket(family, kind)
    with made, contextlib.suppress(ConnectionRefusedError):
        # Not from the address itself: what refuses a connection would come to it, and be marked too.
        made.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        made.connect((address, port))
        made.send(b"x")


def has_table(host: Host, name: str = "keepalived_ipvs") -> list[str]:
    told = host.run("nft", "list", "tables").splitlines()
    return [line.split()[1] for line in told if line.split()[2] == name]


def test_packets_to_the_addresses_of_a_group_get_its_mark_and_no_others(host: Host, tmp_path: Path) -> None:
    daemon = Daemon(OURS, host, tmp_path, conf())
    until(lambda: has_table(host) == ["ip", "ip6"], "both tables are there", told=daemon.account)
    send(host, "10.77.0.6", 80)
    assert seen(host) == [1, 0, 0, 0, 0, 0]
    for address, port in (("10.77.0.6", 81), ("10.77.0.7", 80), ("10.77.0.9", 80)):
        send(host, address, port)
    send(host, "10.77.0.6", 80, socket.SOCK_STREAM)  # no virtual server for TCP
    assert seen(host) == [1, 0, 0, 0, 0, 0]
    send(host, "fd77::6", 80)
    send(host, "10.77.0.9", 4711, socket.SOCK_STREAM)  # any port
    assert seen(host) == [1, 1, 0, 1, 0, 0]
    # One group goes, the range of the other shifts: its mark stays, and not one packet goes without.
    daemon.reload(conf(CONF.replace("10.77.0.5-6", "10.77.0.6-7").replace(SERVER.format("H", "TCP"), "")))
    until(lambda: "10.77.0.6/31 . 80" in host.run("nft", "list", "ruleset"), "the reload counts", told=daemon.account)
    for address in ("10.77.0.5", "10.77.0.7"):
        send(host, address, 80)
    send(host, "10.77.0.9", 4711, socket.SOCK_STREAM)
    assert seen(host) == [2, 1, 0, 1, 0, 0]
    assert daemon.stop() == 0
    assert has_table(host) == []
    assert has_table(host, "watch") == ["ip", "ip6"]


def test_a_table_that_somebody_flushes_is_made_again(host: Host, tmp_path: Path) -> None:
    daemon = Daemon(OURS, host, tmp_path, conf(words="nftables_ipvs own\nnftables_ipvs_start_fwmark 1002"))
    until(lambda: has_table(host, "own") == ["ip", "ip6"], "both tables are there", told=daemon.account)
    host.run("nft", "delete table ip own")
    until(lambda: has_table(host, "own") == ["ip", "ip6"], "it is there again", told=daemon.account)
    send(host, "10.77.0.6", 80)
    assert seen(host)[:3] == [0, 0, 1]
    assert "somebody removed rules of table own; it is made again" in daemon.log()
    # The keyword goes: so does the table.
    daemon.reload(CONF)
    until(lambda: has_table(host, "own") == [], "they are gone", told=daemon.account)
    assert daemon.stop() == 0


def test_what_a_killed_daemon_left_is_replaced(host: Host, tmp_path: Path) -> None:
    daemon = Daemon(OURS, host, tmp_path, conf())
    until(lambda: has_table(host) == ["ip", "ip6"], "both tables are there", told=daemon.account)
    daemon.kill()
    assert has_table(host) == ["ip", "ip6"]
    daemon = Daemon(OURS, host, tmp_path, conf(CONF.replace(" fd77::5-6 80\n", "")))
    until(lambda: has_table(host) == ["ip"], "IPv6 has nothing to mark", told=daemon.account)
    send(host, "10.77.0.5", 80)
    assert seen(host)[0] == 1
    assert daemon.stop() == 0
