"""Routes and policy rules, a whole list in one send."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel import rtnetlink as rt
from pyvrrp.kernel.netlink import NETLINK_ROUTE, Message, Monitor, Netlink, attributes
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.kernel.rtroutes import (
    RTM_DELROUTE,
    RTM_DELRULE,
    RTM_GETROUTE,
    RTMSG,
    encode_add_route,
    encode_add_rule,
    encode_remove_route,
    encode_remove_rule,
    is_route,
    is_rule,
)
from pyvrrp.model.routing import Route, Rule

Entry: TypeAlias = Route | Rule
Refused: TypeAlias = list[tuple[Entry, KernelError]]

_RTM_GETRULE: Final = 34
_GROUPS: Final = 0x40 | 0x80 | 0x400 | 1 << 18
"""RTMGRP_IPV4_ROUTE, _IPV4_RULE, _IPV6_ROUTE and RTNLGRP_IPV6_RULE."""
_IFLA_VRF_TABLE: Final = 1


class LinuxRouting:
    """That of the network namespace it is made in."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE)
        self._monitor: Monitor | None = None
        self._removed: Callable[[], None] | None = None

    def close(self) -> None:
        self._netlink.close()
        if self._monitor is not None:
            self._monitor.close()

    def add(self, entries: Sequence[Entry]) -> Refused:
        """Those that the kernel refused, with its reason; present already is no refusal."""
        return self._apply(entries, self._add, "add", KernelFault.PRESENT)

    def remove(self, entries: Sequence[Entry]) -> Refused:
        """Likewise; absent already is no refusal."""
        return self._apply(entries, self._remove, "remove", KernelFault.ABSENT)

    def present(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of the list that the kernel has now."""
        wanted = list(entries)
        there: dict[tuple[type[Entry], int], list[bytes]] = {}
        found = []
        for entry in wanted:
            kind = type(entry), entry.version
            if kind not in there:
                there[kind] = self._dump(*kind)
            try:
                body = self._add(entry)[2]
            except KernelError:
                continue  # its device is not there, nor is it then
            same = is_route if isinstance(entry, Route) else is_rule
            if any(same(body, present) for present in there[kind]):
                found.append(entry)
        return found

    def watch(self, removed: Callable[[], None]) -> int:
        """Call `removed` when somebody removed a route or a rule. Returns the file descriptor that becomes readable;
        `read` then makes the call."""
        if self._monitor is None:
            self._monitor = Monitor(NETLINK_ROUTE, _GROUPS)
        self._removed = removed
        return self._monitor.fileno()

    def read(self) -> None:
        if self._monitor is None or self._removed is None:
            return
        messages, lost = self._monitor.read()
        if lost or any(kind in (RTM_DELROUTE, RTM_DELRULE) for kind, _ in messages):
            self._removed()

    def _apply(
        self, entries: Sequence[Entry], encode: Callable[[Entry], Message], verb: str, harmless: KernelFault
    ) -> Refused:
        refused: Refused = []
        good: list[Entry] = []
        messages: list[Message] = []
        for entry in entries:
            try:
                messages.append(encode(entry))
                good.append(entry)
            except KernelError as error:
                refused.append((entry, error))
        answers = self._netlink.transact(messages, lambda position: f"{verb} {good[position].text}")
        refused += [(good[position], error) for position, error in answers]
        return [(entry, error) for entry, error in refused if error.fault is not harmless]

    def _add(self, entry: Entry) -> Message:
        if isinstance(entry, Rule):
            return encode_add_rule(entry)
        return encode_add_route(entry, _index, self._table(entry))

    def _remove(self, entry: Entry) -> Message:
        if isinstance(entry, Rule):
            return encode_remove_rule(entry)
        return encode_remove_route(entry, _index, self._table(entry))

    def _dump(self, kind: type[Entry], version: int) -> list[bytes]:
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        request = RTM_GETROUTE if kind is Route else _RTM_GETRULE
        return self._netlink.dump(request, 0, RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0), "list routes and rules")

    def _table(self, route: Route) -> int:
        if route.vrf is None:
            return route.table
        body = self._netlink.get(
            rt.RTM_GETLINK, 0, rt.IFINFOMSG.pack(0, 0, _index(route.vrf), 0, 0), f"look at {route.vrf}"
        )
        info = attributes(attributes(body[0], rt.IFINFOMSG.size).get(rt.IFLA_LINKINFO, b""))
        is_vrf = info.get(rt.IFLA_INFO_KIND, b"").rstrip(b"\0") == b"vrf"
        table = attributes(info[rt.IFLA_INFO_DATA]).get(_IFLA_VRF_TABLE) if is_vrf else None
        if table is None:
            raise kernel_error(errno.EINVAL, f"{route.vrf} is no VRF")
        return int(rt.U32.unpack(table)[0])


def _index(name: str) -> int:
    index = rt.device_index(name)
    if not index:
        raise kernel_error(errno.ENODEV, f"find {name}")
    return index
