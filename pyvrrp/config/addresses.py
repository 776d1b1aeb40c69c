"""Lines of virtual_ipaddress, virtual_ipaddress_excluded and static_ipaddress: ADDRESS[/LENGTH] and options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Any, Final

from pyvrrp.config.names import SCOPES
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import IFNAME_MAX, UINT_MAX, digits_of, parse_address, parse_integer
from pyvrrp.config.schema import schema
from pyvrrp.config.suggest import did_you_mean
from pyvrrp.config.tree import Statement
from pyvrrp.config.words import LeftOutError, Words
from pyvrrp.errors import ProblemClass
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import Address, Interface

FLAGS: Final = frozenset({"home", "-nodad", "mngtmpaddr", "noprefixroute", "autojoin", "use_vmac"})
"""Options that stand alone, and set the field of their name; -nodad sets `dad`."""
FOREVER: Final = UINT_MAX


def read_virtual_address(
    statement: Statement, problems: Problems, groups: frozenset[str] | None = None
) -> VirtualAddress | None:
    """The address, with an empty `dev` where none is written; None if the line is dropped.

    `groups`: the track_groups defined so far, for static addresses; None where there is use_vmac instead.
    """
    interface = read_interface(statement, problems)
    if interface is None:
        return None
    words = Words(statement, problems, "address", problems.source.names, [])
    words.at = 1
    try:
        return _Reader(words, interface, groups).read()
    except LeftOutError:
        return None


class _Reader:
    def __init__(self, words: Words, interface: Interface, groups: frozenset[str] | None) -> None:
        self.words = words
        self.interface = interface
        self.table = schema()["virtual_address" if groups is None else "static_ipaddress"]
        self.groups = groups or frozenset()
        self.fields: dict[str, Any] = {}
        self.broadcast: str | IPv4Address | None = None
        """+ and - count for the prefix that the address has in the end."""

    def read(self) -> VirtualAddress:
        words, problems, line = self.words, self.words.problems, self.words.statement.line
        while words.more:
            word, at = words.word(), words.at - 1
            if word not in self.table or word == "<first word>":
                suggestion = did_you_mean(word, self.table, "one address a line")
                problems.error(line, f"`{word}` is no option of an address", word=at, suggestion=suggestion)
            elif word == "no_track":
                self.fields["track"] = False
            elif word in FLAGS:
                self._flag(word, at)
            elif not words.more:
                words.leave_out(f"`{word}` lacks its argument")
            else:
                OPTIONS[word](self, words.word())
        return self._finish()

    def _flag(self, word: str, at: int) -> None:
        self.fields[word.removeprefix("-no")] = True
        row = self.table[word]
        if row.effect is not None:
            message = f"`{word}` is accepted, but not active in this version"
            effect = row.effect.format(name=self.words.statement.word, value="")
            self.words.problems.inactive(self.words.statement.line, message, effect, word=at)

    def dev(self, value: str) -> None:
        if "dev" in self.fields:
            self.words.leave_out("a second dev for the same address")
        if len(value) > IFNAME_MAX:
            message = f"`{value}` is too long for an interface name"
            self.words.problems.fatal(self.words.statement.line, message, word=self.words.at - 1)
            raise LeftOutError
        self.fields["dev"] = value

    def scope(self, value: str) -> None:
        number = self.words.names.number(SCOPES, value)
        if number is None:
            self.words.complain(f"`{value}` is not a scope", "scope global is used")
        else:
            self.fields["scope"] = number

    def label(self, value: str) -> None:
        if len(value) > IFNAME_MAX:
            self.words.leave_out(f"a label has at most {IFNAME_MAX} characters")
        self.fields["label"] = value

    def brd(self, value: str) -> None:
        if self.interface.version == 6:
            self.words.leave_out("IPv6 has no broadcast")
        address = parse_address(value)
        if value in ("+", "-"):
            self.broadcast = value
        elif isinstance(address, IPv4Address):
            self.broadcast = address
        else:
            self.words.leave_out(f"`{value}` is not an IPv4 address")

    def peer(self, value: str) -> None:
        address = parse_address(value)
        if "peer" in self.fields:
            self.words.complain("a second peer", "ignored")
        elif address is None:
            self.words.complain(f"`{value}` is not an IP address", "the address has no peer")
        elif address.version != self.interface.version:
            self.words.complain(f"{address} is not an IPv{self.interface.version} address", "the address has no peer")
        else:
            if self.interface.network.prefixlen != address.max_prefixlen:
                self.words.complain("an address with a peer has no prefix length", f"/{address.max_prefixlen} is used")
            self.interface = host_interface(self.interface.ip)
            self.fields["peer"] = address

    def preferred_lft(self, value: str) -> None:
        seconds = FOREVER if value == "forever" else parse_integer(value, 0, UINT_MAX)
        if isinstance(seconds, str):
            self.words.complain(f"preferred_lft: {seconds}", "ignored")
        else:
            self.fields["preferred_lft"] = seconds

    def track_group(self, value: str) -> None:
        if "track_group" in self.fields:
            self.words.complain("a second track_group", "the rest of the line is ignored")
            self.words.at = len(self.words.statement.words)
        elif value in self.groups:
            self.fields["track_group"] = value
        else:
            self.words.complain(f"there is no track_group {value} above", "the address follows none")

    def _finish(self) -> VirtualAddress:
        fields, problems, line = self.fields, self.words.problems, self.words.statement.line
        network = self.interface.network
        if self.broadcast is not None and "peer" in fields:
            problems.error(line, "broadcast does not go together with peer", "the address has no broadcast address")
        elif isinstance(self.broadcast, IPv4Address):
            fields["broadcast"] = self.broadcast
        elif self.broadcast is not None and network.prefixlen > 30:
            message = f"/{network.prefixlen} has no broadcast address"
            problems.error(line, message, "the address has no broadcast address")
        elif self.broadcast is not None:
            fields["broadcast"] = network.broadcast_address if self.broadcast == "+" else network.network_address
        if self.interface.version == 6:
            for word in ("scope", "label"):
                if fields.pop(word, None):
                    problems.error(line, f"{word} is for IPv4 only")
        elif "preferred_lft" in fields:
            problems.notice(line, "preferred_lft is for IPv6 only", "ignored, as by keepalived")
            del fields["preferred_lft"]
        return VirtualAddress(interface=self.interface, **{"dev": "", **fields})


OPTIONS: Final[Mapping[str, Callable[[_Reader, str], None]]] = {
    "dev": _Reader.dev,
    "scope": _Reader.scope,
    "label": _Reader.label,
    "brd": _Reader.brd,
    "broadcast": _Reader.brd,
    "peer": _Reader.peer,
    "preferred_lft": _Reader.preferred_lft,
    "track_group": _Reader.track_group,
}


def read_interface(statement: Statement, problems: Problems) -> Interface | None:
    """ADDRESS[/LENGTH], the first word; a wrong length is told and the host's taken."""
    interface = parse_prefix(statement.word, statement, 0, problems)
    if interface is None:
        message = f"`{statement.word}` is not an IP address"
        problems.error(statement.line, message, "the line is left out", word=0)
    return interface


def parse_prefix(text: str, statement: Statement, at: int, problems: Problems) -> Interface | None:
    """ADDRESS[/LENGTH], word number `at`; None if it is none. A wrong length is told and the host's taken."""
    host, slash, length = text.partition("/")
    address = parse_address(host)
    if address is None:
        return None
    prefix: int | str = address.max_prefixlen
    if slash and length:
        prefix = parse_integer(length, 0, address.max_prefixlen)
        if isinstance(prefix, str):
            message, digits = f"prefix length: {prefix}", digits_of(length, 0, address.max_prefixlen)
            prefix = address.max_prefixlen if digits is None else digits
            problems.error(statement.line, message, f"/{prefix} is used", word=at, kind=ProblemClass.INVALID_NUMBER)
    elif slash:
        message = "there is no prefix length after the /"
        problems.notice(statement.line, message, f"/{prefix} is used", word=at)
    return IPv4Interface((address, prefix)) if isinstance(address, IPv4Address) else IPv6Interface((address, prefix))


def host_interface(address: Address) -> Interface:
    """The address alone: /32 or /128."""
    return IPv4Interface(address) if isinstance(address, IPv4Address) else IPv6Interface(address)
