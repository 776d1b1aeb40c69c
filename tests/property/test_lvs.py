"""Plans of IPVS tables, and the balancer under random lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.core.lvs.actions import ApplyTable, CancelCheck, ReadTable, StartCheck
from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.lvs.events import (
    CheckFinished,
    Event,
    IpvsFailed,
    IpvsRefused,
    Reconfigured,
    Refusal,
    Started,
    StopRequested,
    TableRead,
    TimePassed,
)
from pyvrrp.core.lvs.ipvs_table import Destination, Operation, RemoveService, Service, SetService, Table, plan
from pyvrrp.core.lvs.snapshot import CheckerSnapshot
from pyvrrp.errors import KernelError
from pyvrrp.model.checkers import Checker, CheckTiming, ConnectOptions, TcpCheck
from pyvrrp.model.config import Config
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Forwarding, Protocol, RealServer, ServiceKey, SorryServer, VirtualServer
from pyvrrp.units import SECOND
from tests.fakes.ipvs import FakeIpvs

ENDPOINTS = [Endpoint(IPv4Address(f"10.0.0.{n}"), 80) for n in range(1, 5)]
KEYS = [ServiceKey.of(Endpoint(IPv4Address(f"192.0.2.{n}"), 80), Protocol.TCP) for n in range(1, 4)]
STRANGER = ServiceKey(2, None, None, 7)

destinations = st.builds(
    Destination,
    endpoint=st.sampled_from(ENDPOINTS),
    forwarding=st.sampled_from(Forwarding),
    weight=st.integers(0, 3),
)


def services(key: ServiceKey) -> st.SearchStrategy[tuple[Service, Mapping[Endpoint, Destination]]]:
    return st.tuples(
        st.builds(Service, key=st.just(key), scheduler=st.sampled_from(["rr", "wlc"])),
        st.lists(destinations, max_size=4).map(lambda some: {one.endpoint: one for one in some}),
    )


def tables(keys: list[ServiceKey]) -> st.SearchStrategy[Table]:
    return st.fixed_dictionaries({}, optional={key: services(key) for key in keys})


def kernel_with(table: Table) -> FakeIpvs:
    kernel = FakeIpvs()
    kernel.services = {key: (service, dict(pool)) for key, (service, pool) in table.items()}
    return kernel


@given(wanted=tables(KEYS), present=tables([*KEYS, STRANGER]), once=st.sets(st.sampled_from(KEYS)))
def test_a_plan_makes_of_what_is_there_what_is_wanted_and_touches_nothing_else(
    wanted: Table, present: Table, once: set[ServiceKey]
) -> None:
    kernel = kernel_with(present)
    operations = plan(wanted, present, once)
    assert kernel.apply(operations) == []
    strangers = {key: held for key, held in present.items() if key not in wanted and key not in once}
    assert kernel.table() == {**strangers, **wanted}
    assert plan(wanted, kernel.table(), once) == []


@given(wanted=tables(KEYS), present=tables(KEYS))
def test_a_plan_keeps_every_service_that_stays_and_never_empties_a_pool_on_the_way(
    wanted: Table, present: Table
) -> None:
    kernel = kernel_with(present)
    for operation in plan(wanted, present, KEYS):
        assert not (isinstance(operation, RemoveService) and operation.key in wanted)
        kernel.apply([operation])
        for key, (_, pool) in wanted.items():
            if key in present and pool and present[key][1]:
                assert kernel.services[key][1]


@given(wanted=tables(KEYS), present=tables(KEYS))
def test_a_plan_is_as_short_as_can_be(wanted: Table, present: Table) -> None:
    def facts(table: Table) -> set[object]:
        return {service for service, _ in table.values()} | {
            (key, one) for key, (_, pool) in table.items() for one in pool.values()
        }

    # Each operation settles one fact; a service's removal takes its destinations along.
    staying = {key: held for key, held in present.items() if key in wanted}
    removed = sum(key not in wanted for key in present)
    changed = {_subject(fact) for fact in facts(wanted) ^ facts(staying)}
    assert len(plan(wanted, present, KEYS)) == len(changed) + removed


def _subject(fact: object) -> object:
    if isinstance(fact, Service):
        return fact.key
    assert isinstance(fact, tuple)
    return fact[0], fact[1].endpoint


timings = st.builds(
    CheckTiming,
    delay_loop=st.integers(1, 5).map(lambda n: n * SECOND),
    retry=st.integers(0, 2),
    warmup=st.just(2 * SECOND),
    alpha=st.booleans(),
)


@st.composite
def real_servers(draw: st.DrawFn) -> RealServer:
    at = draw(st.sampled_from(ENDPOINTS))
    ports = draw(st.lists(st.sampled_from([80, 81]), max_size=2))
    return RealServer(
        endpoint=at,
        weight=draw(st.integers(0, 3)),
        inhibit_on_failure=draw(st.booleans()),
        checkers=tuple(
            TcpCheck(timing=draw(timings), connect=ConnectOptions(target=Endpoint(at.address, port))) for port in ports
        ),
    )


@st.composite
def virtual_servers(draw: st.DrawFn) -> VirtualServer:
    sorry = draw(st.none() | st.builds(SorryServer, endpoint=st.sampled_from(ENDPOINTS), inhibit=st.booleans()))
    return VirtualServer(
        key=draw(st.sampled_from(KEYS)),
        scheduler=draw(st.sampled_from(["rr", "wlc"])),
        quorum=draw(st.integers(1, 4)),
        hysteresis=draw(st.integers(0, 1)),
        sorry_server=sorry,
        real_servers=tuple(draw(st.lists(real_servers(), min_size=1, max_size=4, unique_by=lambda one: one.endpoint))),
    )


configs = st.lists(virtual_servers(), max_size=3, unique_by=lambda one: one.key).map(
    lambda some: Config(virtual_servers=tuple(some))
)


class World:
    """A balancer and a kernel, coupled as the worker couples them; who is dead, refused or absent is drawn."""

    def __init__(self, config: Config) -> None:
        self.balancer = Balancer(1)
        self.kernel = FakeIpvs()
        self.running: dict[int, Endpoint] = {}
        self.asked: dict[int, Checker] = {}
        self.at = 0
        self.tell(Started(0, config))

    def tell(self, event: Event) -> None:
        events = [event]
        while events:
            for action in self.balancer.handle(events.pop(0)):
                match action:
                    case StartCheck(number, checker):
                        assert number not in self.running
                        assert checker not in self.asked.values(), "identical checks are made once"
                        self.asked[number] = checker
                        assert isinstance(checker, TcpCheck)
                        self.running[number] = checker.connect.target
                    case CancelCheck(number):
                        del self.running[number], self.asked[number]
                    case ReadTable():
                        events.append(self._read())
                    case ApplyTable(operations):
                        events += self._apply(operations)
                    case _:
                        pass

    def _read(self) -> Event:
        try:
            return TableRead(self.at, self.kernel.table())
        except KernelError as error:
            return IpvsFailed(self.at, str(error))

    def _apply(self, operations: tuple[Operation, ...]) -> list[Event]:
        assert operations
        try:
            refused = self.kernel.apply(operations)
        except KernelError as error:
            return [IpvsFailed(self.at, str(error))]
        return [IpvsRefused(self.at, tuple(Refusal(op, str(error)) for op, error in refused))] if refused else []

    def pass_time(self, dead: set[Endpoint]) -> None:
        deadline = self.balancer.deadline()
        if deadline is not None:
            self.at = max(self.at, deadline)
            self.tell(TimePassed(self.at))
        self.answer(dead)

    def answer(self, dead: set[Endpoint]) -> None:
        for number, target in list(self.running.items()):
            if number in self.running:
                del self.running[number], self.asked[number]
                self.tell(CheckFinished(self.at, number, "refused" if target in dead else None))

    def check_invariants(self, config: Config) -> None:
        wanted = self.balancer.wanted()
        assert list(wanted) == [one.key for one in config.virtual_servers]
        shown = {one.name: one for one in self.balancer.snapshot(None).virtual_servers}
        for one in config.virtual_servers:
            pool = wanted[one.key][1]
            servers = [server for server in shown[str(one.key)].real_servers if not server.sorry]
            alive = {server.address for server in servers if server.alive}
            serving = {str(at) for at, destination in pool.items() if destination.weight}
            if one.sorry_server and not shown[str(one.key)].quorum_up:
                assert serving == {str(one.sorry_server.endpoint)}
            else:
                assert serving == {
                    str(server.endpoint)
                    for server in one.real_servers
                    if str(server.endpoint) in alive and server.weight
                }
            for server in servers:
                assert server.alive == all(checker.up for checker in server.checkers)


TARGETS = [Endpoint(at.address, port) for at in ENDPOINTS for port in (80, 81)]
steps = st.lists(
    st.one_of(
        st.sets(st.sampled_from(TARGETS)).map(lambda dead: ("time", dead)),
        configs.map(lambda config: ("reload", config)),
        st.sampled_from([("absent", None), ("present", None), ("refusing", None), ("willing", None), ("wiped", None)]),
    ),
    max_size=25,
)


@given(config=configs, steps=steps)
def test_whatever_happens_the_kernel_ends_up_with_what_is_wanted(
    config: Config, steps: list[tuple[str, object]]
) -> None:
    world = World(config)
    for kind, argument in steps:
        match kind, argument:
            case "time", set():
                world.pass_time(argument)
            case "reload", Config():
                config = argument
                world.tell(Reconfigured(world.at, config))
            case "absent", _:
                world.kernel.absent = KernelError(2, "initialize ipvs", None, "absent")  # type: ignore[arg-type]
            case "present", _:
                world.kernel.absent = None
            case "refusing", _:
                world.kernel.refuses = lambda operation: True
            case "willing", _:
                world.kernel.refuses = lambda operation: False
            case "wiped", _:
                world.kernel.services.clear()
        world.check_invariants(config)
    world.kernel.absent, world.kernel.refuses = None, lambda operation: False
    world.tell(Reconfigured(world.at, config))
    world.check_invariants(config)
    assert world.kernel.table() == world.balancer.wanted()
    world.tell(StopRequested(world.at))
    assert world.kernel.services == {}
    assert world.running == {}


@given(config=configs)
def test_a_stop_leaves_what_is_not_ours(config: Config) -> None:
    world = World(config)
    foreign = Service(key=STRANGER, scheduler="rr")
    world.kernel.services[STRANGER] = (foreign, {})
    world.tell(Reconfigured(world.at, replace(config, virtual_servers=config.virtual_servers[1:])))
    world.tell(StopRequested(world.at))
    assert world.kernel.services == {STRANGER: (foreign, {})}
    assert SetService(foreign) not in world.kernel.applied


@given(
    timed=st.lists(
        st.builds(
            CheckTiming,
            delay_loop=st.integers(1, 5).map(lambda n: n * SECOND),
            retry=st.integers(0, 2),
            delay_before_retry=st.integers(1, 3).map(lambda n: n * SECOND),
            warmup=st.integers(0, 3).map(lambda n: n * SECOND),
            alpha=st.booleans(),
        ),
        min_size=1,
        max_size=5,
    ),
    story=st.lists(st.booleans(), max_size=30),
)
def test_who_shares_a_check_waits_for_none_longer_and_judges_as_if_alone(
    timed: list[CheckTiming], story: list[bool]
) -> None:
    """Identical checks under several virtual servers; the story is whether the server is dead at each check."""
    connect = ConnectOptions(target=ENDPOINTS[0])
    world = World(
        Config(
            virtual_servers=tuple(
                VirtualServer(
                    key=ServiceKey(2, None, None, mark),
                    real_servers=(
                        RealServer(endpoint=ENDPOINTS[0], checkers=(TcpCheck(timing=timing, connect=connect),)),
                    ),
                )
                for mark, timing in enumerate(timed, 1)
            )
        )
    )

    def shown() -> list[CheckerSnapshot]:
        return [one.real_servers[0].checkers[0] for one in world.balancer.snapshot(None).virtual_servers]

    failures = [0] * len(timed)
    for dead in story:
        before = shown()
        world.pass_time({ENDPOINTS[0]} if dead else set())
        for at, (timing, old, new) in enumerate(zip(timed, before, shown(), strict=True)):
            first = SECOND + timing.warmup if old.last_run is None else 0
            assert world.at - (old.last_run or 0) <= max(first, timing.delay_loop, timing.delay_before_retry)
            if new.last_run == old.last_run:
                assert new.up == old.up
                continue
            failures[at] = failures[at] + 1 if dead else 0
            assert new.up == (not dead or (old.up and old.checked and failures[at] <= timing.retry))
