"""What health checks cost and how punctual they are, ours beside keepalived in one run. Not a test: no judgement.

    sudo .venv/bin/python -m tests.bench.checks [--targets 1000] [--seconds 15] [--kind TCP] [--runs 3]
    sudo .venv/bin/python -m tests.bench.checks --scale

keepalived's checkers run only where there is IPVS; elsewhere the program starts itself again in user-mode-linux, where
a system call costs fifteen times as much. Processor time is that of the process that checks, by the kernel; checks are
counted by the server that they ask. Each target has an address of its own, since ours asks the same question once.

With --scale: 5,000 virtual servers of 8 real servers each, 40,000 checkers, ours alone and without IPVS: start, memory,
descriptors, and how far the checks of each target are apart.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path
from typing import Final

from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.lvs.events import Started
from pyvrrp.daemon import lvs_pieces
from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host
from tests.unit.config.files import loaded

ROOT = Path(__file__).resolve().parents[2]
PORT: Final = 8080
FIRST: Final = IPv4Address("127.1.0.1")
VICTIMS: Final = 10
"""Targets that die at the end."""
PAGE: Final = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
TICKS: Final = os.sysconf("SC_CLK_TCK")
CHECKS: Final = {
    "TCP": "TCP_CHECK {\nconnect_timeout 5\n}\n",
    "HTTP": "HTTP_GET {\nconnect_timeout 5\nurl {\npath /\n}\n}\n",
}


class Server(threading.Thread):
    """Answers on all addresses, in a process of its own, and tells when it was asked under which: a line each."""

    def __init__(self, host: Host, victims: list[str]) -> None:
        super().__init__(daemon=True)
        self.asked: dict[str, list[float]] = {}
        argv = [sys.executable, "-m", "tests.bench.checks", "--serve", ",".join(victims)]
        self._process = subprocess.Popen(
            host.command(*argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.start()

    def run(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            at, address = line.split()
            self.asked.setdefault(address, []).append(float(at))

    def count(self) -> int:
        return sum(map(len, list(self.asked.values())))

    def let_victims_die(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("die\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self.join()


def serve(victims: list[str]) -> None:
    """The process of `Server`."""
    epoll = select.epoll()
    listening: dict[int, socket.socket] = {}
    mortal: list[socket.socket] = []
    for address in ["0.0.0.0", *victims]:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A victim refuses when it has died, although the others' socket takes all addresses: it has another port.
        made.bind((address, PORT if address == "0.0.0.0" else PORT + 1))
        made.listen(4096)
        made.setblocking(False)
        listening[made.fileno()] = made
        epoll.register(made, select.EPOLLIN)
        if address != "0.0.0.0":
            mortal.append(made)
    epoll.register(sys.stdin, select.EPOLLIN)
    print("ready", flush=True)
    talking: dict[int, socket.socket] = {}
    lines: list[str] = []
    while True:
        for descriptor, _ in epoll.poll(0.2):
            if descriptor in listening:
                while True:
                    try:
                        accepted, _ = listening[descriptor].accept()
                    except BlockingIOError:
                        break
                    lines.append(f"{time.monotonic():.6f} {accepted.getsockname()[0]}\n")
                    accepted.setblocking(False)
                    talking[accepted.fileno()] = accepted
                    epoll.register(accepted, select.EPOLLIN)
            elif descriptor == sys.stdin.fileno():
                if not sys.stdin.readline():
                    return
                for one in mortal:
                    del listening[one.fileno()]
                    one.close()
                mortal.clear()
            else:
                with talking.pop(descriptor) as connection:
                    try:
                        if connection.recv(4096):
                            connection.send(PAGE)
                    except OSError:
                        pass
        if lines:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()
            lines.clear()


def configuration(kind: str, targets: int, loop: int) -> tuple[str, list[str]]:
    """A virtual server for every eight targets; also the addresses of the victims, which come last."""
    blocks: list[str] = []
    victims: list[str] = []
    for at in range(targets):
        address = str(FIRST + at)
        victim = targets - at <= VICTIMS
        if victim:
            victims.append(address)
        if at % 8 == 0:
            blocks.append(
                ("}\n" if at else "")
                + f"virtual_server fwmark {at // 8 + 1} {{\nlb_algo rr\nlb_kind NAT\ndelay_loop {loop}\nretry 1\n"
            )
        blocks.append(
            f"real_server {address} {PORT + victim} {{\n"
            + CHECKS[kind].replace("{\n", "{\nretry 0\n" if kind == "TCP" else "{\nretry 0\ndelay_before_retry 1\n", 1)
            + "}\n"
        )
    return "".join(blocks) + "}\n", victims


def checker(daemon: Daemon) -> int:
    """The process that checks: the only child, where there is no VRRP."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
        if children:
            return int(children[-1])
        time.sleep(0.1)
    raise AssertionError(f"no child\n{daemon.log()}")


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss(pid: int) -> float:
    """MiB."""
    match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) / 1024 if match else float("nan")


