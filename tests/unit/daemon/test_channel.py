from __future__ import annotations

import asyncio
import socket

import pytest

from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.daemon.channel import (
    Channel,
    Failed,
    Ready,
    Reload,
    Reloaded,
    Start,
    Stop,
    Tell,
    Told,
    order_frame,
    read_order,
    read_report,
    report_frame,
)
from pyvrrp.daemon.options import Options
from pyvrrp.model.config import Config
from pyvrrp.observe.codec import from_json, in_pieces
from tests.unit.daemon.samples import VIRTUAL_SERVER, VRRP_INSTANCE

CONFIG = Config(vrrp_instances=(VRRP_INSTANCE,), virtual_servers=(VIRTUAL_SERVER,))


@pytest.mark.parametrize(
    "order", [Start(Options(log_detail=1), "n", CONFIG, b"{}"), Reload(CONFIG, (0, -1)), Tell(3), Stop()], ids=str
)
def test_orders_arrive_as_they_were_given(order: Start | Reload | Tell | Stop) -> None:
    assert read_order(order_frame(order)) == order


@pytest.mark.parametrize("body", [Ready(), Failed("no\nroot"), Reloaded(None), Reloaded("x"), Told(None), Told(5)])
def test_reports_arrive_as_they_were_given(body: Ready | Failed | Reloaded | Told) -> None:
    snapshot = LvsSnapshot(ipvs_ready=True, ipvs_problem=None) if isinstance(body, Told) else None
    told, text = read_report(report_frame(body, b"" if snapshot is None else "".join(in_pieces(snapshot)).encode()))
    assert told == body
    if snapshot is not None:
        import json

        assert from_json(LvsSnapshot, json.loads(text)) == snapshot


@pytest.mark.parametrize("frame", [b"", b"{}", b'{"body": {"kind": "Order"}}', b"\x80\x05."])
def test_what_is_no_report_is_refused(frame: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        read_report(frame)


def ends() -> tuple[Channel, Channel]:
    ours, theirs = socket.socketpair()
    return Channel(ours), Channel(theirs)


async def test_frames_of_any_size_arrive_in_order_both_ways() -> None:
    ours, theirs = ends()
    frames = [b"", b"a", b"x" * 3_000_000, b"end"]
    got: dict[str, list[bytes]] = {"ours": [], "theirs": []}
    done = asyncio.Event()

    def collect(name: str, frame: bytes) -> None:
        got[name].append(frame)
        if all(len(list_) == len(frames) for list_ in got.values()):
            done.set()

    loop = asyncio.get_running_loop()
    for frame in frames[:2]:
        ours.send(frame)  # before there is a reader
    for channel, name in ((ours, "ours"), (theirs, "theirs")):
        channel.attach(loop, lambda frame, name=name: collect(name, frame), lambda: None)  # type: ignore[misc]
    for frame in frames[2:]:
        ours.send(frame)
    assert ours.backlog > 0  # a socket does not hold 3 MB, and nothing waited for it to
    for frame in frames:
        theirs.send(frame)
    async with asyncio.timeout(10):
        await done.wait()
    assert got == {"ours": frames, "theirs": frames}
    ours.close()
    theirs.close()


async def test_the_end_is_told_once_and_after_the_last_words() -> None:
    ours, theirs = ends()
    heard: list[str] = []
    ended = asyncio.Event()

    def closed() -> None:
        heard.append("closed")
        ended.set()

    theirs.send(b"last")
    theirs.close()
    ours.attach(asyncio.get_running_loop(), lambda frame: heard.append(frame.decode()), closed)
    async with asyncio.timeout(10):
        await ended.wait()
    assert heard == ["last", "closed"]
    ours.send(b"into the void")
    ours.close()


async def test_what_came_along_with_the_first_frame_is_not_lost() -> None:
    ours, theirs = ends()
    ours.send(b"first")
    ours.send(b"second")
    assert theirs.receive() == b"first"
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    theirs.attach(asyncio.get_running_loop(), got.set_result, lambda: None)
    async with asyncio.timeout(10):
        assert await got == b"second"
    ours.close()
    theirs.close()


def test_receiving_ends_with_the_line() -> None:
    ours, theirs = ends()
    ours.close()
    assert theirs.receive() is None
    theirs.close()


def test_draining_takes_what_lies_there_and_does_not_wait() -> None:
    one, other = socket.socketpair()
    ours, theirs = Channel(one), Channel(other)
    heard: list[bytes] = []
    loop = asyncio.new_event_loop()
    ours.attach(loop, heard.append, lambda: None)
    theirs.send(b"a")
    theirs.send(b"b")
    ours.drain()
    ours.drain()
    assert heard == [b"a", b"b"]
    ours.close()
    theirs.close()
    loop.close()
