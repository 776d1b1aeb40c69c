"""Routes and rules of all blocks, and what is static, in the order of the file: it decides what rules without a
preference get, and which track_groups a static line knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pyvrrp.config.addresses import read_virtual_address
from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.problems import Problems
from pyvrrp.config.routes import read_route
from pyvrrp.config.rules import Priorities, read_rule
from pyvrrp.config.tree import Statement
from pyvrrp.config.words import Words
from pyvrrp.errors import ProblemClass
from pyvrrp.model.routing import Route, Rule
from pyvrrp.model.tracked import TrackGroup
from pyvrrp.model.vrrp import VirtualAddress

DEFAULT_INTERFACE = "eth0"


@dataclass(slots=True)
class Routing:
    """What was read."""

    routes: dict[str, list[Route]] = field(default_factory=dict)
    """Those of an instance, by its name."""
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    static_ipaddress: list[VirtualAddress] = field(default_factory=list)
    static_routes: list[Route] = field(default_factory=list)
    static_rules: list[Rule] = field(default_factory=list)
    track_groups: tuple[TrackGroup, ...] = ()

    def devices_tracked_by(self, instance: str) -> tuple[str, ...]:
        """Of static lines that follow a track_group which the instance is in."""
        groups = {group.name for group in self.track_groups if instance in group.group}
        lines: list[tuple[str | None, VirtualAddress | Route | Rule]] = [(a.dev, a) for a in self.static_ipaddress]
        lines += [(route.dev, route) for route in self.static_routes]
        lines += [(rule.iif, rule) for rule in self.static_rules]
        return tuple(dict.fromkeys(dev for dev, one in lines if dev and one.track and one.track_group in groups))


class RoutingReader:
    """Reads all of it from a configuration."""

    def __init__(self, problems: Problems, uses: list[InterfaceUse], default_interface: str | None) -> None:
        self.problems = problems
        self.uses = uses
        self.default_interface = default_interface or DEFAULT_INTERFACE
        self.priorities = Priorities()
        self.groups: frozenset[str] = frozenset()
        self.found = Routing()

    def read(self, root: Statement, instances: Mapping[str, Statement], groups: Mapping[str, Statement]) -> Routing:
        """`instances` and `groups`: the vrrp_instance and track_group blocks that count, by name."""
        found = self.found
        for block in root.children:
            name = block.words[1] if len(block.words) > 1 else ""
            match block.word:
                case "track_group" if groups.get(name) is block:
                    self.groups |= {name}
                    found.track_groups += (TrackGroup(name=name, group=self._members(block)),)
                case "static_ipaddress":
                    found.static_ipaddress += filter(None, map(self._address, block.children))
                case "static_routes":
                    found.static_routes += self._routes(block, self.groups)
                case "static_rules":
                    found.static_rules += self._rules(block, self.groups)
                case "vrrp_instance" if instances.get(name) is block:
                    for child in block.children:
                        if child.word == "virtual_routes":
                            found.routes.setdefault(name, []).extend(self._routes(child, None))
                        elif child.word == "virtual_rules":
                            found.rules.setdefault(name, []).extend(self._rules(child, None))
        return found

    def _members(self, block: Statement) -> tuple[str, ...]:
        members: tuple[str, ...] = ()
        for position, child in enumerate(block.children):
            if position:
                self.problems.error(child.line, "a second list of members")
                continue
            members = tuple(word for line in child.children for word in line.words)
            if not members:
                self.problems.error(child.line, f"track_group {block.words[1]} has no members", "it is for nothing")
        return members

    def _words(self, line: Statement, what: str) -> Words:
        return Words(line, self.problems, what, self.problems.source.names, self.uses)

    def _routes(self, block: Statement, groups: frozenset[str] | None) -> list[Route]:
        routes = (read_route(self._words(line, "route"), groups) for line in block.children)
        return [route for route in routes if route is not None]

    def _rules(self, block: Statement, groups: frozenset[str] | None) -> list[Rule]:
        rules = (read_rule(self._words(line, "rule"), self.priorities, groups) for line in block.children)
        return [rule for rule in rules if rule is not None]

    def _address(self, line: Statement) -> VirtualAddress | None:
        address = read_virtual_address(line, self.problems, self.groups)
        if address is None:
            return None
        at = line.words.index("dev") + 1 if address.dev else 0
        dev = address.dev or self.default_interface
        span = self.problems.source.span(line.line, at)
        kind = ProblemClass.GENERAL if address.dev else ProblemClass.FATAL
        self.uses.append(InterfaceUse(dev, span, f"static address {line.word}", kind=kind))
        return replace(address, dev=dev)
