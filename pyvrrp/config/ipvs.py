"""lvs_timeouts and lvs_sync_daemon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import IFNAME_MAX, parse_address, parse_integer
from pyvrrp.config.suggest import did_you_mean
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.config import GlobalDefs
from pyvrrp.model.globals import IpvsGlobals, IpvsTimeouts, SyncDaemon
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import Address

TIMEOUTS: Final = ("tcp", "tcpfin", "udp")
TIMEOUT_MAX: Final = 31 * 86400
SYNC_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "id": (0, 255),
    "maxlen": (1, 65507),
    "port": (1, 65535),
    "ttl": (1, 255),
}
SYNC_OPTIONS: Final = ("inst", *SYNC_NUMBERS, "group")


def read_timeouts(statements: Iterable[Statement], problems: Problems) -> IpvsTimeouts | None:
    """All lvs_timeouts lines as one; None where none of them sets anything."""
    found: dict[str, int] = {}
    for line in statements:
        if line.word != "lvs_timeouts" or len(line.words) < 2:
            continue
        if len(line.words) == 2:
            suggestion = f"write `lvs_timeouts {line.words[1] if line.words[1] in TIMEOUTS else 'tcp'} SECONDS`"
            problems.error(line.line, "lvs_timeouts takes pairs of a name and a number", word=1, suggestion=suggestion)
            continue
        for at in _pairs(line, TIMEOUTS, problems):
            seconds = _number(line, at, 0, TIMEOUT_MAX, problems)
            if seconds is not None:
                found[line.words[at]] = seconds
    return IpvsTimeouts(**found) if found else None


def read_sync_daemon(statements: Iterable[Statement], problems: Problems) -> SyncDaemon | None:
    """``lvs_sync_daemon INTERFACE [inst INSTANCE] [id N] …``, the first that stands there."""
    line = next((s for s in statements if s.word == "lvs_sync_daemon" and len(s.words) > 1), None)
    if line is None:
        return None
    words, interface = line.words, line.words[1]
    if len(interface.encode(errors="surrogateescape")) > IFNAME_MAX:
        message = f"`{interface}` is too long for an interface name (at most {IFNAME_MAX})"
        problems.error(line.line, message, "no connections are synchronised", word=1)
        return None
    found: dict[str, Any] = {}
    start = 2
    if len(words) > 2 and words[2] not in SYNC_OPTIONS:  # as it was written once: INTERFACE INSTANCE [ID]
        found["instance"] = words[2]
        start = 3
        if len(words) > 3 and words[3] not in SYNC_OPTIONS:
            number = parse_integer(words[3], *SYNC_NUMBERS["id"])
            if isinstance(number, str):
                effect = "the virtual_router_id is used"
                problems.error(line.line, f"id: {number}", effect, word=3, kind=ProblemClass.INVALID_NUMBER)
            else:
                found["id"] = number
                suggestion = f"write `id {words[3]}`"
                message = "a number alone is an old way of saying the id"
                severity, kind = Severity.DEPRECATED, ProblemClass.GENERAL
                problems.add(line.line, severity, message, "used", word=3, kind=kind, suggestion=suggestion)
            start = 4
    for at in _pairs(line, SYNC_OPTIONS, problems, start):
        name, value = words[at], words[at + 1] if at + 1 < len(words) else None
        if name == "inst":
            if value is None:
                problems.fatal(line.line, "`inst` lacks its argument", word=at, kind=ProblemClass.MISSING_PARAMETER)
            elif "instance" in found:
                problems.error(line.line, f"the instance is {found['instance']} already", word=at)
            else:
                found["instance"] = value
        elif name == "group":
            group = _group(line, at, problems)
            if group is not None:
                found["group"] = group
        else:
            option = _number(line, at, *SYNC_NUMBERS[name], problems)
            if option is not None:
                found[name] = option
    return SyncDaemon(interface=interface, **found)


def settle_sync_daemon(
    definitions: GlobalDefs, root: Statement, instances: Mapping[str, VrrpInstance], problems: Problems
) -> GlobalDefs:
    """With a sync daemon only if the instance that it follows is there; an instance may bring one, the old way."""
    ipvs = definitions.ipvs or IpvsGlobals()
    daemon = ipvs.lvs_sync_daemon
    if daemon is None:
        for name, instance in instances.items():
            interface = instance.options.lvs_sync_daemon_interface if instance.options is not None else None
            if interface is not None:
                return replace(
                    definitions, ipvs=replace(ipvs, lvs_sync_daemon=SyncDaemon(interface=interface, instance=name))
                )
        return definitions
    if daemon.instance is None or daemon.instance in instances:
        return definitions
    line = next(
        child.line
        for block in root.children
        if block.word == "global_defs"
        for child in block.children
        if child.word == "lvs_sync_daemon" and len(child.words) > 1
    )
    suggestion = did_you_mean(daemon.instance, instances)
    message = f"lvs_sync_daemon follows {daemon.instance}, and there is no such vrrp_instance"
    problems.add(line, Severity.ERROR, message, "no connections are synchronised", word=1, suggestion=suggestion)
    return replace(definitions, ipvs=replace(ipvs, lvs_sync_daemon=None))


def _pairs(line: Statement, names: tuple[str, ...], problems: Problems, start: int = 1) -> Iterable[int]:
    """Where the names stand; each takes the word behind it along."""
    at = start
    while at < len(line.words):
        word = line.words[at]
        if word in names:
            yield at
            at += 2
            continue
        suggestion = did_you_mean(word, names, f"one of {' '.join(names)}")
        problems.error(line.line, f"`{word}` is no option of {line.word}", word=at, suggestion=suggestion)
        at += 1


def _number(line: Statement, at: int, low: int, high: int, problems: Problems) -> int | None:
    if at + 1 >= len(line.words):
        problems.error(line.line, f"`{line.words[at]}` lacks its number", word=at)
        return None
    number = parse_integer(line.words[at + 1], low, high)
    if isinstance(number, int):
        return number
    problems.error(line.line, f"{line.words[at]}: {number}", word=at + 1, kind=ProblemClass.INVALID_NUMBER)
    return None


def _group(line: Statement, at: int, problems: Problems) -> Address | None:
    if at + 1 >= len(line.words):
        problems.error(line.line, "`group` lacks its address", word=at)
        return None
    address = parse_address(line.words[at + 1])
    if address is None:
        problems.error(line.line, f"`{line.words[at + 1]}` is not an IP address", word=at + 1)
    elif not address.is_multicast:
        problems.error(line.line, f"{address} is not a multicast address", word=at + 1)
        return None
    return address
