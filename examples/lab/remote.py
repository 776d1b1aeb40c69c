"""The same play on machines of their own: virtual machines (`vagrant/failover`), or kernels of a test.

A machine is reached by a command line that runs a shell script given to it (`Machines.reach`). One such line per
director stays open and tells, ten times a second, what is really there (`agent.py`); one runs the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from stage import Director, Request, Stage
from story import ACTS, Act, Result, Story, missed, other, seconds, untouched
from topology import DIRECTORS, PORT, REAL_SERVERS, VIP, Destination, parse_table

from pyvrrp.observe.control import REQUEST

AGENT = (Path(__file__).parent / "agent.py").read_text()
TRAFFIC = "/usr/local/lib/pyvrrp-lab/traffic.py"
CABLES = "for m in $(cat /sys/class/net/bond1/bonding/slaves); do ip link set $m {}; done"
RATE = 20
FRESH = 3.0
"""Seconds for which a machine is believed; one without power says nothing more."""
SILENT = 0.5
"""Seconds without a word after which a machine whose power is being cut has none."""
GRACE = 10.0
"""Seconds that a daemon may take from the order to start until its process is there."""


class Machines(Protocol):
    """Where the play takes place."""

    def reach(self, host: str) -> list[str]:
        """A command whose standard input is a shell script that runs as root on that machine."""
        ...

    def verb(self, name: str) -> str:
        """The shell script for start, stop, kill or status of the daemon, start-server or stop-server.

        Of `log`, what follows the daemon's log until its standard input ends; nothing where there is none to follow.
        """
        ...

    async def power_off(self, host: str) -> None:
        """Cut the power; it may take a moment."""
        ...

    async def power_on(self, host: str) -> None:
        """Returns when scripts can be run there again."""
        ...


async def opened(command: list[str], text: str) -> asyncio.subprocess.Process:
    """`Machines.reach` with a script that goes on, and whose lines are read; it ends with its standard input."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(text.encode())
    await process.stdin.drain()
    return process


async def begun(command: list[str], text: str) -> asyncio.subprocess.Process:
    """The same with a script to be left alone. Returns when it began there, which by ssh takes its time."""
    process = await opened(command, f"echo now\n{text}\n")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    await process.stdout.readline()
    return process


