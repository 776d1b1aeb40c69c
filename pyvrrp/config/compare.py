"""Two directors' configurations side by side: what must be equal and is not, what must differ and does not.

A problem stands in the first configuration; the place in the other one is the last of its span's `origin`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pyvrrp.config.advice import tracked_weights
from pyvrrp.config.load import Loaded
from pyvrrp.config.problems import Problems, listing
from pyvrrp.config.source import Source
from pyvrrp.config.tree import Statement, parse
from pyvrrp.config.values import last_line
from pyvrrp.errors import ConfigProblem, Severity, Span
from pyvrrp.model.config import Config
from pyvrrp.model.lvs import RealServer, VirtualServer, VirtualServerGroup
from pyvrrp.model.vrrp import State, VirtualAddress, VrrpInstance
from pyvrrp.units import format_seconds

LOST: Final = "each drops the other's advertisements, and both become master"


@dataclass(slots=True)
class Side:
    """One director."""

    source: Source
    loaded: Loaded
    root: Statement = field(init=False)

    def __post_init__(self) -> None:
        self.root = parse(self.source, Problems(self.source))

    @property
    def config(self) -> Config:
        return self.loaded.config

    def block(self, word: str, *names: str) -> Statement:
        """The block of that name; the whole file if there is none."""
        found = (b for b in self.root.children if b.word == word and tuple(b.words[1 : 1 + len(names)]) == names)
        return next(found, self.root)

    def span(self, block: Statement, *words: str) -> Span:
        """Where the block's keyword stands, or the block."""
        line = last_line(block, *words)
        return self.source.span(line) if line.number else Span(self.source.name, 0)


def compare(left: Side, right: Side) -> tuple[ConfigProblem, ...]:
    """What keeps two directors from being one pair, in the order of the first one's blocks."""
    comparison = _Comparison(left, right)
    comparison.globals()
    for one, two in comparison.pairs():
        comparison.instance(one, two)
    comparison.sync_groups()
    comparison.virtual_servers()
    return tuple(comparison.found)


