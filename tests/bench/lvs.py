"""Loading and reloading large IPVS tables, ours beside keepalived in one run. Not a test: it passes no judgement.

    tests/uml/run --mem 1G --timeout 1800 -- .venv/bin/python -m tests.bench.lvs [--runs 3] [--only pyvrrpd]

Needs a kernel with IPVS, hence the guest; times are its own, as those of a slow machine with one processor. All real
servers are addresses of the director itself, where one socket answers. Processor time is that of the whole process
tree, in ticks of 10 ms: what it took from the signal until next to nothing moves.

    load        from exec until the last destination is in the kernel; of that, from the first service on
    reload      SIGHUP without a change; and with one real server more
    growth      the same reloads of 5,000 and of 20,000 checkers, ours alone
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from pyvrrp.kernel.ipvs import LinuxIpvs
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Protocol, ServiceKey
from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, inside

PROGRAMS = (OURS, KEEPALIVED)
LOAD = (5_000, 4)
RELOAD = (1_000, 10)
GROWTH = ((500, 10), (2_000, 10))
"""Virtual servers, and real servers of each."""
VIRTUAL = IPv4Address("10.64.0.0")
REAL = IPv4Address("10.128.0.0")
QUIET = 1.0
IDLE = 0.06
"""After so many seconds with less than this share of the processor a reload is over."""
PATIENCE = 240.0
TICKS = os.sysconf("SC_CLK_TCK")

Rows = dict[str, dict[str, list[float]]]


@dataclass(frozen=True, slots=True)
class Size:
    virtual_servers: int
    real_servers: int
    checked: bool

    def text(self, more: int = 0) -> str:
        """A keepalived.conf; `more` servers in the first virtual server beyond those of the others."""
        check = "  TCP_CHECK {\n   connect_timeout 3\n  }\n" if self.checked else ""
        parts = ["global_defs {\n router_id bench\n}\n"]
        for virtual in range(self.virtual_servers):
            parts.append(f"virtual_server {VIRTUAL + virtual} 80 {{\n delay_loop 3600\n lb_algo rr\n lb_kind NAT\n")
            parts.append(" protocol TCP\n")
            first = virtual * self.real_servers
            places = list(range(first, first + self.real_servers))
            places += range(1 << 20, (1 << 20) + more) if virtual == 0 else ()
            parts += [f" real_server {REAL + place} 80 {{\n  weight 1\n{check} }}\n" for place in places]
            parts.append("}\n")
        return "".join(parts)


def key(virtual: int) -> ServiceKey:
    return ServiceKey.of(Endpoint(VIRTUAL + virtual, 80), Protocol.TCP)


class Director:
    """A namespace in which every address of a real server answers."""

    def __init__(self) -> None:
        self.host = Host("director", f"bench-{os.getpid()}")
        self.host.run("ip", "route", "add", "local", f"{REAL}/9", "dev", "lo")
        self.host.run("sysctl", "-qw", "net.core.somaxconn=4096")
        with inside(self.host.namespace):
            self.ipvs = LinuxIpvs()
            self.ipvs.ready()
            self._listener = socket.create_server(("0.0.0.0", 80), backlog=4096)
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        with suppress(OSError):
            while True:
                self._listener.accept()[0].close()

    def held(self, virtual: int) -> int:
        """Destinations that the service has; -1 where there is no service."""
        held = self.ipvs.table([key(virtual)]).get(key(virtual))
        return -1 if held is None else len(held[1])

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.ipvs.close()
        self.host.close()


class Running:
    """A daemon with its table in the kernel."""

    def __init__(self, director: Director, program: str, directory: Path, size: Size) -> None:
        self.director = director
        self.size = size
        last = size.virtual_servers - 1
        began = time.monotonic()
        self.daemon = Daemon(program, director.host, directory, size.text())
        try:
            first = until(lambda: director.held(0) >= 0)
            until(lambda: director.held(last) >= size.real_servers)
        except BaseException:
            self.close()
            raise
        self.loaded = time.monotonic() - began
        self.programmed = time.monotonic() - first

    def processor(self) -> float:
        """Seconds of all its processes so far."""
        return sum(map(_processor, self.director.host.processes()))

    def quiet(self) -> float:
        """Wait until it does next to nothing for a while; the processor time by then."""
        deadline = time.monotonic() + PATIENCE
        while True:
            before = self.processor()
            time.sleep(QUIET)
            if (now := self.processor()) - before < IDLE * QUIET:
                return now
            if time.monotonic() > deadline:
                raise AssertionError("it does not come to rest")

    def idle(self) -> float:
        """Percent of the processor that it takes at rest."""
        before = self.processor()
        time.sleep(5)
        return 100 * (self.processor() - before) / 5

    def reload(self, more: int) -> tuple[float, float]:
        """Processor time, and seconds until the kernel has what is new."""
        before = self.quiet()
        began = time.monotonic()
        self.daemon.reload(self.size.text(more))
        wanted = self.size.real_servers + more
        until(lambda: self.director.held(0) == wanted)
        took = time.monotonic() - began
        # The signal may not even have been taken yet where nothing changes.
        until(lambda: self.processor() > before + 0.05 or time.monotonic() > began + 5)
        return self.quiet() - before, took

    def close(self) -> float:
        """Stop it; seconds."""
        began = time.monotonic()
        self.daemon.process.send_signal(signal.SIGTERM)
        try:
            self.daemon.process.wait(60)
        finally:
            self.daemon.kill()
        return time.monotonic() - began


def _processor(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def until(truth: Callable[[], bool]) -> float:
    """Poll until it is so; when that was."""
    deadline = time.monotonic() + PATIENCE
    while not truth():
        if time.monotonic() > deadline:
            raise AssertionError("not within its time")
        time.sleep(0.02)
    return time.monotonic()


def measure(director: Director, programs: Sequence[str], runs: int, tell: Callable[[str], None]) -> Rows:
    rows: Rows = defaultdict(lambda: defaultdict(list))

    def play(program: str, size: Size, *, reloads: bool, title: str = "") -> None:
        with tempfile.TemporaryDirectory() as directory:
            running = Running(director, program, Path(directory), size)
            name = f"{size.virtual_servers:,} x {size.real_servers}{', TCP_CHECK' if size.checked else ''}"
            try:
                if reloads:
                    for change, more in (("no change", 0), ("one server more", 1)):
                        spent, took = running.reload(more)
                        rows[f"{title}{name}: reload, {change}: processor"][program].append(spent)
                        if more:
                            rows[f"{title}{name}: reload, {change}: in the kernel"][program].append(took)
                else:
                    rows[f"{name}: load: from exec"][program].append(running.loaded)
                    rows[f"{name}: load: from the first service"][program].append(running.programmed)
                    rows[f"{name}: load: processor"][program].append(running.quiet())
                    rows[f"{name}: idle: processor, %"][program].append(running.idle())
            finally:
                took = running.close()
            if not reloads:
                rows[f"{name}: stop"][program].append(took)

    for run in range(runs):
        for program in programs:
            tell(f"run {run + 1} of {runs}: {program}")
            play(program, Size(*LOAD, checked=False), reloads=False)
            play(program, Size(*RELOAD, checked=True), reloads=True)
    if OURS in programs:
        for size in GROWTH:
            tell(f"growth: {size[0]} x {size[1]}")
            for _ in range(runs):
                play(OURS, Size(*size, checked=True), reloads=True, title="growth, ")
    return rows


def cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.2f}{spread}"


def table(rows: Rows) -> Iterator[str]:
    yield f"{'s, median (range)':<64}{'pyvrrpd':>24}{'keepalived':>24}{'ratio':>8}"
    for title, by_program in rows.items():
        ours, theirs = by_program[OURS], by_program[KEEPALIVED]
        ratio = f"{statistics.median(ours) / statistics.median(theirs):.2f}" if ours and theirs and all(theirs) else "-"
        yield f"{title:<64}{cell(ours):>24}{cell(theirs):>24}{ratio:>8}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=PROGRAMS, help="one program alone")
    options = parser.parse_args()
    if not Path("/proc/net/ip_vs").exists():
        sys.exit("this kernel has no IPVS: run it under tests/uml/run")
    # keepalived keeps a descriptor for each checker that runs.
    resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
    programs = [options.only] if options.only else list(PROGRAMS)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with closing(Director()) as director:
        rows = measure(director, programs, options.runs, lambda text: print(text, file=sys.stderr, flush=True))
    for line in table(rows):
        print(line)


if __name__ == "__main__":
    main()
