"""The rtnetlink messages about routes and policy rules (rtnetlink(7), linux/fib_rules.h)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Final

from pyvrrp.kernel.netlink import NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, Message, attribute, attributes
from pyvrrp.model.routing import Encap, EncapType, Metrics, Nexthop, Route, RouteType, Rule
from pyvrrp.net import AF_INET, AF_INET6, Address, Interface, family

Index = Callable[[str], int]
"""A device's number."""

RTM_NEWROUTE: Final = 24
RTM_DELROUTE: Final = 25
RTM_GETROUTE: Final = 26
RTM_NEWRULE: Final = 32
RTM_DELRULE: Final = 33

RTMSG: Final = Struct("=BBBBBBBBI")
"""Family, destination and source prefix length, ToS, table, protocol, scope, type, flags; of rules the protocol is
reserved, and the action stands for the type."""
_NEXTHOP: Final = Struct("=HBBi")
"""Length, flags, weight - 1, device."""
_U8: Final = Struct("=B")
_U16: Final = Struct("=H")
_U32: Final = Struct("=I")
_U64_BIG: Final = Struct(">Q")
_U16_BIG: Final = Struct(">H")
_RANGE16: Final = Struct("=HH")
_RANGE32: Final = Struct("=II")

RTA_DST: Final = 1
RTA_SRC: Final = 2
RTA_OIF: Final = 4
RTA_GATEWAY: Final = 5
RTA_PRIORITY: Final = 6
RTA_PREFSRC: Final = 7
RTA_METRICS: Final = 8
RTA_MULTIPATH: Final = 9
RTA_FLOW: Final = 11
RTA_TABLE: Final = 15
RTA_VIA: Final = 18
RTA_PREF: Final = 20
RTA_ENCAP_TYPE: Final = 21
RTA_ENCAP: Final = 22
RTA_EXPIRES: Final = 23
RTA_TTL_PROPAGATE: Final = 26
RTNH_F_ONLINK: Final = 4
RT_SCOPE_NOWHERE: Final = 255
_NESTED: Final = 0x8000

_METRICS: Final = {
    "mtu": 2,
    "window": 3,
    "rtt": 4,
    "rttvar": 5,
    "ssthresh": 6,
    "cwnd": 7,
    "advmss": 8,
    "reordering": 9,
    "hoplimit": 10,
    "initcwnd": 11,
    "features": 12,
    "rto_min": 13,
    "initrwnd": 14,
    "quickack": 15,
    "congctl": 16,
    "fastopen_no_cookie": 17,
}
"""RTAX_*."""
_LOCK: Final = 1

Pack = Callable[..., bytes]
_ADDRESS: Final[Pack] = lambda address: address.packed  # noqa: E731
_ROUTE: Final[Mapping[str, tuple[int, Pack]]] = {
    "src": (RTA_PREFSRC, _ADDRESS),
    "metric": (RTA_PRIORITY, _U32.pack),
    "expires": (RTA_EXPIRES, _U32.pack),
    "pref": (RTA_PREF, _U8.pack),
    "ttl_propagate": (RTA_TTL_PROPAGATE, _U8.pack),
}
_TUNNEL: Final[Mapping[str, tuple[int, Pack]]] = {
    "id": (1, _U64_BIG.pack),
    "dst": (2, _ADDRESS),
    "src": (3, _ADDRESS),
    "ttl": (4, _U8.pack),
    "tos": (5, _U8.pack),
    "flags": (6, _U16_BIG.pack),
}
_RULE_INVERT: Final = 2
_RULE: Final[Mapping[str, tuple[int, Pack]]] = {
    "priority": (6, _U32.pack),
    "fwmark": (10, _U32.pack),
    "fwmask": (16, _U32.pack),
    "goto": (4, _U32.pack),
    "suppress_ifgroup": (13, _U32.pack),
    "suppress_prefixlength": (14, _U32.pack),
    "protocol": (21, _U8.pack),
    "ipproto": (22, _U8.pack),
    "iif": (3, lambda name: name.encode("utf-8", "surrogateescape") + b"\0"),
    "oif": (17, lambda name: name.encode("utf-8", "surrogateescape") + b"\0"),
    "uidrange": (20, lambda both: _RANGE32.pack(*both)),
    "sport": (23, lambda both: _RANGE16.pack(*both)),
    "dport": (24, lambda both: _RANGE16.pack(*both)),
}
"""Of fields that are written where they are not None: RTA_*, LWTUNNEL_IP* or FRA_*, and how the value is written."""
_FRA_DST: Final = 1
_FRA_SRC: Final = 2
_FRA_FLOW: Final = 11
_FRA_TUN_ID: Final = 12
_FRA_TABLE: Final = 15
_FRA_L3MDEV: Final = 19


