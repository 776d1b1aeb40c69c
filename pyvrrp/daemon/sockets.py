"""Which sockets the instances need: one for each interface, group (or own unicast address) and protocol."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from pyvrrp.core.vrrp.advertiser import largest
from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.core.vrrp.surroundings import choose_source
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import IPPROTO_AH, IPPROTO_VRRP, Address

Key = tuple[str, Address, int]
"""Interface, group and protocol."""
ALL_ROUTERS: Final = frozenset(range(256))


@dataclass(frozen=True, slots=True)
class Wanted:
    index: int
    """Of the interface; 0 without one."""
    routers: frozenset[int]
    """Virtual router ids."""
    buffer: int | None = None
    """Bytes; None: a generous one."""


def wanted_sockets(
    config: Config, interfaces: Mapping[str, InterfaceFacts], virtual: Collection[Address]
) -> tuple[dict[Key, Wanted], dict[str, tuple[str, Address]]]:
    """What can be opened now, and where each instance then listens (interface and group).

    Interfaces that are missing, and unicast without an address, come later. `virtual`: no source for anybody.
    """
    wanted: dict[Key, Wanted] = {}
    places: dict[str, tuple[str, Address]] = {}
    vrrp = config.global_defs.vrrp
    everything = vrrp is not None and vrrp.log_unknown_vrids
    for instance in config.vrrp_instances:
        where = _where(instance, interfaces, virtual)
        if where is None:
            continue
        dev = instance.advert_dev
        places[instance.name] = dev, where
        facts = interfaces.get(dev)
        size = _buffer(config, instance, facts)
        ids = ALL_ROUTERS if everything else frozenset({instance.virtual_router_id})
        for protocol in _protocols(instance):
            key = dev, where, protocol
            before = wanted.get(key)
            if before is None:
                wanted[key] = Wanted(0 if facts is None else facts.index, ids, size)
            else:
                both = (before.buffer or 0) + (size or 0) or None
                wanted[key] = Wanted(before.index, before.routers | ids, both)
    return wanted, places


def _where(
    instance: VrrpInstance, interfaces: Mapping[str, InterfaceFacts], virtual: Collection[Address]
) -> Address | None:
    if instance.advert_dev and instance.advert_dev not in interfaces:
        return None
    return choose_source(instance, interfaces, virtual) if instance.unicast_peer else instance.mcast_dst_ip


def _protocols(instance: VrrpInstance) -> tuple[int, ...]:
    """With version 2 both, so that a director whose auth_type differs is heard and named."""
    return (IPPROTO_VRRP, IPPROTO_AH) if instance.version == 2 and instance.family == 4 else (IPPROTO_VRRP,)


def _buffer(config: Config, instance: VrrpInstance, facts: InterfaceFacts | None) -> int | None:
    """kernel_rx_buf_size, else vrrp_rx_bufs_policy: its number, or as many packets as the multiplier says."""
    if instance.kernel_rx_buf_size is not None:
        return instance.kernel_rx_buf_size
    buffers = config.global_defs.buffers
    policy = () if buffers is None else buffers.vrrp_rx_bufs_policy
    if buffers is None or not policy:
        return None
    if policy[0].isdecimal():
        return int(policy[0])
    words = {word.upper() for word in policy}
    mtu = 1500 if facts is None else facts.mtu
    size = mtu if "MTU" in words else largest(instance, mtu) if "ADVERT" in words else None
    return None if size is None else size * buffers.vrrp_rx_bufs_multiplier
