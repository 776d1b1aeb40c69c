"""A worker that does what a file tells it: ``python fake_worker.py DIRECTORY ROLE VERSION``.

It speaks the real protocol. Each order that comes is a line in DIRECTORY/ROLE.heard. DIRECTORY/ROLE.does holds words:
fail=TEXT exit=STATUS at start; deaf: does not end; silent: does not answer Tell; slow, hold: says that it is ready,
has reloaded, only when DIRECTORY/ROLE.release exists; refused=TEXT: what comes of a reload.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.core.vrrp.snapshot import GroupSnapshot, VrrpSnapshot
from pyvrrp.daemon.birth import WORKER_FD
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
    read_order,
    report_frame,
)
from pyvrrp.observe.codec import in_pieces


def written(snapshot: VrrpSnapshot | LvsSnapshot) -> bytes:
    return "".join(in_pieces(snapshot)).encode()


class FakeWorker:
    def __init__(self, directory: Path, role: str) -> None:
        self.role = role
        self.directory = directory
        does = directory / f"{role}.does"
        self.does = dict(word.partition("=")[::2] for word in (does.read_text() if does.exists() else "").split())
        self.channel = Channel(socket.socket(fileno=WORKER_FD))
        self.stopped = asyncio.Event()

    def hear(self, what: str) -> None:
        with open(self.directory / f"{self.role}.heard", "a") as file:
            file.write(f"{what}\n")

    def snapshot(self) -> VrrpSnapshot | LvsSnapshot:
        if self.role == "checkers":
            return LvsSnapshot(ipvs_ready=False, ipvs_problem=f"told by {os.getpid()}")
        return VrrpSnapshot(sync_groups=(GroupSnapshot(name=str(os.getpid()), state="INIT", since=0, members=()),))

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stopped.set)
        self.channel.attach(loop, self.received, self.stopped.set)
        await self.stopped.wait()
        while "deaf" in self.does:
            await asyncio.sleep(1)
        return int(self.does.get("exit", 0))

    def received(self, frame: bytes) -> None:
        match read_order(frame):
            case Start(_, _, config, previous):
                before = json.loads(previous)["sync_groups"][0]["name"] if previous and self.role == "vrrp" else None
                self.hear(f"start {config.global_defs.router_id} {before}")
                if "fail" in self.does:
                    self.channel.send(report_frame(Failed(self.does["fail"])))
                    self.stopped.set()
                elif "exit" in self.does:
                    self.stopped.set()
                else:
                    self.channel.send(report_frame(Told(None), written(self.snapshot())))
                    self.when_released("slow", Ready())
            case Reload(config, _):
                self.hear(f"reload {config.global_defs.router_id}")
                self.when_released("hold", Reloaded(self.does.get("refused")))
            case Tell(number):
                if "silent" not in self.does:
                    self.channel.send(report_frame(Told(number), written(self.snapshot())))
            case Stop():
                self.hear("stop")
                self.stopped.set()

    def when_released(self, word: str, answer: Ready | Reloaded) -> None:
        if word in self.does and not (self.directory / f"{self.role}.release").exists():
            asyncio.get_running_loop().call_later(0.01, self.when_released, word, answer)
        else:
            self.channel.send(report_frame(answer))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    sys.exit(asyncio.run(FakeWorker(Path(sys.argv[1]), sys.argv[2]).run()))
