"""virtual_server_group blocks: addresses, ranges and marks, one a line.

``10.0.0.1``, ``10.0.0.1-20``, ``10.0.0.1-10.0.0.20``, ``10.0.0.0/28`` with a port or without, likewise for IPv6 (where
a short end is hexadecimal: ``2001:db8::10-1f``), and ``fwmark N [inet|inet6]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import UINT_MAX, parse_address, parse_integer
from pyvrrp.config.suggest import port_apart
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.lvs import AddressRange, GroupMark, VirtualServerGroup
from pyvrrp.net import AF_INET, AF_INET6, Address

SKIPPED: Final = "the line is skipped"
FAMILIES: Final = {"inet": AF_INET, "inet6": AF_INET6}
RANGE_MAX: Final = 65536
"""Addresses of one line. keepalived would try to make a service for each of 2^64."""
LEFT_OUT: Final = "the group is left out, and the virtual servers that name it"


def build_groups(root: Statement, problems: Problems) -> dict[str, VirtualServerGroup]:
    """By name, those that have something in them; of two with one name the first counts, as in keepalived."""
    found: dict[str, VirtualServerGroup] = {}
    for block in root.children:
        if block.words[0] != "virtual_server_group" or len(block.words) != 2:
            continue
        name = block.words[1]
        group = _group(block, problems)
        if name in found:
            message = f"virtual_server_group {name} is defined already"
            problems.add(block.line, Severity.ERROR, message, "the first one counts", word=1)
        elif group is not None:
            found[name] = group
    return found


def _group(block: Statement, problems: Problems) -> VirtualServerGroup | None:
    ranges: list[AddressRange] = []
    marks: list[GroupMark] = []
    known = len(problems.found)
    for line in block.children:
        if line.words[0] == "fwmark":
            mark = _mark(line, problems)
            if mark is not None:
                marks.append(mark)
        else:
            ranges += _range(line, problems)
    group = VirtualServerGroup(name=block.words[1], ranges=tuple(ranges), marks=tuple(marks))
    if not ranges and not marks:
        if block.children:  # where there is nothing at all, it was told where the block ends
            refused = sum(1 for problem in problems.found[known:] if problem.kind)
            kind = ProblemClass.GENERAL if refused >= len(block.children) else ProblemClass.OK
            message = f"virtual_server_group {group.name} has no entry that can be used"
            problems.error(block.line, message, LEFT_OUT, kind=kind)
        return None
    families = {range_.first.version for range_ in ranges}
    if len(families) > 1 and any(mark.family is None for mark in marks):
        message = f"virtual_server_group {group.name} has IPv4, IPv6, and a fwmark that does not say which it is"
        problems.error(block.line, message, LEFT_OUT, suggestion="write `fwmark N inet` or `fwmark N inet6`")
        return None
    return group


def _mark(line: Statement, problems: Problems) -> GroupMark | None:
    words = line.words
    if len(words) < 2:
        problems.fatal(line.line, "`fwmark` lacks its argument", kind=ProblemClass.MISSING_PARAMETER)
        return None
    number = parse_integer(words[1], 0, UINT_MAX)
    if isinstance(number, str):
        problems.error(line.line, f"fwmark: {number}", SKIPPED, word=1, kind=ProblemClass.INVALID_NUMBER)
        return None
    if number == 0:
        problems.add(line.line, Severity.ERROR, "0 is what packets without a mark have", SKIPPED, word=1)
        return None
    if len(words) < 3:
        return GroupMark(number)
    if words[2] not in FAMILIES:
        message = f"`{words[2]}` is not a family"
        problems.error(line.line, message, SKIPPED, word=2, suggestion="write inet or inet6")
        return None
    return GroupMark(number, FAMILIES[words[2]])


def _range(line: Statement, problems: Problems) -> Iterator[AddressRange]:
    words = line.words
    port: int | str = 0
    if len(words) > 1 and words[1].strip("0"):
        port = parse_integer(words[1], 1, 65535)
    if isinstance(port, str):
        problems.error(line.line, f"port: {port}", SKIPPED, word=1, kind=ProblemClass.INVALID_NUMBER)
        return
    if len(words) > 2:
        problems.notice(line.line, "a line takes an address and a port", "the other words are ignored", word=2)
    head, mark, tail = words[0].partition("-")
    if not mark:
        head, mark, tail = words[0].partition("/")
    first = parse_address(head)
    if first is None:
        _no_address(line, problems)
        return
    if not mark:
        yield AddressRange(first, first, port)
        return
    last: Address | None
    if mark == "/":
        length = parse_integer(tail, 1, first.max_prefixlen)
        if isinstance(length, str):
            problems.error(line.line, f"prefix length: {length}", SKIPPED, word=0)
            return
        network = ip_network((first, length), strict=False)
        if network.network_address != first:
            message = f"{words[0]} has bits set behind its prefix length"
            suggestion = f"write `{network}`, or an address without a length"
            problems.error(line.line, message, SKIPPED, word=0, suggestion=suggestion)
            return
        last = network.broadcast_address
    elif "." in tail or ":" in tail:
        last = parse_address(tail)
        if last is None or last.version != first.version:
            _no_address(line, problems)
            return
        if int(first) > int(last):
            problems.error(line.line, "the range ends before it begins", SKIPPED, word=0)
            return
    else:
        last = _short_end(line, first, tail, problems)
        if last is None:
            return
    if int(last) - int(first) >= RANGE_MAX:
        message = f"{words[0]} has more than {RANGE_MAX} addresses, each of which would be a service"
        suggestion = "mark its packets (nftables, iptables), and use a fwmark"
        problems.add(line.line, Severity.ERROR, message, SKIPPED, word=0, suggestion=suggestion)
        return
    yield AddressRange(first, last, port)


def _short_end(line: Statement, first: Address, tail: str, problems: Problems) -> Address | None:
    """The last part of the last address: decimal for IPv4, hexadecimal for IPv6."""
    top, digits, base = (255, "[0-9]*", 10) if first.version == 4 else (0xFFFF, "[0-9a-fA-F]*", 16)
    match = re.match(digits, tail)
    text = match[0] if match is not None else ""
    end = int(text or "0", base) if len(text) < 20 else top + 1
    start = int(first) & top
    if end > top:
        most = top if base == 10 else f"{top:x}"
        problems.error(line.line, f"the range ends at {text}, and {most} is the most", SKIPPED, word=0)
        return None
    if len(text) < len(tail):
        effect = "it is taken without that" if end > start else SKIPPED
        problems.error(line.line, f"`{tail[len(text) :]}` behind the range means nothing", effect, word=0)
    elif end <= start:
        problems.error(line.line, "a range must end behind where it begins", SKIPPED, word=0)
    return first + (end - start) if end > start else None


def _no_address(line: Statement, problems: Problems) -> None:
    word = line.words[0]
    message = f"`{word}` is neither an address nor a range"
    problems.error(line.line, message, SKIPPED, word=0, suggestion=port_apart(word))
