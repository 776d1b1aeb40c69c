"""Lines of virtual_rules and static_rules: the grammar of ``ip rule``, as keepalived reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, Final

from pyvrrp.config.addresses import parse_prefix
from pyvrrp.config.names import DSFIELDS, GROUPS, TABLES, c_integer
from pyvrrp.config.routes import TYPES, read_realms
from pyvrrp.config.words import LeftOutError, Words
from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.routing import KEEPALIVED, Rule, RuleAction
from pyvrrp.net import Interface

FIRST_PRIORITY: Final = 16384
"""Of rules without one; the next ones get less, so that they keep their order."""
ACTIONS: Final[Mapping[str, RuleAction]] = {
    name: RuleAction(number) for name, number in TYPES.items() if number in (6, 7, 8)
}


class Priorities:
    """What rules without a preference get, over the whole configuration."""

    def __init__(self) -> None:
        self._next = {4: FIRST_PRIORITY, 6: FIRST_PRIORITY}

    def take(self, version: int) -> int:
        self._next[version] -= 1
        return self._next[version] + 1


def read_rule(words: Words, priorities: Priorities, groups: frozenset[str] | None) -> Rule | None:
    """The rule; None if the line is left out, which a problem says then. `groups` as in `read_route`."""
    try:
        return _Reader(words, groups).read(priorities)
    except LeftOutError:
        return None


class _Reader:
    def __init__(self, words: Words, groups: frozenset[str] | None) -> None:
        self.words = words
        self.groups = groups
        self.version: int | None = None
        self.action: RuleAction | None = None
        self.fields: dict[str, Any] = {}
        self.prefixes: dict[str, Interface | str] = {}
        self.suppresses = False
        """Something that only a table can mean."""

    def read(self, priorities: Priorities) -> Rule:
        words = self.words
        while words.more:
            keyword = words.word()
            if keyword in KEYWORDS:
                KEYWORDS[keyword](self)
            elif keyword == "track_group" and self.groups is not None:
                self._track_group(self.groups)
            else:
                self._action(words.argument() if keyword == "type" else keyword)
        return self._finish(priorities)

    def _family(self, version: int) -> None:
        if self.version is None:
            self.version = version
        elif self.version != version:
            self.words.leave_out(f"IPv{version} in an IPv{self.version} rule")

    def inet(self) -> None:
        self._family(4)

    def inet6(self) -> None:
        self._family(6)

    def source(self) -> None:
        self._prefix("source")

    def destination(self) -> None:
        self._prefix("destination")

    def _prefix(self, field: str) -> None:
        words = self.words
        text = words.argument()
        if text in ("default", "any", "all", "default6"):
            if text == "default6":
                self._family(6)
            self.prefixes[field] = text
            return
        prefix = parse_prefix(text, words.statement, words.at - 1, words.problems)
        if prefix is None:
            words.leave_out(f"`{text}` is no prefix")
        self._family(prefix.version)
        self.prefixes[field] = prefix

    def table(self) -> None:
        table = self.words.name(TABLES, "routing table")
        if table == 0:
            self.words.leave_out("there is no table 0")
        self._act(RuleAction.TABLE)
        self.fields["table"] = table

    def l3mdev(self) -> None:
        self._act(RuleAction.TABLE)
        self.fields["l3mdev"] = True

    def invert(self) -> None:
        self.fields["invert"] = True

    def preference(self) -> None:
        text = self.words.argument()
        number = None if "-" in text else c_integer(text)
        if number is None or number > 2**32 - 1:
            self.words.leave_out(f"`{text}` is no preference", kind=ProblemClass.INVALID_NUMBER)
        self.fields["priority"] = number

    def tos(self) -> None:
        self.fields["tos"] = self.words.name(DSFIELDS, "type of service")

    def fwmark(self) -> None:
        text = self.words.argument()
        mark, slash, mask = text.partition("/")
        parts = [part or "0" for part in ([mark, mask] if slash else [mark])]
        numbers = [None if "-" in part else c_integer(part) for part in parts]
        good = [number for number in numbers if number is not None and number <= 2**32 - 1]
        if len(good) != len(numbers):
            self.words.leave_out(f"`{text}` is no firewall mark")
        self.fields["fwmark"] = good[0]
        if slash:
            self.fields["fwmask"] = good[1]

    def realms(self) -> None:
        self.fields["realms"] = read_realms(self.words)
        self.suppresses = True
        self._family(4)

    def suppress_prefixlength(self) -> None:
        self.fields["suppress_prefixlength"] = self.words.number(2**31 - 1)
        self.suppresses = True

    def suppress_ifgroup(self) -> None:
        self.fields["suppress_ifgroup"] = self.words.name(GROUPS, "group of interfaces")
        self.suppresses = True

    def iif(self) -> None:
        self.fields["iif"] = self.words.device()

    def oif(self) -> None:
        self.fields["oif"] = self.words.device()

    def tunnel_id(self) -> None:
        self.fields["tunnel_id"] = self.words.number(2**64 - 1)

    def uidrange(self) -> None:
        text = self.words.argument()
        match = re.match(r"\s*([0-9]+)-\s*([0-9]+)", text)
        if match is None or max(int(match[1]), int(match[2])) > 2**32 - 1:
            self.words.leave_out(f"`{text}` is no range of user ids")
        self.fields["uidrange"] = (int(match[1]), int(match[2]))

    def protocol(self) -> None:
        text = self.words.argument()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 256
        if number > 255:
            self.words.complain(f"`{text}` is no protocol number", "keepalived (18) is used")
        else:
            self.fields["protocol"] = number

    def ipproto(self) -> None:
        text = self.words.argument()
        if text.isascii() and text.isdecimal():
            number = int(text) if len(text) < 4 and int(text) < 128 else None  # more keepalived does not take
        else:
            number = self.words.names.ip_protocol(text)
        if number is None or number > 255:
            # Without it the rule would match far more than is meant.
            self.words.leave_out(f"`{text}` is no IP protocol")
        self.fields["ipproto"] = number

    def sport(self) -> None:
        self.fields["sport"] = self._ports()

    def dport(self) -> None:
        self.fields["dport"] = self._ports()

    def _ports(self) -> tuple[int, int]:
        text = self.words.argument()
        match = re.fullmatch(r"\s*([0-9]{1,5})(?:-\s*([0-9]{1,5}))?", text)
        ports = (int(match[1]), int(match[2] or match[1])) if match else (1, 65536)
        if max(ports) > 65535:
            self.words.leave_out(f"`{text}` is no range of ports")
        return ports

    def no_track(self) -> None:
        self.fields["track"] = False

    def _track_group(self, groups: frozenset[str]) -> None:
        name = self.words.argument()
        if "track_group" in self.fields:
            self.words.leave_out("a second track_group")
        if name in groups:
            self.fields["track_group"] = name
        else:
            self.words.complain(f"there is no track_group {name} above", "the rule follows none")

    def _action(self, word: str) -> None:
        if word == "goto":
            self.fields["goto"] = self.words.number()
            self._act(RuleAction.GOTO)
        elif word == "nop":
            self._act(RuleAction.NOP)
        elif word in ACTIONS:
            self._act(ACTIONS[word])
        elif word.isdecimal() and int(word) in ACTIONS.values():
            self._act(RuleAction(int(word)))
        else:
            self.words.leave_out(f"`{word}` is no option of a rule")

    def _act(self, action: RuleAction) -> None:
        if self.action is not None:
            self.words.leave_out("a rule does one thing: table, l3mdev, goto, nop, blackhole, unreachable or prohibit")
        self.action = action

    # ---- at the end of the line

    def _finish(self, priorities: Priorities) -> Rule:
        words, fields, action = self.words, self.fields, self.action
        goto, priority = fields.get("goto"), fields.get("priority")
        if goto is not None and (priority is None or priority >= goto):
            words.leave_out("goto needs a preference below its target")
        if action is None:
            words.leave_out("the rule does nothing: there is no table, and no other action", word=0)
        if action is not RuleAction.TABLE and self.suppresses:
            words.leave_out("realms and suppress_* go together with a table only")
        if fields.get("track", True) and fields.get("protocol", KEEPALIVED) != KEEPALIVED:
            words.complain("a rule of another protocol cannot be watched", "the protocol is keepalived (18)")
            fields["protocol"] = KEEPALIVED
        if "track_group" in fields and "iif" not in fields:
            words.complain("track_group needs a rule with dev or iif", "the rule follows none")
            del fields["track_group"]
        version = self.version or 4
        if priority is None:
            fields["priority"] = priorities.take(version)
            words.problems.add(
                words.statement.line,
                Severity.WARNING,
                "the rule has no preference",
                f"it gets {fields['priority']}",
                kind=ProblemClass.GENERAL,
                suggestion="give it one, so that its place among the others is what you mean",
            )
        everything: Interface = IPv6Interface("::/0") if version == 6 else IPv4Interface("0.0.0.0/0")
        for name, prefix in self.prefixes.items():
            fields[name] = everything if isinstance(prefix, str) else prefix
        return Rule(version=version, action=action, **fields)


KEYWORDS: Final[Mapping[str, Callable[[_Reader], None]]] = {
    "inet": _Reader.inet,
    "inet6": _Reader.inet6,
    "from": _Reader.source,
    "to": _Reader.destination,
    "table": _Reader.table,
    "lookup": _Reader.table,
    "l3mdev": _Reader.l3mdev,
    "not": _Reader.invert,
    "preference": _Reader.preference,
    "order": _Reader.preference,
    "priority": _Reader.preference,
    "tos": _Reader.tos,
    "dsfield": _Reader.tos,
    "fwmark": _Reader.fwmark,
    "realms": _Reader.realms,
    "suppress_prefixlength": _Reader.suppress_prefixlength,
    "sup_pl": _Reader.suppress_prefixlength,
    "suppress_ifgroup": _Reader.suppress_ifgroup,
    "sup_group": _Reader.suppress_ifgroup,
    "dev": _Reader.iif,
    "iif": _Reader.iif,
    "oif": _Reader.oif,
    "tunnel-id": _Reader.tunnel_id,
    "uidrange": _Reader.uidrange,
    "protocol": _Reader.protocol,
    "ipproto": _Reader.ipproto,
    "sport": _Reader.sport,
    "dport": _Reader.dport,
    "no_track": _Reader.no_track,
}
