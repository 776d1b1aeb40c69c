"""vrrp_instance blocks.

What of an instance decides the rest comes in the order of the file, as in keepalived: the first address fixes
the family, and addresses of the other one are dropped (vrrp_parser.c, vrrp.c: vrrp_complete_instance).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from pyvrrp.config.addresses import read_virtual_address
from pyvrrp.config.global_defs import Defaults
from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.problems import Problems
from pyvrrp.config.rarely import read_options
from pyvrrp.config.readers import parse_address, parse_integer
from pyvrrp.config.source import Line
from pyvrrp.config.tracking import DEFINED_BY, Definitions, read_notify, read_tracked, read_tracked_interfaces
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import flag, integer, text
from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import (
    Authentication,
    AuthType,
    Garp,
    State,
    VirtualAddress,
    VrrpInstance,
)
from pyvrrp.net import Address
from pyvrrp.units import CENTISECOND, SECOND, Micros, format_seconds

ADVERT_INT_MAX_V3: Final = 4095 * CENTISECOND
"""12 bits of centiseconds (RFC 9568 §5.2.7)."""
PASSWORD_MAX: Final = 8
UNICAST_WORDS: Final = frozenset({"unicast_src_ip", "unicast_peer", "check_unicast_src", "old_unicast_checksum"})
"""Keywords that say that adverts should be unicast."""


@dataclass(slots=True)
class Draft:
    """An instance while its block is read."""

    block: Statement
    name: str
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
    check_unicast_src: bool = False
    auth_type: AuthType | None = None
    password: bytes | None = None
    track_blocks: list[Statement] = field(default_factory=list)
    tracked: dict[str, tuple[Tracked, ...]] = field(default_factory=dict)
    """By block; interfaces excepted."""


def build_instance(
    block: Statement,
    position: int,
    defaults: Defaults,
    defined: Definitions,
    problems: Problems,
    uses: list[InterfaceUse],
) -> VrrpInstance | None:
    """The instance; None if it is left out, which a problem says then."""
    draft = Draft(block, block.words[1])
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
        elif self._fits(address.version, child, child.word):
            self.draft.destination = address

    def unicast_peer(self, block: Statement) -> None:
        for child in block.children:
            address = parse_address(child.word)
            if address is None:
                message = f"`{child.word}` is not an IP address"
                self.problems.error(child.line, message, "the peer is left out", word=0)
            elif self._fits(address.version, child, "unicast_peer"):
                self._peer_options(child)
                if address in self.draft.peers:
                    self.problems.notice(child.line, f"peer {address} is given twice", "the line is ignored", word=0)
                else:
                    self.draft.peers.append(address)

    def _peer_options(self, child: Statement) -> None:
        options = child.words[1:]
        for at in range(0, len(options), 2):
            word, value = options[at], options[at + 1 : at + 2]
            if word not in ("min_ttl", "max_ttl") or not value:
                message = f"`{word}` lacks its number" if word in ("min_ttl", "max_ttl") else f"`{word}` is no option"
                suggestion = "one peer a line" if parse_address(word) is not None else None
                self.problems.error(child.line, message, word=at + 1, suggestion=suggestion)
                continue
            number = parse_integer(value[0], 0, 255)
            if isinstance(number, str):
                self.problems.error(child.line, number, word=at + 2, kind=ProblemClass.INVALID_NUMBER)
                continue
            self.draft.check_unicast_src = True
            message = f"`{word}` is accepted, but not active in this version"
            effect = "only the source address of adverts is checked, not their TTL"
            self.problems.inactive(child.line, message, effect, word=at + 1)

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
        for child in block.children:
            if not isinstance(child.value, str):
                continue
            if child.word == "auth_pass":
                password = child.value.encode("utf-8", "surrogateescape")
                if len(password) > PASSWORD_MAX:
                    message = f"auth_pass is longer than {PASSWORD_MAX} characters"
                    effect = f"the first {PASSWORD_MAX} are used, as by keepalived"
                    self.problems.error(child.line, message, effect, word=1)
                self.draft.password = password[:PASSWORD_MAX]
            elif child.value in ("PASS", "AH"):
                self.draft.auth_type = AuthType[child.value]
            else:
                message = f"`{child.value}` is not an authentication type"
                self.problems.error(child.line, message, word=1, suggestion="write PASS or AH, in capitals")

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
        version = 3 if draft.family == 6 else draft.version or defaults.version
        interface = text(values, "interface")
        if "virtual_router_id" not in values:
            problems.fatal(line, f"{draft.name} has no (valid) virtual_router_id")
        if interface is None:
            problems.fatal(line, f"{draft.name} has no (valid) interface")
        self._no_address(version)
        priority = integer(values, "priority", 255 if draft.state is State.MASTER and self._unset("priority") else 100)
        state = draft.state or (State.MASTER if priority == 255 else State.BACKUP)
        nopreempt, preempt_delay = self._preemption(priority)
        advert_int = self._advert_int(version)
        tracked = self._tracked(interface, uses)
        authentication = self._finish_authentication(version)
        self._unicast()
        if interface is None or "virtual_router_id" not in values or self._left_out():
            return None
        uses.append(InterfaceUse(interface, problems.source.span(draft.lines["interface"], 1), f"{draft.name}"))
        uses.extend(draft.dev_spans)
        advertised = _on(draft.addresses, interface)
        return VrrpInstance(
            name=draft.name,
            interface=interface,
            virtual_router_id=integer(values, "virtual_router_id", 0),
            version=version,
            state=state,
            priority=priority,
            advert_int=advert_int,
            preempt=not nopreempt,
            preempt_delay=preempt_delay,
            authentication=authentication,
            virtual_ipaddress=advertised,
            virtual_ipaddress_excluded=self._excluded(advertised, interface),
            track_interface=tracked,
            **draft.tracked,
            dont_track_primary=flag(values, "dont_track_primary"),
            mcast_src_ip=draft.source,
            mcast_dst_ip=draft.destination or defaults.groups[6 if draft.family == 6 else 4],
            unicast_peer=tuple(draft.peers),
            check_unicast_src=flag(values, "check_unicast_src")
            or draft.check_unicast_src
            or defaults.check_unicast_src,
            lower_prio_no_advert=flag(values, "lower_prio_no_advert", defaults.lower_prio_no_advert),
            higher_prio_send_advert=flag(values, "higher_prio_send_advert", defaults.higher_prio_send_advert),
            skip_check_adv_addr=flag(values, "skip_check_adv_addr", defaults.skip_check_adv_addr),
            owner_ignore_adverts=flag(
                values, "owner_ignore_adverts", defaults.owner_ignore_adverts and priority == 255
            ),
            down_timer_adverts=integer(values, "down_timer_adverts", defaults.down_timer_adverts),
            garp=self._garp(),
            notify=read_notify(draft.block),
            options=read_options(draft.block),
        )

    def _excluded(self, advertised: tuple[VirtualAddress, ...], interface: str) -> tuple[VirtualAddress, ...]:
        """Without those that are advertised anyway."""
        present = {(address.address, address.dev) for address in advertised}
        kept = []
        for address in _on(self.draft.excluded, interface):
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
            self.problems.add(
                draft.block.line,
                Severity.WARNING,
                f"{draft.name} has no virtual_ipaddress",
                "it takes part in elections, for nothing",
                kind=ProblemClass.GENERAL,
            )

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

    def _finish_authentication(self, version: int) -> Authentication | None:
        draft, problems = self.draft, self.problems
        line = draft.lines.get("authentication")
        if line is None or draft.auth_type is None:
            return None
        effect = "adverts carry no authentication"
        if version == 3:
            problems.error(line, "version 3 has no authentication", effect, suggestion="delete the block")
            return None
        if not draft.password:
            problems.error(line, "there is no auth_pass", effect)
            return None
        return Authentication(type=draft.auth_type, password=draft.password)

    def _unicast(self) -> None:
        draft = self.draft
        if draft.peers:
            return
        if "unicast_ttl" in draft.values:
            message = "unicast_ttl, but there are no peers"
            self.problems.error(draft.lines["unicast_ttl"], message)
        word = next((word for word in draft.lines if word in UNICAST_WORDS), None)
        if word is not None:
            self.problems.add(
                draft.lines[word],
                Severity.WARNING,
                f"`{word}`, but there are no unicast peers",
                f"adverts of {draft.name} are multicast",
                kind=ProblemClass.GENERAL,
                suggestion="list the other directors in unicast_peer",
            )

    def _left_out(self) -> bool:
        """Said as not active yet."""
        draft = self.draft
        effect = f"instance {draft.name} is left out"
        if draft.auth_type is AuthType.AH and draft.password and "authentication" in draft.lines:
            message = "auth_type AH is accepted, but not active in this version"
            self.problems.inactive(draft.lines["authentication"], message, effect)
            # The address owner, which a MASTER without a priority is, need not listen first.
            if draft.state is State.MASTER and integer(draft.values, "priority", 255) != 255:
                message = "state MASTER does not go together with auth_type AH"
                self.problems.error(draft.lines["state"], message, "keepalived starts as BACKUP")
            return True
        return False

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
    "mcast_src_ip": _Builder.source,
    "unicast_src_ip": _Builder.source,
    "mcast_dst_ip": _Builder.destination,
    "unicast_peer": _Builder.unicast_peer,
    "virtual_ipaddress": _Builder.virtual_ipaddress,
    "virtual_ipaddress_excluded": _Builder.virtual_ipaddress,
    "authentication": _Builder.authentication,
    "track_interface": _Builder.track_interface,
}
"""Keywords that are more than a value."""


def _seconds(values: Mapping[str, object], word: str, default: Micros) -> Micros:
    value = values.get(word)
    return value * SECOND if isinstance(value, int) else default


def _on(addresses: list[VirtualAddress], interface: str) -> tuple[VirtualAddress, ...]:
    return tuple(address if address.dev else replace(address, dev=interface) for address in addresses)
