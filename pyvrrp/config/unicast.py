"""Unicast: the peers of an instance, and what their absence means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import parse_address, parse_integer
from pyvrrp.config.source import Line
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ProblemClass
from pyvrrp.model.vrrp import PeerTtl
from pyvrrp.net import Address

UNICAST_WORDS: Final = frozenset({"unicast_src_ip", "unicast_peer", "check_unicast_src", "old_unicast_checksum"})
"""Keywords that say that adverts should be unicast."""
LIMITS: Final = {"min_ttl": 0, "max_ttl": 255}


def read_limits(peer: Address, child: Statement, problems: Problems) -> PeerTtl | None:
    """The options of a line of unicast_peer; None where there are none."""
    options = child.words[1:]
    limits: dict[str, int] = {}
    for at in range(0, len(options), 2):
        word, value = options[at], options[at + 1 : at + 2]
        if word not in LIMITS or not value:
            message = f"`{word}` lacks its number" if word in LIMITS else f"`{word}` is no option"
            suggestion = "one peer a line" if parse_address(word) is not None else None
            problems.error(child.line, message, word=at + 1, suggestion=suggestion)
            continue
        number = parse_integer(value[0], 0, 255)
        if isinstance(number, str):
            problems.error(child.line, number, word=at + 2, kind=ProblemClass.INVALID_NUMBER)
        else:
            limits[word] = number
    if not limits:
        return None
    limits = {**LIMITS, **limits}
    if limits["min_ttl"] > limits["max_ttl"]:
        message = f"min_ttl {limits['min_ttl']} is more than max_ttl {limits['max_ttl']}"
        problems.error(child.line, message, "nothing that this peer sends is believed")
    return PeerTtl(peer=peer, **limits)


def without_peers(name: str, lines: Mapping[str, Line], problems: Problems, *, fault: bool) -> bool:
    """Unicast keywords, but nobody to send to: does that keep the instance in FAULT? (`fault`: as it was asked for)"""
    if "unicast_ttl" in lines:
        problems.error(lines["unicast_ttl"], "unicast_ttl, but there are no peers")
    word = next((word for word in lines if word in UNICAST_WORDS), None)
    if word is None:
        return False
    message, suggestion = f"`{word}`, but there are no unicast peers", "list the other directors in unicast_peer"
    effect = f"{name} stays in FAULT (unicast_fault_no_peer)" if fault else f"adverts of {name} are multicast"
    kind = ProblemClass.OK if fault else ProblemClass.GENERAL
    problems.warning(lines[word], message, effect, kind=kind, suggestion=suggestion)
    return fault
