"""Lines of virtual_routes and static_routes: the grammar of ``ip route``, as keepalived reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, Final

from pyvrrp.config.addresses import parse_prefix
from pyvrrp.config.encap import read_encap
from pyvrrp.config.names import DSFIELDS, PROTOCOLS, REALMS, SCOPES, TABLES, c_integer
from pyvrrp.config.words import LeftOutError, LineReader, Values, Words
from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.routing import Metrics, Nexthop, Route, RouteType
from pyvrrp.net import Address, Interface

TYPES: Final[Mapping[str, int]] = {
    **{type_.name.lower(): type_.value for type_ in RouteType},
    "brd": RouteType.BROADCAST,
}
RTT_MIN: Final = 200
"""Milliseconds: TCP_RTO_MIN of the kernel."""
RTT_MAX: Final = 120_000
TIME: Final = r"(?i)[ \t]*([0-9]*)(?:\.([0-9]*))?(m?)(s|secs?)?"
LOCKABLE: Final = frozenset(
    {"mtu", "advmss", "rtt", "rttvar", "reordering", "cwnd", "ssthresh", "rto_min", "congctl"},
)
NUMBERS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("mtu", "advmss", "reordering", "window", "cwnd", "ssthresh", "initcwnd", "initrwnd"), 2**32 - 1),
    "hoplimit": 255,
    "quickack": 1,
    "fastopen_no_cookie": 1,
}
"""Metrics that are a number, and the largest."""
TIMES: Final[Mapping[str, int]] = {"rtt": 8, "rttvar": 4, "rto_min": 1}
"""Metrics that are a time, and how many of their units are a millisecond."""
PREFERENCES: Final[Mapping[str, int]] = {"low": 3, "medium": 0, "high": 1}
"""RFC 4191 §2.1."""


def read_route(words: Words, groups: frozenset[str] | None) -> Route | None:
    """The route; None if the line is left out, which a problem says then.

    `groups`: the track_groups defined so far, for static routes; None where track_group means nothing.
    """
    try:
        return _Reader(words, groups).read()
    except LeftOutError:
        return None


def read_realms(words: Words) -> int:
    """``[FROM/]TO`` as one number."""
    numbers = [words.names.number(REALMS, part) for part in words.argument().split("/", 1)]
    if None in numbers:
        words.leave_out("no realms (names are in /etc/iproute2/rt_realms)")
    first, *rest = (number for number in numbers if number is not None)
    return first << 16 | rest[0] if rest else first


def read_tos(words: Words) -> int:
    return words.name(DSFIELDS, "type of service")


def _ttl_propagate(words: Words) -> bool:
    word = words.argument()
    if word not in ("enabled", "disabled"):
        words.complain(f"`{word}` is neither enabled nor disabled", "disabled is used")
    return word == "enabled"


class _Reader(LineReader):
    def __init__(self, words: Words, groups: frozenset[str] | None) -> None:
        super().__init__(words, groups)
        self.metrics: dict[str, Any] = {}
        self.locked: list[str] = []
        self.destination: Interface | str | None = None
        self.nexthops: list[Nexthop] = []

    def read(self) -> Route:
        words = self.words
        while words.more:
            keyword = words.word()
            if keyword == "nexthop":
                if self.nexthops:
                    words.leave_out("nexthop does not go together with `or`")
                self._nexthops()
                break
            if self.value(keyword, VALUES) or self.track_group(keyword):
                continue
            if keyword in NUMBERS or keyword in TIMES:
                self._metric(keyword)
            elif keyword in FLAGS:
                self.fields |= FLAGS[keyword]
            elif keyword in KEYWORDS:
                KEYWORDS[keyword](self)
            else:
                self._destination(keyword)
        return self._finish()

    # ---- keywords

    def src(self) -> None:
        address = self.words.address()
        self.family(address.version)
        self.fields["src"] = address

    def via(self) -> None:
        self.fields["via"] = self._gateway()

    def gw(self) -> None:
        self._old("gw", "via")
        self.via()

    def _gateway(self) -> Address:
        if self.words.skip("inet6") and self.version == 4:
            # RFC 5549; keepalived refuses it, the kernel does not.
            address = self.words.address()
            if address.version != 6:
                self.words.leave_out(f"{address} is not an IPv6 address")
            return address
        self.words.skip("inet")
        address = self.words.address()
        self.family(address.version)
        return address

    def source(self) -> None:
        prefix = self._prefix(self.words.argument())
        if prefix == 6:
            prefix = IPv6Interface("::/0")
        if not isinstance(prefix, IPv6Interface):
            self.words.leave_out("only IPv6 routes have a source prefix")
        self.family(6)
        self.fields["source"] = prefix

    def expires(self) -> None:
        self._only_ipv6("expires")
        self.fields["expires"] = self.words.number()

    def pref(self) -> None:
        self._only_ipv6("pref")
        word = self.words.peek()
        if word in PREFERENCES:
            self.fields["pref"] = PREFERENCES[self.words.word()]
        else:
            self.fields["pref"] = self.words.number(255)

    def _only_ipv6(self, keyword: str) -> None:
        if self.version == 4:
            self.words.leave_out(f"{keyword} is for IPv6 only")
        self.version = 6

    def realms(self) -> None:
        self.fields["realms"] = read_realms(self.words)
        if self.version == 6:
            self.words.leave_out("realms are for IPv4 only")
        self.version = 4

    def features(self) -> None:
        word = self.words.argument()
        if word == "ecn":
            self.metrics["features"] = 1
        else:
            self.words.complain(f"`{word}` is no feature", "ignored; there is `ecn` only")

    def congctl(self) -> None:
        self._lock("congctl")
        self.metrics["congctl"] = self.words.argument()

    def as_to(self) -> None:
        self.words.skip("to")
        self.words.argument()
        self.words.complain("`as` is for MPLS routes", "ignored")

    def or_(self) -> None:
        self._old("or", "nexthop")
        if self.nexthops:
            self.words.argument()
            self.words.complain("a second `or`", "ignored")
            return
        address = self.words.address()
        self.nexthops = [Nexthop(via=self.fields.pop("via", None)), Nexthop(via=address)]

    def _old(self, word: str, instead: str) -> None:
        line, at, kind = self.words.statement.line, self.words.at - 1, ProblemClass.GENERAL
        message, effect, suggestion = f"`{word}` is an old spelling", f"taken as `{instead}`", f"write `{instead}`"
        problems = self.words.problems
        problems.add(line, Severity.DEPRECATED, message, effect, word=at, kind=kind, suggestion=suggestion)

    def _lock(self, metric: str) -> None:
        if metric in LOCKABLE and self.words.skip("lock"):
            self.locked.append(metric)

    def _metric(self, name: str) -> None:
        self._lock(name)
        self.metrics[name] = self._time(TIMES[name]) if name in TIMES else self.words.number(NUMBERS[name])

    def _time(self, units: int) -> int:
        """Units as such, or a time with its unit (``200ms``, ``1.5s``)."""
        text = self.words.argument()
        match = re.fullmatch(TIME, text)
        if match is None or not (match[1] or match[2]) or (match[3] and not match[4]) or len(match[1]) > 20:
            self.words.leave_out(f"`{text}` is not a time")
        places = 0 if not match[4] or match[3] else 3
        fraction = match[2] or ""
        if len(fraction) > places:
            self.words.complain(f"{text} has too many places", "it is rounded")
        digits = (match[1] or "0") + fraction.ljust(places + 1, "0")[: places + 1]
        number = (int(digits) + 5) // 10
        value = number * (units if match[4] else 1)
        if number > RTT_MAX * units:
            self.words.leave_out(f"{text} is out of range", kind=ProblemClass.INVALID_NUMBER)
        used = min(max(value, RTT_MIN * units), RTT_MAX * units)
        if value != used:
            message = f"{text} is not between {RTT_MIN} ms and {RTT_MAX // 1000} s"
            line, effect = self.words.statement.line, f"{used // units} ms are used"
            self.words.problems.notice(line, message, effect, word=self.words.at - 1)
        return used

    # ---- the destination

    def _destination(self, word: str) -> None:
        if word == "to":
            word = self.words.argument()
        elif (type_ := self._type(word)) is not None:
            self.fields["type"] = type_
            word = self.words.argument()
        prefix = self._prefix(word)
        if prefix is None:
            self.words.leave_out(f"`{word}` is no option of a route, and no destination")
        if isinstance(prefix, int):
            if prefix:
                self.family(prefix)
            self.destination = "default"
        else:
            self.family(prefix.version)
            self.destination = prefix

    def _type(self, word: str) -> int | None:
        number = TYPES.get(word)
        if number is None and not word.startswith("-"):
            number = c_integer(word)
        return number if number is not None and number <= 255 else None

    def _prefix(self, word: str) -> Interface | int | None:
        """The prefix; 0, 4 or 6 for a default route of any or of that family; None if it is none."""
        if word in ("default", "any", "all"):
            return 0
        if word == "default6":
            line, message = self.words.statement.line, "`default6` is an old spelling"
            suggestion = "write `default inet6`"
            self.words.problems.add(line, Severity.DEPRECATED, message, "taken as it is meant", suggestion=suggestion)
            return 6
        return parse_prefix(word, self.words.statement, self.words.at - 1, self.words.problems)

    # ---- several ways

    def _nexthops(self) -> None:
        words = self.words
        while True:
            self.nexthops.append(self._nexthop())
            if words.peek() != "nexthop":
                break
            words.word()
        if words.more:
            words.leave_out(f"`{words.word()}` is no option of a nexthop")

    def _nexthop(self) -> Nexthop:
        words = self.words
        found: dict[str, Any] = {}
        while (word := words.skip("via", "dev", "weight", "onlink", "encap", "realms", "as")) is not None:
            if word == "via":
                found["via"] = self._gateway()
            elif word == "dev":
                found["dev"] = words.device()
            elif word == "weight":
                found["weight"] = words.number(256)
                if not found["weight"]:
                    words.leave_out("the weight of a nexthop is 1 to 256")
            elif word == "onlink":
                found["onlink"] = True
            elif word == "encap":
                found["encap"] = read_encap(words)
            elif word == "realms":
                found["realms"] = read_realms(words)
                self.family(4)
            else:
                words.leave_out("`as` is not supported")
        return Nexthop(**found)

    # ---- at the end of the line

    def _finish(self) -> Route:
        words, fields = self.words, self.fields
        if self.destination is None:
            words.leave_out("the route has no destination", word=0)
        destination = self.destination
        if isinstance(destination, str):
            destination = IPv6Interface("::/0") if self.version == 6 else IPv4Interface("0.0.0.0/0")
        self.check_protocol()
        if fields.get("track", True) and "dev" not in fields:
            line, message = words.statement.line, "the route names no device"
            effect = "it is watched all the same; keepalived 2.2.7 would not"
            words.problems.add(line, Severity.NOTICE, message, effect, kind=ProblemClass.GENERAL)
        self.check_track_group("dev", "a device")
        metrics = Metrics(**self.metrics, lock=tuple(self.locked)) if self.metrics else None
        return Route(destination=destination, metrics=metrics, nexthops=tuple(self.nexthops), **fields)


FLAGS: Final[Mapping[str, Mapping[str, object]]] = {
    "onlink": {"onlink": True},
    "add": {"add": True, "append": False},
    "prepend": {"add": False, "append": False},
    "append": {"add": False, "append": True},
    "no_track": {"track": False},
}
VALUES: Final[Values] = {
    **dict.fromkeys(("tos", "dsfield"), ("tos", read_tos)),
    "table": ("table", lambda words: words.name(TABLES, "routing table")),
    "protocol": ("protocol", lambda words: words.name(PROTOCOLS, "routing protocol")),
    "scope": ("scope", lambda words: words.name(SCOPES, "scope")),
    **dict.fromkeys(("metric", "priority", "preference"), ("metric", Words.number)),
    **dict.fromkeys(("dev", "oif"), ("dev", Words.device)),
    "vrf": ("vrf", lambda words: words.device(needed=False)),
    "encap": ("encap", read_encap),
    "ttl-propagate": ("ttl_propagate", _ttl_propagate),
}
KEYWORDS: Final[Mapping[str, Callable[[_Reader], None]]] = {
    "inet": lambda route: route.family(4),
    "inet6": lambda route: route.family(6),
    "src": _Reader.src,
    "via": _Reader.via,
    "gw": _Reader.gw,
    "from": _Reader.source,
    "expires": _Reader.expires,
    "pref": _Reader.pref,
    "realms": _Reader.realms,
    "features": _Reader.features,
    "congctl": _Reader.congctl,
    "as": _Reader.as_to,
    "or": _Reader.or_,
}
