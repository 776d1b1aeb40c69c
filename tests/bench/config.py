"""How long `-t` takes on big configurations, ours beside keepalived in one run. Not a test: it passes no judgement.

    sudo .venv/bin/python -m tests.bench.config [--runs 5] [--large]

Whole processes: `pyvrrpd -t` against `keepalived -t`. The figures are processor time, user and system (what else runs
on the machine does not count), and of our own the wall clock and the peak of memory too. Our modules are compiled
before, as those of an installed package are. --large adds 50,000 real servers behind one virtual server, for pyvrrpd
alone: keepalived compares each with each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.topology.daemons import BIN, KEEPALIVED, OURS

SIZES = ((100, 10), (1_000, 10), (5_000, 10), (1, 20_000))
"""Virtual servers, and real servers of each."""
LARGE = (1, 50_000)


@dataclass(frozen=True, slots=True)
class Run:
    processor: float
    """Milliseconds."""
    wall: float
    """Milliseconds."""
    peak: int
    """KiB."""


def configuration(virtual_servers: int, real_servers: int) -> Iterator[str]:
    """The text, a block at a time. Nothing in it is wrong, so that nothing is said."""
    real = 0
    for virtual in range(virtual_servers):
        yield f"virtual_server 10.{virtual >> 16}.{virtual >> 8 & 255}.{virtual & 255} 80 {{\n"
        yield "    delay_loop 6\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"
        for _ in range(real_servers):
            real += 1
            yield f"    real_server 172.{16 + (real >> 16)}.{real >> 8 & 255}.{real & 255} 80 {{\n"
            yield "        weight 1\n        TCP_CHECK {\n            connect_timeout 3\n        }\n    }\n"
        yield "}\n\n"


def run(*argv: str) -> Run:
    """A process, from exec to exit. keepalived 2.2.7 wants to be process 1, or it signals itself."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(silence, descriptor)
        os.execvp(argv[0], argv)
    _, status, usage = os.wait4(child, 0)
    took = time.perf_counter() - began
    if status:
        sys.exit(f"{' '.join(argv)}: ended with wait status {status:#x}")
    return Run(1000 * (usage.ru_utime + usage.ru_stime), 1000 * took, usage.ru_maxrss)


def command(program: str, file: Path) -> list[str]:
    if program == OURS:
        return [str(BIN / OURS), "-t", "-f", str(file)]
    return ["unshare", "--pid", "--fork", KEEPALIVED, "-t", "-n", "-l", "-f", str(file)]


def row(title: str, runs: dict[str, list[Run]]) -> str:
    ours = [run.processor for run in runs[OURS]]
    theirs = [run.processor for run in runs.get(KEEPALIVED, [])]
    ratio = f"{statistics.median(ours) / statistics.median(theirs):.2f}" if theirs else "-"
    wall = statistics.median(run.wall for run in runs[OURS])
    peak = max(run.peak for run in runs[OURS]) / 1024
    return f"{title:<18}{cell(ours):>26}{cell(theirs):>26}{ratio:>8}{wall:>11.0f}{peak:>9.0f}"


def cell(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})" if values else "-"


def measure(directory: Path, size: tuple[int, int], programs: Sequence[str], times: int) -> str:
    """One row of the table; the programs take turns, so that both meet the same machine."""
    file = directory / "keepalived.conf"
    with file.open("w") as text:
        text.writelines(configuration(*size))
    runs: dict[str, list[Run]] = {program: [] for program in programs}
    for _ in range(times):
        for program in programs:
            runs[program].append(run(*command(program, file)))
    return row(f"{size[0]:,} x {size[1]:,}", runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root, for keepalived's process namespace")
    print(f"{'ms, median (range)':<18}{'pyvrrpd -t':>26}{'keepalived -t':>26}{'ratio':>8}{'ours: wall':>11}{'MiB':>9}")
    with tempfile.TemporaryDirectory() as directory:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = directory
        measure(Path(directory), (1, 1), (OURS,), 1)
        for size in SIZES:
            print(measure(Path(directory), size, (OURS, KEEPALIVED), options.runs), flush=True)
        if options.large:
            print(measure(Path(directory), LARGE, (OURS,), 1), flush=True)


if __name__ == "__main__":
    main()
