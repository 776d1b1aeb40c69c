"""All instances of a director behind one door: events in, actions out, one deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Final, assert_never

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.actions import (
    Action,
    RemoveAddresses,
    RemoveRouting,
    ReportGroup,
    ReportLowerPriority,
    ReportTransition,
)
from pyvrrp.core.vrrp.complaints import Complaints
from pyvrrp.core.vrrp.credentials import Clock
from pyvrrp.core.vrrp.debounce import Debounce
from pyvrrp.core.vrrp.events import (
    AddressRemoved,
    DatagramReceived,
    Event,
    InterfaceChanged,
    InterfaceFacts,
    KernelRefused,
    Reconfigured,
    RoutingRemoved,
    Started,
    StopRequested,
    TimePassed,
    TrackerChanged,
    WallClock,
)
from pyvrrp.core.vrrp.holdings import holdings
from pyvrrp.core.vrrp.machine import Machine
from pyvrrp.core.vrrp.snapshot import Cause, InstanceSnapshot, VrrpSnapshot
from pyvrrp.core.vrrp.static import STATIC, Static
from pyvrrp.core.vrrp.surroundings import Finding, devices
from pyvrrp.core.vrrp.sync_group import Unit
from pyvrrp.core.vrrp.timing import Slot, slots
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import Tracker
from pyvrrp.model.vrrp import State, VrrpInstance
from pyvrrp.net import IPPROTO_AH, Address
from pyvrrp.units import Micros
from pyvrrp.wire.vrrp import MINIMUM_LENGTH

Key = tuple[str, int, int, int]
"""Interface, virtual router id, family, and which one of those: what makes an instance the same after a reload,
whatever its name. Unicast instances may share all three if their peers differ."""
Place = tuple[str, int, int]
"""What a datagram shows of the instance it is for."""
AH_LENGTH: Final = 24
"""Of the authentication header, whose code is loaded only where it is configured."""


def place(config: VrrpInstance) -> Place:
    return config.advert_dev, config.virtual_router_id, config.family


def virtual_router_id(datagram: DatagramReceived) -> int | None:
    """Whose the datagram is; None for one that is too short to say."""
    start = AH_LENGTH if datagram.protocol == IPPROTO_AH else 0
    return datagram.payload[start + 1] if len(datagram.payload) >= start + MINIMUM_LENGTH else None


def keyed(config: Config) -> dict[Key, VrrpInstance]:
    """The instances by key, in the order of the configuration."""
    seen: Counter[Place] = Counter()
    by_key: dict[Key, VrrpInstance] = {}
    for instance in config.vrrp_instances:
        where = place(instance)
        by_key[*where, seen[where]] = instance
        seen[where] += 1
    return by_key


class Router:
    """The machines, their sync groups and what they see of the interfaces."""

    def __init__(self, config: Config) -> None:
        self._interfaces: dict[str, InterfaceFacts] = {}
        self._findings: dict[tuple[Tracker, str], Finding] = {}
        self._virtual: set[Address] = set()
        self._machines: dict[Key, Machine] = {}
        self._groups: dict[str, Unit] = {}
        """The sync groups, by name; an event must not cost a look at every instance."""
        self._units: list[Unit] = []
        self._unit_of: dict[Machine, Unit] = {}
        self._watchers: dict[str, list[Machine]] = {}
        self._followers: dict[tuple[Tracker, str], list[Machine]] = {}
        self._places: dict[Place, list[Machine]] = {}
        self._timers: list[tuple[Micros, int, Machine]] = []
        self._armed: dict[Machine, Micros] = {}
        self._tickets = count()
        self._clock = Clock()
        self._startup_delay = config.global_defs.vrrp_startup_delay
        vrrp = config.global_defs.vrrp
        self._delay_after_boot: Micros = 0 if vrrp is None else vrrp.vrrp_delay_after_boot
        self._unknown = Complaints("unknown virtual router")
        self._deaf_until: Micros = 0
        self._started = False
        self._debounce = Debounce(config.interface_up_down_delays)
        self._static = Static(config)
        for name, instance in keyed(config).items():
            self._machines[name] = self._machine(instance)
        self._wire(config)

    def _machine(self, instance: VrrpInstance) -> Machine:
        return Machine(instance, self._interfaces, self._findings, self._virtual, self._clock)

    def handle(self, event: Event) -> list[Action]:
        """Take in one event; the actions are to be performed in order."""
        match event:
            case DatagramReceived():
                actions = self._datagram(event)
            case TimePassed():
                actions = self._time(event.at)
            case InterfaceChanged():
                actions = self._interface(event)
            case TrackerChanged():
                actions = self._tracker(event)
            case AddressRemoved():
                actions = self._address_removed(event)
            case RoutingRemoved():
                actions = self._routing_removed(event)
            case KernelRefused():
                actions = self._refused(event)
            case Started():
                actions = self._start(event)
            case Reconfigured():
                actions = self._reconfigure(event)
            case WallClock():
                self._clock.ahead = event.utc - event.at
                actions = []
            case StopRequested():
                actions = [action for machine in self._machines.values() for action in machine.stop(event.at)]
                actions += self._static.stop()
            case _:
                assert_never(event)
        if not actions or not self._moved(actions):
            return actions
        return self._with_groups(actions, event.at)

    def _moved(self, actions: list[Action]) -> bool:
        """Did an instance change its state? Only then can a group have changed."""
        return any(type(action) is ReportTransition for action in actions)

    def resume(self, previous: VrrpSnapshot) -> frozenset[str]:
        """Take over counters and history from a worker that died; the names of those that held addresses.

        vrrp_startup_delay is for a director that comes up: one that held addresses must not be deaf to the new master.
        """
        self._startup_delay = 0
        by_name = {machine.config.name: machine for machine in self._machines.values()}
        for old in previous.instances:
            if old.name in by_name:
                by_name[old.name].resume(old)
        return frozenset(old.name for old in previous.instances if any(a.present for a in old.addresses))

    @property
    def machines(self) -> Collection[Machine]:
        return self._machines.values()

    @property
    def not_before(self) -> Micros | None:
        """No deadline comes earlier than this. Costs nothing, where `deadline` looks at what advertisements moved."""
        machines, links = self._timers[0][0] if self._timers else None, self._debounce.deadline()
        return machines if links is None else links if machines is None else min(links, machines)

    def deadline(self) -> Micros | None:
        """When TimePassed is due; None: never."""
        links, machines = self._debounce.deadline(), self._next_timer()
        return machines if links is None else links if machines is None else min(links, machines)

    def _next_timer(self) -> Micros | None:
        """When the first machine wants to act."""
        while self._timers:
            at, _, machine = self._timers[0]
            due = machine.deadline()
            if self._armed.get(machine) == at:
                if due == at:
                    return at
                # Advertisements move a backup's deadline all the time: it is looked at only when it comes to the top.
                self._armed.pop(machine)
                if due is not None:
                    self._arm(machine)
            heappop(self._timers)
        return None

    @property
    def takeover_is_next(self) -> bool:
        """Is what `deadline()` names the end of a BACKUP's wait?"""
        return bool(self._timers) and self._timers[0][2].state is State.BACKUP

    def snapshot(self) -> VrrpSnapshot:
        return replace(self.outline(), instances=tuple(self.instances()))

    def outline(self) -> VrrpSnapshot:
        """The snapshot without the instances."""
        return VrrpSnapshot(
            sync_groups=tuple(unit.snapshot() for unit in self._groups.values()), static=self._static.snapshot()
        )

    def instances(self) -> Iterator[InstanceSnapshot]:
        """Of the instances, each as it is when its turn comes, but those of a sync group at one moment."""
        taken: dict[Machine, InstanceSnapshot] = {}
        for machine in list(self._machines.values()):
            if machine not in taken:
                unit = self._unit_of.get(machine)
                if unit is None:  # a reload has removed it meanwhile
                    continue
                taken.update((member, member.snapshot(unit.name)) for member in unit.members)
            yield taken.pop(machine)

    # Events.

    def _start(self, event: Started) -> list[Action]:
        self._started = True
        self._deaf_until = event.at + self._startup_delay
        if self._delay_after_boot:  # CLOCK_MONOTONIC counts from the boot on
            self._deaf_until = max(self._deaf_until, self._delay_after_boot)
        actions = self._static.start()
        for machine in self._machines.values():
            actions += machine.look(event.at)
        for machine in self._machines.values():
            actions += self._start_one(machine, event.at, machine.config.name in event.masters)
        return actions

    def _start_one(self, machine: Machine, at: Micros, resumed: bool) -> list[Action]:
        unit = self._unit_of[machine]
        faulted = unit.faulted
        if faulted is not None:
            return self._fault(machine, faulted, at)
        if unit.awaits and not resumed:
            return machine.sweep()
        owner = self._leads_at_once(unit, at)
        return self._tell(machine, at, lambda: machine.start(self._begin(at), owner=owner, resumed=resumed))

    def _begin(self, at: Micros) -> Micros:
        """With vrrp_startup_delay the timers count from its end, as if we had started then."""
        return max(at, self._deaf_until)

    def _leads_at_once(self, unit: Unit, at: Micros) -> bool:
        """The address owner is MASTER without waiting, but not before vrrp_startup_delay is over."""
        return unit.is_owner and at >= self._deaf_until

    def _datagram(self, event: DatagramReceived) -> list[Action]:
        number = virtual_router_id(event)
        if number is None or event.at < self._deaf_until:
            return []
        candidates = self._places.get((event.interface, number, event.source.version))
        if candidates is None:
            return self._unknown_router(event)
        machine = candidates[0]
        if len(candidates) > 1:  # unicast instances with one id: the sender tells which is meant
            peers = (machine for machine in candidates if event.source in machine.config.unicast_peer)
            machine = next(peers, machine)
        if machine.hears_again(event):
            return []
        actions = self._tell(machine, event.at, lambda: machine.receive(event))
        if any(type(action) is ReportLowerPriority for action in actions):
            for other in self._unit_of[machine].members:
                if other is not machine:
                    actions += other.announce_again(event.at)
                    self._arm(other)
        return actions

    def _unknown_router(self, event: DatagramReceived) -> list[Action]:
        """Comes only with log_unknown_vrids: the sockets drop what is for nobody."""
        number = virtual_router_id(event)
        for machines in self._places.values():
            if machines[0].config.advert_dev == event.interface and machines[0].config.family == event.source.version:
                for machine in machines:
                    machine.stats.vrid_err += 1
        text = f"{number} in an advertisement of {event.source} on {event.interface or event.destination}"
        return [*self._unknown.once(f"{event.interface} {number}", event.source, Level.INFO, text)]

    def _time(self, at: Micros) -> list[Action]:
        actions: list[Action] = []
        for name in self._debounce.due(at):
            facts = self._interfaces[name]
            self._interfaces[name] = replace(facts, up=not facts.up)
            actions += self._look_again(self._watchers.get(name, []), at)
        while (due := self._next_timer()) is not None and due <= at:
            machine = self._timers[0][2]
            advert = machine.beat(at)
            if advert is not None:
                actions += advert
                self._arm_again(machine)
                continue
            unit = self._unit_of[machine]
            if len(unit.members) == 1:
                actions += machine.due(at, group_agrees=True)
                self._arm_again(machine)
            else:
                due_now = partial(machine.due, at, group_agrees=unit.agrees_to_master(machine))
                actions += self._tell(machine, at, due_now)
        return actions

    def _interface(self, event: InterfaceChanged) -> list[Action]:
        name, facts = event.name, event.facts
        before = self._interfaces.get(name)
        if facts is None:
            self._debounce.gone(name)
            self._interfaces.pop(name, None)
        else:
            self._interfaces[name] = self._debounce.seen(event.at, name, facts, before)
        actions = self._look_again(self._watchers.get(name, []) + self._watchers.get("", []), event.at)
        after = self._interfaces.get(name)
        came_up = after is not None and after.up and not (before is not None and before.up)
        return actions + self._static.device(name) if came_up and self._started else actions

    def _tracker(self, event: TrackerChanged) -> list[Action]:
        tracked = event.kind, event.name
        if event.value is None:
            self._findings.pop(tracked, None)
        else:
            self._findings[tracked] = Finding(event.value, event.detail)
        return self._look_again(self._followers.get(tracked, []), event.at)

    def _look_again(self, machines: list[Machine], at: Micros) -> list[Action]:
        """Something that these machines watch has changed."""
        if not self._started:
            return []
        actions: list[Action] = []
        for machine in machines:
            actions += machine.look(at)
        for unit in dict.fromkeys(self._unit_of[m] for m in machines):
            actions += self._settle(unit, at)
        self._arm_all(machines)
        return actions

    def _address_removed(self, event: AddressRemoved) -> list[Action]:
        actions: list[Action] = []
        for machine in self._watchers.get(event.dev, []):
            for address in machine.config.addresses:
                if address.dev == event.dev and address.address == event.address:
                    actions += self._tell(machine, event.at, partial(machine.lost, event.at, address))
        return actions + self._static.lost(self._static.addresses(event.dev, event.address))

    def _routing_removed(self, event: RoutingRemoved) -> list[Action]:
        actions: list[Action] = []
        for machine in self._machines.values():
            for entry in (*machine.config.virtual_routes, *machine.config.virtual_rules):
                if entry in event.missing:
                    actions += self._tell(machine, event.at, partial(machine.lost, event.at, entry))
        return actions + self._static.lost(event.missing)

    def _refused(self, event: KernelRefused) -> list[Action]:
        actions: list[Action] = []
        for machine in self._machines.values():
            if machine.config.name == event.instance:
                refused = partial(machine.refused, event.at, event.about, event.reason)
                actions += self._tell(machine, event.at, refused)
        if event.instance == STATIC:
            actions.append(Log(Level.ERROR, f"({event.instance}) {event.reason}"))
            self._static.refused(event.about)
        return actions

    def _reconfigure(self, event: Reconfigured) -> list[Action]:
        """A difference by key: what did not change is not touched, what moved between instances is not taken away."""
        at, config = event.at, event.config
        wanted = keyed(config)
        old = self._machines
        kept = frozenset(
            holding
            for name, machine in old.items()
            if machine.state is State.MASTER and name in wanted
            for holding in holdings(wanted[name])
        )
        removed = [machine for name, machine in old.items() if name not in wanted]
        self._machines = {name: old.get(name) or self._machine(instance) for name, instance in wanted.items()}
        actions = self._static.reconfigure(config)
        for machine in removed:
            actions += _without(machine.delete(at), kept)
        changed = {m: wanted[name] for name, m in self._machines.items() if name in old and m.config != wanted[name]}
        self._wire(config)
        self._debounce.configure(config.interface_up_down_delays)
        for machine, instance in changed.items():
            actions += machine.reconfigure(at, instance, kept)
        new = [machine for name, machine in self._machines.items() if name not in old]
        for machine in new:
            actions += machine.look(at)
        for machine in new:
            actions += self._start_one(machine, at, resumed=False)
        for unit in self._units:
            actions += self._settle(unit, at)
        self._arm_all(self._machines.values())
        return actions

    # Machines and their units.

    def _tell(self, machine: Machine, at: Micros, call: Callable[[], list[Action]]) -> list[Action]:
        """Let a machine act, its sync group follow if that changed its state, and see to the timers."""
        before = machine.state, machine.defers
        actions = call()
        self._arm(machine)
        if (machine.state, machine.defers) == before:
            return actions
        # A member that a reload added to a MASTER group waits for its own timer; if it hears a master, all yield.
        if machine.state is State.MASTER:
            pulled = State.BACKUP
        elif machine.state is State.BACKUP and (machine.defers or before[0] is State.MASTER):
            pulled = State.MASTER
        else:
            return actions
        for other in self._unit_of[machine].members:
            if other.state is pulled:
                actions += other.follow(at, machine.state, machine.config.name)
                self._arm(other)
        return actions

    def _settle(self, unit: Unit, at: Micros) -> list[Action]:
        """Faults of a member are faults of all; when none is left all return together."""
        faulted = unit.faulted
        actions: list[Action] = []
        for machine in unit.members:
            if faulted is not None:
                actions += self._fault(machine, faulted, at)
            elif machine.state is State.INIT:
                actions += self._start_one(machine, at, resumed=False)
            elif machine.state is State.FAULT and not unit.awaits:
                actions += machine.clear(self._begin(at), owner=self._leads_at_once(unit, at))
            self._arm(machine)
        return actions

    def _fault(self, machine: Machine, faulted: Machine, at: Micros) -> list[Action]:
        if machine.faults:
            cause, detail = next(iter(machine.faults.items()))
        else:
            cause, detail = Cause.GROUP, faulted.config.name
        return machine.fault(at, cause, detail)

    def _with_groups(self, actions: list[Action], at: Micros) -> list[Action]:
        """The actions, and what is told of the groups, where keepalived tells it: before all else at the start, behind
        all else at the end, and in between right behind their members."""
        if not self._groups:
            return actions
        first: list[Action] = []
        behind: dict[int, list[Action]] = {}
        places = {a.transition.instance: index for index, a in enumerate(actions) if isinstance(a, ReportTransition)}
        for name, unit in self._groups.items():
            begins = unit.is_new
            state = unit.note(at)
            if state is None or state is State.INIT:
                continue
            place = max((places.get(member.config.name, 0) for member in unit.members), default=0)
            place = len(actions) - 1 if state is State.STOP else place
            (first if begins else behind.setdefault(place, [])).extend(
                (
                    Log(Level.INFO, f"VRRP_Group({name}) Syncing instances to {state.name} state"),
                    ReportGroup(name, state.name),
                )
            )
        if not behind:
            return first + actions
        return first + [one for index, action in enumerate(actions) for one in (action, *behind.get(index, ()))]

    def _wire(self, config: Config) -> None:
        """Everything that is derived from the set of machines and the configuration."""
        self._virtual.clear()
        self._virtual.update(a.address for instance in config.vrrp_instances for a in instance.addresses)
        instances = keyed(config)
        by_name = {instance.name: self._machines[name] for name, instance in instances.items()}
        before, self._groups = self._groups, {}
        for group in config.vrrp_sync_groups:
            members = [by_name.pop(name) for name in group.members if name in by_name]
            unit = before.get(group.name) or Unit(group.name, members)
            unit.members = members
            self._groups[group.name] = unit
        self._units = [*self._groups.values(), *(Unit(None, [machine]) for machine in by_name.values())]
        self._unit_of = {machine: unit for unit in self._units for machine in unit.members}
        count = slots(len(self._units))
        for number, unit in enumerate(self._units):
            slot = Slot(number * count // len(self._units), count) if count > 1 else None
            for machine in unit.members:
                machine.slot = slot
        self._watchers = {}
        self._followers = {}
        self._places = {}
        for name, machine in self._machines.items():
            self._places.setdefault(name[:3], []).append(machine)
            for kind, track in instances[name].tracked:
                self._followers.setdefault((kind, track.name), []).append(machine)
            for dev in devices(instances[name]):
                self._watchers.setdefault(dev, []).append(machine)
        alive = set(self._machines.values())
        self._timers = [timer for timer in self._timers if timer[2] in alive]
        heapify(self._timers)
        self._armed = {machine: at for machine, at in self._armed.items() if machine in alive}

    def _arm(self, machine: Machine) -> None:
        """Put the machine's deadline into the heap if it is earlier than the one that stands there."""
        due = machine.deadline()
        if due is None:
            return
        armed = self._armed.get(machine)
        if armed is None or due < armed:
            self._armed[machine] = due
            heappush(self._timers, (due, next(self._tickets), machine))

    def _arm_again(self, machine: Machine) -> None:
        """The same for the machine whose deadline was the next and has been dealt with."""
        due = machine.deadline()
        if due is None:
            heappop(self._timers)
            del self._armed[machine]
        else:
            self._armed[machine] = due
            heapreplace(self._timers, (due, next(self._tickets), machine))

    def _arm_all(self, machines: Iterable[Machine]) -> None:
        for machine in machines:
            self._arm(machine)


def _without(actions: list[Action], kept: frozenset[object]) -> list[Action]:
    """The actions, but what is kept stays where it is."""
    out: list[Action] = []
    for action in actions:
        if isinstance(action, RemoveAddresses):
            addresses = tuple(address for address in action.addresses if address not in kept)
            out += [RemoveAddresses(action.instance, addresses)] if addresses else []
        elif isinstance(action, RemoveRouting):
            entries = tuple(entry for entry in action.entries if entry not in kept)
            out += [RemoveRouting(action.instance, entries)] if entries else []
        else:
            out.append(action)
    return out
