"""What global_defs wishes for each process: scheduling, memory, name, umask. Loaded only where it wishes anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Any, Final

from pyvrrp.core.log import Level
from pyvrrp.errors import KernelError
from pyvrrp.kernel.standing import Standing, hurry, take
from pyvrrp.model.config import GlobalDefs
from pyvrrp.model.globals import Scheduling
from pyvrrp.units import SECOND, Micros

_WORDS: Final = {"vrrp": "vrrp", "checkers": "checker"}
"""How keywords of a role begin."""
_TITLES: Final = {"vrrp": "keepalived_vrrp", "checkers": "keepalived_lvs"}
_SHORTEST_RUN: Final = SECOND
"""An interpreter that is at work for ten milliseconds, keepalived's limit, is not stuck."""


def wished(role: str | None, definitions: GlobalDefs) -> Standing:
    """For the worker of that role; None: for the daemon's own process, which has a name only."""
    names, scheduling = definitions.process_names, definitions.scheduling
    if role is None:
        return Standing(name="" if names is None or names.process_name is None else names.process_name)
    word = _WORDS[role]
    name = "" if names is None else getattr(names, f"{word}_process_name") or ""
    if names is not None and names.process_names and not name:
        name = _TITLES[role]
    if scheduling is None:
        return Standing(name=name)

    def of(keyword: str) -> Any:
        return getattr(scheduling, f"{word}_{keyword}")

    ceiling = max(scheduling.max_auto_priority, 0)
    return Standing(
        nice=of("priority"),
        real_time=of("rt_priority"),
        ceiling=ceiling,
        longest_run=max(of("rlimit_rttime"), _SHORTEST_RUN) if of("rt_priority") or ceiling else 0,
        processors=frozenset(map(int, of("cpu_affinity"))),
        no_swap=of("no_swap"),
        name=name,
    )


def stand(
    role: str | None, now: GlobalDefs, before: GlobalDefs, commanded: int | None, log: Callable[[Level, str], None]
) -> None:
    """Be what `now` wishes; `before`: what was wished until now; `commanded`: the umask of the command line."""
    for error in take(wished(role, now), wished(role, before)):
        log(Level.WARNING, str(error))
    if commanded is None and now.places is not None and now.places.umask is not None:
        os.umask(umask(now.places.umask))


def late(by: Micros, definitions: GlobalDefs, log: Callable[[Level, str], None]) -> None:
    """A timer of this process ran out so long ago: tell it and, where that is wished, run earlier next time."""
    scheduling = definitions.scheduling or Scheduling()
    if by < scheduling.min_auto_priority_delay:
        return
    log(
        Level.WARNING,
        f"A timer ran out {by / SECOND:.3f} s ago: this process was stopped, or the machine is overloaded",
    )
    try:
        priority = hurry(scheduling.max_auto_priority)
    except KernelError as error:
        log(Level.WARNING, str(error))
    else:
        if priority is not None:
            log(Level.NOTICE, f"Running with real-time priority {priority} from now on")


def umask(text: str) -> int:
    """Of the keyword's argument: a number, or bits as IWGRP|IWOTH."""
    from pyvrrp.config.readers import parse_c_integer

    number = parse_c_integer(text)
    if number is not None:
        return number
    bits = 0
    for name in text.replace(" ", "").split("|"):
        bits |= int(getattr(stat, f"S_{name.removeprefix('S_')}", 0))
    return bits