class RemoteDirector(Director):
    """A director as its agent describes it."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.powered = True
        self.state = None
        self.said: dict[str, Any] = {}
        self.addresses: set[str] = set()
        self.table: dict[str, Destination] = {}
        self.alive = False
        self.heard = float("-inf")
        self.started = float("-inf")
        self.status: int | None = None
        self.probe = self  # type: ignore[assignment]

    def pool(self) -> dict[str, Destination]:
        return self.table

    @property
    def running(self) -> bool:
        return self.alive or time.monotonic() - self.started < GRACE

    @property
    def ended(self) -> int | None:
        return self.status

    @property
    def has_vip(self) -> bool:
        return VIP in self.addresses and time.monotonic() - self.heard < FRESH

    async def look(self) -> None:
        """The agent has looked."""

    def picture(self) -> dict[str, Any]:
        return self.said

    def hear(self, line: bytes) -> None:
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            self.heard = time.monotonic()
            self.alive, self.addresses = told["running"], set(told["addresses"])
            self.table, self.said = parse_table(told["table"]), told["said"]
            # Of a keepalived one only sees what it does.
            self.state = None if self.said else ("MASTER" if self.has_vip else "BACKUP") if self.alive else None


class RemoteStage(Stage):
    """`stage.Stage` on machines."""

    def __init__(self, machines: Machines, *, fast: bool = False) -> None:
        super().__init__([], fast=fast)
        self.machines = machines
        self.directors = {host: RemoteDirector(host) for host in DIRECTORS}
        self.agents: dict[str, list[tuple[asyncio.subprocess.Process, asyncio.Task[None]]]] = {}
        self._tasks: set[asyncio.Task[object]] = set()

    async def build(self) -> bool:
        for host in DIRECTORS:
            await self.script(host, self.machines.verb("stop"))
            await self._listen(host)
        for host in REAL_SERVERS:
            await self.script(host, self.machines.verb("start-server").format(name=host, port=PORT))
        return True

    async def demolish(self) -> list[str]:
        """The machines stay as they are; what was started to look at them ends."""
        processes = [agent for agents in self.agents.values() for agent, _ in agents]
        if self.client is not None:
            processes.append(self.client[0])
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return []

    async def script(self, host: str, text: str) -> tuple[int, str]:
        """Run it there: exit status, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *self.machines.reach(host),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        out, _ = await process.communicate(text.encode())
        return process.returncode or 0, out.decode(errors="replace")

    async def _listen(self, host: str) -> None:
        director = self.directors[host]

        async def follow(script: str, hear: Callable[[bytes], None]) -> None:
            agent = await opened(self.machines.reach(host), script)

            async def read() -> None:
                assert agent.stdout is not None
                async for line in agent.stdout:
                    hear(line)

            self.agents.setdefault(host, []).append((agent, asyncio.create_task(read())))

        request = shlex.quote(REQUEST.decode().strip())
        await follow(f"exec python3 -I -S -c {shlex.quote(AGENT)} {request}\n", director.hear)
        if log := self.machines.verb("log"):
            await follow(f"{log}\n", lambda line: self.emit("log", host=host, line=line.decode().rstrip()))

    # ---- the acts' verbs

    async def _order(self, host: str, text: str) -> float:
        """When the script began there; the play looks at what comes of it."""
        process = await begun(self.machines.reach(host), text)
        began = time.monotonic()
        self._keep(process.communicate())
        return began

    def _keep(self, work: Coroutine[Any, Any, object]) -> None:
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._tasks.discard)

    def _later(self, host: str, verb: str, **words: object) -> None:
        self._keep(self._order(host, self.machines.verb(verb).format(**words)))

    def start_server(self, host: str) -> None:
        self._later(host, "start-server", name=host, port=PORT)

    def stop_server(self, host: str) -> None:
        self._later(host, "stop-server", name=host, port=PORT)

    def start_daemon(self, host: str) -> None:
        director = self.directors[host]
        director.started, director.status = time.monotonic(), None
        self._later(host, "start")

    async def kill_daemon(self, host: str) -> float:
        return await self._order(host, self.machines.verb("kill"))

    async def stop_daemon(self, host: str) -> float:
        return await self._order(host, self.machines.verb("stop"))

    async def status_of(self, host: str) -> int | None:
        status, text = await self.script(host, self.machines.verb("status"))
        return int(text.strip() or 0) if status == 0 else None

    async def power_off(self, host: str) -> float:
        """When its last word came."""
        director = self.directors[host]
        await self.machines.power_off(host)

        async def dark() -> bool:
            return time.monotonic() - director.heard > SILENT

        if await self.until(dark, 10, time.monotonic()) is None:
            raise RuntimeError(f"{host} goes on without power")
        director.powered = director.alive = False
        director.addresses, director.table, director.said = set(), {}, {}
        for agent, task in self.agents.pop(host):
            with contextlib.suppress(ProcessLookupError):
                agent.kill()
            task.cancel()
        return director.heard

    async def power_on(self, host: str) -> None:
        await self.machines.power_on(host)
        await self._listen(host)
        self.directors[host].powered = True

    async def pull_cables(self, host: str) -> float:
        return await self._order(host, CABLES.format("down"))

    async def plug_cables(self, host: str) -> None:
        await self.script(host, CABLES.format("up"))

    async def start_client(self) -> None:
        process = await opened(
            self.machines.reach("client"), f"exec python3 -I -S {TRAFFIC} client {VIP} {PORT} {RATE}\n"
        )
        assert process.stdout is not None
        self.client = process, asyncio.create_task(self._collect(process.stdout))  # type: ignore[assignment]

    async def _collect(self, lines: asyncio.StreamReader) -> None:
        """The client's clock is its own: a request ends when we hear of it."""
        async for line in lines:
            begin, end, name = line.decode().split()
            now = time.monotonic()
            self.requests.append(Request(now - (float(end) - float(begin)), now, None if name == "-" else name))

    def _read_log(self, director: Director) -> None:
        """It is followed, where there is one."""


class RemoteStory(Story):
    """With two acts more: only here have directors cables that can be pulled under them."""

    def acts(self) -> tuple[Act, ...]:
        return REMOTE_ACTS

    async def unplug(self) -> Result:
        stage = self.stage
        assert isinstance(stage, RemoteStage)
        return await self.takeover(stage.pull_cables, missed)

    async def plug(self) -> Result:
        stage, host = self.stage, self.gone
        assert isinstance(stage, RemoteStage)
        master, since = other(host), time.monotonic()
        await stage.plug_cables(host)
        took = await self.is_state(host, "BACKUP", 15)
        held = await self.steady(master, missed(host)[1] + 0.2)
        gap, lost = self.hurt(since)
        ok = took is not None and held and untouched(gap, lost)
        text = f"{host} is BACKUP after {seconds(took)}; the VIP stays on {master}; {lost} lost"
        return Result(ok=ok, text=text, took=took, gap=gap, lost=lost)


REMOTE_ACTS = (
    *ACTS,
    Act(key="unplug", title="the master's two public cables are pulled", play=RemoteStory.unplug),  # type: ignore[arg-type]
    Act(key="plug", title="they are plugged in again", play=RemoteStory.plug),  # type: ignore[arg-type]
)
