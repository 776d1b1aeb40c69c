"""What an instance finds around it: may it run at all, and from which address does it speak?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from typing import Final

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.core.vrrp.priority import Summand, contribution
from pyvrrp.core.vrrp.snapshot import Cause
from pyvrrp.core.vrrp.timing import OWNER_PRIORITY
from pyvrrp.model.tracked import Tracked, Tracker
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import Address

Interfaces = Mapping[str, InterfaceFacts]
"""Devices by name; one that does not exist is absent."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of a thing that is tracked."""

    value: bool | int
    """Up or down; of a file its number."""
    detail: str = ""
    """Why it is down, in words."""


Findings = Mapping[tuple[Tracker, str], Finding]
"""By kind and name, interfaces excepted; what is not known yet is absent."""

_MAC: Final = 6

FAULTS: Final = {
    Tracker.INTERFACE: Cause.TRACKED_INTERFACE_DOWN,
    Tracker.SCRIPT: Cause.TRACKED_SCRIPT_FAILED,
    Tracker.FILE: Cause.TRACKED_FILE,
    Tracker.PROCESS: Cause.TRACKED_PROCESS,
    Tracker.BFD: Cause.TRACKED_BFD,
}
WORDS: Final = {
    Tracker.INTERFACE: ("down", "up"),
    Tracker.SCRIPT: ("fails", "succeeds"),
    Tracker.PROCESS: ("does not run", "runs"),
    Tracker.BFD: ("down", "up"),
}
"""Down and up, as people say of each kind."""


def without_virtual(facts: InterfaceFacts, virtual: Collection[Address]) -> InterfaceFacts:
    """The device without its virtual addresses, unless it has no other of that family (it is the owner's then)."""
    own = [address for address in facts.addresses if address not in virtual]
    families = {address.version for address in own}
    kept = tuple(a for a in facts.addresses if a.version not in families or a not in virtual)
    return facts if kept == facts.addresses else replace(facts, addresses=kept)


def choose_source(config: VrrpInstance, interfaces: Interfaces, virtual: Collection[Address]) -> Address | None:
    """The address to advertise from: the configured one, else the interface's first that is no virtual address.

    Over IPv6 it is a link-local one, unless unicast peers may be anywhere (RFC 9568 §5.1.2.1). The address owner
    (priority 255) may have no other than the virtual address itself.
    """
    if config.mcast_src_ip is not None:
        return config.mcast_src_ip
    vmac = config.vmac
    if vmac is not None and not vmac.mac and config.family == 4:
        return None  # an ipvlan has its parent's MAC address, so it cannot speak from its parent's IPv4 address too
    facts = interfaces.get(config.interface)
    usable = [address for address in facts.addresses if address.version == config.family] if facts else []
    if config.family == 6 and not config.unicast_peer:
        usable = [address for address in usable if address.is_link_local]
        if vmac is not None and facts is not None and not usable and len(facts.mac) == _MAC:
            usable = [_link_local(facts.mac)]
    for address in usable:
        if address not in virtual:
            return address
    return usable[0] if usable and config.priority == OWNER_PRIORITY else None


def _link_local(mac: bytes) -> IPv6Address:
    """RFC 4291 appendix A: what a VMAC speaks from if its parent has no address of that kind."""
    return IPv6Address(bytes((0xFE, 0x80, *bytes(6), mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE, *mac[3:])))


