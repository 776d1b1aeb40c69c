"""Which devices of their own instances want, and what the kernel is to be told for them (keepalived's choices).

Values only: `daemon.devices` compares them with what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pyvrrp.model.config import Config
from pyvrrp.model.vmac import Kind, Vmac
from pyvrrp.model.vrrp import VrrpInstance

IFNAME_MAX = 15


@dataclass(frozen=True, slots=True)
class Found:
    """A device that is there."""

    index: int
    kind: str
    """``macvlan``; empty for one of hardware."""
    parent: str
    mode: str
    """Of a macvlan or ipvlan."""
    mac: bytes
    group: int = 0
    master: int = 0
    """Index of the bond, bridge or VRF that it belongs to; 0: none."""


def fits(vmac: Vmac, found: Found) -> bool:
    """Can it be used as it is?"""
    same = (found.kind, found.parent, found.mode) == (vmac.kind.value, vmac.parent, vmac.mode.value)
    return same and (not vmac.mac or found.mac == vmac.mac)


def settle(config: Config, present: Mapping[str, Found]) -> Config:
    """The configuration with names that are free: a device that somebody made as we would is ours under its own name.

    A macvlan of the wanted name is made anew if it is not as wanted; any other device keeps its name.
    """
    wanted = {vmac.name for instance in config.vrrp_instances for vmac in instance.vmacs}
    names: dict[str, str] = {}
    for instance in config.vrrp_instances:
        for vmac in instance.vmacs:
            found = present.get(vmac.name)
            if found is not None and (fits(vmac, found) or found.kind == vmac.kind.value):
                continue
            name = None
            if not vmac.named:
                taken = wanted | set(names.values())
                name = next((n for n, other in present.items() if n not in taken and fits(vmac, other)), None)
            if name is None and found is not None:
                name = _free(vmac, {*present, *wanted, *names.values()})
            if name is not None:
                names[vmac.name] = name
    if not names:
        return config
    return replace(config, vrrp_instances=tuple(_renamed(instance, names) for instance in config.vrrp_instances))


def _free(vmac: Vmac, taken: set[str]) -> str:
    prefix, _, router = vmac.name.rpartition(".")
    number = 0
    while True:
        number += 1
        tail = f"{number}.{router}"
        name = (prefix or "vrrp")[: IFNAME_MAX - len(tail)] + tail
        if name not in taken:
            return name


def _renamed(instance: VrrpInstance, names: Mapping[str, str]) -> VrrpInstance:
    def device(vmac: Vmac) -> Vmac:
        return replace(vmac, name=names.get(vmac.name, vmac.name))

    own = {vmac.name for vmac in instance.vmacs}
    moved = {old: new for old, new in names.items() if old in own}
    if not moved:
        return instance
    own_devices = replace(
        instance,
        vmac=None if instance.vmac is None else device(instance.vmac),
        address_vmacs=tuple(map(device, instance.address_vmacs)),
    )
    return _moved(own_devices, moved)


def _moved(instance: VrrpInstance, moved: Mapping[str, str]) -> VrrpInstance:
    """Its addresses on other devices."""
    return replace(
        instance,
        virtual_ipaddress=tuple(replace(a, dev=moved.get(a.dev, a.dev)) for a in instance.virtual_ipaddress),
        virtual_ipaddress_excluded=tuple(
            replace(a, dev=moved.get(a.dev, a.dev)) for a in instance.virtual_ipaddress_excluded
        ),
    )


def without_vmacs(config: Config) -> Config:
    """The same with everything on the parents, for whoever has no devices to make."""
    instances = []
    for instance in config.vrrp_instances:
        parents = {vmac.name: vmac.parent for vmac in instance.vmacs}
        bare = replace(instance, vmac=None, address_vmacs=()) if parents else instance
        instances.append(_moved(bare, parents) if parents else instance)
    return replace(config, vrrp_instances=tuple(instances))


def own_settings(vmac: Vmac, families: Iterable[int]) -> dict[str, str]:
    """Below /proc/sys, for the device itself, before it goes up. `families`: of the addresses that it will carry."""
    if vmac.kind is Kind.IPVLAN:
        return {}
    settings = {f"net/ipv6/conf/{vmac.name}/addr_gen_mode": "1"}
    if vmac.family == 4:
        settings |= {
            f"net/ipv4/conf/{vmac.name}/arp_ignore": "1",
            f"net/ipv4/conf/{vmac.name}/accept_local": "1",
            f"net/ipv4/conf/{vmac.name}/rp_filter": "0",
            f"net/ipv4/conf/{vmac.name}/promote_secondaries": "1",
        }
    if vmac.family == 4 and 6 not in families:
        settings[f"net/ipv6/conf/{vmac.name}/disable_ipv6"] = "1"
    return settings


def borrowed_settings(config: Config) -> dict[str, str]:
    """Settings that are not ours and get back what they had: a parent must not answer for its VMAC, and groups of the
    link (224.0.0.0/24) need no IGMP (disable_local_igmp)."""
    settings: dict[str, str] = {}
    vrrp = config.global_defs.vrrp
    if vrrp is not None and vrrp.disable_local_igmp:
        settings["net/ipv4/igmp_link_local_mcast_reports"] = "0"
    for instance in config.vrrp_instances:
        for vmac in instance.vmacs:
            if vmac.kind is Kind.MACVLAN and vmac.family == 4:
                settings[f"net/ipv4/conf/{vmac.parent}/arp_ignore"] = "1"
                settings[f"net/ipv4/conf/{vmac.parent}/arp_filter"] = "1"
        if instance.promote_secondaries:
            for dev in {address.dev for address in instance.addresses} - {vmac.name for vmac in instance.vmacs}:
                settings[f"net/ipv4/conf/{dev}/promote_secondaries"] = "1"
    return settings
