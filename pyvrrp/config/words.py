"""A line of options, read word by word."""

from __future__ import annotations

from typing import NoReturn

from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.config.names import Kind, Names
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import IFNAME_MAX, UINT_MAX, parse_address, parse_integer
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ProblemClass
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
