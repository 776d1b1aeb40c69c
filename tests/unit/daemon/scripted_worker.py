"""A real worker process whose role is a script: ``python scripted_worker.py SCRIPT ROLE VERSION``.

Every call that the role gets is a line on standard output. SCRIPT holds words: start-denied, start-absent,
reload-refused, load-broken, bug-in-callback, bug-in-task, bug-in-stop, chatty.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pyvrrp.core.log import Level
from pyvrrp.core.vrrp.snapshot import GroupSnapshot, VrrpSnapshot
from pyvrrp.daemon import worker
from pyvrrp.daemon.role import Host
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.model.config import Config
from pyvrrp.observe.codec import in_pieces

SCRIPT = set(sys.argv.pop(1).split(","))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class ScriptedRole:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.snapshots = 0
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, config: Config, previous: VrrpSnapshot | None) -> None:
        say(f"start {config.global_defs.router_id} {previous and previous.sync_groups[0].name}")
        for word, fault in (("start-denied", KernelFault.DENIED), ("start-absent", KernelFault.ABSENT)):
            if word in SCRIPT:
                raise KernelError(1, "open a socket", fault, "no: do this")
        loop = asyncio.get_running_loop()
        if "bug-in-callback" in SCRIPT:
            loop.call_soon(self.bug)
        if "bug-in-task" in SCRIPT:
            self.tasks.append(loop.create_task(self.broken()))
            loop.call_later(0.01, self.tasks.clear)
        self.host.log(Level.INFO, "started")

    def bug(self) -> None:
        raise ZeroDivisionError("a bug")

    async def broken(self) -> None:
        self.bug()

    def reload(self, config: Config) -> None:
        say(f"reload {config.global_defs.router_id}")
        if "chatty" in SCRIPT:
            for _ in range(1000):
                self.host.changed()
        if "reload-refused" in SCRIPT:
            raise KernelError(17, "add an address", KernelFault.PRESENT, "it is there")

    async def stop(self) -> None:
        await asyncio.sleep(0)
        say("stop")
        if "bug-in-stop" in SCRIPT:
            self.bug()

    def pieces(self, *, full: bool) -> Iterator[str]:
        self.snapshots += 1
        group = GroupSnapshot(name=str(self.snapshots), state="INIT", since=0, members=())
        return in_pieces(VrrpSnapshot(sync_groups=(group,)))


def load(name: str) -> Callable[[Host], Any]:
    if "load-broken" in SCRIPT:
        raise ImportError(f"no role {name}")
    return ScriptedRole


worker.load = load
worker.main()
