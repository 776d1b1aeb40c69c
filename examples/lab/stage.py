"""The stage: the lab's daemons, servers and client, and what is measured of them.

Everything that happens goes out as one JSON object a line (`emit`), so that whoever shows it may be in another
process, or outside of the kernel the lab runs in.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import topology
from topology import DIRECTORS, GATEWAY, REAL_SERVERS, RUN, VIP

from pyvrrp.observe.control import ControlError, ask, socket_path

HERE = Path(__file__).resolve().parent
CONFIGURATIONS = HERE.parent / "lvs-nat"
RATE = 20
"""Connections a second."""
LOOK = 0.05
"""Seconds between two looks while waiting for something."""
TICK = 0.25
"""Seconds between two "state" events."""
_ENTERING = re.compile(r"\(NC-MAIN-API-PUB\) Entering (\w+) STATE")
_FAST = {"delay_loop 6": "delay_loop 2", "delay_before_retry 3": "delay_before_retry 1"}


@dataclass(frozen=True, slots=True)
class Request:
    begin: float
    end: float
    name: str | None
    """Who answered."""


class Director:
    """One director: its daemon, what the daemon says, and what is really there."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.probe = topology.Probe(host)
        self.daemon: subprocess.Popen[bytes] | None = None
        self.powered = False
        self.state: str | None = None
        """As its log says."""
        self.said: dict[str, Any] = {}
        """As `pyvrrp show --json` says."""
        self.log = Path(RUN, f"{host}.log")
        self.read = 0
        self.addresses: set[str] = set()

    @property
    def running(self) -> bool:
        return self.daemon is not None and self.daemon.poll() is None

    @property
    def ended(self) -> int | None:
        """The daemon's exit status; None while it runs."""
        return self.daemon.poll() if self.daemon else None

    @property
    def has_vip(self) -> bool:
        return VIP in self.addresses

    async def look(self) -> None:
        self.addresses = await self.probe.addresses()

    def picture(self) -> dict[str, Any]:
        """What the running daemon tells of itself; blocking. Nothing where it is not (our) pyvrrpd."""
        if self.daemon is None or not self.running:
            return {}
        try:
            picture = ask(socket_path(self.daemon.pid), 0.5)
        except ControlError:
            return {}
        said: dict[str, Any] = {}
        for instance in picture.vrrp.instances if picture.vrrp else ():
            said |= {
                "state": instance.state,
                "cause": str(instance.cause),
                "since": (picture.taken - instance.since) / 1e6,
                "priority": instance.effective_priority,
                "sent": instance.stats.advert_sent,
                "received": instance.stats.advert_rcvd,
            }
        services = picture.lvs.virtual_servers if picture.lvs else ()
        said["alive"] = {r.address.rpartition(":")[0]: r.alive for s in services for r in s.real_servers}
        return said