class _Comparison:
    def __init__(self, left: Side, right: Side) -> None:
        self.left = left
        self.right = right
        self.found: list[ConfigProblem] = []

    def tell(self, here: Span, there: Span, severity: Severity, message: str, effect: str) -> None:
        place = f"{there.file}:{there.line}:{there.column}: {there.text.strip()}" if there.line else there.file
        span = replace(here, origin=(*here.origin, f"the other: {place}"))
        self.found.append(ConfigProblem(span=span, severity=severity, message=message, effect=effect))

    def globals(self) -> None:
        one, two = self.left.config.global_defs.router_id, self.right.config.global_defs.router_id
        if one is not None and one == two:
            block = "global_defs"
            here = self.left.span(self.left.block(block), "router_id")
            there = self.right.span(self.right.block(block), "router_id")
            effect = "mail and statistics of the two cannot be told apart"
            self.tell(here, there, Severity.WARNING, f"both have router_id {one}", effect)

    # ---- instances

    def pairs(self) -> Sequence[tuple[VrrpInstance, VrrpInstance]]:
        """By name, else by virtual router; what has no counterpart is told."""
        ours = list(self.left.config.vrrp_instances)
        theirs = list(self.right.config.vrrp_instances)
        pairs = []
        for same in (
            lambda a, b: a.name == b.name,
            lambda a, b: (a.virtual_router_id, a.family) == (b.virtual_router_id, b.family),
        ):
            for one in list(ours):
                two = next((other for other in theirs if same(one, other)), None)
                if two is not None:
                    pairs.append((one, two))
                    ours.remove(one)
                    theirs.remove(two)
        for alone, side, other in [(a, self.left, self.right) for a in ours] + [
            (b, self.right, self.left) for b in theirs
        ]:
            message = (
                f"{alone.name} (virtual_router_id {alone.virtual_router_id}) has no counterpart in {other.source.name}"
            )
            block = side.block("vrrp_instance", alone.name)
            effect = "nobody takes over its addresses"
            self.tell(side.span(block), Span(other.source.name, 0), Severity.ERROR, message, effect)
        return pairs

    def instance(self, one: VrrpInstance, two: VrrpInstance) -> None:
        mine, yours = self.left.block("vrrp_instance", one.name), self.right.block("vrrp_instance", two.name)

        def tell(severity: Severity, message: str, effect: str, *words: str) -> None:
            here, there = self.left.span(mine, *words), self.right.span(yours, *words)
            self.tell(here, there, severity, f"{one.name}: {message}", effect)

        def equal(word: str, a: object, b: object, severity: Severity, effect: str) -> None:
            if a != b:
                tell(severity, f"{word} is {a} here and {b} there", effect, word)

        error, warning = Severity.ERROR, Severity.WARNING
        effect = "they are two virtual routers, and both become master"
        equal("virtual_router_id", one.virtual_router_id, two.virtual_router_id, error, effect)
        equal("version", one.version, two.version, error, LOST)
        a, b = format_seconds(one.advert_int), format_seconds(two.advert_int)
        if one.version == 3:
            equal("advert_int", a, b, warning, "a backup waits as long as its master tells it to")
        else:
            equal("advert_int", a, b, error, LOST)
        self._authentication(one, two, mine, yours)
        if bool(one.unicast_peer) != bool(two.unicast_peer):
            a, b = ("unicast" if i.unicast_peer else "multicast" for i in (one, two))
            tell(error, f"{a} here and {b} there", "neither hears the other, and both become master", "unicast_peer")
        elif one.unicast_peer:
            self._unicast(one, two, mine, yours)
        else:
            equal("mcast_dst_ip", one.mcast_dst_ip, two.mcast_dst_ip, error, "neither hears the other")
        for word, severity, effect in (
            ("virtual_ipaddress", error, LOST),
            ("virtual_ipaddress_excluded", warning, "a takeover takes over only what is there"),
        ):
            only_here, only_there = _difference(getattr(one, word), getattr(two, word))
            for addresses, where in ((only_here, "here"), (only_there, "there")):
                if addresses:
                    tell(severity, f"{word}: {listing(addresses)} only {where}", effect, word)
        if one.priority == two.priority:
            effect = "who is master depends on the addresses of the interfaces"
            tell(warning, f"both have priority {one.priority}", effect, "priority")
        if one.state is State.MASTER and two.state is State.MASTER:
            effect = "state says nothing about who becomes master: priority does"
            tell(Severity.NOTICE, "both have state MASTER", effect, "state")
        if one.mcast_src_ip is not None and one.mcast_src_ip == two.mcast_src_ip:
            words = ("unicast_src_ip", "mcast_src_ip")
            tell(
                error, f"both send from {one.mcast_src_ip}", "each takes the other's advertisements for its own", *words
            )
        first, second = (one, two) if one.priority > two.priority else (two, one)
        best, worst = _range(first), _range(second)
        if best[0] != best[1] and one.priority != two.priority and best[0] > worst[1]:
            where = "here" if first is one else "there"
            message = (
                f"the weights {where} lower priority {first.priority} to {best[0]} at most, the other has {worst[1]}"
            )
            effect = "what is tracked with a weight never causes a failover"
            tell(warning, message, effect, "track_interface", "track_script")

    def _authentication(self, one: VrrpInstance, two: VrrpInstance, mine: Statement, yours: Statement) -> None:
        a, b = one.authentication, two.authentication
        if a == b:
            return
        if a is None or b is None:
            message = f"authentication only {'here' if b is None else 'there'}"
        elif a.type != b.type:
            message = f"auth_type is {a.type.name} here and {b.type.name} there"
        else:
            message = "auth_pass differs"
        places = []
        for side, block in ((self.left, mine), (self.right, yours)):
            inner = next((child for child in block.children if child.word == "authentication"), block)
            word = "auth_type" if "auth_type" in message else "auth_pass"
            places.append(side.span(inner, word))
        self.tell(places[0], places[1], Severity.ERROR, f"{one.name}: {message}", LOST)

    def _unicast(self, one: VrrpInstance, two: VrrpInstance, mine: Statement, yours: Statement) -> None:
        here, there = self.left.span(mine, "unicast_peer"), self.right.span(yours, "unicast_peer")
        for sender, receiver, a, b in ((two, one, here, there), (one, two, there, here)):
            source = sender.mcast_src_ip
            if source is not None and source not in receiver.unicast_peer:
                message = f"{receiver.name}: {source}, from which the other sends, is no unicast_peer"
                self.tell(a, b, Severity.ERROR, message, "the other never hears this one, and both become master")

    # ---- the rest

    def sync_groups(self) -> None:
        theirs = {group.name: group for group in self.right.config.vrrp_sync_groups}
        for group in self.left.config.vrrp_sync_groups:
            other = theirs.pop(group.name, None)
            here = self.left.span(self.left.block("vrrp_sync_group", group.name))
            if other is None:
                effect = "there the instances change state each for itself"
                message = f"sync group {group.name} is only here"
                self.tell(here, Span(self.right.source.name, 0), Severity.WARNING, message, effect)
            elif set(group.members) != set(other.members):
                there = self.right.span(self.right.block("vrrp_sync_group", group.name))
                message = (
                    f"sync group {group.name} has {listing(group.members)} here and {listing(other.members)} there"
                )
                self.tell(here, there, Severity.WARNING, message, "a failover takes along different instances")
        for name in theirs:
            there = self.right.span(self.right.block("vrrp_sync_group", name))
            message = f"sync group {name} is only in {self.right.source.name}"
            effect = "here the instances change state each for itself"
            self.tell(there, Span(self.left.source.name, 0), Severity.WARNING, message, effect)

    def virtual_servers(self) -> None:
        theirs = {str(server.key): server for server in self.right.config.virtual_servers}
        for server in self.left.config.virtual_servers:
            other = theirs.pop(str(server.key), None)
            here = self.left.span(_block(self.left, server))
            if other is None:
                self._missing(server, here, self.right)
            elif server != other:
                there = self.right.span(_block(self.right, other))
                effect = "clients are served in another way after a failover"
                for text in _unlike(server, other):
                    self.tell(here, there, Severity.WARNING, f"virtual server {server.key}: {text}", effect)
        for other in theirs.values():
            self._missing(other, self.right.span(_block(self.right, other)), self.left)

    def _missing(self, server: VirtualServer, here: Span, lacks: Side) -> None:
        message = f"virtual server {server.key} is missing in {lacks.source.name}"
        there = Span(lacks.source.name, 0)
        self.tell(here, there, Severity.ERROR, message, "after a failover there is no such service")


