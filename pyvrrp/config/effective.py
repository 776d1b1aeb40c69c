"""What a configuration comes to, keyword by keyword: the table that `pyvrrp.config.render` fills defaults in from.

A row answers the line that states the effective value of something in the model, or None where nothing can be
written (a flag that is off, a value outside of what the keyword takes); what is written stays as it is then.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pyvrrp.model.checkers import CheckTiming, ConnectOptions
from pyvrrp.model.config import FlushOnStop, GlobalDefs
from pyvrrp.model.lvs import Forwarding, RealServer, VirtualServer
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.units import SECOND, Micros, format_seconds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    words: tuple[str, ...]
    """The keyword and its other spellings."""
    line: Callable[[T], str | None]
    written_stays: bool = False
    """Other keywords depend on where it stands: only add it where it is missing."""


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _word(text: str) -> str:
    """As one word of a line."""
    return text if text and not re.search(r"[\s{}!#]", text) else f'"{text}"'


def _some(word: str, duration: Micros) -> str | None:
    """For keywords that take no 0."""
    return f"{word} {format_seconds(duration)}" if duration else None


def _flush(definitions: GlobalDefs) -> str | None:
    if definitions.lvs_flush_on_stop is FlushOnStop.NO:
        return None
    return "lvs_flush_on_stop" + (" VS" if definitions.lvs_flush_on_stop is FlushOnStop.SERVICES else "")


def _state(instance: VrrpInstance) -> str | None:
    """An owner's MASTER would, if written, forbid its preempt_delay."""
    return None if instance.priority == 255 else f"state {instance.state.name}"


def _group(instance: VrrpInstance) -> str | None:
    return None if instance.unicast_peer else f"mcast_dst_ip {instance.mcast_dst_ip}"


