"""How the kernel treats this process: its turn on the processors, its memory, its name."""

from __future__ import annotations

import ctypes
import os
import resource
from dataclasses import dataclass
from typing import Final

from pyvrrp.errors import KernelError
from pyvrrp.kernel.refusals import kernel_error, translated

_MCL_CURRENT_AND_FUTURE: Final = 3
_LONGEST_NAME: Final = 15
_NICE: Final = os.getpriority(os.PRIO_PROCESS, 0)
_PROCESSORS: Final = frozenset(os.sched_getaffinity(0))
"""As this process was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a process may wish for; the defaults leave everything as it is at its start."""

    nice: int = 0
    """0: as it was started."""
    real_time: int = 0
    """Priority of SCHED_RR, 1..99; 0: ordinary scheduling."""
    ceiling: int = 0
    """Up to which real-time priority it may `hurry`; 0: not at all."""
    longest_run: int = 0
    """Microseconds that it may run at real-time priority without waiting for anything; then the kernel ends it."""
    processors: frozenset[int] = frozenset()
    """Empty: as it was started."""
    no_swap: bool = False
    name: str = ""
    """As ps and top show it; empty: its own."""


def take(wish: Standing, before: Standing) -> list[KernelError]:
    """Change what differs; what was refused."""
    refused: list[KernelError] = []
    for change in (_schedule, _place, _lock, _rename):
        try:
            change(wish, before)
        except KernelError as error:
            refused.append(error)
    return refused


def hurry(ceiling: int) -> int | None:
    """Take the next higher real-time priority; which one that is, None at the ceiling. KernelError if refused."""
    present = os.sched_getparam(0).sched_priority
    if present >= ceiling:
        return None
    _run_in_real_time(present + 1)
    return present + 1


def _run_in_real_time(priority: int) -> None:
    with translated(f"run with real-time priority {priority}"):
        # Scripts that it starts are ordinary processes again.
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(priority))


def _turn(standing: Standing) -> tuple[int, ...]:
    return standing.nice, standing.real_time, standing.ceiling, standing.longest_run


def _schedule(wish: Standing, before: Standing) -> None:
    if _turn(wish) == _turn(before):
        return
    if wish.longest_run:
        with translated(f"be stopped after {wish.longest_run} us in real time"):
            resource.setrlimit(resource.RLIMIT_RTTIME, (wish.longest_run, wish.longest_run))
    if wish.real_time:
        _run_in_real_time(wish.real_time)
    else:
        with translated("run with ordinary priority"):
            os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
    nice = wish.nice or _NICE
    with translated(f"run with nice value {nice}"):
        os.setpriority(os.PRIO_PROCESS, 0, nice)


def _place(wish: Standing, before: Standing) -> None:
    if wish.processors != before.processors:
        processors = wish.processors or _PROCESSORS
        with translated(f"run on processors {' '.join(map(str, sorted(processors)))}"):
            os.sched_setaffinity(0, processors)


def _lock(wish: Standing, before: Standing) -> None:
    if wish.no_swap == before.no_swap:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mlockall(_MCL_CURRENT_AND_FUTURE) if wish.no_swap else libc.munlockall()
    if done:
        raise kernel_error(ctypes.get_errno(), "keep the process in memory")


def _rename(wish: Standing, before: Standing) -> None:
    if wish.name != before.name and wish.name:
        with translated(f"call the process {wish.name}"), open("/proc/self/comm", "w", encoding="utf-8") as comm:
            comm.write(wish.name[:_LONGEST_NAME])
