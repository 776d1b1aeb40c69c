"""Advice: what is allowed, what keepalived is silent about, and what costs a night sooner or later.

Only `pyvrrp check` asks for it. It never counts for keepalived's exit status.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pyvrrp.config.lexer import split_words
from pyvrrp.config.load import Loaded
from pyvrrp.config.problems import Problems, listing
from pyvrrp.config.readers import parse_address
from pyvrrp.config.source import Line, Source
from pyvrrp.config.tree import Statement, parse
from pyvrrp.config.values import last_line
from pyvrrp.errors import ConfigProblem, Severity
from pyvrrp.model.lvs import Forwarding, VirtualServer
from pyvrrp.model.tracked import Tracker
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import Address

TRACKS: Final = {
    "vrrp_script": "track_script",
    "vrrp_track_process": "track_process",
    "track_file": "track_file",
    "vrrp_track_file": "track_file",
}
"""What defines something to be tracked, and what tracks it."""
INVISIBLE: Final = frozenset({"Cf", "Zs", "Zl", "Zp"})
PRIORITY_MAX: Final = 254
"""Of a router that does not own the addresses (RFC 9568 §5.2.4)."""


def advise(
    source: Source,
    loaded: Loaded,
    addresses: Collection[Address] | None = None,
    ways: Mapping[Address, Address | None] | None = None,
) -> tuple[ConfigProblem, ...]:
    """Notices and warnings beyond those of `loaded`.

    `addresses`: this host's. `ways`: the gateway to each real server, None where it is on the link; absent are those to
    which no route leads. None if they are not known.
    """
    problems = Problems(source)
    root = parse(source, problems)
    known = len(problems.found)
    blocks = {
        child.words[1]: child for child in reversed(root.children) if child.word == "vrrp_instance" and child.words[1:]
    }
    instances = [(instance, blocks[instance.name]) for instance in loaded.config.vrrp_instances]
    _invisible(source, loaded, problems)
    _same_segment(instances, problems)
    for instance, block in instances:
        _prefixes(block, problems)
        _weights(instance, block, problems)
        if addresses is not None:
            _owner(instance, block, addresses, problems)
    _unused(root, problems)
    services = {_service(child): child for child in reversed(root.children) if child.word == "virtual_server"}
    for server in loaded.config.virtual_servers:
        service = services.get(_named(server))
        _quorum(server, None if service is None else service.line, problems)
        if service is not None and ways is not None:
            _reachable(server, service, ways, problems)
    return tuple(problems.found[known:])


def _invisible(source: Source, loaded: Loaded, problems: Problems) -> None:
    """Pasted from a web page: it looks like a blank, and is a part of the word."""
    told = {(p.span.file, p.span.line) for p in loaded.problems if "invisible" in p.message}
    for line in source.lines:
        if line.text.isascii() or (source.places[line.place].file, line.number) in told:
            continue
        for at, word in enumerate(split_words(line.text)[0]):
            letters = sorted({letter for letter in word if letter != " " and unicodedata.category(letter) in INVISIBLE})
            if letters:
                names = [f"{unicodedata.name(letter, 'character').lower()} (U+{ord(letter):04X})" for letter in letters]
                message = f"an invisible character is a part of the word: {listing(names)}"
                effect, suggestion = "the word is taken with it", "type the blanks of the line anew"
                problems.add(line, Severity.WARNING, message, effect, word=at, suggestion=suggestion)


def _same_segment(instances: list[tuple[VrrpInstance, Statement]], problems: Problems) -> None:
    """Two interfaces may lead to one segment; addresses of one subnet are a sign of it."""
    for at, (instance, block) in enumerate(instances):
        networks = [a.interface.network for a in instance.virtual_ipaddress]
        for other, _ in instances[:at]:
            if other.virtual_router_id != instance.virtual_router_id or other.interface == instance.interface:
                continue
            if other.family != instance.family:
                continue
            if any(
                network.num_addresses > 1 and network.overlaps(address.interface.network)
                for network in networks
                for address in other.virtual_ipaddress
            ):
                problems.notice(
                    last_line(block, "virtual_router_id"),
                    f"{other.name} on {other.interface} and {instance.name} on {instance.interface} share"
                    f" virtual_router_id {instance.virtual_router_id} and a subnet",
                    "if both interfaces are on one segment, each takes the other's advertisements for its own",
                    word=1,
                )


def _prefixes(block: Statement, problems: Problems) -> None:
    for list_ in block.children:
        if not list_.word.startswith("virtual_ipaddress"):
            continue
        for child in list_.children:
            address = parse_address(child.word)
            if address is not None:
                host = f"/{address.max_prefixlen}"
                effect = f"it is added as {host}: hosts of its subnet are reached through another address"
                suggestion = f"write the length of its subnet, or {host} if that is meant"
                message = f"{address} has no prefix length"
                problems.notice(child.line, message, effect, word=0, suggestion=suggestion)


def _tracked(block: Statement) -> Iterator[tuple[str, Statement]]:
    for child in block.children:
        if child.word.startswith("track_"):
            yield from ((line.word, line) for line in child.children)


def tracked_weights(instance: VrrpInstance) -> list[tuple[str, int]]:
    """What the instance tracks, with the weight; 0 is a fault."""
    return [
        (tracked.name, -tracked.weight if tracked.reverse else tracked.weight)
        for kind, tracked in instance.tracked
        if kind is not Tracker.FILE  # whose number may be anything
    ]


def _weights(instance: VrrpInstance, block: Statement, problems: Problems) -> None:
    """Weights that change nothing that anybody would notice."""
    lines = {name: statement.line for name, statement in _tracked(block)}
    weights = [(name, weight) for name, weight in tracked_weights(instance) if weight]
    if not weights:
        return
    names = listing(name for name, _ in weights)
    line = lines.get(weights[0][0], block.line)
    suggestion = None
    if instance.priority == 255:
        message = f"the weight of {names} never changes a priority of 255"
    elif not instance.preempt:
        message = f"the weight of {names} causes no failover with nopreempt"
        suggestion = "without a weight, what fails is a fault, and the other director takes over"
    elif instance.priority == PRIORITY_MAX and all(weight > 0 for _, weight in weights):
        message = f"the weight of {names} cannot raise a priority of {PRIORITY_MAX}"
    elif instance.priority == 1 and all(weight < 0 for _, weight in weights):
        message = f"the weight of {names} cannot lower a priority of 1"
    else:
        return
    effect = f"{instance.name} stays master when it fails"
    if instance.preempt is False and instance.priority != 255:
        effect = "a backup with nopreempt does not take over from a master of lower priority"
    problems.add(line, Severity.WARNING, message, effect, word=0, suggestion=suggestion)


def _owner(instance: VrrpInstance, block: Statement, addresses: Collection[Address], problems: Problems) -> None:
    strange = [a.address for a in instance.virtual_ipaddress if a.address not in addresses]
    if instance.priority == 255 and strange:
        line, suggestion = last_line(block, "priority", "state"), f"use a priority of at most {PRIORITY_MAX}"
        message = f"priority 255 is the address owner's, and {listing(strange)} is no address of this host"
        effect = "it takes over at once, without listening, and never steps back"
        problems.add(line, Severity.WARNING, message, effect, word=1, suggestion=suggestion)


def _unused(root: Statement, problems: Problems) -> None:
    tracked: dict[str, set[str]] = {word: set() for word in TRACKS.values()}
    waiting = [root]
    while waiting:
        block = waiting.pop()
        for child in block.children:
            if child.word in tracked and block is not root:
                tracked[child.word].update(line.word for line in child.children)
                tracked[child.word].update(child.words[1:2])
            waiting.append(child)
    for child in root.children:
        if child.word in TRACKS and len(child.words) > 1 and child.words[1] not in tracked[TRACKS[child.word]]:
            message = f"{child.word} {child.words[1]} is not used"
            where = TRACKS[child.word]
            suggestion = f"name it in a {where} block"
            effect = "nothing depends on it"
            problems.notice(child.line, message, effect, word=1, suggestion=suggestion)


def _service(block: Statement) -> tuple[str, ...]:
    return tuple(block.words[1:3])


def _named(server: VirtualServer) -> tuple[str, ...]:
    endpoint = server.key.endpoint
    if server.key.group is not None:
        return ("group", server.key.group)
    if endpoint is None:
        return ("fwmark", str(server.key.fwmark))
    return (str(endpoint.address), str(endpoint.port)) if endpoint.port else (str(endpoint.address),)


def _reachable(
    server: VirtualServer, service: Statement, ways: Mapping[Address, Address | None], problems: Problems
) -> None:
    forwarding = {real.endpoint.address: real.forwarding for real in server.real_servers}
    for child in service.children:
        address = parse_address(child.words[1]) if child.word == "real_server" and len(child.words) > 1 else None
        if address is None or address not in forwarding:
            continue
        if address not in ways:
            message = f"no route of this host leads to real server {address}"
            problems.notice(child.line, message, "its checks fail, and nothing reaches it", word=1)
        elif forwarding[address] is Forwarding.DR and (gateway := ways[address]) is not None:
            message = f"the way to real server {address} leads over {gateway}"
            effect = "DR reaches real servers of an own segment only"
            problems.notice(child.line, message, effect, word=1, suggestion="TUN or NAT, or move it")


def _quorum(server: VirtualServer, line: Line | None, problems: Problems) -> None:
    total = sum(real.weight for real in server.real_servers)
    if line is not None and 0 < server.quorum <= total < server.quorum + server.hysteresis:
        both = f"quorum {server.quorum} with hysteresis {server.hysteresis}"
        message, effect = (
            f"{both} is more than all weights together ({total})",
            "a quorum once lost is never gained again",
        )
        suggestion = f"a hysteresis of at most {total - server.quorum}"
        problems.add(line, Severity.WARNING, message, effect, suggestion=suggestion)
