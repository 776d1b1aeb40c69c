"""What instances take from global_defs where they say nothing themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from pyvrrp.config.announcing import garp_extra
from pyvrrp.config.global_defs import GROUP_WORDS, is_group
from pyvrrp.config.values import Values, flag, integer, text
from pyvrrp.config.vmacs import DeviceNames
from pyvrrp.model.vrrp import Garp, GarpExtra
from pyvrrp.net import VRRP_GROUP4, VRRP_GROUP6, Address
from pyvrrp.units import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """By the names of the instance's fields."""

    version: int = 2
    garp: Garp = field(default_factory=Garp)
    groups: Mapping[int, Address] = field(default_factory=lambda: {4: VRRP_GROUP4, 6: VRRP_GROUP6})
    """vrrp_mcast_group4 and vrrp_mcast_group6, by the addresses' version."""
    down_timer_adverts: int = 3
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = False
    skip_check_adv_addr: bool = False
    check_unicast_src: bool = False
    owner_ignore_adverts: bool = False
    strict_mode: bool = False
    garp_extra_if: GarpExtra | None = None
    devices: DeviceNames = field(default_factory=DeviceNames)
    v3_checksum_as_v2: bool = False


FLAGS: Final = (
    "lower_prio_no_advert",
    "higher_prio_send_advert",
    "skip_check_adv_addr",
    "check_unicast_src",
    "owner_ignore_adverts",
)
"""Of the same name as their keyword, but for its vrrp_."""


def read_defaults(values: Values) -> Defaults:
    groups: dict[int, Address] = {4: VRRP_GROUP4, 6: VRRP_GROUP6}
    for word in GROUP_WORDS:
        group = values.get(word)
        if isinstance(group, (IPv4Address, IPv6Address)) and is_group(word, group):
            groups[group.version] = group
    prefix = text(values, "vmac_prefix") or "vrrp"
    return Defaults(
        version=integer(values, "vrrp_version", 2),
        garp=_garp(values),
        groups=groups,
        down_timer_adverts=integer(values, "vrrp_down_timer_adverts", 3),
        **{word: flag(values, f"vrrp_{word}") for word in FLAGS},
        strict_mode=flag(values, "vrrp_strict"),
        garp_extra_if=garp_extra(values, "vrrp_garp_extra_if", "vrrp_vmac_garp_intvl"),
        devices=DeviceNames(prefix, text(values, "vmac_addr_prefix") or prefix),
        v3_checksum_as_v2=flag(values, "v3_checksum_as_v2"),
    )


def _garp(values: Values) -> Garp:
    minimal = flag(values, "vrrp_min_garp")
    repeat = max(1, integer(values, "vrrp_garp_master_repeat", 1 if minimal else 5))
    delay = integer(values, "vrrp_garp_master_delay", 0 if minimal else 5)
    return Garp(
        repeat=repeat,
        delay=delay * SECOND,
        refresh=integer(values, "vrrp_garp_master_refresh", 0) * SECOND,
        refresh_repeat=max(1, integer(values, "vrrp_garp_master_refresh_repeat", 1)),
        lower_prio_repeat=integer(values, "vrrp_garp_lower_prio_repeat", repeat),
        lower_prio_delay=integer(values, "vrrp_garp_lower_prio_delay", delay) * SECOND,
    )