class Stage:
    def __init__(self, daemon: list[str], *, fast: bool) -> None:
        self.command = daemon
        self.fast = fast
        self.began = time.monotonic()
        self.directors = {host: Director(host) for host in DIRECTORS}
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self.requests: list[Request] = []
        self.client: tuple[asyncio.subprocess.Process, asyncio.Task[None]] | None = None
        self.sockets: list[str] = []

    def emit(self, event: str, **members: object) -> None:
        print(json.dumps({"event": event, "at": round(time.monotonic() - self.began, 3), **members}), flush=True)

    # ---- setting up and taking down

    async def build(self) -> bool:
        """Hosts, real servers. True where the directors have a real bond."""
        bonded = await topology.build()
        os.makedirs(RUN, exist_ok=True)
        for director in self.directors.values():
            await director.probe.open()
            director.powered = True
        for host in REAL_SERVERS:
            self.start_server(host)
        return bonded

    async def demolish(self) -> list[str]:
        """Take everything down; answers what could not be removed."""
        for director in self.directors.values():
            await director.probe.close()
        left = topology.demolish()
        for daemon in [*self.servers.values(), *(d.daemon for d in self.directors.values() if d.daemon)]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(1)
        if self.client:
            process, reader = self.client
            await asyncio.gather(process.wait(), reader)
        for path in self.sockets:  # of the daemons that were killed
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return left

    def spawn(self, host: str, argv: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                ["ip", "netns", "exec", topology.namespace(host), *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def start_server(self, host: str) -> None:
        argv = [sys.executable, "-I", "-S", str(HERE / "traffic.py"), "server", host, str(topology.PORT)]
        self.servers[host] = self.spawn(host, argv, Path(RUN, f"{host}.log"))

    def start_daemon(self, host: str) -> None:
        director = self.directors[host]
        configuration = CONFIGURATIONS / host / "keepalived.conf"
        if self.fast:
            text = configuration.read_text()
            for slow, quick in _FAST.items():
                text = text.replace(slow, quick)
            configuration = Path(RUN, f"{host}.conf")
            configuration.write_text(text)
        pids = {flag: f"{RUN}/{host}{name}.pid" for flag, name in (("-p", ""), ("-r", "-vrrp"), ("-c", "-checkers"))}
        flags = ["-n", "-l", "-D", "-f", str(configuration), *(word for pair in pids.items() for word in pair)]
        director.state = None
        director.daemon = self.spawn(host, [*self.command, *flags], director.log)
        self.sockets.append(socket_path(director.daemon.pid))

    # ---- the acts' verbs

    def stop_server(self, host: str) -> None:
        self.servers.pop(host).kill()
        topology.kill([host])

    async def kill_daemon(self, host: str) -> float | None:
        """kill -9 of the supervisor and its workers: nobody says goodbye."""
        topology.kill([host])
        self.directors[host].said = {}
        self.directors[host].state = None
        return None

    async def stop_daemon(self, host: str) -> float | None:
        """The orderly way, SIGTERM."""
        daemon = self.directors[host].daemon
        assert daemon is not None
        daemon.send_signal(signal.SIGTERM)
        return None

    async def status_of(self, host: str) -> int | None:
        """With which the daemon ended; None while it runs."""
        return self.directors[host].ended

    async def power_off(self, host: str) -> float | None:
        """The machine goes dark: nothing runs, nothing answers, nothing is forwarded, nothing is remembered."""
        director = self.directors[host]
        await self.kill_daemon(host)  # first: it must not see its cables go, and say goodbye
        await topology.cut(host)
        director.powered = False
        await director.probe.close()
        director.addresses = set()
        topology.remove(host)
        return None

    async def power_on(self, host: str) -> None:
        director = self.directors[host]
        await topology.build_director(host)
        await director.probe.open()
        director.powered = True

    # ---- looking

    async def holders(self) -> list[str]:
        """Who really has the VIP on a device."""
        for director in self.directors.values():
            await director.look()
        return [d.host for d in self.directors.values() if d.has_vip]

    async def until(self, condition: Callable[[], Awaitable[bool]], limit: float, since: float) -> float | None:
        """Seconds from `since` until the condition holds; None when it does not within `limit` seconds from now."""
        deadline = time.monotonic() + limit
        while not await condition():
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(LOOK)
        return time.monotonic() - since

    def ours(self) -> bool:
        """The daemons answer to `pyvrrp show`: they are pyvrrpd, not keepalived."""
        return any(d.said for d in self.directors.values())

    def pool(self, host: str) -> set[str]:
        return set(self.directors[host].probe.pool())

    def state_of(self, host: str) -> str | None:
        """What the daemon thinks it is."""
        director = self.directors[host]
        if not director.running:
            return None
        return director.said.get("state") or director.state

    def answers(self, since: float) -> collections.Counter[str | None]:
        """Who answered the requests begun since; None counts the lost ones."""
        return collections.Counter(r.name for r in self.requests if r.begin >= since)

    def gap(self, since: float) -> float:
        """The longest time without an answer from just before `since` until now, in seconds."""
        moments = sorted(r.end for r in self.requests if r.name and r.end >= since - 0.5)
        moments.append(time.monotonic())
        return max((after - before for before, after in itertools.pairwise(moments)), default=float("inf"))

    # ---- what runs beside the story

    async def start_client(self) -> None:
        argv = ["ip", "netns", "exec", topology.namespace("client"), sys.executable, "-I", "-S"]
        argv += [str(HERE / "traffic.py"), "client", VIP, str(topology.PORT), str(RATE)]
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        self.client = process, asyncio.create_task(self._collect(process.stdout))

    async def _collect(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            begin, end, name = line.decode().split()
            self.requests.append(Request(float(begin), float(end), None if name == "-" else name))

    async def watch(self) -> None:
        """Tell the state, and pass the daemons' logs on, until cancelled."""
        while True:
            for director in self.directors.values():
                await director.look()
                director.said = await asyncio.to_thread(director.picture)
            self.tell()
            await asyncio.sleep(TICK)

    def tell(self) -> None:
        for director in self.directors.values():
            self._read_log(director)
        counts = self.answers(0)
        lost = counts.pop(None, 0)
        client = {"sent": counts.total() + lost, "answered": counts.total(), "lost": lost, "by": dict(counts)}
        self.emit("state", directors={d.host: self._describe(d) for d in self.directors.values()}, client=client)

    def _describe(self, director: Director) -> dict[str, object]:
        destinations = director.probe.pool()
        alive = director.said.get("alive", {})
        return {
            "powered": director.powered,
            "running": director.running,
            "state": self.state_of(director.host),
            "vip": director.has_vip,
            "gateway": GATEWAY in director.addresses,
            "pool": {
                host: {
                    "alive": alive.get(address),
                    "weight": destinations[address].weight if address in destinations else None,
                    "active": destinations[address].active if address in destinations else 0,
                    "inactive": destinations[address].inactive if address in destinations else 0,
                }
                for host, address in REAL_SERVERS.items()
            },
            **{key: director.said.get(key) for key in ("cause", "since", "priority", "sent", "received")},
        }

    def _read_log(self, director: Director) -> None:
        with contextlib.suppress(FileNotFoundError), director.log.open("rb") as file:
            file.seek(director.read)
            text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            director.read += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                if found := _ENTERING.search(line):
                    director.state = found[1]
                self.emit("log", host=director.host, line=line)