def _family(version: int) -> int:
    return AF_INET if version == 4 else AF_INET6


def _fields(source: Route | Encap | Rule, table: Mapping[str, tuple[int, Pack]]) -> list[bytes]:
    values = ((kind, pack, getattr(source, name)) for name, (kind, pack) in table.items())
    return [attribute(kind, pack(value)) for kind, pack, value in values if value is not None]


def _gateway(via: Address, version: int) -> bytes:
    if via.version == version:
        return attribute(RTA_GATEWAY, via.packed)
    return attribute(RTA_VIA, _U16.pack(family(via)) + via.packed)


def _encap(encap: Encap) -> bytes:
    """RTA_ENCAP and its type. Numbers of the attributes inside: MPLS_IPTUNNEL_*, LWTUNNEL_IP*, ILA_ATTR_*."""
    if encap.type is EncapType.MPLS:
        last = len(encap.labels) - 1
        stack = (label << 12 | (0x100 if at == last else 0) for at, label in enumerate(encap.labels))
        inner = [attribute(1, b"".join(entry.to_bytes(4, "big") for entry in stack))]
    elif encap.type is EncapType.ILA:
        inner = [attribute(1, encap.locator or bytes(8))]
    else:
        inner = _fields(encap, _TUNNEL)
    return attribute(RTA_ENCAP | _NESTED, b"".join(inner)) + attribute(RTA_ENCAP_TYPE, _U16.pack(encap.type))


def _metrics(metrics: Metrics) -> bytes:
    parts: list[bytes] = []
    for name, kind in _METRICS.items():
        value = getattr(metrics, name)
        if value is not None:
            parts.append(attribute(kind, value.encode() + b"\0" if isinstance(value, str) else _U32.pack(value)))
    if metrics.lock:
        parts.append(attribute(_LOCK, _U32.pack(sum(1 << _METRICS[name] for name in metrics.lock))))
    return attribute(RTA_METRICS | _NESTED, b"".join(parts))


def _nexthop(hop: Nexthop, version: int, index: Index) -> bytes:
    parts: list[bytes] = []
    if hop.via is not None:
        parts.append(_gateway(hop.via, version))
    if hop.realms:
        parts.append(attribute(RTA_FLOW, _U32.pack(hop.realms)))
    if hop.encap is not None:
        parts.append(_encap(hop.encap))
    body = b"".join(parts)
    flags = RTNH_F_ONLINK if hop.onlink else 0
    return _NEXTHOP.pack(8 + len(body), flags, hop.weight - 1, index(hop.dev) if hop.dev else 0) + body


def _prefix(kind: int, prefix: Interface | None) -> bytes:
    """Nothing for a prefix of length 0: everything is meant."""
    return attribute(kind, prefix.ip.packed) if prefix is not None and prefix.network.prefixlen else b""


def _length(prefix: Interface | None) -> int:
    return prefix.network.prefixlen if prefix is not None else 0


def _route(route: Route, index: Index, table: int, scope: int, type_: int) -> bytes:
    parts = [
        RTMSG.pack(
            _family(route.version),
            route.destination.network.prefixlen,
            _length(route.source),
            route.tos,
            table if table < 256 else 0,
            route.protocol,
            scope,
            type_,
            RTNH_F_ONLINK if route.onlink else 0,
        ),
        _prefix(RTA_DST, route.destination),
        _prefix(RTA_SRC, route.source),
        *_fields(route, _ROUTE),
    ]
    if table > 255:
        parts.append(attribute(RTA_TABLE, _U32.pack(table)))
    if route.via is not None:
        parts.append(_gateway(route.via, route.version))
    if route.encap is not None:
        parts.append(_encap(route.encap))
    if route.dev is not None:
        parts.append(attribute(RTA_OIF, _U32.pack(index(route.dev))))
    if route.realms:
        parts.append(attribute(RTA_FLOW, _U32.pack(route.realms)))
    if route.metrics is not None:
        parts.append(_metrics(route.metrics))
    if route.nexthops:
        parts.append(attribute(RTA_MULTIPATH, b"".join(_nexthop(h, route.version, index) for h in route.nexthops)))
    return b"".join(parts)