@contextmanager
def running(program: str, kind: str, targets: int, loop: int) -> Iterator[tuple[Daemon, Server, list[str]]]:
    text, victims = configuration(kind, targets, loop)
    host = Host("bench", f"bench-checks-{os.getpid()}")
    host.run("ip", "link", "set", "lo", "up")
    server = Server(host, victims)
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(program, host, Path(directory), text)
        try:
            yield daemon, server, victims
        finally:
            daemon.kill()
            server.close()
            host.close()


def measure(program: str, kind: str, targets: int, loop: int, seconds: float) -> dict[str, float]:
    with running(program, kind, targets, loop) as (daemon, server, victims):
        deadline = time.monotonic() + 60 + 2 * loop
        while len(server.asked) < targets:  # all have had their first one
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(server.asked)} of {targets} were asked\n{daemon.log()[-2000:]}")
            time.sleep(0.1)
        pid = checker(daemon)
        before, asked, began = cpu(pid), server.count(), time.monotonic()
        time.sleep(seconds)
        spent, made, took = cpu(pid) - before, server.count() - asked, time.monotonic() - began
        gaps = [later - earlier for times in list(server.asked.values()) for earlier, later in pairwise(times)]
        memory = rss(pid)
        server.let_victims_die()
        detected: dict[str, float] = {}
        deadline = time.monotonic() + 3 * loop + 5
        with daemon._log.open() as log:
            while len(detected) < len(victims) and time.monotonic() < deadline:
                line = log.readline()
                if not line:
                    time.sleep(0.001)
                elif found := re.search(r"Removing service \[([\d.]+)\]", line):
                    detected[found[1]] = time.monotonic()
        late = [at - (server.asked[victim][-1] + loop) for victim, at in detected.items() if victim in server.asked]
        return {
            "checks per second": made / took,
            "CPU per 1,000 checks, ms": 1000 * spent / made * 1000,
            "late at the median, ms": 1000 * (statistics.median(gaps) - loop),
            "late at most, ms": 1000 * (max(gaps) - loop),
            "dead server out, beyond its next check, ms": 1000 * statistics.median(late) if late else float("nan"),
            "not detected": float(len(victims) - len(detected)),
            "memory, MiB": memory,
        }


def compare(kinds: list[str], targets: int, loop: int, seconds: float, runs: int) -> None:
    for kind in kinds:
        several: dict[str, list[dict[str, float]]] = {KEEPALIVED: [], OURS: []}
        for _ in range(runs):
            for program, told in several.items():
                told.append(measure(program, kind, targets, loop, seconds))
        # What else runs on this machine only ever adds to a figure.
        found = {p: {name: min(one[name] for one in told) for name in told[0]} for p, told in several.items()}
        print(f"\n{kind}, {targets} targets, delay_loop {loop} s{'':20}{'keepalived':>12}{'pyvrrp':>12}{'ratio':>8}")
        for name in found[OURS]:
            theirs, ours = found[KEEPALIVED][name], found[OURS][name]
            ratio = f"{ours / theirs:8.2f}" if theirs > 0 and ours > 0 else f"{'':8}"
            print(f"  {name:48}{theirs:12.2f}{ours:12.2f}{ratio}", flush=True)


