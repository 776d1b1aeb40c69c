"""A line of options, read word by word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.names import Kind, Names
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import IFNAME_MAX, UINT_MAX, parse_address, parse_integer
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ProblemClass
from pyvrrp.model.routing import KEEPALIVED
from pyvrrp.net import Address


class LeftOutError(Exception):
    """The line cannot be used; why has been told."""


class Words:
    """The words of one line and a place in them. What cannot be used raises LeftOutError, after it was told."""

    def __init__(
        self, statement: Statement, problems: Problems, what: str, names: Names, uses: list[InterfaceUse]
    ) -> None:
        """`what` is what the line is about: ``route``, for messages. Devices that are named are added to `uses`."""
        self.statement = statement
        self.problems = problems
        self.what = what
        self.names = names
        self.uses = uses
        self.at = 0
        """The word that comes next."""

    @property
    def more(self) -> bool:
        return self.at < len(self.statement.words)

    def peek(self) -> str | None:
        return self.statement.words[self.at] if self.more else None

    def word(self) -> str:
        self.at += 1
        return self.statement.words[self.at - 1]

    def skip(self, *words: str) -> str | None:
        """The next word if it is one of these."""
        return self.word() if self.peek() in words else None

    def argument(self) -> str:
        """The argument of the keyword before; keepalived does not start without it."""
        if not self.more:
            keyword = self.statement.words[self.at - 1]
            message = f"`{keyword}` lacks its argument"
            self.problems.fatal(self.statement.line, message, word=self.at - 1, kind=ProblemClass.MISSING_PARAMETER)
            raise LeftOutError
        return self.word()

    def number(self, most: int = UINT_MAX) -> int:
        value = parse_integer(self.argument(), 0, most)
        if isinstance(value, str):
            self.leave_out(value, kind=ProblemClass.INVALID_NUMBER)
        return value

    def name(self, kind: Kind, what: str) -> int:
        text = self.argument()
        value = self.names.number(kind, text)
        if value is None:
            self.leave_out(f"`{text}` is no {what} (see /etc/iproute2/{kind.file})")
        return value

    def address(self) -> Address:
        text = self.argument()
        address = parse_address(text)
        if address is None:
            self.leave_out(f"`{text}` is not an IP address")
        return address

    def device(self, *, needed: bool = True) -> str:
        """A network device. Not `needed`: keepalived goes on without it, and without the line."""
        name = self.argument()
        if len(name.encode(errors="surrogateescape")) > IFNAME_MAX:
            self.problems.fatal(self.statement.line, f"`{name}` is too long for an interface name", word=self.at - 1)
            raise LeftOutError
        span = self.problems.source.span(self.statement.line, self.at - 1)
        user = f"{self.what} {' '.join(self.statement.words[:2])}"
        self.uses.append(InterfaceUse(name, span, user, needed=needed))
        return name

    def leave_out(
        self, message: str, *, kind: ProblemClass = ProblemClass.GENERAL, word: int | None = None
    ) -> NoReturn:
        """Without `word` it is about the last word read."""
        at = self.at - 1 if word is None else word
        self.problems.error(self.statement.line, message, f"the {self.what} is left out", word=at, kind=kind)
        raise LeftOutError

    def complain(self, message: str, effect: str) -> None:
        """About the last word read; the line goes on."""
        self.problems.error(self.statement.line, message, effect, word=self.at - 1)


Values: TypeAlias = Mapping[str, tuple[str, Callable[[Words], object]]]
"""Keyword to the field that it sets, and how its value is read from the words behind it."""


class LineReader:
    """A route or a rule while its line is read: what keywords say becomes fields."""

    def __init__(self, words: Words, groups: frozenset[str] | None) -> None:
        """`groups`: the track_groups defined so far, for what is static; None where track_group means nothing."""
        self.words = words
        self.groups = groups
        self.version: int | None = None
        self.fields: dict[str, Any] = {}

    def family(self, version: int) -> None:
        """What has been read says that the line is about IPv4 or IPv6."""
        if self.version not in (None, version):
            self.words.leave_out(f"IPv{version} in an IPv{self.version} {self.words.what}")
        self.version = version

    def value(self, keyword: str, values: Values) -> bool:
        """Read the value of the keyword; False where the table does not have it."""
        if keyword not in values:
            return False
        field, read = values[keyword]
        self.fields[field] = read(self.words)
        return True

    def track_group(self, keyword: str) -> bool:
        """False where it is another keyword."""
        if keyword != "track_group" or self.groups is None:
            return False
        name = self.words.argument()
        if "track_group" in self.fields:
            self.words.leave_out("a second track_group")
        if name in self.groups:
            self.fields["track_group"] = name
        else:
            self.words.complain(f"there is no track_group {name} above", f"the {self.words.what} follows none")
        return True

    def check_protocol(self) -> None:
        """At the end of the line: what is watched is known by its protocol."""
        if self.fields.get("track", True) and self.fields.get("protocol", KEEPALIVED) != KEEPALIVED:
            message = f"a {self.words.what} of another protocol cannot be watched"
            self.words.complain(message, "the protocol is keepalived (18)")
            self.fields["protocol"] = KEEPALIVED

    def check_track_group(self, field: str, what: str) -> None:
        """It needs the device of that field."""
        if "track_group" in self.fields and field not in self.fields:
            message = f"track_group needs a {self.words.what} with {what}"
            self.words.complain(message, f"the {self.words.what} follows none")
            del self.fields["track_group"]
