"""Odd but plausible configurations, ours and keepalived's side by side: the same table after the start, when a server
dies, after a reload that changes it, when the server is back, and after the stop.

All pairs play at the same time. What keepalived 2.2.7 does wrong in such a story (groups that move, thresholds that it
was refused) is in docs/compatibility.md and not here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyvrrp.core.lvs.ipvs_table import Table
from pyvrrp.kernel.ipvs import LinuxIpvs
from pyvrrp.kernel.netns import NAMED
from pyvrrp.model.globals import IpvsTimeouts
from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, inside

pytestmark = [pytest.mark.uml, pytest.mark.root, pytest.mark.timeout(500)]
COST = 5

TIMING = "delay_loop 1\n warmup 0\n retry 1\n delay_before_retry 1\n connect_timeout 1\n"
WELL = ("127.0.0.11", "127.0.0.12", "127.0.0.13", "::1")
"""What listens on port 80; the first one dies."""
WITHIN, STILL = 40.0, 1.5
"""Seconds for all tables to be alike, and for how long they must stay so."""
TCP = "TCP_CHECK {\n }"


def rs(address: str, *lines: str, check: str = TCP) -> str:
    return f" real_server {address} {{\n " + "\n ".join((*lines, check)) + "\n }\n"


def vs(head: str, *servers: str, more: str = "", sched: str = "rr", kind: str = "NAT", proto: str = "TCP") -> str:
    said = "".join(f" {word} {value}\n" for word, value in (("lb_algo", sched), ("protocol", proto)) if value)
    return f"virtual_server {head} {{\n {TIMING}{said} lb_kind {kind}\n {more}\n" + "".join(servers) + "}\n"


A, B, C = (f"{address} 80" for address in WELL[:3])
HERE = "10.77.0.1 80"
SORRY = "sorry_server 127.0.0.99 80"
STORIES: dict[str, tuple[str, dict[str, str]]] = {
    "a tutorial's": (
        vs(
            HERE,
            rs(A, "weight 1", check="TCP_CHECK {\n nb_get_retry 3\n connect_port 80\n }"),
            rs(B, "weight 3"),
            more="nat_mask 255.255.255.0\n persistence_timeout 0\n sorry_server 127.0.0.1",
            proto="",
        ),
        {"persistence_timeout 0": "persistence_timeout 50", "weight 3": "weight 9"},
    ),
    "no scheduler": (
        vs(HERE, rs(A, "weight 2"), rs(B, "weight 0"), more=f"quorum 9\n {SORRY}", kind="TUN", sched=""),
        {"quorum 9": "quorum 1", "weight 0": "weight 1"},
    ),
    "a mark and DR": (vs("fwmark 5", rs(A), rs(B), kind="DR", proto=""), {"fwmark 5": "fwmark 7"}),
    "a mark of tunnels over IPv6": (
        vs("fwmark 6", rs("::1 80"), rs("fd77::12 80", check="weight 4"), kind="TUN", proto="")
        + vs("fwmark 6", rs(A), more="ip_family inet"),
        {"TUN": "TUN type gue port 6080", "weight 4": "weight 5"},
    ),
    "flags": (
        vs(HERE, rs(A), rs(B), more="sh-port\n sh-fallback\n ops", sched="sh")
        + vs("10.77.0.1 53", rs("127.0.0.11 53", check=""), more="ops\n persistence_engine sip\n", proto="UDP")
        + vs("10.77.0.2 80", rs(A), more="flag-1\n flag-3", sched="wrr")
        + vs("10.77.0.4 80", rs(A), more="mh-port", sched="mh"),
        {"lb_algo sh": "lb_algo twos", "lb_algo wrr": "lb_algo nosuch", "flag-1": ""},
    ),
    "alpha with a sorry server of the pool": (
        vs(
            HERE,
            *map(rs, (A, B, C)),
            more="alpha\n omega\n quorum 2\n sorry_server 127.0.0.13 80\n sorry_server_inhibit",
        ),
        {"quorum 2": "quorum 3", "sorry_server_inhibit": ""},
    ),
    "alpha and inhibition": (
        vs(
            HERE,
            rs(A, "inhibit_on_failure"),
            rs("127.0.0.50 80", "inhibit_on_failure"),
            rs(C),
            more=f"alpha\n quorum 2\n {SORRY}",
        ),
        {"quorum 2": "quorum 1"},
    ),
    "two blocks for one service": (
        vs(HERE, rs(A), rs(A, "weight 9")) + vs(HERE, rs(B), sched="wlc") + vs(HERE, rs(A, check=""), proto="SCTP"),
        {"lb_algo rr": "lb_algo lc"},
    ),
    "ports": (
        vs("10.77.0.1", rs("127.0.0.11", check="TCP_CHECK {\n connect_port 80\n }"), rs("127.0.0.12 80"))
        + vs("10.77.0.3 443", rs(A), rs(B), more="sorry_server 127.0.0.99", kind="DR"),
        {"10.77.0.1 {": "10.77.0.1 22 {"},
    ),
    "timeouts, and everything flushed": (
        "global_defs {\n lvs_flush\n lvs_flush_on_stop VS\n lvs_timeouts tcp 100 tcpfin 20 udp 30\n}\n"
        + vs(HERE, rs(A), rs(B)),
        {"tcp 100": "tcp 200", "lb_algo rr": "lb_algo wrr"},
    ),
    "IPv6": (
        vs("fd77::1 80", rs("::1 80"), more="persistence_timeout 20\n persistence_granularity 64") + vs(HERE, rs(A)),
        {"granularity 64": "granularity 48"},
    ),
    "tunnels of several kinds": (
        vs(
            HERE,
            rs("fd77::12 80", "lvs_method TUN", check=""),
            rs(A, "lvs_method NAT"),
            rs(B, "lvs_method TUN type gre"),
        ),
        {"type gre": "type gue port 99 csum"},
    ),
    "inhibition switched off while dead": (vs(HERE, rs(A, "inhibit_on_failure"), rs(B)), {"inhibit_on_failure": ""}),
    "a sorry server that goes while it serves": (vs(HERE, rs(A), more=SORRY), {SORRY: "quorum 1"}),
    "another sorry server while it serves": (
        vs(HERE, rs(A), more=SORRY),
        {"127.0.0.99 80": "127.0.0.98 80\n sorry_server_inhibit"},
    ),
    "persistence that goes": (
        vs(HERE, rs(A), rs(B), more="persistence_timeout 60"),
        {"persistence_timeout 60": "sh-port", "lb_algo rr": "lb_algo sh"},
    ),
    "weights": (
        vs(HERE, rs(A, "weight 65535"), rs(B, "weight 70000"), rs(C), more="weight 4\n inhibit_on_failure"),
        {"weight 4": "weight 6", "65535": "2147483647"},
    ),
    "dead from the start": (
        vs(HERE, rs("127.0.0.50 80"), rs(A), more=SORRY),
        {"127.0.0.50": "127.0.0.12"},
    ),
}


class Side:
    def __init__(self, program: str, number: int, conf: str, directory: Path) -> None:
        self.host = Host("director", f"beside-{os.getpid()}-{number}-{program}")
        for command in ("link set lo up", "link add dummy0 type dummy", "link set dummy0 up"):
            self.host.run("ip", *command.split())
        self.host.run("ip", "-6", "address", "add", "fd77::100/64", "dev", "dummy0", "nodad")
        self._ipvs = LinuxIpvs(str(NAMED / self.host.namespace))
        self.empty = self.table()
        self._listening = {address: self._listener(address) for address in WELL}
        place = directory / f"{number}-{program}"
        place.mkdir()
        self.daemon = Daemon(program, self.host, place, conf)

    def _listener(self, address: str) -> socket.socket:
        with inside(self.host.namespace):
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, 80))
        made.listen(4096)
        return made

    def die(self) -> None:
        self._listening[WELL[0]].close()

    def heal(self) -> None:
        self._listening[WELL[0]] = self._listener(WELL[0])

    def table(self) -> tuple[Table, IpvsTimeouts]:
        return self._ipvs.table(), self._ipvs.settings().timeouts

    def rules(self) -> str:
        return self.host.run("ipvsadm", "-Sn")

    def close(self) -> None:
        self.daemon.kill()
        self._ipvs.close()
        for listening in self._listening.values():
            listening.close()
        self.host.close()


class Pair:
    def __init__(self, name: str, number: int, directory: Path) -> None:
        self.conf, changes = STORIES[name]
        self.later = self.conf
        for old, new in changes.items():
            assert old in self.conf, old
            self.later = self.later.replace(old, new)
        self.sides: list[Side] = []
        for program in (OURS, KEEPALIVED):
            self.sides.append(Side(program, number, self.conf, directory))
        self.before = self.sides[0].empty
        self._alike_since: float | None = None
        self.wrong = ""

    def settled(self) -> bool:
        """Both have gone over to another table, the same one, and stay there."""
        ours, theirs = (side.table() for side in self.sides)
        if ours != theirs or ours == self.before:
            self._alike_since = None
            return False
        if self._alike_since is None:
            self._alike_since = time.monotonic()
        return time.monotonic() - self._alike_since > STILL

    def after(self, what: str) -> None:
        if self._alike_since is None and not self.wrong:
            ours, theirs = (side.rules() for side in self.sides)
            logs = "".join(side.daemon.account() for side in self.sides)
            self.wrong = f"{what}\n--- ours\n{ours}\n--- keepalived's\n{theirs}\n{self.later}{logs}"
        self.before, self._alike_since = self.sides[0].table(), None


def play(pairs: list[Pair]) -> None:
    acts: dict[str, Callable[[Pair, Side], None]] = {
        "start": lambda pair, side: None,
        "a server dies": lambda pair, side: side.die(),
        "reload": lambda pair, side: side.daemon.reload(pair.later),
        "it is back": lambda pair, side: side.heal(),
        "stop": lambda pair, side: side.daemon.process.terminate(),
    }
    for what, act in acts.items():
        for pair in pairs:
            for side in pair.sides:
                act(pair, side)
        deadline = time.monotonic() + WITHIN
        waiting = pairs
        while waiting and time.monotonic() < deadline:
            waiting = [pair for pair in waiting if not pair.settled()]
        for pair in pairs:
            pair.after(what)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pair]]:
    directory = tmp_path_factory.mktemp("beside")
    with contextlib.ExitStack() as stack:
        pairs: dict[str, Pair] = {}
        for number, name in enumerate(STORIES):
            pairs[name] = Pair(name, number, directory)
            for side in pairs[name].sides:
                stack.callback(side.close)
        play(list(pairs.values()))
        yield pairs


@pytest.mark.parametrize("name", STORIES)
def test_the_tables_are_alike_all_along(played: dict[str, Pair], name: str) -> None:
    assert not played[name].wrong
    assert [side.daemon.process.wait(10) for side in played[name].sides] == [0, 0]
