"""The daemon's end of the control socket: who may ask for what, and what comes back."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pyvrrp.daemon import control
from pyvrrp.daemon.control import Control
from pyvrrp.observe.control import RecordRequest, ask, picture_line, socket_path
from tests.unit.observe.pictures import PICTURE

pytestmark = pytest.mark.root

ASK = """
import os, sys
from pyvrrp.observe.control import ControlError, RecordRequest, ask, order_recording
path, user, group = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.setgroups([])
os.setgid(group)
os.setuid(user)
for request in (lambda: type(ask(path)).__name__, lambda: order_recording(path, RecordRequest(role="vrrp", wish=None))):
    try:
        print(request())
    except ControlError as error:
        print(type(error).__name__, error)
"""
"""Says what comes of asking for the picture, and of ordering a recording. Not the command itself: the interpreter may
lie where only root can read."""


async def answers(group: str, user: str = "nobody") -> list[str]:
    """To a user who is in no groups but their own; `group` is the one that the socket is open to."""

    async def picture() -> bytes:
        return picture_line(PICTURE)

    async def record(request: RecordRequest) -> str:
        return "recorded"

    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        control = Control(directory, picture, record, group)
        await control.open()
        try:
            who = pwd.getpwnam(user)
            words = [sys.executable, "-c", ASK, socket_path(os.getpid(), directory), str(who.pw_uid), str(who.pw_gid)]
            done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=60)
        finally:
            control.close()
    assert done.stderr == ""
    return done.stdout.splitlines()


async def test_members_of_the_group_may_look_and_no_more() -> None:
    picture, recording = await answers(grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name)
    assert picture == "Picture"
    assert recording.startswith("RefusedError")
    assert "only root may have it record" in recording


@pytest.mark.parametrize("group", ["no-such-group", "daemon"])
async def test_others_may_do_nothing(group: str) -> None:
    for answer in await answers(group):
        assert answer.startswith("NotAllowedError")


async def test_root_may_do_all() -> None:
    assert await answers("daemon", user="root") == ["Picture", "recorded"]


async def test_whoever_waits_is_shown_that_we_are_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_SIGN", 0.01)
    enough = asyncio.Event()

    async def picture() -> bytes:
        await enough.wait()
        return picture_line(PICTURE)

    async def record(request: object) -> str:
        raise AssertionError(request)

    server = control.Control(str(tmp_path), picture, record)
    await server.open()
    path = socket_path(os.getpid(), str(tmp_path))
    asked = asyncio.ensure_future(asyncio.to_thread(ask, path, 5))
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"version": 1, "request": "picture"}\n')
    assert await reader.readexactly(3) == b"   "
    enough.set()
    assert await asked == PICTURE
    assert (await reader.readline()).lstrip() == picture_line(PICTURE)
    writer.close()
    await writer.wait_closed()
    server.close()
