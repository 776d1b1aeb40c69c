"""One director of the virtual network: the daemon's router, and the machine around it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pyvrrp.core.vrrp.events import DatagramReceived, InterfaceFacts
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.snapshot import InstanceSnapshot
from pyvrrp.core.vrrp.surroundings import without_virtual
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracker
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import Address
from pyvrrp.simulate.clock import Clock
from pyvrrp.units import Micros


@dataclass(slots=True, eq=False)
class Director:
    name: str
    config: Config
    own: dict[str, InterfaceFacts]
    """Its devices with their own addresses only."""
    clock: Clock = field(default_factory=Clock)
    slowest: int = 0
    """The lowest rate that its clock has had, in parts of a million."""
    router: Router | None = None
    """None while it is off."""
    held: set[VirtualAddress] = field(default_factory=set)
    """Virtual addresses on its devices."""
    stalled_until: Micros | None = None
    told: dict[str, InterfaceFacts | None] = field(default_factory=dict)
    """Its devices as the router knows them."""
    inbox: list[DatagramReceived] = field(default_factory=list)
    """What arrived while it was stalled."""
    armed: Micros | None = None
    """By its own clock: for when it is to be woken."""
    lives: int = 0
    """How often it was started: a wake-up for an earlier life is nobody's."""
    ready: Micros = 0
    """By its own clock: when its worker had started and vrrp_startup_delay was over."""
    findings: dict[tuple[Tracker, str], bool | int] = field(default_factory=dict)
    views: dict[str, InstanceSnapshot] = field(default_factory=dict)
    """Its instances, as they were after the last event that was not a packet."""

    def facts(self, dev: str) -> InterfaceFacts | None:
        """As its daemon takes it: what the kernel tells, without what is its own doing."""
        own = self.own.get(dev)
        if own is None:
            return None
        held = tuple(sorted((a.address for a in self.held if a.dev == dev), key=lambda a: (a.version, int(a))))
        return without_virtual(replace(own, addresses=tuple(dict.fromkeys(own.addresses + held))), self.virtual)

    @property
    def virtual(self) -> frozenset[Address]:
        """All virtual addresses of its configuration."""
        return frozenset(a.address for instance in self.config.vrrp_instances for a in instance.addresses)

    def look(self) -> None:
        """Refresh `views`."""
        self.views = {} if self.router is None else {i.name: i for i in self.router.snapshot().instances}

    def initial_findings(self) -> dict[tuple[Tracker, str], bool | int]:
        """All is well: scripts succeed, processes run, BFD sessions are up, files hold 0."""
        found: dict[tuple[Tracker, str], bool | int] = {}
        for instance in self.config.vrrp_instances:
            for kind, track in instance.tracked:
                if kind is Tracker.FILE:
                    found[kind, track.name] = 0
                elif kind is not Tracker.INTERFACE:
                    found[kind, track.name] = not (track.reverse and track.weight == 0)
        return found