ROOT: Final[tuple[Row[GlobalDefs], ...]] = (
    Row(("child_wait_time",), lambda g: f"child_wait_time {g.child_wait_time // SECOND}"),
    Row(("use_pid_dir",), lambda g: "use_pid_dir" if g.use_pid_dir else None),
)
GLOBAL_DEFS: Final[tuple[Row[GlobalDefs], ...]] = (
    Row(("lvs_flush",), lambda g: "lvs_flush" if g.lvs_flush else None),
    Row(("lvs_flush_on_stop", "lvs_flush_onstop"), _flush),
    Row(("vrrp_startup_delay",), lambda g: _some("vrrp_startup_delay", g.vrrp_startup_delay)),
    Row(("vrrp_garp_interval",), lambda g: _some("vrrp_garp_interval", g.garp_interval)),
    Row(("vrrp_gna_interval",), lambda g: _some("vrrp_gna_interval", g.gna_interval)),
)
INSTANCE: Final[tuple[Row[VrrpInstance], ...]] = (
    Row(("state",), _state),
    Row(("interface",), lambda i: f"interface {_word(i.interface)}"),
    Row(("virtual_router_id",), lambda i: f"virtual_router_id {i.virtual_router_id}"),
    Row(("version",), lambda i: f"version {i.version}"),
    Row(("priority",), lambda i: f"priority {i.priority}"),
    Row(("advert_int",), lambda i: f"advert_int {format_seconds(i.advert_int)}"),
    Row(("preempt", "nopreempt"), lambda i: "preempt" if i.preempt else "nopreempt"),
    Row(("preempt_delay",), lambda i: f"preempt_delay {format_seconds(i.preempt_delay)}"),
    Row(("mcast_dst_ip",), _group, written_stays=True),
    Row(("down_timer_adverts",), lambda i: f"down_timer_adverts {i.down_timer_adverts}"),
    Row(("lower_prio_no_advert",), lambda i: f"lower_prio_no_advert {_switch(i.lower_prio_no_advert)}"),
    Row(("higher_prio_send_advert",), lambda i: f"higher_prio_send_advert {_switch(i.higher_prio_send_advert)}"),
    Row(("owner_ignore_adverts",), lambda i: f"owner_ignore_adverts {_switch(i.owner_ignore_adverts)}"),
    Row(("skip_check_adv_addr",), lambda i: "skip_check_adv_addr" if i.skip_check_adv_addr else None),
    Row(("dont_track_primary",), lambda i: "dont_track_primary" if i.dont_track_primary else None),
    Row(("strict_mode",), lambda i: f"strict_mode {_switch(i.strict_mode)}"),
    Row(
        ("v3_checksum_as_v2",),
        lambda i: f"v3_checksum_as_v2 {_switch(i.v3_checksum_as_v2)}" if i.version == 3 else None,
    ),
    Row(("check_unicast_src",), lambda i: "check_unicast_src" if i.check_unicast_src and i.unicast_peer else None),
    Row(("garp_master_repeat",), lambda i: f"garp_master_repeat {i.garp.repeat}"),
    Row(("garp_master_delay",), lambda i: f"garp_master_delay {i.garp.delay // SECOND}"),
    Row(("garp_master_refresh",), lambda i: f"garp_master_refresh {i.garp.refresh // SECOND}"),
    Row(("garp_master_refresh_repeat",), lambda i: f"garp_master_refresh_repeat {i.garp.refresh_repeat}"),
    Row(("garp_lower_prio_repeat",), lambda i: f"garp_lower_prio_repeat {i.garp.lower_prio_repeat}"),
    Row(("garp_lower_prio_delay",), lambda i: f"garp_lower_prio_delay {i.garp.lower_prio_delay // SECOND}"),
)
VIRTUAL_SERVER: Final[tuple[Row[VirtualServer], ...]] = (
    Row(("lb_algo", "lvs_sched"), lambda v: f"lb_algo {v.scheduler}", written_stays=True),
    Row(("lb_kind", "lvs_method"), lambda v: "lb_kind NAT", written_stays=True),
    Row(("protocol",), lambda v: f"protocol {v.key.protocol.name}" if v.key.protocol is not None else None),
    Row(
        ("persistence_timeout",), lambda v: f"persistence_timeout {v.persistence_timeout}" * (v.persistence_timeout > 0)
    ),
    Row(("quorum",), lambda v: f"quorum {v.quorum}" if v.quorum else None),
    Row(("hysteresis",), lambda v: f"hysteresis {v.hysteresis}" if v.quorum else None),
)
REAL_SERVER: Final[tuple[Row[RealServer], ...]] = (
    Row(("weight",), lambda r: f"weight {r.weight}", written_stays=True),
    Row(
        ("lvs_method", "lb_kind"),
        lambda r: f"lvs_method {r.forwarding.name}" if r.forwarding is not Forwarding.TUN else None,
        written_stays=True,
    ),
    Row(("uthreshold",), lambda r: f"uthreshold {r.upper_threshold}"),
    Row(("lthreshold",), lambda r: f"lthreshold {r.lower_threshold}"),
    Row(("inhibit_on_failure",), lambda r: f"inhibit_on_failure {_switch(r.inhibit_on_failure)}"),
)
TIMING: Final[tuple[Row[CheckTiming], ...]] = (
    Row(("delay_loop",), lambda t: f"delay_loop {format_seconds(t.delay_loop)}"),
    Row(("retry", "nb_get_retry"), lambda t: f"retry {t.retry}"),
    Row(("delay_before_retry",), lambda t: f"delay_before_retry {format_seconds(t.delay_before_retry)}"),
    Row(("warmup",), lambda t: f"warmup {format_seconds(t.warmup)}"),
    Row(("alpha",), lambda t: f"alpha {_switch(t.alpha)}"),
    Row(("log_all_failures",), lambda t: f"log_all_failures {_switch(t.log_all_failures)}"),
)
CONNECT: Final[tuple[Row[ConnectOptions], ...]] = (
    Row(("connect_ip",), lambda c: f"connect_ip {c.target.address}"),
    Row(("connect_port",), lambda c: f"connect_port {c.target.port}" if c.target.port else None),
    Row(("connect_timeout",), lambda c: f"connect_timeout {format_seconds(c.connect_timeout)}"),
)
