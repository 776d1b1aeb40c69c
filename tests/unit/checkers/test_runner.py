"""Many checks at a time: bounded, in order, none starved, and told together."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

import pytest

from pyvrrp.checkers.outcome import CheckFailed, Outcome, Passed
from pyvrrp.checkers.runner import Runner
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, TcpCheck
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import MILLISECOND, SECOND
from tests.unit.checkers.asking import spawn
from tests.waiting import eventually


def check(port: int, timeout: int = 5 * SECOND, bindto: Endpoint | None = None) -> TcpCheck:
    target = Endpoint(ip_address("127.0.0.1"), port)
    connect = ConnectOptions(target=target, connect_timeout=timeout, bindto=bindto)
    return TcpCheck(timing=CheckTiming(), connect=connect)


@pytest.fixture
def healthy() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as server:
        yield server.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port whose queue of connections is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(("127.0.0.1", port))
        yield port
        for filler in fillers:
            filler.close()


async def test_no_more_descriptors_than_allowed_and_nobody_starves(healthy: int, silent: int) -> None:
    told: list[tuple[int, Outcome]] = []
    runner = Runner(told.extend, 8, spawn)
    before = len(os.listdir("/proc/self/fd"))
    most = 0
    for number in range(300):
        # One in six takes its whole time.
        runner.begin(number, check(silent, 20 * MILLISECOND) if number % 6 == 0 else check(healthy))

    def done() -> bool:
        nonlocal most
        most = max(most, len(os.listdir("/proc/self/fd")) - before)
        return len(told) == 300

    await eventually(done)
    assert most <= 8 + 2  # the set that they are in, and the list of descriptors itself
    assert {number for number, outcome in told if isinstance(outcome, Passed)} == {n for n in range(300) if n % 6}
    await runner.close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_first_come_first_served(healthy: int) -> None:
    told: list[tuple[int, Outcome]] = []
    runner = Runner(told.extend, 1, spawn)
    for number in (3, 1, 2):
        runner.begin(number, check(healthy))
    await eventually(lambda: len(told) == 3)
    assert [number for number, _ in told] == [3, 1, 2]
    await runner.close()


async def test_an_answer_that_came_in_time_counts_even_if_we_are_late(healthy: int) -> None:
    told: list[tuple[int, Outcome]] = []
    runner = Runner(told.extend, 10, spawn)
    runner.begin(1, check(healthy, 50 * MILLISECOND))
    while not runner._running:
        await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - the process stands still: a collection, a stolen processor
    await eventually(lambda: told)
    assert told == [(1, Passed())]
    await runner.close()


async def test_what_cannot_begin_is_told_like_any_outcome(healthy: int) -> None:
    told: list[tuple[int, Outcome]] = []
    runner = Runner(told.extend, 10, spawn)
    runner.begin(1, check(healthy, bindto=Endpoint(ip_address("192.0.2.1"), 0)))
    await eventually(lambda: told)
    assert "cannot bind to 192.0.2.1:0" in str(told[0][1])
    await runner.close()


async def test_cancelled_checks_are_told_of_no_more_in_whatever_state_they_are(healthy: int, silent: int) -> None:
    told: list[tuple[int, Outcome]] = []
    runner = Runner(told.extend, 2, spawn)
    for number, port in ((1, silent), (2, healthy), (3, healthy), (4, healthy)):
        runner.begin(number, check(port, 100 * MILLISECOND))
    runner.cancel(3)  # waits
    runner.cancel(99)
    await eventually(lambda: len(told) == 3)
    assert [(number, type(outcome)) for number, outcome in told] == [(2, Passed), (4, Passed), (1, CheckFailed)]
    runner.begin(5, check(silent))
    while not runner._running:
        await asyncio.sleep(0)
    runner.cancel(5)  # is under way
    await runner.close()
    assert len(told) == 3