def scale(virtuals: int, loop: int) -> None:
    targets = virtuals * 8
    began = time.monotonic()
    with running(OURS, "TCP", targets, loop) as (daemon, server, _):
        while not re.search(rf"{targets} checkers", daemon.log()):
            if time.monotonic() > began + 120:
                raise AssertionError(daemon.log()[-2000:])
            time.sleep(0.05)
        print(f"{virtuals} virtual servers, {targets} checkers, delay_loop {loop} s")
        print(f"  start, until the checkers are armed              {time.monotonic() - began:8.1f} s")
        pid = checker(daemon)
        armed = time.monotonic()
        descriptors = 0
        spent, asked, since = 0.0, 0, armed
        while time.monotonic() < armed + 3 * loop + 3:
            time.sleep(0.25)
            descriptors = max(descriptors, len(os.listdir(f"/proc/{pid}/fd")))
            if since == armed and time.monotonic() > armed + 2 * loop:
                spent, asked, since = cpu(pid), server.count(), time.monotonic()
        spent, asked, since = cpu(pid) - spent, server.count() - asked, time.monotonic() - since
        firsts = sorted(times[0] for times in server.asked.values())
        slots = [0] * loop
        for first in firsts:
            slots[min(loop - 1, int(first - firsts[0]))] += 1
        gaps = [later - earlier for times in server.asked.values() for earlier, later in pairwise(times)]
        even = targets / loop
        print(f"  memory of the checkers' process                  {rss(pid):8.0f} MiB")
        print(f"  descriptors at most                              {descriptors:8}")
        print(f"  first checks per second, fewest and most of even {min(slots) / even:8.2f} {max(slots) / even:.2f}")
        print(f"  asked at all, of those configured                {len(firsts) / targets:8.4f}")
        print(
            f"  a check later than its delay_loop: median, 99 %, most  {1000 * (statistics.median(gaps) - loop):.1f}"
            f" {1000 * (statistics.quantiles(gaps, n=100)[-1] - loop):.1f} {1000 * (max(gaps) - loop):.1f} ms"
        )
        print(f"  checks per second                                {asked / since:8.0f}")
        print(f"  CPU                                              {spent / since:8.2f}")
        print(f"  CPU per 1,000 checks                             {1e6 * spent / asked:8.1f} ms")
        began = time.monotonic()
        shown = len(daemon.show()["lvs"]["virtual_servers"])
        print(f"  `show` of {shown} virtual servers                   {time.monotonic() - began:8.1f} s")
    steps = snapshot_steps(configuration("TCP", targets, loop)[0])
    print(f"  snapshot for a successor: CPU, longest step      {1000 * sum(steps):8.1f} {1000 * max(steps):.1f} ms")


def snapshot_steps(text: str) -> list[float]:
    """Processor time of each piece of a snapshot, made in this process; between two of them checks go on."""
    balancer = Balancer(seed=1)
    balancer.handle(Started(0, loaded(text).config))
    gc.collect()
    gc.freeze()
    steps, pieces = [], lvs_pieces.pieces(balancer, lambda _: None)
    while True:
        began = time.process_time()
        piece = next(pieces, None)
        steps.append(time.process_time() - began)
        if piece is None:
            return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--loop", type=int, default=5, help="delay_loop")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--kind", choices=CHECKS, help="only this kind")
    parser.add_argument("--runs", type=int, default=1, help="in turn; the least of each figure counts")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--virtuals", type=int, default=5000, help="with --scale")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve.split(","))
    elif options.scale:
        scale(options.virtuals, options.loop)
    elif Path("/proc/net/ip_vs").exists() or os.environ.get("UML"):
        compare(
            [options.kind] if options.kind else list(CHECKS),
            options.targets,
            options.loop,
            options.seconds,
            options.runs,
        )
    else:
        again = [sys.executable, "-m", "tests.bench.checks", *sys.argv[1:]]
        sys.exit(subprocess.run(["tests/uml/run", "--timeout", "900", "--", *again], cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