def encode_add_route(route: Route, index: Index, table: int) -> Message:
    """RTM_NEWROUTE. As keepalived has it: before equal ones, unless `add` or `append` are asked for."""
    flags = NLM_F_CREATE
    if route.add:
        flags |= NLM_F_EXCL
    elif route.append:
        flags |= NLM_F_APPEND
    return RTM_NEWROUTE, flags, _route(route, index, table, route.scope or 0, route.type)


def encode_remove_route(route: Route, index: Index, table: int) -> Message:
    """RTM_DELROUTE. RT_SCOPE_NOWHERE and type 0 stand for any."""
    scope = RT_SCOPE_NOWHERE if route.scope is None else route.scope
    type_ = 0 if route.type == RouteType.UNICAST else route.type
    return RTM_DELROUTE, 0, _route(route, index, table, scope, type_)


def _rule(rule: Rule) -> bytes:
    table = rule.table or 0
    parts = [
        RTMSG.pack(
            _family(rule.version),
            _length(rule.destination),
            _length(rule.source),
            rule.tos,
            table if table < 256 else 0,
            0,
            0,
            rule.action,
            _RULE_INVERT if rule.invert else 0,
        ),
        _prefix(_FRA_SRC, rule.source),
        _prefix(_FRA_DST, rule.destination),
        *_fields(rule, _RULE),
    ]
    if table > 255:
        parts.append(attribute(_FRA_TABLE, _U32.pack(table)))
    if rule.realms:
        parts.append(attribute(_FRA_FLOW, _U32.pack(rule.realms)))
    if rule.tunnel_id:
        parts.append(attribute(_FRA_TUN_ID, _U64_BIG.pack(rule.tunnel_id)))
    if rule.l3mdev:
        parts.append(attribute(_FRA_L3MDEV, _U8.pack(1)))
    return b"".join(parts)


def encode_add_rule(rule: Rule) -> Message:
    return RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, _rule(rule)


def encode_remove_rule(rule: Rule) -> Message:
    return RTM_DELRULE, 0, _rule(rule)


_TELLING: Final = (RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC)
"""What tells one route from another, where it is said."""


def is_route(wanted: bytes, present: bytes) -> bool:
    """Is what the kernel has (a dumped body) the route of an encoded message? It fills in what is not said."""
    ours, theirs = RTMSG.unpack_from(wanted), RTMSG.unpack_from(present)
    if ours[:4] != theirs[:4] or ours[7] != theirs[7]:
        return False
    found, there = attributes(wanted, RTMSG.size), attributes(present, RTMSG.size)
    if _table(ours[4], found) != _table(theirs[4], there):
        return False
    if RTA_DST not in found and RTA_DST in there:
        return False
    return all(there.get(kind) == found[kind] for kind in _TELLING if kind in found)


def is_rule(wanted: bytes, present: bytes) -> bool:
    """Likewise for a rule."""
    ours, theirs = RTMSG.unpack_from(wanted), RTMSG.unpack_from(present)
    if ours[:4] != theirs[:4] or ours[7] != theirs[7] or (ours[8] ^ theirs[8]) & _RULE_INVERT:
        return False
    found, there = attributes(wanted, RTMSG.size), attributes(present, RTMSG.size)
    if _table(ours[4], found) != _table(theirs[4], there):
        return False
    return all(there.get(kind) == value for kind, value in found.items() if kind != _FRA_TABLE)


def _table(header: int, found: dict[int, bytes]) -> int:
    """RTA_TABLE and FRA_TABLE are the same number."""
    return int(_U32.unpack(found[RTA_TABLE])[0]) if RTA_TABLE in found else header
