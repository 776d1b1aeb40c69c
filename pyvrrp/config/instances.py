"""vrrp_instance blocks.

What of an instance decides the rest comes in the order of the file, as in keepalived: the first address fixes
the family, and addresses of the other one are dropped (vrrp_parser.c, vrrp.c: vrrp_complete_instance).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from pyvrrp.config.addresses import read_virtual_address
from pyvrrp.config.announcing import garp_extra
from pyvrrp.config.authentication import Secret, read_hmac
from pyvrrp.config.defaults import Defaults
from pyvrrp.config.global_defs import is_link_multicast
from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.problems import Problems
from pyvrrp.config.rarely import read_options
from pyvrrp.config.readers import BARE, parse_address
from pyvrrp.config.routing import Routing
from pyvrrp.config.source import Line
from pyvrrp.config.strict import DOWN_TIMER, strict_values
from pyvrrp.config.tracking import DEFINED_BY, Definitions, read_notify, read_tracked, read_tracked_interfaces
from pyvrrp.config.tree import Statement
from pyvrrp.config.unicast import read_limits, without_peers
from pyvrrp.config.values import flag, integer, switch, text
from pyvrrp.config.vmacs import Devices, Wish, make_devices, on_devices, read_use_ipvlan, read_use_vmac
from pyvrrp.model.routing import Route, Rule
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vmac import Kind
from pyvrrp.model.vrrp import (
    Authentication,
    AuthType,
    Garp,
    GarpExtra,
    PeerTtl,
    State,
    UnicastChecksum,
    VirtualAddress,
    VrrpInstance,
)
from pyvrrp.net import Address
from pyvrrp.units import CENTISECOND, SECOND, Micros, format_seconds

OWNER: Final = 255
ADVERT_INT_MAX_V3: Final = 4095 * CENTISECOND
"""12 bits of centiseconds (RFC 9568 §5.2.7)."""
_HIGHEST_BACKUP: Final = 254
FLAGS: Final = ("vmac_xmit_base", "promote_secondaries", "dont_track_primary", "linkbeat_use_polling", "track_src_ip")
DEFAULTED: Final = ("v3_checksum_as_v2", "lower_prio_no_advert", "higher_prio_send_advert", "skip_check_adv_addr")
"""Fields that are what their keyword says, else off, else as in global_defs."""


@dataclass(slots=True)
class Draft:
    """An instance while its block is read."""

    block: Statement
    name: str
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    static_devices: tuple[str, ...] = ()
    values: dict[str, object] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    """Where each keyword stands, its last use."""
    state: State | None = None
    version: int | None = None
    family: int | None = None
    family_from: str = ""
    """What fixed the family."""
    addresses: list[VirtualAddress] = field(default_factory=list)
    excluded: list[VirtualAddress] = field(default_factory=list)
    dev_spans: list[InterfaceUse] = field(default_factory=list)
    peers: list[Address] = field(default_factory=list)
    source: Address | None = None
    destination: Address | None = None
    limits: list[PeerTtl] = field(default_factory=list)
    secret: Secret = field(default_factory=Secret)
    hmac: Statement | None = None
    vmac: Wish | None = None
    track_blocks: list[Statement] = field(default_factory=list)
    tracked: dict[str, tuple[Tracked, ...]] = field(default_factory=dict)
    """By block; interfaces excepted."""


def build_instance(
    block: Statement,
    position: int,
    defaults: Defaults,
    defined: Definitions,
    routing: Routing,
    problems: Problems,
    uses: list[InterfaceUse],
) -> VrrpInstance | None:
    """The instance; None if it is left out, which a problem says then."""
    name = block.words[1]
    draft = Draft(
        block,
        name,
        routes=tuple(routing.routes.get(name, ())),
        rules=tuple(routing.rules.get(name, ())),
        static_devices=routing.devices_tracked_by(name),
    )
    builder = _Builder(draft, defaults, problems)
    for child in block.children:
        if child.word in DEFINED_BY:
            found = read_tracked(child, position, draft.name, defined, problems)
            draft.tracked[child.word] = draft.tracked.get(child.word, ()) + found
        builder.read(child)
    return builder.finish(uses)


class _Builder:
    def __init__(self, draft: Draft, defaults: Defaults, problems: Problems) -> None:
        self.draft = draft
        self.defaults = defaults
        self.problems = problems

    # ---- one keyword after the other

    def read(self, child: Statement) -> None:
        word, draft = child.word, self.draft
        draft.lines[word] = child.line
        handler = HANDLERS.get(word)
        if handler is not None:
            handler(self, child)
        elif word == "preempt":
            draft.values.pop("nopreempt", None)
        elif child.value is not None:
            draft.values[word] = child.value

    def state(self, child: Statement) -> None:
        if not isinstance(child.value, str):
            return
        if child.value not in ("MASTER", "BACKUP"):
            suggestion = "write BACKUP or MASTER"
            message = f"`{child.value}` is not a state to start in"
            self.problems.error(child.line, message, "BACKUP is used", word=1, suggestion=suggestion)
        elif child.value == "BACKUP" and self.draft.state is State.MASTER:
            self.problems.error(child.line, "the state was set to MASTER before", "MASTER stays", word=1)
        else:
            self.draft.state = State.MASTER if child.value == "MASTER" else State.BACKUP

    def interface(self, child: Statement) -> None:
        if child.value == "lo":
            self.problems.error(child.line, "VRRP cannot run on the loopback interface", word=1)
        elif child.value is not None:
            self.draft.values["interface"] = child.value

    def use_vmac(self, child: Statement) -> None:
        if self.draft.vmac is None or self.draft.vmac.kind is Kind.MACVLAN:
            self.draft.vmac = read_use_vmac(child, self.problems)
        else:
            self.problems.error(child.line, f"{self.draft.name} has an ipvlan already", "use_vmac is ignored")

    def use_ipvlan(self, child: Statement) -> None:
        if self.draft.vmac is not None and self.draft.vmac.kind is Kind.IPVLAN:
            self.problems.error(child.line, f"{self.draft.name} has an ipvlan already")
            return
        wish = self.draft.vmac = read_use_ipvlan(child, self.problems)
        if wish.address is not None:
            if self._fits(wish.address.version, child, child.word):
                self.draft.source = self.draft.source or wish.address.ip
            else:
                wish.address = None

    def vrf(self, child: Statement) -> None:
        if "interface" in self.draft.values:
            self.problems.error(child.line, "vrf is for instances without interface", word=0)
        elif child.value is not None:
            self.draft.values["vrf"] = child.value

    def version(self, child: Statement) -> None:
        if not isinstance(child.value, int):
            return
        before = self.draft.version or (3 if self.draft.family == 6 else None)
        if before is not None and before != child.value:
            message = f"version {child.value}, but it is {before} already"
            self.problems.error(child.line, message, f"version {before} stays", word=1)
        else:
            self.draft.version = child.value

    def native_ipv6(self, child: Statement) -> None:
        self._fits(6, child, "native_ipv6")

    def source(self, child: Statement) -> None:
        address = child.value
        if isinstance(address, (IPv4Address, IPv6Address)) and self._fits(address.version, child, child.word):
            self.draft.source = address

    def destination(self, child: Statement) -> None:
        address = child.value
        if not isinstance(address, (IPv4Address, IPv6Address)):
            return
        if not address.is_multicast:
            self.problems.error(child.line, f"{address} is not a multicast address", word=1)
        elif not is_link_multicast(address):
            self.problems.error(child.line, f"{address} is no multicast address of a link (ff02::)", word=1)
        elif self._fits(address.version, child, child.word):
            self.draft.destination = address

    def unicast_peer(self, block: Statement) -> None:
        for child in block.children:
            address = parse_address(child.word)
            if address is None:
                message = f"`{child.word}` is not an IP address"
                self.problems.error(child.line, message, "the peer is left out", word=0)
            elif self._fits(address.version, child, "unicast_peer"):
                limits = read_limits(address, child, self.problems)
                if limits is not None:
                    self.draft.limits.append(limits)
                if address in self.draft.peers:
                    self.problems.notice(child.line, f"peer {address} is given twice", "the line is ignored", word=0)
                else:
                    self.draft.peers.append(address)

    def virtual_ipaddress(self, block: Statement) -> None:
        excluded = block.word == "virtual_ipaddress_excluded"
        list_ = self.draft.excluded if excluded else self.draft.addresses
        known = {(address.interface.ip, address.dev) for address in list_}
        for child in block.children:
            address = read_virtual_address(child, self.problems)
            if address is None:
                continue
            if not excluded and not self._fits(address.address.version, child, "virtual_ipaddress"):
                continue
            key = (address.interface.ip, address.dev)
            if key in known:
                self.problems.notice(child.line, f"{address.address} is given twice", "the line is ignored", word=0)
                continue
            known.add(key)
            list_.append(address)
            if address.dev:
                at = child.words.index("dev") + 1
                span = self.problems.source.span(child.line, at)
                self.draft.dev_spans.append(InterfaceUse(address.dev, span, f"address {child.word}"))

    def authentication(self, block: Statement) -> None:
        self.draft.secret.read(block, self.problems)

    def auth_hmac(self, block: Statement) -> None:
        self.draft.hmac = block

    def track_interface(self, block: Statement) -> None:
        self.draft.track_blocks.append(block)

    def _fits(self, version: int, child: Statement, what: str) -> bool:
        """The first address fixes the family; one of the other family is dropped."""
        draft = self.draft
        if draft.family is None:
            draft.family, draft.family_from = version, what
        if draft.family == version:
            return True
        message = f"an IPv{version} address in an instance that is IPv{draft.family} by its {draft.family_from}"
        suggestion = None
        if what == "virtual_ipaddress":
            suggestion = "put it into virtual_ipaddress_excluded, or into an instance of its own"
        self.problems.error(child.line, message, "it is left out", word=0, suggestion=suggestion)
        return False

    # ---- at the end of the block

    def finish(self, uses: list[InterfaceUse]) -> VrrpInstance | None:
        draft, problems, defaults = self.draft, self.problems, self.defaults
        values, line = draft.values, draft.block.line
        family = draft.family or 4
        version = draft.version or (3 if family == 6 else defaults.version)
        strict = flag(values, "strict_mode", defaults.strict_mode)
        if strict and family == 6 and version == 2:
            problems.error(draft.lines["version"], "strict mode has no version 2 over IPv6", "version 3 is used")
            version = 3
        down_timer = integer(values, "down_timer_adverts", defaults.down_timer_adverts)
        if strict:
            unicast = bool(draft.peers)
            values = draft.values = strict_values(
                values, draft.lines, line, version, down_timer, problems, unicast=unicast
            )
        interface = text(values, "interface")
        if "virtual_router_id" not in values:
            problems.fatal(line, f"{draft.name} has no (valid) virtual_router_id")
        if interface is None and not self._needs_no_interface():
            problems.fatal(line, f"{draft.name} has no (valid) interface")
        self._first_address(strict)
        self._no_address(3 if strict else version)
        priority = integer(values, "priority", 255 if draft.state is State.MASTER and self._unset("priority") else 100)
        state = self._initial_state(priority, strict)
        nopreempt, preempt_delay = self._preemption(priority)
        advert_int = self._advert_int(version)
        tracked = self._tracked(interface, uses)
        hmac = None if draft.hmac is None else read_hmac(draft.hmac, advert_int, problems, strict=strict)
        authentication = draft.secret.finish(
            draft.lines.get("authentication"), version, family, problems, strict=strict, signed=hmac is not None
        )
        state = self._with_ah(authentication, state, priority)
        no_peer = False
        if not draft.peers:
            usable = {
                c.word: c.line for c in draft.block.children if c.row is None or c.row.opens or c.value is not None
            }
            no_peer = without_peers(draft.name, usable, problems, fault=flag(values, "unicast_fault_no_peer"))
        elif draft.destination is not None:
            problems.error(draft.lines["mcast_dst_ip"], "adverts to unicast peers go to no multicast address")
            draft.destination = None
        if interface is None:
            interface = ""
        else:
            uses.append(InterfaceUse(interface, problems.source.span(draft.lines["interface"], 1), f"{draft.name}"))
        if "virtual_router_id" not in values or (not interface and not self._needs_no_interface()):
            return None
        uses.extend(draft.dev_spans)
        interface = interface or text(values, "vrf") or ""
        devices = self._devices(interface, family, strict)
        advertised = on_devices(_on(draft.addresses, interface), family, devices)
        excluded = on_devices(_on(draft.excluded, interface), family, devices)
        by_word: dict[str, Any] = {**draft.tracked, **{word: flag(values, word) for word in FLAGS}}
        by_word |= {word: flag(values, word, getattr(defaults, word)) for word in DEFAULTED}
        return VrrpInstance(
            name=draft.name,
            interface=interface,
            vmac=devices.vmac,
            address_vmacs=devices.address_vmacs,
            virtual_router_id=integer(values, "virtual_router_id", 0),
            version=version,
            state=state,
            priority=priority,
            advert_int=advert_int,
            preempt=not nopreempt,
            preempt_delay=preempt_delay,
            authentication=authentication,
            virtual_ipaddress=advertised,
            virtual_ipaddress_excluded=self._excluded(advertised, excluded),
            virtual_routes=draft.routes,
            virtual_rules=draft.rules,
            static_devices=draft.static_devices,
            accept=priority == OWNER or ("accept" in values if strict else "no_accept" not in values),
            garp_extra_if=self._garp_extra_if(),
            track_interface=tracked,
            **by_word,
            mcast_src_ip=draft.source,
            mcast_dst_ip=draft.destination or defaults.groups[6 if draft.family == 6 else 4],
            unicast_peer=tuple(draft.peers),
            check_unicast_src=flag(values, "check_unicast_src") or bool(draft.limits) or defaults.check_unicast_src,
            peer_ttl=tuple(draft.limits),
            unicast_ttl=(integer(values, "unicast_ttl", 0) or None) if draft.peers else None,
            no_peer=no_peer,
            old_unicast_checksum=_checksum(values.get("old_unicast_checksum")),
            auth_hmac=hmac,
            strict_mode=strict,
            timer_expired_backup=self._timer_expired_backup(nopreempt),
            kernel_rx_buf_size=integer(values, "kernel_rx_buf_size", 0) or None,
            owner_ignore_adverts=flag(
                values, "owner_ignore_adverts", (defaults.owner_ignore_adverts or strict) and priority == 255
            ),
            down_timer_adverts=DOWN_TIMER if strict else down_timer,
            garp=self._garp(),
            notify=read_notify(draft.block),
            smtp_alert=switch(values, "smtp_alert"),
            notify_priority_changes=switch(values, "notify_priority_changes"),
            options=read_options(draft.block),
        )

    def _devices(self, interface: str, family: int, strict: bool) -> Devices:
        """What it has of its own, and the contradictions in that."""
        draft, values, problems = self.draft, self.draft.values, self.problems
        wish, lines = draft.vmac, draft.lines
        line = draft.block.line
        if wish is not None and not interface:
            effect = "it does without"
            problems.error(lines.get("use_vmac", line), "unicast without interface has no device to put one on", effect)
            wish = None
        xmit_base = values.pop("vmac_xmit_base", None) is not None
        if xmit_base and (wish is None or wish.kind is Kind.IPVLAN):
            problems.error(lines["vmac_xmit_base"], "there is no VMAC", "vmac_xmit_base is ignored")
        elif xmit_base and strict:
            message = "strict mode: adverts come from the virtual MAC"
            problems.error(lines["vmac_xmit_base"], message, "vmac_xmit_base is ignored")
        elif xmit_base:
            values["vmac_xmit_base"] = True
        elif wish is not None and wish.kind is Kind.MACVLAN and draft.peers:
            message = "unicast adverts cannot come from a virtual MAC address"
            problems.error(lines["use_vmac"], message, "vmac_xmit_base is used", suggestion="write vmac_xmit_base")
            values["vmac_xmit_base"] = True
        if wish is not None and wish.kind is Kind.IPVLAN and family == 4 and draft.source is None:
            message = "an ipvlan has no IPv4 address of its own to advertise from"
            suggestion = "write it behind use_ipvlan, or as mcast_src_ip"
            problems.error(lines["use_ipvlan"], message, f"{draft.name} stays in FAULT", suggestion=suggestion)
        everywhere = flag(values, "use_vmac_addr")
        own = [a for a in (*draft.addresses, *draft.excluded) if a.address.version == family]
        others = [a.dev or interface for a in own if a.use_vmac or (everywhere and a.dev)]
        router = integer(values, "virtual_router_id", 0)
        return make_devices(
            wish, interface, router, family, others, self.defaults.devices, line, problems, chosen=not everywhere
        )

    def _garp_extra_if(self) -> GarpExtra | None:
        own = garp_extra(self.draft.values, "garp_extra_if", "vmac_garp_intvl")
        extra = self.defaults.garp_extra_if if own is None else own
        return extra if extra is not None and extra.interval else None

    def _needs_no_interface(self) -> bool:
        """Unicast from a given address goes wherever the routes lead; the virtual addresses then name their device."""
        draft = self.draft
        addresses = (*draft.addresses, *draft.excluded)
        return bool(draft.peers) and draft.source is not None and all(address.dev for address in addresses)

    def _initial_state(self, priority: int, strict: bool) -> State:
        fitting = State.MASTER if priority == 255 else State.BACKUP
        state = self.draft.state
        if strict and state not in (None, fitting):
            message = "strict mode: state MASTER is for the owner of the addresses (priority 255), and for it alone"
            self.problems.error(self.draft.lines["state"], message, f"state {fitting.name} is used", word=1)
            return fitting
        return state or fitting

    def _with_ah(self, authentication: Authentication | None, state: State, priority: int) -> State:
        """AH has to listen first for the number that is due; the owner does not listen anyway."""
        if authentication is None or authentication.type is not AuthType.AH or state is not State.MASTER:
            return state
        if priority == 255:
            return state
        message = "state MASTER does not go together with auth_type AH"
        self.problems.error(self.draft.lines["state"], message, "state BACKUP is used", word=1)
        return State.BACKUP

    def _first_address(self, strict: bool) -> None:
        """RFC 9568 §5.2.9."""
        addresses = self.draft.addresses
        if not addresses or addresses[0].address.version == 4 or addresses[0].address.is_link_local:
            return
        line, message = self.draft.lines["virtual_ipaddress"], "the first address is not link-local (fe80::)"
        suggestion = "write the link-local one first"
        if strict:
            self.problems.error(line, message, "other implementations may ignore us", suggestion=suggestion)
        elif any(address.address.is_link_local for address in addresses):
            self.problems.notice(line, message, "other implementations may ignore us")

    def _timer_expired_backup(self, nopreempt: bool) -> int | None:
        names = ("timer_expired_backup", "thread_timer_expired")
        word = next((word for word in names if word in self.draft.values), None)
        if word is None:
            return None
        priority = self.draft.values[word]
        if not nopreempt:
            self.problems.error(self.draft.lines[word], f"{word} needs nopreempt")
            return None
        return priority if isinstance(priority, int) else _HIGHEST_BACKUP

    def _excluded(
        self, advertised: tuple[VirtualAddress, ...], excluded: tuple[VirtualAddress, ...]
    ) -> tuple[VirtualAddress, ...]:
        """Without those that are advertised anyway."""
        present = {(address.address, address.dev) for address in advertised}
        kept = []
        for address in excluded:
            if (address.address, address.dev) in present:
                message = f"{address.address} is in virtual_ipaddress too"
                line = self.draft.lines["virtual_ipaddress_excluded"]
                self.problems.notice(line, message, "it counts as advertised")
            else:
                kept.append(address)
        return tuple(kept)

    def _unset(self, word: str) -> bool:
        return word not in self.draft.lines

    def _no_address(self, version: int) -> None:
        draft = self.draft
        if draft.addresses or "no_virtual_ipaddress" in draft.values:
            return
        if version == 3:
            self.problems.fatal(draft.block.line, f"{draft.name} has no virtual_ipaddress, which version 3 asks for")
        else:
            message = f"{draft.name} has no virtual_ipaddress"
            self.problems.warning(draft.block.line, message, "it takes part in elections, for nothing")

    def _preemption(self, priority: int) -> tuple[bool, Micros]:
        draft, problems = self.draft, self.problems
        nopreempt = flag(draft.values, "nopreempt")
        delay = integer(draft.values, "preempt_delay", 0)
        master = draft.state is State.MASTER
        if nopreempt and (master or priority == 255):
            why = "state MASTER" if master else "priority 255"
            suggestion = "write `state BACKUP` on all directors" if master else None
            message = f"nopreempt does not go together with {why}"
            effect = f"nopreempt is ignored: {draft.name} preempts"
            problems.error(draft.lines["nopreempt"], message, effect, suggestion=suggestion)
            nopreempt = False
        if delay and (nopreempt or master):
            why = "nopreempt" if nopreempt else "state MASTER"
            message = f"preempt_delay does not go together with {why}"
            problems.error(draft.lines["preempt_delay"], message, "preempt_delay is ignored")
            delay = 0
        return nopreempt, delay

    def _advert_int(self, version: int) -> Micros:
        interval = integer(self.draft.values, "advert_int", SECOND)
        unit = SECOND if version == 2 else CENTISECOND
        used = max(unit, (interval + unit // 2) // unit * unit)
        if version == 3:
            used = min(used, ADVERT_INT_MAX_V3)
        if used != interval:
            message = "version 2 has whole seconds only" if version == 2 else "version 3 has 0.01 s to 40.95 s"
            effect = f"the interval is {format_seconds(used)} s"
            self.problems.error(self.draft.lines["advert_int"], message, effect, word=1)
        return used

    def _tracked(self, interface: str | None, uses: list[InterfaceUse]) -> tuple[Tracked, ...]:
        tracked: dict[str, Tracked] = {}
        for block in self.draft.track_blocks:
            for one in read_tracked_interfaces(block, self.draft.name, interface, self.problems, uses):
                tracked.setdefault(one.name, one)
        return tuple(tracked.values())

    def _garp(self) -> Garp:
        values, default = self.draft.values, self.defaults.garp
        for word in ("garp_master_repeat", "garp_master_refresh_repeat"):
            if values.get(word) == 0:
                self.problems.error(self.draft.lines[word], f"{word} must be at least 1", "1 is used", word=1)
        return Garp(
            repeat=max(1, integer(values, "garp_master_repeat", default.repeat)),
            delay=_seconds(values, "garp_master_delay", default.delay),
            refresh=_seconds(values, "garp_master_refresh", default.refresh),
            refresh_repeat=max(1, integer(values, "garp_master_refresh_repeat", default.refresh_repeat)),
            lower_prio_repeat=integer(values, "garp_lower_prio_repeat", default.lower_prio_repeat),
            lower_prio_delay=_seconds(values, "garp_lower_prio_delay", default.lower_prio_delay),
        )


HANDLERS: Final[Mapping[str, Callable[[_Builder, Statement], None]]] = {
    "state": _Builder.state,
    "interface": _Builder.interface,
    "version": _Builder.version,
    "native_ipv6": _Builder.native_ipv6,
    "use_vmac": _Builder.use_vmac,
    "use_ipvlan": _Builder.use_ipvlan,
    "vrf": _Builder.vrf,
    "mcast_src_ip": _Builder.source,
    "unicast_src_ip": _Builder.source,
    "mcast_dst_ip": _Builder.destination,
    "unicast_peer": _Builder.unicast_peer,
    "virtual_ipaddress": _Builder.virtual_ipaddress,
    "virtual_ipaddress_excluded": _Builder.virtual_ipaddress,
    "authentication": _Builder.authentication,
    "auth_hmac": _Builder.auth_hmac,
    "track_interface": _Builder.track_interface,
}
"""Keywords that are more than a value."""


def _seconds(values: Mapping[str, object], word: str, default: Micros) -> Micros:
    value = values.get(word)
    return value * SECOND if isinstance(value, int) else default


def _checksum(value: object) -> UnicastChecksum:
    if value is BARE:
        return UnicastChecksum.OLD
    return UnicastChecksum.AUTO if value is None else UnicastChecksum.NEVER


def _on(addresses: list[VirtualAddress], interface: str) -> tuple[VirtualAddress, ...]:
    return tuple(address if address.dev else replace(address, dev=interface) for address in addresses)
