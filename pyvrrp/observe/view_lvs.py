"""LVS for people: what ``ipvsadm -L -n`` shows with ``--stats`` and ``--rate``, and the health of each server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyvrrp.core.lvs.snapshot import (
    CheckerSnapshot,
    Difference,
    LvsSnapshot,
    RealServerSnapshot,
    Traffic,
    VirtualServerSnapshot,
)
from pyvrrp.observe.layout import Column, Line, Piece, Row, Style, table, words
from pyvrrp.observe.numbers import Rate, Rates, short
from pyvrrp.units import Micros, format_age

_SERVES: Final = 6
"""So many services of a group are named."""
_FIVE: Final = 5
"""Characters that `short` needs at most."""


def _pair(group: str, *, optional: bool = False) -> tuple[Column, Column]:
    """IN and OUT beneath one heading."""
    return (
        Column("IN", group, right=True, least=_FIVE, optional=optional),
        Column("OUT", group, right=True, least=_FIVE, optional=optional),
    )


# As in ipvsadm, a virtual server has its scheduler where its real servers have their forwarding.
_SERVERS: Final = (
    Column("SERVER"),
    Column("FWD"),
    Column("WGT", right=True),
    Column("HEALTH"),
    Column("ACT", "CONNECTIONS", right=True, least=_FIVE),
    Column("INACT", "CONNECTIONS", right=True, least=_FIVE),
)
_TOTALS: Final = (
    *_SERVERS,
    Column("TOTAL", "CONNECTIONS", right=True, least=_FIVE),
    *_pair("PACKETS"),
    *_pair("BYTES"),
)
_WATCHED: Final = (
    *_SERVERS,
    Column("TOTAL", "CONNECTIONS", right=True, least=_FIVE, optional=True),
    Column("NEW/S", "CONNECTIONS", right=True, least=_FIVE),
    *_pair("PACKETS/S"),
    *_pair("BYTES/S"),
    *_pair("PACKETS", optional=True),
    *_pair("BYTES", optional=True),
)


def services(
    lvs: LvsSnapshot, whole: LvsSnapshot, taken: Micros, width: int | None, rates: Rates | None, *, checks: bool
) -> list[Line]:
    """The table of virtual servers and, beneath each, its real servers; with `checks`, each health check too.

    `lvs` may be a part of the `whole`; what is said of a virtual server is said of all its real servers.
    """
    full = {service.name: service for service in whole.virtual_servers}
    rows = []
    for service in lvs.virtual_servers:
        rows.append(_service(full[service.name], rates))
        rows += [_server(server, service, taken, rates, checks=checks) for server in service.real_servers]
    return table(_WATCHED if rates else _TOTALS, rows, width)


def _service(service: VirtualServerSnapshot, rates: Rates | None) -> Row:
    servers = [server for server in service.real_servers if not server.sorry]
    alive = sum(server.alive for server in servers)
    name = service.address if service.protocol == "FWM" else f"{service.protocol} {service.address}"
    active = sum(server.active_connections for server in service.real_servers)
    inactive = sum(server.inactive_connections for server in service.real_servers)
    rate = rates.of(service.name, None, service.traffic) if rates else None
    notes: list[list[Piece]] = []
    if service.persistence_timeout:
        notes.append(words(f"persistent for {service.persistence_timeout} s", Style.FAINT))
    if not service.quorum_up:
        weight = sum(server.weight for server in servers if server.alive)
        notes.append(words(f"no quorum: the servers alive weigh {weight}, needed {service.quorum}", Style.BAD))
    if service.services:
        more = f" and {len(service.services) - _SERVES} more" if len(service.services) > _SERVES else ""
        notes.append(words(f"serves {', '.join(service.services[:_SERVES])}{more}", Style.FAINT))
    servers_told = {server.address for server in service.real_servers}
    for difference in service.drift:
        if service.services:
            notes.append(words(f"{difference.service}:", Style.BAD) + _drift(difference, named=True))
        elif difference.destination not in servers_told:
            notes.append(_drift(difference, named=True))
    health = Piece(f"{alive}/{len(servers)} up", _health_style(alive, len(servers), quorum=service.quorum_up))
    numbers = _numbers(active, inactive, service.traffic, rate, watched=rates is not None)
    return Row([Piece(name, Style.HEAD), Piece(service.scheduler), Piece(""), health, *numbers], notes)


def _health_style(alive: int, count: int, *, quorum: bool) -> Style:
    if not quorum or not alive:
        return Style.BAD
    return Style.GOOD if alive == count else Style.WARN


def _server(
    server: RealServerSnapshot, service: VirtualServerSnapshot, taken: Micros, rates: Rates | None, *, checks: bool
) -> Row:
    age = format_age(taken - server.since)
    if server.alive:
        sure = all(checker.checked and checker.last_error is None for checker in server.checkers)
        health = Piece(f"up {age}", Style.GOOD if sure else Style.WARN)
    else:
        health = Piece(f"DOWN {age}", Style.BAD)
    rate = rates.of(service.name, server.address, server.traffic) if rates else None
    notes = [note for checker in server.checkers if (note := _check(checker, taken, every=checks))]
    if server.sorry:
        notes.append(
            words(
                f"sorry server, {'in use' if server.in_pool else 'not in use'}",
                Style.WARN if server.in_pool else Style.FAINT,
            )
        )
    if not service.services:
        drift = (difference for difference in service.drift if difference.destination == server.address)
        notes += [_drift(difference, named=False) for difference in drift]
    numbers = _numbers(
        server.active_connections, server.inactive_connections, server.traffic, rate, watched=rates is not None
    )
    cells = [Piece(f"  {server.address}"), Piece(server.forwarding), Piece(str(server.weight)), health, *numbers]
    return Row(cells, notes, indent=6)


def _check(checker: CheckerSnapshot, taken: Micros, *, every: bool) -> list[Piece]:
    """What there is to say of a check: failures always, all else where everything is wanted."""
    name = f"{checker.kind} {checker.target}"
    when = f", {format_age(taken - checker.last_run)} ago" if checker.last_run is not None else ""
    if checker.shared > 1:
        when += f", shared by {checker.shared} checkers"
    if not checker.checked:
        # What only listens may have something to say about that.
        return words(f"{name}: {checker.last_error or 'has not run yet'}", Style.FAINT)
    if not checker.up:
        return words(f"{name}: {checker.last_error or 'failed'}{when}", Style.BAD)
    if checker.last_error is not None:  # failed, but has retries left
        return words(f"{name}: {checker.last_error}{when}, being retried", Style.WARN)
    return words(f"{name}: up{when}", Style.FAINT) if every else []


def _drift(difference: Difference, *, named: bool) -> list[Piece]:
    """Where the kernel's table is not as it should be."""
    if difference.present is None:
        text = f"{difference.wanted}: wanted, but not in the kernel's table"
    elif difference.wanted is None:
        text = f"{difference.present}: in the kernel's table, but not wanted"
    else:
        text = f"{difference.present} in the kernel's table, wanted {difference.wanted}"
    return words(f"{difference.destination} {text}" if named and difference.destination else text, Style.BAD)


def _numbers(active: int, inactive: int, traffic: Traffic | None, rate: Rate | None, *, watched: bool) -> list[Piece]:
    if traffic is None:
        return [Piece("-")] * (len(_WATCHED if watched else _TOTALS) - 4)
    volume = (traffic.in_packets, traffic.out_packets, traffic.in_bytes, traffic.out_bytes)
    speed: Sequence[float | None] = rate or (None,) * 5
    numbers = (active, inactive, traffic.connections, *(speed if watched else ()), *volume)
    return [Piece("-" if number is None else short(number)) for number in numbers]
