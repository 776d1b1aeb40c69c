"""How fast a takeover is, ours beside keepalived in one run. Not a test: it passes no judgement.

    sudo .venv/bin/python -m tests.bench.takeover [--runs 5]

Times are the kernel's (packets on the bridge) and, for the address, those at which a netlink listener in the backup's
namespace is woken. What the protocol itself takes (master down interval, skew time) is taken off. Both programs run
with -n -l -D -G: with syslog and nobody behind /dev/log, each line would go to the serial console, synchronously.
Figures of a busy machine are good for medians and ratios, not for single values.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRPv3

from tests.topology.daemons import BIN, KEEPALIVED, OURS, show
from tests.topology.lab import VIP, Lab, instance, master_down, skew
from tests.topology.net import Host, inside

PROGRAMS = (OURS, KEEPALIVED)
REFERENCE = Path(__file__).resolve().parents[2] / "examples/lvs-nat/director1/keepalived.conf"
RTMGRP_IPV4_IFADDR = 0x10
ETH_P_IP = 0x0800

FORGED_PER_SECOND = 20
FORGED_FOR = 5.0
"""Seconds."""

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    version: int
    interval: float


CASES = (Case("VRRPv2, 1 s", 2, 1), Case("VRRPv3, 0.1 s", 3, 0.1), Case("VRRPv3, 0.01 s", 3, 0.01))


class AddressWatch:
    """When the host's IPv4 addresses changed, by CLOCK_REALTIME."""

    def __init__(self, host: Host) -> None:
        self.changes: list[float] = []
        with inside(host.namespace):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, RTMGRP_IPV4_IFADDR))
        self._socket.settimeout(0.2)
        self._open = True
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while self._open:
            with contextlib.suppress(TimeoutError):
                self._socket.recv(65536)
                self.changes.append(time.time())

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()


@contextlib.contextmanager
def elected(case: Case, program: str) -> Iterator[Lab]:
    """d1 is master and has been for three intervals; d2 listens."""
    common = {"version": case.version, "interval": case.interval}
    with tempfile.TemporaryDirectory() as directory, contextlib.closing(Lab(Path(directory))) as lab:
        lab.start("d1", program, instance(priority=150, **common))  # type: ignore[arg-type]
        lab.until_master("d1")
        lab.start("d2", program, instance(priority=100, **common))  # type: ignore[arg-type]
        lab.until_backup("d2")
        heard = len(lab.adverts("d1"))
        lab.until(lambda: len(lab.adverts("d1")) >= heard + 3, within=3 * case.interval + 5, what="d1 advertises")
        yield lab


def killed(case: Case, program: str) -> Figures:
    """Milliseconds beyond the master down interval."""
    with elected(case, program) as lab, contextlib.closing(AddressWatch(lab.hosts["d2"])) as watch:
        lab.kill("d1")
        lab.until(lambda: lab.garps("d2") and watch.changes, within=3 * case.interval + 5, what="d2 takes over")
        due = lab.adverts("d1")[-1].at + master_down(100, version=case.version, interval=case.interval)
        return {
            "kill -9: first advert": 1000 * (lab.adverts("d2")[0].at - due),
            "kill -9: VIP present": 1000 * (watch.changes[0] - due),
            "kill -9: first gratuitous ARP": 1000 * (lab.garps("d2")[0].at - due),
        }


def stopped(case: Case, program: str) -> Figures:
    """Milliseconds from SIGTERM to the farewell, and beyond the skew time after it."""
    with elected(case, program) as lab:
        at = time.time()
        lab.daemons["d1"].process.terminate()
        lab.until(lambda: lab.adverts("d2"), within=case.interval + 5, what="d2 takes over")
        farewell = next(advert for advert in lab.adverts("d1") if advert.priority == 0)
        due = farewell.at + skew(100, version=case.version, interval=case.interval)
        return {
            "SIGTERM: to priority 0": 1000 * (farewell.at - at),
            "SIGTERM: first advert": 1000 * (lab.adverts("d2")[0].at - due),
        }


