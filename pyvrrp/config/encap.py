"""``encap TYPE ...``: the lightweight tunnel that a route, or one of its ways, sends packets into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pyvrrp.config.names import DSFIELDS, c_integer
from pyvrrp.config.words import Words
from pyvrrp.model.routing import Encap, EncapType

LABELS_MAX: Final = 2
LABEL_MAX: Final = 2**20 - 1
OPTIONS: Final[Mapping[str, tuple[int, str, str]]] = {"ip": (4, "tos", "ttl"), "ip6": (6, "tc", "hoplimit")}
"""Family of the tunnel, and its words for the type of service and the hop limit."""


def read_encap(words: Words) -> Encap:
    """What follows the word encap; LeftOutError if it cannot be used: packets must not go out bare instead."""
    kind = words.word() if words.more else ""
    if kind == "mpls":
        return Encap(type=EncapType.MPLS, labels=_labels(words))
    if kind == "ila":
        return Encap(type=EncapType.ILA, locator=_locator(words))
    if kind not in OPTIONS:
        words.leave_out("encap is followed by mpls, ip, ip6 or ila")
    return _tunnel(words, kind)


def _labels(words: Words) -> tuple[int, ...]:
    text = words.word() if words.more else ""
    labels = [None if part.startswith("-") else c_integer(part) for part in text.strip(" \t").split("/")]
    good = [label for label in labels if label is not None and label <= LABEL_MAX]
    if len(good) != len(labels) or len(labels) > LABELS_MAX:
        words.leave_out(f"`{text}` is no stack of at most {LABELS_MAX} MPLS labels")
    return tuple(good)


def _locator(words: Words) -> bytes:
    text = words.word() if words.more else ""
    parts = text.strip(" \t").split(":")
    if len(parts) != 4 or not all(re.fullmatch("[0-9a-fA-F]{1,4}", part) for part in parts):
        words.leave_out(f"`{text}` is no locator (four groups of hexadecimal digits)")
    return b"".join(int(part, 16).to_bytes(2, "big") for part in parts)


def _tunnel(words: Words, kind: str) -> Encap:
    version, tos, ttl = OPTIONS[kind]
    found: dict[str, Any] = {}
    while (word := words.skip("id", "dst", "src", "flags", tos, ttl)) is not None:
        if word == "id":
            found["id"] = words.number(2**64 - 1)
        elif word in ("dst", "src"):
            address = words.address()
            if address.version != version:
                words.leave_out(f"{address} is no address for encap {kind}")
            found[word] = address
        elif word == "flags":
            found["flags"] = words.number(65535)
        elif word == tos:
            found["tos"] = words.name(DSFIELDS, "type of service")
        else:
            found["ttl"] = words.number(255)
    if "dst" not in found and "id" not in found:
        words.leave_out(f"encap {kind} needs dst or id")
    return Encap(type=EncapType[kind.upper()], **found)
