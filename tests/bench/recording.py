"""What a recording costs the vrrp worker: processor time an event, and bytes on the disk.

    .venv/bin/python -m tests.bench.recording

Off: the worker calls the machine's own `handle`. On: what is spent while the event is dealt with, and later, while the
worker has nothing to do.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

from pyvrrp.core.vrrp.events import DatagramReceived, InterfaceChanged, InterfaceFacts, Started, TimePassed
from pyvrrp.core.vrrp.router import Router
from pyvrrp.net import VRRP_GROUP4
from pyvrrp.observe.control import RecordWish
from pyvrrp.record.recorder import Recorder
from pyvrrp.wire.vrrp import AdvertV2, encode_v2
from tests.conformance.play import instance, vip
from tests.unit.simulate.stage import config

EVENTS = 20_000
PEER = IPv4Address("192.0.2.2")
ADVERT = encode_v2(AdvertV2(virtual_router_id=51, priority=200, advert_int=1, addresses=(IPv4Address("192.0.2.100"),)))


def router() -> Router:
    made = Router(config(instance(virtual_ipaddress=(vip("192.0.2.100/24"),))))
    made.handle(InterfaceChanged(0, "eth0", InterfaceFacts(2, True, b"\2\0\0\0\0\1", (IPv4Address("192.0.2.1"),))))
    made.handle(Started(0))
    return made


def backup(handle: Callable[[Any], list[Any]], machine: Router) -> None:
    for n in range(EVENTS):
        handle(DatagramReceived(n * 1_000_000, "eth0", PEER, VRRP_GROUP4, 255, ADVERT))


def master(handle: Callable[[Any], list[Any]], machine: Router) -> None:
    for _ in range(EVENTS):
        handle(TimePassed(machine.deadline() or 0))


def timed(call: Callable[[], None]) -> float:
    """Microseconds of processor time an event."""
    began = time.process_time()
    call()
    return (time.process_time() - began) / EVENTS * 1e6


async def measure(role: Callable[[Callable[[Any], list[Any]], Router], None]) -> tuple[float, float, float, float]:
    machine = router()
    off = min(timed(lambda: role(machine.handle, machine)) for _ in range(3))
    machine = router()
    with tempfile.TemporaryDirectory() as directory:
        wish = RecordWish(path=os.path.join(directory, "tape"), size=1 << 40, duration=None)
        recorder = Recorder(wish, "vrrp", machine, None, asyncio.get_running_loop(), print)
        on = timed(lambda: role(recorder.handle, machine))
        later = timed(lambda: recorder.finish("done"))
        size = os.stat(wish.path).st_size / EVENTS
    return off, on, later, size


async def run() -> None:
    print(f"{'µs an event':24} {'off':>8} {'on':>8} {'later':>8} {'bytes':>8}")
    for name, role in (("backup hears a master", backup), ("master advertises", master)):
        off, on, later, size = await measure(role)
        print(f"{name:24} {off:8.2f} {on:8.2f} {later:8.1f} {size:8.0f}")


if __name__ == "__main__":
    asyncio.run(run())
