"""Lines of virtual_rules and static_rules: the grammar of ``ip rule``, as keepalived reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface, IPv6Interface
from typing import Final

from pyvrrp.config.addresses import parse_prefix
from pyvrrp.config.names import GROUPS, TABLES, c_integer
from pyvrrp.config.routes import TYPES, read_realms, read_tos
from pyvrrp.config.words import LeftOutError, LineReader, Values, Words
from pyvrrp.errors import ProblemClass
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


def _preference(words: Words) -> int:
    text = words.argument()
    number = None if "-" in text else c_integer(text)
    if number is None or number > 2**32 - 1:
        words.leave_out(f"`{text}` is no preference", kind=ProblemClass.INVALID_NUMBER)
    return number


def _user_ids(words: Words) -> tuple[int, int]:
    text = words.argument()
    match = re.match(r"\s*([0-9]+)-\s*([0-9]+)", text)
    if match is None or max(int(match[1]), int(match[2])) > 2**32 - 1:
        words.leave_out(f"`{text}` is no range of user ids")
    return int(match[1]), int(match[2])


def _protocol(words: Words) -> int:
    text = words.argument()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 256
    if number > 255:
        words.complain(f"`{text}` is no protocol number", "keepalived (18) is used")
        return KEEPALIVED
    return number


def _ip_protocol(words: Words) -> int:
    text = words.argument()
    if text.isascii() and text.isdecimal():
        number = int(text) if len(text) < 4 and int(text) < 128 else None  # more keepalived does not take
    else:
        number = words.names.ip_protocol(text)
    if number is None or number > 255:
        # Without it the rule would match far more than is meant.
        words.leave_out(f"`{text}` is no IP protocol")
    return number


def _ports(words: Words) -> tuple[int, int]:
    text = words.argument()
    match = re.fullmatch(r"\s*([0-9]{1,5})(?:-\s*([0-9]{1,5}))?", text)
    ports = (int(match[1]), int(match[2] or match[1])) if match else (1, 65536)
    if max(ports) > 65535:
        words.leave_out(f"`{text}` is no range of ports")
    return ports


class _Reader(LineReader):
    def __init__(self, words: Words, groups: frozenset[str] | None) -> None:
        super().__init__(words, groups)
        self.action: RuleAction | None = None
        self.prefixes: dict[str, Interface | str] = {}

    def read(self, priorities: Priorities) -> Rule:
        words = self.words
        while words.more:
            keyword = words.word()
            if self.value(keyword, VALUES) or self.track_group(keyword):
                continue
            if keyword in KEYWORDS:
                KEYWORDS[keyword](self)
            else:
                self._action(words.argument() if keyword == "type" else keyword)
        return self._finish(priorities)

    def prefix(self, field: str) -> None:
        words = self.words
        text = words.argument()
        if text in ("default", "any", "all", "default6"):
            if text == "default6":
                self.family(6)
            self.prefixes[field] = text
            return
        prefix = parse_prefix(text, words.statement, words.at - 1, words.problems)
        if prefix is None:
            words.leave_out(f"`{text}` is no prefix")
        self.family(prefix.version)
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

    def fwmark(self) -> None:
        text = self.words.argument()
        mark, slash, mask = text.partition("/")
        parts = [part or "0" for part in ([mark, mask] if slash else [mark])]
        numbers = [None if "-" in part else c_integer(part) for part in parts]
        good = [number for number in numbers if number is not None and number <= 2**32 - 1]
        if len(good) != len(numbers):
            self.words.leave_out(f"`{text}` is no firewall mark")
        self.fields |= zip(("fwmark", "fwmask"), good, strict=False)

    def realms(self) -> None:
        self.fields["realms"] = read_realms(self.words)
        self.family(4)

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
        if action is not RuleAction.TABLE and not TABLES_ONLY.isdisjoint(fields):
            words.leave_out("realms and suppress_* go together with a table only")
        self.check_protocol()
        self.check_track_group("iif", "dev or iif")
        version = self.version or 4
        if priority is None:
            fields["priority"] = priorities.take(version)
            line, message, effect = words.statement.line, "the rule has no preference", f"it gets {fields['priority']}"
            suggestion = "give it one, so that its place among the others is what you mean"
            words.problems.warning(line, message, effect, suggestion=suggestion)
        everything: Interface = IPv6Interface("::/0") if version == 6 else IPv4Interface("0.0.0.0/0")
        for name, prefix in self.prefixes.items():
            fields[name] = everything if isinstance(prefix, str) else prefix
        return Rule(version=version, action=action, **fields)


VALUES: Final[Values] = {
    "not": ("invert", lambda words: True),
    **dict.fromkeys(("preference", "order", "priority"), ("priority", _preference)),
    **dict.fromkeys(("tos", "dsfield"), ("tos", read_tos)),
    **dict.fromkeys(
        ("suppress_prefixlength", "sup_pl"), ("suppress_prefixlength", lambda words: words.number(2**31 - 1))
    ),
    **dict.fromkeys(
        ("suppress_ifgroup", "sup_group"), ("suppress_ifgroup", lambda words: words.name(GROUPS, "group of interfaces"))
    ),
    **dict.fromkeys(("dev", "iif"), ("iif", Words.device)),
    "oif": ("oif", Words.device),
    "tunnel-id": ("tunnel_id", lambda words: words.number(2**64 - 1)),
    "uidrange": ("uidrange", _user_ids),
    "protocol": ("protocol", _protocol),
    "ipproto": ("ipproto", _ip_protocol),
    "sport": ("sport", _ports),
    "dport": ("dport", _ports),
    "no_track": ("track", lambda words: False),
}
TABLES_ONLY: Final = frozenset({"realms", "suppress_prefixlength", "suppress_ifgroup"})
"""What only a table can mean."""
KEYWORDS: Final[Mapping[str, Callable[[_Reader], None]]] = {
    "inet": lambda rule: rule.family(4),
    "inet6": lambda rule: rule.family(6),
    "from": lambda rule: rule.prefix("source"),
    "to": lambda rule: rule.prefix("destination"),
    "table": _Reader.table,
    "lookup": _Reader.table,
    "l3mdev": _Reader.l3mdev,
    "fwmark": _Reader.fwmark,
    "realms": _Reader.realms,
}
