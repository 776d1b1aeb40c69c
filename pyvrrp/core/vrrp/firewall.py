"""The nftables table of the vrrp worker, as text for libnftables: what is wanted, and the way from one to the next.

One table for each family, in the shape of keepalived's and under its name, so that people find what they know.
Devices are matched by name: a device that is made anew is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pyvrrp.core.nft import FAMILIES, removal
from pyvrrp.net import Address

TABLE: Final = "keepalived"
_DEVICE_NAME: Final = re.compile(r'[^"\\\s*]+')

Place = tuple[Address, str]
"""An address and the device that it is on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What is wanted."""

    name: str = TABLE
    priority: int = -1
    """Of the chains; 0 is that of ordinary filters."""
    counters: bool = False
    vmacs: frozenset[tuple[str, str, int]] = frozenset()
    """VMACs that are there: name, parent, family."""
    guards: frozenset[int] = frozenset()
    """Families (4, 6) in which packets to virtual addresses may have to be dropped."""
    dropped: frozenset[Place] = frozenset()
    """Virtual addresses of MASTERs with no_accept."""
    lent: frozenset[Place] = frozenset()
    """Addresses that VMACs borrowed from their parents, for which they must not answer."""

    @property
    def families(self) -> list[int]:
        return sorted(self.guards | {family for _, _, family in self.vmacs})


def usable(device: str) -> bool:
    """Can the name be written in a rule?"""
    return _DEVICE_NAME.fullmatch(device) is not None


def ruleset(table: Table, family: int) -> str:
    """The whole table in place of the present one, in one transaction."""
    lines = [*_sets(table, family), *_chains(table, family)]
    body = "".join(f"\t{line}\n" for line in lines)
    return f"{removal(table.name, family)}table {FAMILIES[family]} {table.name} {{\n{body}}}\n"


def change(before: Table, after: Table, family: int) -> str:
    """Elements to add and to delete where the rules stay the same; empty where nothing changes."""
    text = ""
    for verb, places in (("add", after.dropped - before.dropped), ("delete", before.dropped - after.dropped)):
        for name, elements in _drops(places, family).items():
            if elements:
                text += f"{verb} element {FAMILIES[family]} {after.name} {name} {{ {', '.join(elements)} }}\n"
    return text


def same_rules(before: Table, after: Table) -> bool:
    """Do they differ in `dropped` only?"""
    fields = ("name", "priority", "counters", "vmacs", "guards", "lent")
    return all(getattr(before, field) == getattr(after, field) for field in fields)


def _drops(places: Iterable[Place], family: int) -> dict[str, list[str]]:
    """Elements by set. A link-local address is one on its device only."""
    sets: dict[str, list[str]] = {"vips": [], "vips_link_local": []}
    for address, device in sorted(places, key=lambda place: (int(place[0]), place[1])):
        if address.version != family:
            continue
        if family == 6 and address.is_link_local:
            if usable(device):
                sets["vips_link_local"].append(f'{address} . "{device}"')
        else:
            sets["vips"].append(str(address))
    return sets


def _sets(table: Table, family: int) -> list[str]:
    drops = _drops(table.dropped, family)
    lines = []
    own = sorted((name, parent) for name, parent, kind in table.vmacs if kind == family)
    if own:
        lines += _set("map", "vmac_map", "ifname : iface_index", [f'"{name}" : "{parent}"' for name, parent in own])
    if own and family == 6:
        lines += _set("set", "vmac_set", "ifname", [f'"{name}"' for name, _ in own])
        lent = sorted(f'{address} . "{device}"' for address, device in table.lent if usable(device))
        lines += _set("set", "parent_link_local", "ipv6_addr . ifname", lent)
    if family in table.guards:
        lines += _set("set", "vips", "ipv4_addr" if family == 4 else "ipv6_addr", drops["vips"])
        if family == 6:
            lines += _set("set", "vips_link_local", "ipv6_addr . ifname", drops["vips_link_local"])
    return lines


def _set(kind: str, name: str, of: str, elements: list[str]) -> list[str]:
    inside = f"; elements = {{ {', '.join(elements)} }}" if elements else ""
    return [f"{kind} {name} {{ type {of}{inside}; }}"]


def _chains(table: Table, family: int) -> list[str]:
    drop = "counter drop" if table.counters else "drop"
    own = any(kind == family for _, _, kind in table.vmacs)
    out, into = [], []
    if own and family == 4:
        out.append(f"ip protocol igmp dup to ip daddr device oifname map @vmac_map {drop}")
    elif own:
        reports = "{ mld-listener-report, mld2-listener-report }"
        out += [
            f"icmpv6 type nd-neighbor-advert ip6 saddr . oifname @parent_link_local {drop}",
            f"icmpv6 type {reports} dup to ip6 daddr device oifname map @vmac_map {drop}",
            f"icmpv6 type nd-router-solicit oifname @vmac_set {drop}",
        ]
    if family in table.guards and family == 4:
        out.append(f"ip saddr @vips {drop}")
        into.append(f"ip daddr @vips {drop}")
    elif family in table.guards:
        neighbors = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"
        out += [neighbors, f"ip6 saddr . oifname @vips_link_local {drop}", f"ip6 saddr @vips {drop}"]
        into += [neighbors, f"ip6 daddr . iifname @vips_link_local {drop}", f"ip6 daddr @vips {drop}"]
    return [line for hook, rules in (("output", out), ("input", into)) for line in _chain(hook, rules, table.priority)]


def _chain(hook: str, rules: list[str], priority: int) -> list[str]:
    if not rules:
        return []
    head = f"type filter hook {hook} priority {priority}; policy accept;"
    return [f"chain {'out' if hook == 'output' else 'in'} {{", f"\t{head}", *(f"\t{rule}" for rule in rules), "}"]