def find_faults(
    config: VrrpInstance, interfaces: Interfaces, findings: Findings, source: Address | None
) -> dict[Cause, str]:
    """All that keeps the instance from running, with what exactly; empty: it can run."""
    faults: dict[Cause, str] = {}
    own = interfaces.get(config.interface)
    if config.no_peer:
        faults[Cause.NO_PEER] = "unicast_peer names nobody"
    if not config.interface:
        pass  # unicast wherever the routes lead
    elif own is None:
        faults[Cause.INTERFACE_MISSING] = config.interface
    elif not own.up and not config.dont_track_primary:
        faults[Cause.INTERFACE_DOWN] = config.interface
    if own is not None and source is None:
        faults[Cause.NO_SOURCE_ADDRESS] = f"{config.interface} has no address of its own to advertise from"
    elif config.track_src_ip and not _has(interfaces, config.interface, source) and (own or not config.interface):
        faults[Cause.NO_SOURCE_ADDRESS] = f"{source} is not on {config.interface or 'any interface'}"
    for dev, why in carriers(config).items():
        facts = interfaces.get(dev)
        if dev != config.interface and not (facts and facts.up):
            cause = Cause.INTERFACE_DOWN if facts else Cause.INTERFACE_MISSING
            faults.setdefault(cause, f"{dev}, {why}")
    for kind, track in config.tracked:
        found = _finding(kind, track, interfaces, findings)
        if found is not None and contribution(track, found.value) is None:
            detail = _detail(kind, track, found)
            faults[FAULTS[kind]] = f"{faults[FAULTS[kind]]}, {detail}" if FAULTS[kind] in faults else detail
    return faults


def carriers(config: VrrpInstance) -> dict[str, str]:
    """Devices without which what the instance brings along cannot be, and why."""
    found = {address.dev: "which carries a virtual address" for address in config.addresses if address.track}
    for kind, entries in (("route", config.virtual_routes), ("rule", config.virtual_rules)):
        for entry in entries:
            if entry.track:
                found |= {dev: f"which a virtual {kind} names" for dev in entry.devices if dev not in found}
    found |= {vmac.name: f"which is made on {vmac.parent}" for vmac in config.vmacs}
    return found | {dev: "which carries what is static" for dev in config.static_devices if dev not in found}


def _has(interfaces: Interfaces, name: str, address: Address | None) -> bool:
    """Whether the address is on the device, or on any if that has no name."""
    devices = [interfaces[name]] if name in interfaces else interfaces.values() if not name else []
    return any(address in facts.addresses for facts in devices)


def awaited(config: VrrpInstance, findings: Findings) -> tuple[str, ...]:
    """Scripts without whose first result nobody knows whether the instance is fit to run at all."""
    return tuple(s.name for s in config.track_script if s.weight == 0 and (Tracker.SCRIPT, s.name) not in findings)


def weighted(config: VrrpInstance, interfaces: Interfaces, findings: Findings) -> list[Summand]:
    """What each tracker adds to the priority, those that add nothing left out."""
    parts: list[Summand] = []
    for kind, track in config.tracked:
        found = _finding(kind, track, interfaces, findings)
        added = None if found is None else contribution(track, found.value)
        if found is not None and added:
            is_file = kind is Tracker.FILE
            state = f"{int(found.value)} x {_factor(track)}" if is_file else WORDS[kind][bool(found.value)]
            parts.append((f"{kind.value} {track.name} {state}", added))
    return parts


def devices(config: VrrpInstance) -> frozenset[str]:
    """All devices whose changes concern the instance; an empty name among them: all."""
    names = {config.interface, *(address.dev for address in config.addresses), *carriers(config)}
    names.update(vmac.parent for vmac in config.vmacs)
    return frozenset(names.union(track.name for track in config.track_interface))


def _finding(kind: Tracker, track: Tracked, interfaces: Interfaces, findings: Findings) -> Finding | None:
    if kind is not Tracker.INTERFACE:
        return findings.get((kind, track.name))
    facts = interfaces.get(track.name)
    return Finding(facts is not None and facts.up)


def _detail(kind: Tracker, track: Tracked, found: Finding) -> str:
    """What is wrong, in words. That a thing is down need not be said of what is called down already."""
    if kind is Tracker.FILE:
        return f"{track.name} is {int(found.value)}" + (f", times {_factor(track)}" if track.weight else "")
    if track.reverse:
        return f"{track.name} {WORDS[kind][bool(found.value)]}, which is reversed"
    return f"{track.name}: {found.detail}" if found.detail else track.name


def _factor(track: Tracked) -> int:
    return -track.weight if track.reverse else track.weight
