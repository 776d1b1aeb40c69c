"""Lines of virtual_ipaddress and virtual_ipaddress_excluded: ADDRESS[/LENGTH] and options."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import IFNAME_MAX, parse_address, parse_integer
from pyvrrp.config.schema import schema
from pyvrrp.config.suggest import nearest
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ProblemClass
from pyvrrp.model.vrrp import Scope, VirtualAddress
from pyvrrp.net import Address, Interface

SCOPES: Final[Mapping[str, int]] = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
FLAGS: Final = frozenset({"home", "-nodad", "mngtmpaddr", "noprefixroute", "autojoin", "no_track", "use_vmac"})


def read_virtual_address(statement: Statement, problems: Problems) -> VirtualAddress | None:
    """The address, with an empty `dev` where none is written; None if the line is dropped."""
    line, words = statement.line, statement.words
    interface = read_interface(statement, problems)
    if interface is None:
        return None
    dev, label, broadcast, scope = "", None, None, Scope.GLOBAL
    index = 1
    while index < len(words):
        word, at = words[index], index
        index += 1
        if word in FLAGS:
            _inactive(statement, at, problems)
            continue
        if word not in schema()["virtual_address"]:
            found = nearest(word, schema()["virtual_address"])
            problems.error(
                line,
                f"`{word}` is no option of an address",
                word=at,
                suggestion=f"did you mean `{found}`?" if found else "one address a line",
            )
            continue
        if index == len(words):
            problems.error(line, f"`{word}` lacks its argument", word=at)
            break
        value = words[index]
        index += 1
        if word == "dev":
            if dev:
                problems.error(line, "a second dev for the same address", word=at)
            elif len(value) > IFNAME_MAX:
                problems.fatal(line, f"`{value}` is too long for an interface name", word=at + 1)
            else:
                dev = value
        elif word == "label":
            if len(value) > IFNAME_MAX:
                message = f"a label has at most {IFNAME_MAX} characters"
                problems.error(line, message, f"address {words[0]} is left out", word=at + 1)
                return None
            label = value
        elif word in ("brd", "broadcast"):
            found_broadcast = _broadcast(interface, value)
            if isinstance(found_broadcast, str):
                skipped = value not in ("+", "-")
                effect = f"address {words[0]} is left out" if skipped else "the address has no broadcast address"
                problems.error(line, found_broadcast, effect, word=at + 1)
                if skipped:
                    return None
            else:
                broadcast = found_broadcast
        elif word == "scope":
            scope = _scope(statement, at + 1, value, problems)
        else:
            _inactive(statement, at, problems)
    if interface.version == 6 and (label or broadcast):
        problems.error(line, "label and broadcast are for IPv4 only")
        label = broadcast = None
    return VirtualAddress(interface=interface, dev=dev, label=label, broadcast=broadcast, scope=scope)


def read_interface(statement: Statement, problems: Problems) -> Interface | None:
    """ADDRESS[/LENGTH], the first word; a wrong length is told and the host's taken."""
    text, slash, length = statement.word.partition("/")
    address = parse_address(text)
    if address is None:
        message = f"`{statement.word}` is not an IP address"
        problems.error(statement.line, message, "the line is left out", word=0)
        return None
    prefix: int | str = address.max_prefixlen
    if slash and length:
        prefix = parse_integer(length, 0, address.max_prefixlen)
        if isinstance(prefix, str):
            effect = f"/{address.max_prefixlen} is used"
            problems.error(statement.line, f"prefix length: {prefix}", effect, word=0, kind=ProblemClass.INVALID_NUMBER)
            prefix = address.max_prefixlen
    elif slash:
        message = "there is no prefix length after the /"
        problems.notice(statement.line, message, f"/{prefix} is used", word=0)
    return IPv4Interface((address, prefix)) if isinstance(address, IPv4Address) else IPv6Interface((address, prefix))


def _broadcast(interface: Interface, value: str) -> IPv4Address | str:
    """The broadcast address meant, or what is wrong."""
    if isinstance(interface, IPv6Interface):
        return "IPv6 has no broadcast"
    if value in ("+", "-"):
        if interface.network.prefixlen > 30:
            return f"/{interface.network.prefixlen} has no broadcast address"
        return interface.network.broadcast_address if value == "+" else interface.network.network_address
    address: Address | None = parse_address(value)
    return address if isinstance(address, IPv4Address) else f"`{value}` is not an IPv4 address"


def _scope(statement: Statement, at: int, value: str, problems: Problems) -> Scope:
    number = SCOPES.get(value)
    if number is None:
        parsed = parse_integer(value, 0, 255)
        if isinstance(parsed, str):
            problems.error(statement.line, f"`{value}` is not a scope", "scope global is used", word=at)
            return Scope.GLOBAL
        number = parsed
    if number in Scope._value2member_map_:
        return Scope(number)
    message = f"scope {value} is accepted, but not active in this version"
    problems.inactive(statement.line, message, "scope global is used", word=at)
    return Scope.GLOBAL


def _inactive(statement: Statement, at: int, problems: Problems) -> None:
    row = schema()["virtual_address"][statement.words[at]]
    message = f"`{row.word}` is accepted, but not active in this version"
    effect = (row.effect or "").format(name=statement.word, value="")
    problems.inactive(statement.line, message, effect, word=at)