def _block(side: Side, server: VirtualServer) -> Statement:
    endpoint = server.key.endpoint
    if server.key.group is not None:
        blocks = [
            b for b in side.root.children if b.word == "virtual_server" and b.words[1:3] == ["group", server.key.group]
        ]
        return blocks[min(server.key.ordinal, len(blocks) - 1)]
    if endpoint is None:
        return side.block("virtual_server", "fwmark", str(server.key.fwmark))
    port = (str(endpoint.port),) if endpoint.port else ()
    return side.block("virtual_server", str(endpoint.address), *port)


def _difference(ours: Iterable[VirtualAddress], theirs: Iterable[VirtualAddress]) -> tuple[list[str], list[str]]:
    a, b = ({str(address.interface) for address in addresses} for addresses in (ours, theirs))
    return sorted(a - b), sorted(b - a)


def _range(instance: VrrpInstance) -> tuple[int, int]:
    """The lowest and the highest priority that weights lead to."""
    weights = [weight for _, weight in tracked_weights(instance)]
    if instance.priority == 255:
        return 255, 255
    low = instance.priority + sum(weight for weight in weights if weight < 0)
    high = instance.priority + sum(weight for weight in weights if weight > 0)
    return max(1, low), min(254, high)


def _unlike(one: VirtualServer, two: VirtualServer) -> Iterable[str]:
    """In which ways two virtual servers differ."""
    if one.group is not None and two.group is not None:
        yield from _unlike_groups(one.group, two.group)
    for word, a, b in (
        ("protocol", *(server.key.protocol.name if server.key.protocol else "none" for server in (one, two))),
        ("lb_algo", one.scheduler, two.scheduler),
        ("persistence_timeout", one.persistence_timeout, two.persistence_timeout),
        ("quorum", one.quorum, two.quorum),
        ("hysteresis", one.hysteresis, two.hysteresis),
    ):
        if a != b:
            yield f"{word} is {a} here and {b} there"
    ours = {server.endpoint: server for server in one.real_servers}
    theirs = {server.endpoint: server for server in two.real_servers}
    for here, there, where in ((ours, theirs, "here"), (theirs, ours, "there")):
        only = [endpoint for endpoint in here if endpoint not in there]
        if only:
            yield f"real server {listing(only)} only {where}"
    for endpoint, server in ours.items():
        other = theirs.get(endpoint, server)
        if server.weight != other.weight:
            yield f"real server {endpoint} has weight {server.weight} here and {other.weight} there"
        if (server.forwarding, server.tunnel) != (other.forwarding, other.tunnel):
            yield f"real server {endpoint} has {_method(server)} here and {_method(other)} there"
    sorry = [str(server.sorry_server.endpoint) if server.sorry_server else "none" for server in (one, two)]
    if sorry[0] != sorry[1]:
        yield f"the sorry server is {sorry[0]} here and {sorry[1]} there"


def _unlike_groups(one: VirtualServerGroup, two: VirtualServerGroup) -> Iterable[str]:
    ours, theirs = ([*map(str, group.ranges), *map(str, group.marks)] for group in (one, two))
    for here, there, where in ((ours, theirs, "here"), (theirs, ours, "there")):
        only = [entry for entry in here if entry not in there]
        if only:
            yield f"group {one.name} has {listing(only)} only {where}"


def _method(server: RealServer) -> str:
    tunnel = server.tunnel
    if tunnel is None:
        return server.forwarding.name
    port = f" port {tunnel.port}" if tunnel.port else ""
    return f"{server.forwarding.name} type {tunnel.type.name.lower()}{port} {tunnel.checksum.name.lower()}"
