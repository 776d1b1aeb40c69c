"""The checkers worker's job in a real event loop: real servers on loopback, the kernel's twin below it."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address

import pytest

from pyvrrp.core.log import Level
from pyvrrp.core.lvs import keeper
from pyvrrp.core.lvs.ipvs_table import AddDestination, Destination, Flush, RemoveService, Service
from pyvrrp.core.lvs.snapshot import LvsSnapshot, RealServerSnapshot, Traffic
from pyvrrp.daemon.checkers_role import CheckersRole
from pyvrrp.daemon.options import Options
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, HttpCheck, TcpCheck, UdpCheck, Url
from pyvrrp.model.config import Config, FlushOnStop, GlobalDefs
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Forwarding, Protocol, RealServer, ServiceKey, VirtualServer
from pyvrrp.observe.codec import from_json
from pyvrrp.units import MILLISECOND, SECOND
from tests.fakes.host import FakeHost
from tests.fakes.ipvs import FakeIpvs
from tests.unit.checkers.asking import listening
from tests.waiting import eventually

VIP = ServiceKey.of(Endpoint(ip_address("192.0.2.10"), 80), Protocol.TCP)
FOREIGN = ServiceKey.of(Endpoint(ip_address("192.0.2.99"), 80), Protocol.TCP)
TIMING = CheckTiming(delay_loop=20 * MILLISECOND, retry=1, delay_before_retry=10 * MILLISECOND, warmup=0)
ABSENT = KernelError(2, "initialize ipvs", KernelFault.UNSUPPORTED, "this kernel has no IPVS")


class Backend:
    """A TCP server that can die and heal on the same port."""

    def __init__(self) -> None:
        # Holds the port while nobody listens; never listens itself.
        self._holder = self._bound()
        self.endpoint = Endpoint(ip_address("127.0.0.1"), self._holder.getsockname()[1])
        self._listener: socket.socket | None = None
        self.heal()

    def _bound(self, port: int = 0) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(("127.0.0.1", port))
        return made

    def heal(self) -> None:
        self._listener = self._bound(self.endpoint.port)
        self._listener.listen(1000)

    def die(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def close(self) -> None:
        self.die()
        self._holder.close()


class Hosted(FakeHost):
    """A role, its kernel and what it said."""

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.ipvs = FakeIpvs()
        self.role = CheckersRole(self, self.ipvs, seed=1)

    def snapshot(self) -> LvsSnapshot:
        """As the supervisor gets it."""
        return from_json(LvsSnapshot, json.loads("".join(self.role.pieces(full=True))))

    def server(self, backend: Backend) -> RealServerSnapshot:
        return self.server_at(backend.endpoint)

    def server_at(self, at: Endpoint) -> RealServerSnapshot:
        (virtual,) = self.snapshot().virtual_servers
        return next(server for server in virtual.real_servers if server.address == str(at))

    @property
    def pool(self) -> set[Endpoint]:
        return set(self.ipvs.services[VIP][1]) if VIP in self.ipvs.services else set()

    async def until(self, truth: Callable[[], bool]) -> None:
        await eventually(truth, told=lambda: self.texts)


@pytest.fixture
def backends() -> Iterator[list[Backend]]:
    made = [Backend(), Backend()]
    yield made
    for backend in made:
        backend.close()


@pytest.fixture
def hosted() -> Iterator[Hosted]:
    made = Hosted()
    yield made
    assert made.mails == []


def real_server(backend: Backend, timing: CheckTiming = TIMING) -> RealServer:
    check = TcpCheck(timing=timing, connect=ConnectOptions(target=backend.endpoint, connect_timeout=5 * SECOND))
    return RealServer(endpoint=backend.endpoint, checkers=(check,))


def config(*servers: RealServer, **global_defs: object) -> Config:
    virtual = VirtualServer(key=VIP, scheduler="rr", real_servers=servers)
    return Config(global_defs=replace(GlobalDefs(), **global_defs), virtual_servers=(virtual,))  # type: ignore[arg-type]


async def test_a_server_leaves_the_pool_when_it_dies_and_returns_when_it_heals(
    hosted: Hosted, backends: list[Backend]
) -> None:
    one, two = backends
    hosted.role.start(config(real_server(one), real_server(two)), None)
    assert hosted.pool == {one.endpoint, two.endpoint}
    await hosted.until(lambda: hosted.server(one).checkers[0].checked)
    one.die()
    await hosted.until(lambda: hosted.pool == {two.endpoint})
    assert not hosted.server(one).alive
    assert hosted.server(one).checkers[0].last_error == "connection refused"
    changes = hosted.changes
    one.heal()
    await hosted.until(lambda: hosted.pool == {one.endpoint, two.endpoint})
    assert hosted.changes > changes
    name = f"[127.0.0.1]:tcp:{one.endpoint.port}"
    story = [text for text in hosted.texts if name in text]
    assert story == [
        f"TCP connection to {name} failed after 1 retries. Reason: connection refused",
        f"Removing service {name} from VS [192.0.2.10]:tcp:80",
        f"TCP connection to {name} success.",
        f"Adding service {name} to VS [192.0.2.10]:tcp:80",
    ]
    await hosted.role.stop()


async def test_a_silent_server_takes_its_whole_time_and_blocks_nobody(hosted: Hosted, backends: list[Backend]) -> None:
    alive, silent = backends
    full = socket.create_connection(("127.0.0.1", silent.endpoint.port))
    silent._listener.listen(0)  # type: ignore[union-attr]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect(("127.0.0.1", silent.endpoint.port))
    hosted.role.start(config(real_server(alive), real_server(silent)), None)
    await hosted.until(lambda: hosted.server(alive).checkers[0].last_run is not None)
    first = hosted.server(alive).checkers[0].last_run
    await hosted.until(lambda: hosted.server(alive).checkers[0].last_run != first)
    assert not hosted.server(silent).checkers[0].checked
    # Stopping does not wait for it either.
    await asyncio.wait_for(hosted.role.stop(), 2)
    for one in (full, *fillers):
        one.close()


async def test_a_check_that_cannot_be_made_leaves_the_server_in_the_pool(
    hosted: Hosted, backends: list[Backend]
) -> None:
    server = real_server(backends[0])
    (check,) = server.checkers
    assert isinstance(check, TcpCheck)
    misbound = replace(check, connect=replace(check.connect, bindto=Endpoint(ip_address("192.0.2.1"), 0)))
    hosted.role.start(config(replace(server, checkers=(misbound,))), None)
    await hosted.until(lambda: any("cannot be checked: cannot bind to 192.0.2.1:0" in text for text in hosted.texts))
    assert hosted.pool == {backends[0].endpoint}
    await hosted.role.stop()


async def test_udp_servers_are_checked_too(hosted: Hosted) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        gone = Endpoint(ip_address("127.0.0.1"), taken.getsockname()[1])
    connect = ConnectOptions(target=gone, connect_timeout=50 * MILLISECOND)
    server = RealServer(endpoint=gone, checkers=(UdpCheck(timing=TIMING, connect=connect),))
    hosted.role.start(config(server), None)
    await hosted.until(lambda: hosted.pool == set())
    await hosted.role.stop()


async def test_an_http_server_that_answers_wrongly_is_out_until_all_its_urls_are_well(hosted: Hosted) -> None:
    status = 200

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 %d X\r\n\r\n" % status)

    async with listening(answer) as port:
        at = Endpoint(ip_address("127.0.0.1"), port)
        check = HttpCheck(timing=TIMING, connect=ConnectOptions(target=at), urls=(Url(path="/a"), Url(path="/b")))
        hosted.role.start(config(RealServer(endpoint=at, checkers=(check,))), None)
        await hosted.until(lambda: hosted.server_at(at).checkers[0].checked)
        assert hosted.pool == {at}
        status = 503
        await hosted.until(lambda: hosted.pool == set())
        assert hosted.server_at(at).checkers[0].kind == "HTTP_GET"
        status = 200
        await hosted.until(lambda: hosted.pool == {at})
        assert f"Remote Web server [127.0.0.1]:tcp:{at.port} succeed on service." in hosted.texts
        await hosted.role.stop()


async def test_without_ipvs_servers_are_checked_and_the_table_is_filled_as_soon_as_it_appears(
    hosted: Hosted, backends: list[Backend]
) -> None:
    one, two = backends
    one.die()
    hosted.ipvs.absent = ABSENT
    hosted.role.start(config(real_server(one), real_server(two)), None)
    await hosted.until(lambda: not hosted.server(one).alive)
    snapshot = hosted.snapshot()
    assert not snapshot.ipvs_ready
    assert snapshot.ipvs_problem == "Can't initialize ipvs: this kernel has no IPVS"
    assert snapshot.virtual_servers[0].in_kernel is None
    loud = [text for level, text in hosted.said if level == Level.ERROR]
    assert len(loud) == 2
    assert "NOTHING IS BALANCED" in loud[1]
    hosted.ipvs.set_absent(None)
    await hosted.until(lambda: hosted.pool == {two.endpoint})
    assert hosted.snapshot().ipvs_ready

    hosted.ipvs.set_absent(ABSENT)
    await hosted.until(lambda: not hosted.snapshot().ipvs_ready)
    assert len([text for level, text in hosted.said if level == Level.ERROR]) == 4
    hosted.ipvs.services.clear()
    hosted.ipvs.set_absent(None)
    await hosted.until(lambda: hosted.pool == {two.endpoint})
    await hosted.role.stop()


async def test_what_the_kernel_refuses_is_said_and_tried_again(
    hosted: Hosted, backends: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "RETRY", 50 * MILLISECOND)
    hosted.ipvs.refuses = lambda operation: isinstance(operation, AddDestination)
    hosted.role.start(config(real_server(backends[0])), None)
    assert any(level == Level.ERROR and "Invalid argument" in text for level, text in hosted.said)
    hosted.ipvs.refuses = lambda operation: False
    await hosted.until(lambda: hosted.pool == {backends[0].endpoint})
    await hosted.role.stop()


async def test_a_reload_goes_on_with_the_states_it_has(hosted: Hosted, backends: list[Backend]) -> None:
    one, two = backends
    one.die()
    hosted.role.start(config(real_server(one)), None)
    await hosted.until(lambda: not hosted.server(one).alive)
    hosted.role.reload(config(real_server(one), real_server(two)))
    assert hosted.pool == {two.endpoint}
    one.heal()
    await hosted.until(lambda: hosted.pool == {one.endpoint, two.endpoint})
    await hosted.role.stop()


async def test_reloads_leave_nothing_for_the_collector_of_garbage(hosted: Hosted, backends: list[Backend]) -> None:
    """Which does not run in the worker: what a reload replaced has to go by itself."""
    one, two = backends
    hosted.role.start(config(real_server(one), real_server(two)), None)
    gc.collect()
    gc.disable()
    try:
        for pause in (10, 20, 30):
            timing = replace(TIMING, delay_loop=pause * MILLISECOND)
            hosted.role.reload(config(real_server(one, timing), real_server(two)))
            await hosted.until(lambda: hosted.server(two).checkers[0].checked)
            hosted.role.reload(config(real_server(one)))
        assert gc.collect() == 0
    finally:
        gc.enable()
    await hosted.role.stop()


async def test_a_successor_adopts_states_and_table(backends: list[Backend]) -> None:
    one, two = backends
    one.die()
    first = Hosted()
    first.role.start(config(real_server(one), real_server(two)), None)
    await first.until(lambda: not first.server(one).alive)
    told: LvsSnapshot = first.snapshot()
    second = Hosted()
    second.ipvs.services = first.ipvs.services
    second.role.start(config(real_server(one), real_server(two)), told)
    assert second.ipvs.applied == []
    assert not second.server(one).alive
    for host in (first, second):
        await host.role.stop()


async def test_the_snapshot_has_the_kernels_counters(hosted: Hosted, backends: list[Backend]) -> None:
    hosted.role.start(config(real_server(backends[0])), None)
    hosted.ipvs.traffic[VIP, backends[0].endpoint] = Traffic(connections=7)
    assert hosted.server(backends[0]).traffic == Traffic(connections=7)
    await hosted.role.stop()


@pytest.mark.parametrize(
    ("leave", "flush", "left"),
    [
        (False, FlushOnStop.NO, {FOREIGN}),
        (False, FlushOnStop.SERVICES, {FOREIGN}),
        (False, FlushOnStop.ALL, set()),
        (True, FlushOnStop.NO, {FOREIGN, VIP}),
    ],
)
async def test_a_stop_takes_away_what_is_ours(
    backends: list[Backend], leave: bool, flush: FlushOnStop, left: set[ServiceKey]
) -> None:
    hosted = Hosted(options=Options(dont_release_ipvs=leave))
    hosted.ipvs.services[FOREIGN] = (Service(key=FOREIGN, scheduler="lc"), {})
    hosted.role.start(config(real_server(backends[0]), lvs_flush_on_stop=flush), None)
    assert set(hosted.ipvs.services) == {FOREIGN, VIP}
    await hosted.role.stop()
    assert set(hosted.ipvs.services) == left


async def test_lvs_flush_empties_the_table_at_start(hosted: Hosted, backends: list[Backend]) -> None:
    hosted.ipvs.services[FOREIGN] = (Service(key=FOREIGN, scheduler="lc"), {})
    hosted.role.start(config(real_server(backends[0]), lvs_flush=True), None)
    assert set(hosted.ipvs.services) == {VIP}
    assert hosted.ipvs.applied[0] == Flush()
    await hosted.role.stop()


async def test_a_destination_that_is_none_of_ours_goes_and_is_named(hosted: Hosted, backends: list[Backend]) -> None:
    stranger = Destination(endpoint=backends[1].endpoint, forwarding=Forwarding.NAT, weight=1)
    hosted.ipvs.services[VIP] = (Service(key=VIP, scheduler="rr"), {stranger.endpoint: stranger})
    hosted.role.start(config(real_server(backends[0])), None)
    assert hosted.pool == {backends[0].endpoint}
    assert any(f"Removing destination {stranger.endpoint} from VS" in text for text in hosted.texts)
    await hosted.role.stop()
    assert RemoveService(VIP) in hosted.ipvs.applied
