"""The control socket: who may ask for what."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import subprocess
import sys
import tempfile

import pytest

from pyvrrp.daemon.control import Control
from pyvrrp.observe.control import RecordRequest, socket_path
from pyvrrp.observe.picture import Picture
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

    async def picture() -> Picture:
        return PICTURE

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
