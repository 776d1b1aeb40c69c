"""Macvlans and ipvlans: made, found and removed."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final

from pyvrrp.core.vrrp.vmacs import Found
from pyvrrp.errors import KernelFault
from pyvrrp.kernel import rtnetlink as rt
from pyvrrp.kernel.netlink import NETLINK_ROUTE, NLM_F_CREATE, NLM_F_EXCL, Message, Netlink, attribute, attributes
from pyvrrp.model.vmac import Kind, Vmac
from pyvrrp.net import Interface

_IFLA_LINK: Final = 5
_IFLA_MASTER: Final = 10
_IFLA_GROUP: Final = 27
_IFLA_MACVLAN_MODE: Final = 1
_IFLA_IPVLAN_MODE: Final = 1
_IFLA_IPVLAN_FLAGS: Final = 2
_MACVLAN_MODES: Final = {1: "private", 2: "vepa", 4: "bridge", 8: "passthru", 16: "source"}
_PRIVATE: Final = 1
_IPVLAN_L2: Final = 0
_IPVLAN_FLAGS: Final = {"bridge": 0, "private": 1, "vepa": 2}
_IPVLAN_WORDS: Final = {number: word for word, number in _IPVLAN_FLAGS.items()}
_LINK_SCOPE: Final = 253
_U16: Final = Struct("=H")


class LinuxVmacs:
    """Those of the network namespace it is made in."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE)

    def close(self) -> None:
        self._netlink.close()

    def dump(self) -> Mapping[str, Found]:
        """All devices by name."""
        found: dict[int, tuple[str, dict[int, bytes]]] = {}
        for body in self._netlink.dump(rt.RTM_GETLINK, 0, rt.IFINFOMSG.pack(0, 0, 0, 0, 0), "list devices"):
            index = rt.IFINFOMSG.unpack_from(body)[2]
            parts = attributes(body, rt.IFINFOMSG.size)
            name = parts.get(rt.IFLA_IFNAME, b"").rstrip(b"\0").decode("utf-8", "surrogateescape")
            found[index] = name, parts
        names = {index: name for index, (name, _) in found.items()}
        return {name: _found(index, parts, names) for index, (name, parts) in found.items()}

    def make(self, vmac: Vmac, parent: Found, vrf: int) -> None:
        """Down, so that it can be set up first. `vrf`: index of the VRF that it belongs to; 0: none."""
        if vmac.kind is Kind.MACVLAN:
            data = attribute(_IFLA_MACVLAN_MODE, rt.U32.pack(_PRIVATE))
        else:
            data = attribute(_IFLA_IPVLAN_MODE, _U16.pack(_IPVLAN_L2)) + attribute(
                _IFLA_IPVLAN_FLAGS, _U16.pack(_IPVLAN_FLAGS[vmac.mode.value])
            )
        info = attribute(rt.IFLA_INFO_KIND, vmac.kind.value.encode() + b"\0") + attribute(rt.IFLA_INFO_DATA, data)
        group = parent.group if vmac.group is None else vmac.group
        body = [
            rt.IFINFOMSG.pack(0, 0, 0, 0, 0),
            attribute(_IFLA_LINK, rt.U32.pack(parent.index)),
            attribute(rt.IFLA_IFNAME, vmac.name.encode("utf-8", "surrogateescape") + b"\0"),
            attribute(_IFLA_GROUP, rt.U32.pack(group)),
            attribute(rt.IFLA_LINKINFO, info),
        ]
        if vmac.mac:
            body.append(attribute(rt.IFLA_ADDRESS, vmac.mac))
        if vrf:
            body.append(attribute(_IFLA_MASTER, rt.U32.pack(vrf)))
        self._do((rt.RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, b"".join(body)), f"make {vmac.name} on {vmac.parent}")

    def set_up(self, name: str, group: int | None = None) -> None:
        """And into that interface group, where one is given."""
        body = rt.IFINFOMSG.pack(0, 0, rt.device_index(name), rt.IFF_UP, rt.IFF_UP)
        if group is not None:
            body += attribute(_IFLA_GROUP, rt.U32.pack(group))
        self._do((rt.RTM_NEWLINK, 0, body), f"set {name} up")

    def remove(self, name: str) -> None:
        """One that is not there is a success."""
        index = rt.device_index(name)
        if index:
            self._do((rt.RTM_DELLINK, 0, rt.IFINFOMSG.pack(0, 0, index, 0, 0)), f"remove {name}", absent=True)

    def add_address(self, name: str, address: Interface, *, preferred: bool) -> None:
        """One that is there is a success. `preferred`: for more than what binds to it."""
        unpreferred = attribute(rt.IFA_CACHEINFO, rt.CACHEINFO.pack(0, rt.FOREVER, 0, 0))
        body = _address(name, address) + (b"" if preferred else unpreferred)
        self._do((rt.RTM_NEWADDR, 0, body), f"add {address} to {name}", present=True)

    def remove_address(self, name: str, address: Interface) -> None:
        self._do((rt.RTM_DELADDR, 0, _address(name, address)), f"remove {address} from {name}", absent=True)

    def _do(self, message: Message, operation: str, *, present: bool = False, absent: bool = False) -> None:
        harmless = KernelFault.PRESENT if present else KernelFault.ABSENT if absent else None
        for _, error in self._netlink.transact([message], operation):
            if error.fault is not harmless:
                raise error


def _address(name: str, address: Interface) -> bytes:
    flags = rt.IFA_F_NODAD if address.version == 6 else 0
    scope = _LINK_SCOPE if address.ip.is_link_local else 0
    return rt.address_body(address, rt.device_index(name), flags, scope)


def _found(index: int, parts: dict[int, bytes], names: Mapping[int, str]) -> Found:
    info = attributes(parts.get(rt.IFLA_LINKINFO, b""))
    kind = info.get(rt.IFLA_INFO_KIND, b"").rstrip(b"\0").decode(errors="replace")
    data = attributes(info.get(rt.IFLA_INFO_DATA, b""))
    mode = ""
    if kind == "macvlan" and _IFLA_MACVLAN_MODE in data:
        mode = _MACVLAN_MODES.get(rt.U32.unpack(data[_IFLA_MACVLAN_MODE])[0], "")
    elif kind == "ipvlan":
        mode = _IPVLAN_WORDS.get(_U16.unpack(data.get(_IFLA_IPVLAN_FLAGS, b"\0\0"))[0], "")
    return Found(
        index=index,
        kind=kind,
        parent=names.get(_number(parts, _IFLA_LINK), ""),
        mode=mode,
        mac=parts.get(rt.IFLA_ADDRESS, b""),
        group=_number(parts, _IFLA_GROUP),
        master=_number(parts, _IFLA_MASTER),
    )


def _number(parts: dict[int, bytes], kind: int) -> int:
    return int(rt.U32.unpack(parts[kind])[0]) if kind in parts else 0
