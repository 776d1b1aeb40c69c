"""lb_kind, lvs_method, sorry_server_lvs_method: NAT | DR | TUN [type T] [port N] [nocsum | csum | remcsum]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import parse_integer
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ProblemClass
from pyvrrp.model.lvs import Forwarding, Tunnel, TunnelChecksum, TunnelType

METHODS: Final = ("NAT", "DR", "TUN")
TUNNELS: Final = ("ipip", "gue", "gre")
CHECKSUMS: Final = ("nocsum", "csum", "remcsum")


@dataclass(frozen=True, slots=True)
class Method:
    """How packets are led to a server."""

    forwarding: Forwarding
    tunnel: Tunnel | None = None
    """None: plain ipip, if it is a tunnel."""


def read_forwarding(statement: Statement, problems: Problems) -> Method | None:
    """What the statement says; None if it cannot be used."""
    words, line = statement.words, statement.line
    if words[1] not in METHODS:
        upper = words[1].upper()
        suggestion = f"write `{upper}`, in capitals" if upper in METHODS else "one of NAT, DR, TUN"
        message = f"`{words[1]}` is not a forwarding method"
        problems.error(line, message, word=1, suggestion=suggestion)
        return None
    forwarding = Forwarding[words[1]]
    kind, port, checksum = "ipip", 0, "nocsum"
    at = 2
    while at < len(words):
        word = words[at]
        if forwarding is not Forwarding.TUN or word not in ("type", "port", *CHECKSUMS):
            problems.error(line, f"`{word}` is no option of {words[1]}", "the method is ignored", word=at)
            return None
        if word in CHECKSUMS:
            checksum = word
            at += 1
            continue
        value = words[at + 1] if at + 1 < len(words) else ""
        if word == "type":
            if value not in TUNNELS:
                message = f"`{value}` is not a type of tunnel"
                problems.error(
                    line, message, "the method is ignored", word=at, suggestion=f"one of {' '.join(TUNNELS)}"
                )
                return None
            kind = value
        else:
            number = parse_integer(value, 1, 65535)
            if isinstance(number, str):
                message = f"port: {number}"
                problems.error(line, message, "the method is ignored", word=at, kind=ProblemClass.INVALID_NUMBER)
                return None
            port = number
        at += 2
    wrong = None
    if (kind == "gue") != bool(port):
        wrong = "a gue tunnel needs a port, the others have none"
    elif (kind == "ipip" and checksum != "nocsum") or (kind == "gre" and checksum == "remcsum"):
        wrong = f"a tunnel of type {kind} has no {checksum}"
    if wrong:
        problems.error(line, wrong, "the method is ignored")
        return None
    if kind == "ipip":
        return Method(forwarding)
    return Method(
        forwarding,
        Tunnel(type=TunnelType[kind.upper()], port=port, checksum=TunnelChecksum[checksum.upper()]),
    )
