"""A director, or several on one segment, played by hand: read a test as a play.

Times in the plays are seconds since the start; inside they are microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_interface
from typing import Any

from pyvrrp.core.log import Log
from pyvrrp.core.vrrp.actions import (
    Action,
    AddAddresses,
    AddRouting,
    RemoveAddresses,
    RemoveRouting,
    ReportGroup,
    ReportLowerPriority,
    ReportPriority,
    ReportTransition,
    SendAdvert,
    SendGratuitousArps,
)
from pyvrrp.core.vrrp.events import DatagramReceived, Event, InterfaceChanged, InterfaceFacts, Started, TimePassed
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.snapshot import InstanceSnapshot
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.vrrp import SyncGroup, VirtualAddress, VrrpInstance
from pyvrrp.net import IPPROTO_AH, VRRP_GROUP4, Address
from pyvrrp.units import SECOND, Micros
from pyvrrp.wire.vrrp import AdvertV2, AdvertV3, decode_v2, decode_v3, encode_v2, encode_v3


def us(seconds: float) -> Micros:
    return round(seconds * SECOND)


def vip(text: str, dev: str = "eth0") -> VirtualAddress:
    return VirtualAddress(interface=ip_interface(text), dev=dev)


def instance(name: str = "V", **changes: Any) -> VrrpInstance:
    """An instance on eth0 with one address; `changes` are fields of VrrpInstance."""
    fields: dict[str, Any] = {
        "name": name,
        "interface": "eth0",
        "virtual_router_id": 51,
        "virtual_ipaddress": (vip("192.0.2.100/24"),),
    }
    return VrrpInstance(**{**fields, **changes})


def say(action: Action) -> str:
    """An action as a line of the play."""
    match action:
        case SendAdvert():
            message = action.message[24:] if action.protocol == IPPROTO_AH else action.message
            advert: AdvertV2 | AdvertV3
            if message[0] >> 4 == 2:
                advert = decode_v2(message)
            else:
                destination = action.destinations[0]
                advert = decode_v3(action.message, destination.version, action.source, destination)
            return f"{action.instance} advertises {advert.priority}"
        case AddAddresses():
            return f"{action.instance} adds {' '.join(str(a.interface) for a in action.addresses)}"
        case RemoveAddresses():
            return f"{action.instance} removes {' '.join(str(a.interface) for a in action.addresses)}"
        case AddRouting():
            return f"{action.instance} adds {', '.join(entry.text for entry in action.entries)}"
        case RemoveRouting():
            return f"{action.instance} removes {', '.join(entry.text for entry in action.entries)}"
        case SendGratuitousArps():
            addresses = " ".join(str(a.address) for a in action.addresses)
            return f"{action.instance} announces {addresses} x{action.repeat}"
        case ReportTransition():
            t = action.transition
            return f"{t.instance} {t.old}->{t.new}: {t.cause.value}"
        case ReportGroup():
            return f"group {action.name} is {action.state}"
        case ReportLowerPriority():
            return f"{action.instance} met a lower priority"
        case ReportPriority():
            return f"{action.instance} has priority {action.priority}"
        case Log():
            return f"log: {action.text}"


@dataclass
class Director:
    """One router with its clock."""

    config: Config
    address: str = "192.0.2.1"
    interfaces: dict[str, InterfaceFacts] = field(default_factory=dict)
    now: Micros = 0
    logs: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """Of groups and of lower priorities."""

    def __post_init__(self) -> None:
        self.router = Router(self.config)
        names = {"eth0"} | {i.interface for i in self.config.vrrp_instances}
        names |= {a.dev for i in self.config.vrrp_instances for a in i.addresses}
        for index, name in enumerate(sorted(names), 2):
            addresses = (IPv4Address(self.address),)
            facts = InterfaceFacts(index, True, bytes((2, 0, 0, 0, 0, index)), addresses)
            self.interfaces.setdefault(name, facts)

    def start(self, at: float = 0, masters: frozenset[str] = frozenset()) -> list[str]:
        for name, facts in self.interfaces.items():
            self.do(InterfaceChanged(us(at), name, facts))
        return self.do(Started(us(at), masters))

    def actions(self, event: Event) -> list[Action]:
        assert event.at >= self.now, "time does not run backwards"
        self.now = event.at
        actions = self.router.handle(event)
        self.logs += [action.text for action in actions if isinstance(action, Log)]
        self.told += [say(action) for action in actions if isinstance(action, ReportGroup | ReportLowerPriority)]
        return actions

    def do(self, event: Event) -> list[str]:
        """The lines that an event leads to, without what is only told."""
        quiet = Log | ReportGroup | ReportLowerPriority | ReportPriority
        return [say(action) for action in self.actions(event) if not isinstance(action, quiet)]

    def run(self, until: float) -> list[str]:
        """Let time pass; each line begins with its instant."""
        lines: list[str] = []
        while (due := self.router.deadline()) is not None and due <= us(until):
            lines += [f"{due / SECOND:g} {line}" for line in self.do(TimePassed(due))]
        self.now = us(until)
        return lines

    def sleep(self, until: float) -> list[str]:
        """The process does not run until then."""
        return self.do(TimePassed(us(until)))

    def hear(
        self,
        at: float,
        priority: int,
        source: str = "192.0.2.2",
        *,
        virtual_router_id: int = 51,
        interval: float = 1,
        addresses: tuple[str, ...] = ("192.0.2.100",),
        version: int = 2,
        ttl: int = 255,
        auth: bytes | None = None,
        destination: Address = VRRP_GROUP4,
        interface: str = "eth0",
        damage: int | None = None,
    ) -> list[str]:
        """An advertisement comes; `damage` flips that byte."""
        vips = tuple(IPv4Address(a) for a in addresses)
        if version == 2:
            message = encode_v2(
                AdvertV2(
                    virtual_router_id=virtual_router_id,
                    priority=priority,
                    advert_int=round(interval),
                    addresses=vips,
                    auth_type=0 if auth is None else 1,
                    auth_data=(auth or b"").ljust(8, b"\0"),
                )
            )
        else:
            advert = AdvertV3(
                virtual_router_id=virtual_router_id, priority=priority, advert_int=round(interval * 100), addresses=vips
            )
            message = encode_v3(advert, IPv4Address(source), destination)
        if damage is not None:
            message = message[:damage] + bytes((message[damage] ^ 0xFF,)) + message[damage + 1 :]
        return self.do(DatagramReceived(us(at), interface, IPv4Address(source), destination, ttl, message))

    def link(self, at: float, name: str, up: bool | None) -> list[str]:
        """A device goes up, down or away (None)."""
        if up is None:
            return self.do(InterfaceChanged(us(at), name, None))
        facts = self.interfaces[name] = replace(self.interfaces[name], up=up)
        return self.do(InterfaceChanged(us(at), name, facts))

    def view(self, name: str = "V") -> InstanceSnapshot:
        return next(i for i in self.router.snapshot().instances if i.name == name)

    def state(self, name: str = "V") -> str:
        return self.view(name).state


def director(*instances: VrrpInstance, groups: tuple[SyncGroup, ...] = (), **global_defs: Any) -> Director:
    """A director with these instances (one plain instance if none is given)."""
    return Director(
        Config(
            vrrp_instances=instances or (instance(),),
            vrrp_sync_groups=groups,
            global_defs=GlobalDefs(**global_defs),
        )
    )


def master(*instances: VrrpInstance, groups: tuple[SyncGroup, ...] = ()) -> Director:
    """A director that has just become MASTER of all of its instances."""
    d = director(*instances, groups=groups)
    d.start()
    d.run(60)
    assert {i.state for i in d.router.snapshot().instances} == {"MASTER"}
    return d