def started(program: str) -> Figures:
    """Milliseconds from the start of the process until the log says BACKUP."""
    with tempfile.TemporaryDirectory() as directory, contextlib.closing(Lab(Path(directory), directors=1)) as lab:
        lab.start("d1", program, instance())
        return {"start: listening": 1000 * lab.until_backup("d1")}


def forged(program: str) -> Figures:
    """Share of the master's advertisements that a forger leaves it: packets with the wrong TTL, 20 a second."""
    with elected(CASES[1], program) as lab:
        frame = bytes(
            Ether(dst="01:00:5e:00:00:12", src="02:00:00:00:00:99")
            / IP(src="192.0.2.99", dst="224.0.0.18", ttl=64, proto=112)
            / VRRPv3(vrid=51, priority=150, adv=10, addrlist=[VIP])
        )
        with inside(lab.net.switch.namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind(("br0", ETH_P_IP))
            began = time.time()
            for number in range(int(FORGED_FOR * FORGED_PER_SECOND)):
                wire.send(frame)
                time.sleep(max(0.0, began + (number + 1) / FORGED_PER_SECOND - time.time()))
        sent = [advert for advert in lab.adverts("d1", since=began) if advert.at < began + FORGED_FOR]
        return {
            "forged packets: adverts sent, %": 100 * len(sent) / (FORGED_FOR / CASES[1].interval),
            "forged packets: adverts of the backup": len(lab.adverts("d2", since=began)),
        }


def elapsed(*argv: str) -> float:
    began = time.perf_counter()
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return 1000 * (time.perf_counter() - began)


def tested(program: str) -> Figures:
    executable = str(BIN / program) if program == OURS else program
    return {"-t on the reference configuration": elapsed(executable, "-t", "-f", str(REFERENCE))}


def shown() -> Figures:
    """Milliseconds of `pyvrrp show`, from exec to exit; keepalived has nothing of the kind."""
    with tempfile.TemporaryDirectory() as directory, contextlib.closing(Lab(Path(directory), directors=1)) as lab:
        lab.start("d1", OURS, instance())
        lab.until_master("d1")
        arguments = ["--socket", f"/run/pyvrrp/{lab.daemons['d1'].pid}.sock"]
        assert show(*arguments).returncode == 0
        return {"pyvrrp show": elapsed(str(BIN / "pyvrrp"), "show", *arguments)}


def measure(runs: int, programs: Sequence[str], tell: Callable[[str], None]) -> dict[str, dict[str, list[float]]]:
    """Figures by row and program; the programs take turns, so that both meet the same machine."""
    rows: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(title: str, program: str, figures: Figures) -> None:
        for name, value in figures.items():
            rows[f"{title}{name}"][program].append(value)

    for run in range(runs):
        tell(f"run {run + 1} of {runs}")
        for program in programs:
            for case in CASES:
                add(f"{case.name}, ", program, killed(case, program))
                add(f"{case.name}, ", program, stopped(case, program))
            add("", program, started(program))
            add("", program, tested(program))
        if OURS in programs:
            add("", OURS, shown())
    for program in programs:
        tell(f"forged packets, {program}")
        add("", program, forged(program))
    return rows


def cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.2f}{spread}"


def table(rows: dict[str, dict[str, list[float]]]) -> Iterator[str]:
    yield f"{'ms, median (range)':<44}{'pyvrrpd':>28}{'keepalived':>28}{'ratio':>8}"
    for title, by_program in rows.items():
        ours, theirs = by_program[OURS], by_program[KEEPALIVED]
        ratio = f"{statistics.median(ours) / statistics.median(theirs):.2f}" if ours and theirs and all(theirs) else "-"
        yield f"{title:<44}{cell(ours):>28}{cell(theirs):>28}{ratio:>8}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=PROGRAMS, help="one program alone")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root, for network namespaces")
    programs = [options.only] if options.only else list(PROGRAMS)
    for line in table(measure(options.runs, programs, lambda text: print(text, file=sys.stderr))):
        print(line)


if __name__ == "__main__":
    main()
