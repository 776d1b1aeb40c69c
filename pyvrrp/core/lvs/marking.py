"""nftables_ipvs: packets to the addresses of a group get a mark, and IPVS has one service for it in each family.

A group of a thousand addresses is two services then, and not a thousand. Marks belong to a group and a protocol; one
that was given stays, so that a reload ends no connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from pyvrrp.core.nft import FAMILIES, removal, table_name
from pyvrrp.model.globals import Firewall
from pyvrrp.model.lvs import AddressRange, Protocol, VirtualServer

TABLE: Final = "keepalived_ipvs"
_TYPES: Final = {4: "ipv4_addr", 6: "ipv6_addr"}

Owner = tuple[str, Protocol]
"""Name of a group, protocol of its virtual servers."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Packets to an address of the range and its port (0: any) get the mark."""

    protocol: Protocol
    range: AddressRange
    mark: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkTable:
    """What nftables should do for IPVS. Without entries: nothing, and there is no table."""

    name: str = TABLE
    priority: int = -1
    entries: tuple[Marked, ...] = ()

    @property
    def families(self) -> list[int]:
        return sorted({entry.range.first.version for entry in self.entries})


def is_marked(virtual: VirtualServer) -> bool:
    """Could a mark stand for its addresses? Not where its group has marks of its own."""
    group = virtual.group
    return group is not None and bool(group.ranges) and not group.marks and virtual.key.protocol is not None


class Marks:
    """Which mark each group has. `known`: as they were given before."""

    def __init__(self, known: Mapping[Owner, int]) -> None:
        self.given: dict[Owner, int] = dict(known)

    def apply(self, virtuals: Iterable[VirtualServer], firewall: Firewall) -> list[VirtualServer]:
        """The virtual servers, those of groups with their marks. Those whose group is gone lose theirs."""
        virtuals = list(virtuals)
        owners = [owner_of(virtual) for virtual in virtuals if is_marked(virtual)]
        taken = {virtual.key.fwmark for virtual in virtuals} | set(self.given.values())
        taken |= {mark.mark for virtual in virtuals if virtual.group for mark in virtual.group.marks}
        free = (mark for mark in count(firewall.nftables_ipvs_start_fwmark) if mark not in taken)
        before, self.given = self.given, {}
        for owner in owners:
            if owner not in self.given:
                self.given[owner] = before[owner] if owner in before else next(free)
        return [self._marked(virtual) if is_marked(virtual) else virtual for virtual in virtuals]

    def _marked(self, virtual: VirtualServer) -> VirtualServer:
        assert virtual.group is not None
        return replace(virtual, group=replace(virtual.group, mark=self.given[owner_of(virtual)]))


def owner_of(virtual: VirtualServer) -> Owner:
    assert virtual.group is not None
    assert virtual.key.protocol is not None
    return virtual.group.name, virtual.key.protocol


def mark_table(virtuals: Iterable[VirtualServer], firewall: Firewall) -> MarkTable:
    """What these virtual servers, which have their marks, need. An address that several groups have is the first's."""
    entries: list[Marked] = []
    covered: dict[tuple[Protocol, int, int], list[AddressRange]] = {}
    for virtual in virtuals:
        if virtual.group is None or not virtual.group.mark:
            continue
        _, protocol = owner_of(virtual)
        for wanted in virtual.group.ranges:
            known = covered.setdefault((protocol, wanted.first.version, wanted.port), [])
            entries += (Marked(protocol, piece, virtual.group.mark) for piece in _without(wanted, known))
            known.append(wanted)
    return MarkTable(
        name=table_name(firewall.nftables_ipvs, TABLE),
        priority=firewall.nftables_ipvs_priority,
        entries=tuple(entries),
    )


def _without(wanted: AddressRange, others: Sequence[AddressRange]) -> Iterator[AddressRange]:
    """What of the range is in none of the others."""
    at, end = int(wanted.first), int(wanted.last)
    gaps = []
    for first, last in sorted((int(other.first), int(other.last)) for other in others):
        if last >= at and first <= end:
            gaps.append((at, first - 1))
            at = last + 1
    gaps.append((at, end))
    base = int(wanted.first)
    for first, last in gaps:
        if first <= last:
            yield AddressRange(wanted.first + (first - base), wanted.first + (last - base), wanted.port)


def ruleset(table: MarkTable, family: int) -> str:
    """The whole table in place of the present one, in one transaction: no packet goes without its mark meanwhile."""
    maps: dict[tuple[Protocol, bool], list[str]] = {}
    for entry in table.entries:
        if entry.range.first.version == family:
            element = f"{_span(entry.range)}{f' . {entry.range.port}' if entry.range.port else ''} : {entry.mark}"
            maps.setdefault((entry.protocol, bool(entry.range.port)), []).append(element)
    sets, rules = [], []
    word = FAMILIES[family]
    # What is said of a port goes before what is said of all.
    for (protocol, ported), elements in sorted(maps.items(), key=lambda item: (item[0][0], not item[0][1])):
        kind = protocol.name.lower()
        name = f"{kind}_map" if ported else f"{kind}_any_map"
        of = f"{_TYPES[family]} . inet_service" if ported else _TYPES[family]
        sets.append(f"map {name} {{ type {of} : mark; flags interval; elements = {{ {', '.join(elements)} }}; }}")
        value = f"{word} daddr . {kind} dport" if ported else f"{word} daddr"
        rules.append(f"meta l4proto {kind} meta mark set {value} map @{name} counter return")
    head = f"type filter hook input priority {table.priority}; policy accept;"
    body = "".join(f"\t{line}\n" for line in [*sets, "chain in {", *(f"\t{line}" for line in [head, *rules]), "}"])
    return f"{removal(table.name, family)}table {word} {table.name} {{\n{body}}}\n"


def _span(range_: AddressRange) -> str:
    return f"{range_.first}" if range_.first == range_.last else f"{range_.first}-{range_.last}"
