"""A thousand instances in one daemon, ours beside keepalived in one run. Not a test: it passes no judgement.

    sudo .venv/bin/python -m tests.bench.instances [--runs 3] [--instances 1000] [--interval 0.1]

250 virtual routers on each segment, an address each, VRRPv3. Processor time is that of the whole daemon (user and
system, all its processes) while nothing happens; then the master is killed and all instances move at once. `late` is
measured from the instant at which the master down interval of that instance ends, by the kernel's time stamps of the
packets; addresses are seen by a netlink listener in the backup's namespace.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.takeover import PROGRAMS, Figures, table
from tests.topology.lab import Lab, instance, master_down
from tests.topology.net import Host, inside
from tests.topology.tap import SO_RCVBUFFORCE, SO_TIMESTAMPNS

PER_SEGMENT = 250
MASTER, BACKUP = 150, 100
ETH_P_IP = 0x0800
ETH_P_ARP = 0x0806
RTMGRP_IPV4_IFADDR = 0x10
RTM_NEWADDR = 20
QUIET = 5.0
"""Seconds over which processor time is counted."""
TICKS = os.sysconf("SC_CLK_TCK")


class Listener:
    """A thread that notes what a socket brings until it is told to stop."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        sock.settimeout(0.2)
        self._socket = sock
        self._open = True
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while self._open:
            with contextlib.suppress(TimeoutError):
                self.note()

    def note(self) -> None:
        raise NotImplementedError

    def receive(self) -> tuple[bytes, float]:
        data, ancillary, _, _ = self._socket.recvmsg(65536, 64)
        stamp = struct.unpack("@ll", ancillary[0][2]) if ancillary else None
        return data, time.time() if stamp is None else stamp[0] + stamp[1] / 1e9

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()


class Wire(Listener):
    """First and last advertisement of each sender and virtual router, on one bridge."""

    def __init__(self, switch: Host, bridge: str) -> None:
        self.first: dict[tuple[int, int], float] = {}
        self.last: dict[tuple[int, int], float] = {}
        self.sent: dict[int, int] = {}
        with inside(switch.namespace):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.bind((bridge, ETH_P_IP))
        super().__init__(sock)

    def note(self) -> None:
        frame, at = self.receive()
        if frame[23] == 112 and frame[34] == 0x31:
            who = frame[29], frame[35]  # last octet of the source, virtual router id
            self.first.setdefault(who, at)
            self.last[who] = at
            self.sent[who[0]] = self.sent.get(who[0], 0) + 1


class Addresses(Listener):
    """When addresses came."""

    def __init__(self, host: Host) -> None:
        self.came: list[float] = []
        with inside(host.namespace):
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        sock.bind((0, RTMGRP_IPV4_IFADDR))
        super().__init__(sock)

    def note(self) -> None:
        data, at = self.receive()
        offset = 0
        while offset < len(data):
            length, kind = struct.unpack_from("=IH", data, offset)
            if kind == RTM_NEWADDR:
                self.came.append(at)
            offset += (length + 3) & ~3


def configuration(count: int, priority: int, interval: float) -> str:
    return "".join(
        instance(
            f"V{number}",
            priority=priority,
            vrid=number % PER_SEGMENT + 1,
            device=f"eth{number // PER_SEGMENT}",
            interval=interval,
            vips=(f"10.{number // PER_SEGMENT}.{number % PER_SEGMENT}.1/32",),
        )
        for number in range(count)
    )


def processor_time(host: Host) -> float:
    """Seconds, of all processes on the host."""
    total = 0
    for pid in host.processes():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def running(host: Host) -> float:
    """Seconds, likewise, to the nanosecond."""
    total = 0
    for pid in host.processes():
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


def resident(host: Host) -> float:
    """MiB, proportional share, of all processes on the host."""
    total = 0
    for pid in host.processes():
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def measure(program: str, count: int, interval: float) -> Figures:
    segments = -(-count // PER_SEGMENT)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        lab = stack.enter_context(contextlib.closing(Lab(Path(directory), segments=segments)))
        for tap in lab.taps:
            tap.close()
        one, two = lab.hosts.values()
        came = stack.enter_context(contextlib.closing(Addresses(one)))
        began = time.time()
        lab.start("d1", program, configuration(count, MASTER, interval))
        lab.until(lambda: len(came.came) >= count, within=60, what="d1 holds all addresses")
        up = came.came[-1] - began - master_down(MASTER, interval=interval)
        lab.start("d2", program, configuration(count, BACKUP, interval))
        log = lab.daemons["d2"].log
        lab.until(lambda: log().count("Entering BACKUP STATE") >= count, within=60, what="d2 listens everywhere")
        time.sleep(3 * interval + 1)
        before = [processor_time(host) for host in (one, two)]
        began = time.monotonic()
        time.sleep(QUIET)
        spent = [
            (processor_time(host) - earlier) / (time.monotonic() - began)
            for host, earlier in zip((one, two), before, strict=True)
        ]
        memory = resident(two)
        wires = [
            stack.enter_context(contextlib.closing(Wire(lab.net.switch, f"br{number}"))) for number in range(segments)
        ]
        came = stack.enter_context(contextlib.closing(Addresses(two)))
        time.sleep(5 * interval)
        spurious = sum(wire.sent.get(2, 0) for wire in wires)
        lab.kill("d1")
        work = running(two)
        wait = master_down(BACKUP, interval=interval)
        lab.until(lambda: len(came.came) >= count, within=60, what="d2 holds all addresses")
        work = running(two) - work
        lab.until(lambda: sum(len([w for w in wire.first if w[0] == 2]) for wire in wires) >= count, within=60, what="")
        due = {
            (number, who[1]): at + wait
            for number, wire in enumerate(wires)
            for who, at in wire.last.items()
            if who[0] == 1
        }
        late = [wires[number].first[2, vrid] - at for (number, vrid), at in due.items()]
        last_due = max(due.values())
        return {
            "start: last address": 1000 * up,
            "master: CPU, %": 100 * spent[0],
            "backup: CPU, %": 100 * spent[1],
            "backup: memory, MiB": memory,
            "backup: adverts while the master lives": spurious,
            "takeover: advert late, median": 1000 * statistics.median(late),
            "takeover: advert late, last": 1000 * max(late),
            "takeover: CPU until then": 1000 * work,
            "takeover: last address after last due": 1000 * (came.came[-1] - last_due),
        }


def lines(runs: int, programs: Sequence[str], count: int, interval: float) -> Iterator[str]:
    rows: dict[str, dict[str, list[float]]] = {}
    for run in range(runs):
        for program in programs:
            print(f"run {run + 1} of {runs}, {program}", file=sys.stderr)
            for name, value in measure(program, count, interval).items():
                rows.setdefault(name, {each: [] for each in PROGRAMS})[program].append(value)
    yield from table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--instances", type=int, default=1000, help="at most 1000")
    parser.add_argument("--interval", type=float, default=0.1)
    parser.add_argument("--only", choices=PROGRAMS, help="one program alone")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root, for network namespaces")
    programs = [options.only] if options.only else list(PROGRAMS)
    for line in lines(options.runs, programs, options.instances, options.interval):
        print(line)


if __name__ == "__main__":
    main()
