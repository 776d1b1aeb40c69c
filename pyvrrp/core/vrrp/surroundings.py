"""What an instance finds around it: may it run at all, and from which address does it speak?"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.core.vrrp.priority import Weighted
from pyvrrp.core.vrrp.snapshot import Cause
from pyvrrp.core.vrrp.timing import OWNER_PRIORITY
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import Address

Interfaces = Mapping[str, InterfaceFacts]
"""Devices by name; one that does not exist is absent."""

Scripts = Mapping[str, bool]
"""What vrrp_scripts have found, by name; one that has not finished its first run is absent."""


def choose_source(config: VrrpInstance, interfaces: Interfaces, virtual: Collection[Address]) -> Address | None:
    """The address to advertise from: the configured one, else the interface's first that is no virtual address.

    Over IPv6 it is a link-local one, unless unicast peers may be anywhere (RFC 9568 §5.1.2.1). The address owner
    (priority 255) may have no other than the virtual address itself.
    """
    if config.mcast_src_ip is not None:
        return config.mcast_src_ip
    facts = interfaces.get(config.interface)
    usable = [address for address in facts.addresses if address.version == config.family] if facts else []
    if config.family == 6 and not config.unicast_peer:
        usable = [address for address in usable if address.is_link_local]
    for address in usable:
        if address not in virtual:
            return address
    return usable[0] if usable and config.priority == OWNER_PRIORITY else None


def find_faults(
    config: VrrpInstance, interfaces: Interfaces, scripts: Scripts, source: Address | None
) -> dict[Cause, str]:
    """All that keeps the instance from running, with what exactly; empty: it can run."""
    faults: dict[Cause, str] = {}
    own = interfaces.get(config.interface)
    if own is None:
        faults[Cause.INTERFACE_MISSING] = config.interface
    elif not own.up and not config.dont_track_primary:
        faults[Cause.INTERFACE_DOWN] = config.interface
    if own is not None and source is None:
        faults[Cause.NO_SOURCE_ADDRESS] = f"{config.interface} has no address of its own to advertise from"
    for dev in dict.fromkeys(address.dev for address in config.addresses):
        facts = interfaces.get(dev)
        if dev != config.interface and not (facts and facts.up):
            cause = Cause.INTERFACE_DOWN if facts else Cause.INTERFACE_MISSING
            faults.setdefault(cause, f"{dev}, which carries a virtual address")
    for track in config.track_interface:
        facts = interfaces.get(track.name)
        if track.weight == 0 and (facts is not None and facts.up) == track.reverse:
            faults.setdefault(Cause.TRACKED_INTERFACE_DOWN, track.name)
    for script in config.track_script:
        if script.weight == 0 and scripts.get(script.name) is script.reverse:
            faults.setdefault(Cause.TRACKED_SCRIPT_FAILED, script.name)
    return faults


def awaited_scripts(config: VrrpInstance, scripts: Scripts) -> tuple[str, ...]:
    """Scripts without whose first result nobody knows whether the instance is fit to run at all."""
    return tuple(s.name for s in config.track_script if s.weight == 0 and s.name not in scripts)


def weighted(config: VrrpInstance, interfaces: Interfaces, scripts: Scripts) -> list[Weighted]:
    """All that may move the priority."""
    trackers: list[Weighted] = []
    for track in config.track_interface:
        facts = interfaces.get(track.name)
        up = facts is not None and facts.up
        trackers.append((f"track_interface {track.name} {'up' if up else 'down'}", track.weight, up))
    for script in config.track_script:
        good = scripts.get(script.name)
        result = "succeeds" if good else "fails"
        trackers.append((f"track_script {script.name} {result}", script.weight, good))
    return trackers


def devices(config: VrrpInstance) -> frozenset[str]:
    """All devices whose changes concern the instance."""
    names = {config.interface, *(address.dev for address in config.addresses)}
    return frozenset(names.union(track.name for track in config.track_interface))
