"""What a flood of bad packets leaves of a pair, ours beside keepalived in one run. Not a test: it passes no judgement.

    sudo .venv/bin/python -m tests.bench.flood [--rate 50000] [--seconds 5] [--kind badsum ...]

VRRPv3, an advertisement each 0.1 s (`password`: VRRPv2, 1 s). The forger sits on the bridge and sends 64 different
frames in turn. Told are: what reached the bridge a second, the share of the master's advertisements that went out,
those of the backup (none should), the worst gap between two of the master's, processor time, and lines in both logs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRP, VRRPv3

from tests.bench.instances import ETH_P_IP, Wire, processor_time
from tests.bench.takeover import PROGRAMS, Figures, table
from tests.topology.lab import VIP, Lab, instance
from tests.topology.net import inside

FRAMES = 64
VRID = 51


def _frame(number: int, message: bytes, *, ttl: int = 255) -> bytes:
    packet = IP(src=f"192.0.2.{100 + number}", dst="224.0.0.18", ttl=ttl, proto=112) / message
    return bytes(Ether(dst="01:00:5e:00:00:12", src=f"02:00:00:00:01:{number:02x}") / packet)


def _advert(number: int, *, vrid: int = VRID, priority: int = 150) -> bytes:
    source = IP(src=f"192.0.2.{100 + number}", dst="224.0.0.18", ttl=255, proto=112)
    return bytes(source / VRRPv3(vrid=vrid, priority=priority, adv=10, addrlist=[VIP]))[20:]


def _damaged(number: int) -> bytes:
    message = bytearray(_advert(number))
    message[6] ^= 1 + number
    return bytes(message)


KINDS: dict[str, Callable[[int], bytes]] = {
    "other vrid": lambda n: _frame(n, _advert(n, vrid=100 + n)),
    "checksum": lambda n: _frame(n, _damaged(n)),
    "truncated": lambda n: _frame(n, _advert(n)[:9]),
    "ttl": lambda n: _frame(n, _advert(n), ttl=64),
    "random": lambda n: _frame(n, random.Random(n).randbytes(28)),
    "lower priority": lambda n: _frame(n, _advert(n, priority=50)),
    "password": lambda n: _frame(n, bytes(VRRP(vrid=VRID, priority=150, adv=1, authtype=1, auth1=n, addrlist=[VIP]))),
}


def flood(namespace: str, frames: list[bytes], rate: int, seconds: float) -> None:
    """Send at that rate, in portions of at most a millisecond."""
    with inside(namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("br0", ETH_P_IP))
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate)
            while sent < due:
                with contextlib.suppress(BlockingIOError, OSError):
                    wire.send(frames[sent % len(frames)])
                sent += 1
            time.sleep(min(0.001, 1 / rate))


def measure(kind: str, program: str, rate: int, seconds: float) -> Figures:
    version, interval = (2, 1.0) if kind == "password" else (3, 0.1)
    password = "secret" if kind == "password" else None
    common = {"version": version, "interval": interval, "password": password}
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        lab = stack.enter_context(contextlib.closing(Lab(Path(directory))))
        lab.tap.close()
        lab.start("d1", program, instance(priority=150, **common))  # type: ignore[arg-type]
        lab.until_master("d1")
        lab.start("d2", program, instance(priority=100, **common))  # type: ignore[arg-type]
        lab.until_backup("d2")
        frames = [KINDS[kind](number) for number in range(FRAMES)]
        wire = stack.enter_context(contextlib.closing(Gaps(lab)))
        logs = [len(daemon.log().splitlines()) for daemon in lab.daemons.values()]
        spent = [processor_time(host) for host in (lab.hosts["d1"], lab.hosts["d2"])]
        forger = get_context("fork").Process(target=flood, args=(lab.net.switch.namespace, frames, rate, seconds))
        wire.begin()
        forger.start()
        forger.join()
        wire.end()
        lines = sum(len(d.log().splitlines()) for d in lab.daemons.values()) - sum(logs)
        after = [processor_time(host) for host in (lab.hosts["d1"], lab.hosts["d2"])]
        return {
            "adverts of the master, %": 100 * len(wire.master) / (seconds / interval),
            "adverts of the backup": wire.backup,
            "longest gap, ms": 1000 * wire.longest,
            "master: CPU, %": 100 * (after[0] - spent[0]) / seconds,
            "backup: CPU, %": 100 * (after[1] - spent[1]) / seconds,
            "log lines a second": lines / seconds,
        }


class Gaps(Wire):
    """The two directors' own advertisements while it counts; a kernel filter would drop the rest."""

    def __init__(self, lab: Lab) -> None:
        self.master: list[float] = []
        self.backup = 0
        self._counts = False
        super().__init__(lab.net.switch, "br0")

    def begin(self) -> None:
        self._counts = True

    def end(self) -> None:
        self._counts = False

    def note(self) -> None:
        frame, at = self.receive()
        if self._counts and frame[23] == 112 and frame[26:29] == bytes((192, 0, 2)):
            if frame[29] == 1:
                self.master.append(at)
            elif frame[29] == 2:
                self.backup += 1

    @property
    def longest(self) -> float:
        return max((b - a for a, b in zip(self.master, self.master[1:], strict=False)), default=float("nan"))


def lines(kinds: list[str], rate: int, seconds: float) -> Iterator[str]:
    for kind in kinds:
        rows: dict[str, dict[str, list[float]]] = {}
        for program in PROGRAMS:
            print(f"{kind}, {program}", file=sys.stderr)
            for name, value in measure(kind, program, rate, seconds).items():
                rows.setdefault(f"{kind}: {name}", {each: [] for each in PROGRAMS})[program].append(value)
        yield from table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=50_000, help="packets a second")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--kind", choices=KINDS, nargs="*", default=list(KINDS))
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root, for network namespaces")
    for line in lines(options.kind, options.rate, options.seconds):
        print(line)


if __name__ == "__main__":
    main()
