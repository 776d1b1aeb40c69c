"""The lab's hosts: network namespaces, joined by two bridges in a namespace of their own.

    client 192.0.2.100 ── public ─── bond1 (director1 .2, director2 .3), VIP 192.0.2.10
    rs1 10.71.12.69, rs2 10.71.12.76 ── private ── eth1 (director1 .2, director2 .3), gateway VIP 10.71.12.1

No device and no address is ever made in the namespace the lab is started from.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pyroute2 import AsyncIPRoute, NetlinkError, netns

PREFIX = "pyvrrp-lab-"
NETNS = "/run/netns"
RUN = "/run/pyvrrp-lab"
"""The daemons' pid files and logs."""
DIRECTORS = ("director1", "director2")
REAL_SERVERS = {"rs1": "10.71.12.69", "rs2": "10.71.12.76"}
HOSTS = ("client", *DIRECTORS, *REAL_SERVERS)
SWITCH = "switch"
VIP, PORT, GATEWAY = "192.0.2.10", 15000, "10.71.12.1"
CLIENT = "192.0.2.100"
BOND_SLAVES = ("pub0", "pub1")

_T = TypeVar("_T")


class LabError(Exception):
    """The lab cannot be built here; the message says why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One real server in the kernel's IPVS table."""

    weight: int
    active: int
    inactive: int


def namespace(host: str) -> str:
    return PREFIX + host


def exists() -> list[str]:
    """Namespaces of a lab, ours or one left behind."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(name for name in os.listdir(NETNS) if name.startswith(PREFIX))
    return []


def inside(host: str, work: Callable[[], _T]) -> _T:
    """What `work` returns when it runs in the host's network namespace (in a thread, which then ends)."""
    answer: list[_T] = []
    problem: list[BaseException] = []

    def run() -> None:
        try:
            netns.setns(namespace(host), flags=0)
            answer.append(work())
        except BaseException as error:  # carried over to the caller
            problem.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if problem:
        raise problem[0]
    return answer[0]


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


# ---- building


def load_modules() -> None:
    """Have the kernel ready for IPVS and bonding, as far as it knows them."""
    # Loaded by itself, bonding would make a bond0 in the namespace we were started from.
    for module in (["ip_vs"], ["bonding", "max_bonds=0"]):
        with contextlib.suppress(FileNotFoundError):
            subprocess.run(["modprobe", *module], check=False, capture_output=True)


def has_ipvs() -> bool:
    """The kernel answers for IPVS (this file is there exactly while ip_vs is)."""
    return os.path.exists("/proc/net/ip_vs")


async def build() -> bool:
    """Make all hosts. True: the directors have a real bond1; False: a plain device of that name."""
    left = exists()
    if left:
        raise LabError(f"a lab is up already ({', '.join(left)}); to remove it: sudo examples/lab/run --clean")
    async with _made(SWITCH) as switch:
        for bridge in ("public", "private"):
            await switch.link("add", ifname=bridge, kind="bridge")
            await _up(switch, bridge)
        async with _made("client") as client:
            await _plug(switch, "client", "eth0", "public")
            await _configure(client, "eth0", CLIENT, 25)
        for host, address in REAL_SERVERS.items():
            async with _made(host) as server:
                await _plug(switch, host, "eth0", "private")
                await _configure(server, "eth0", address, 24)
                await server.route("add", dst="default", gateway=GATEWAY)
    bonded = [await build_director(host) for host in DIRECTORS]
    return all(bonded)


async def build_director(host: str) -> bool:
    """Make one director, as after a boot: devices and addresses of its own, no VIP, no IPVS table. True: bonded."""
    number = 2 + DIRECTORS.index(host)
    async with _opened(SWITCH) as switch, _made(host) as director:
        try:
            await director.link("add", ifname="bond1", kind="bond", bond_mode=1, bond_miimon=100)
            bonded = True
        except NetlinkError:
            bonded = False
        if bonded:
            for slave in BOND_SLAVES:  # enslaved while down; the bond takes them up
                await _plug(switch, host, slave, "public")
                bond = await _index(director, "bond1")
                await director.link("set", index=await _index(director, slave), master=bond)
        else:
            await _plug(switch, host, "bond1", "public")
        await _plug(switch, host, "eth1", "private")
        await _configure(director, "bond1", f"192.0.2.{number}", 25)
        await _configure(director, "eth1", f"10.71.12.{number}", 24)
    inside(host, lambda: _write("/proc/sys/net/ipv4/ip_forward", "1"))
    return bonded


def _opened(host: str) -> Any:
    # A socket of our own: pyroute2 would fork for one, and a fork that a signal ends wakes our event loop.
    sock = inside(host, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 0))
    return AsyncIPRoute(fileno=sock.detach())


@contextlib.asynccontextmanager
async def _made(host: str) -> AsyncIterator[Any]:
    """A new namespace, and netlink in it."""
    _create(host)
    async with _opened(host) as ipr:
        await _up(ipr, "lo")
        yield ipr


def _create(host: str) -> None:
    try:
        subprocess.run(["ip", "netns", "add", namespace(host)], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise LabError("there is no command ip: apt-get install iproute2") from None
    except subprocess.CalledProcessError as error:
        raise LabError(f"cannot make a network namespace: {error.stderr.strip()}") from None


def port(host: str, device: str) -> str:
    """The switch's end of a cable."""
    return f"{host.replace('director', 'd')}-{device}"


async def _plug(switch: Any, host: str, device: str, bridge: str) -> None:
    """A cable from the host's new device, still down, to a port of the bridge."""
    end = port(host, device)
    peer = {"ifname": device, "net_ns_fd": os.path.join(NETNS, namespace(host))}
    await switch.link("add", ifname=end, kind="veth", peer=peer)
    await switch.link("set", index=await _index(switch, end), master=await _index(switch, bridge), state="up")


async def _configure(ipr: Any, device: str, address: str, prefix: int) -> None:
    await _up(ipr, device)
    await ipr.addr("add", index=await _index(ipr, device), address=address, prefixlen=prefix)


async def _up(ipr: Any, device: str) -> None:
    await ipr.link("set", index=await _index(ipr, device), state="up")


async def _index(ipr: Any, device: str) -> int:
    found = await ipr.link_lookup(ifname=device)
    if not found:
        raise LabError(f"the device {device} is gone")
    return int(found[0])


async def cut(host: str) -> None:
    """Pull all the host's cables: they are gone at once, at both ends."""
    prefix = port(host, "")
    async with _opened(SWITCH) as switch:
        ports = [int(link["index"]) async for link in await switch.get_links() if link.get("ifname").startswith(prefix)]
        for index in ports:
            await switch.link("del", index=index)


def remove(host: str) -> None:
    """Remove a namespace; the kernel frees it when nobody uses it any more."""
    with contextlib.suppress(FileNotFoundError):
        netns.remove(namespace(host))


# ---- looking


class Probe:
    """Looks at a director's kernel from outside of it: what is really there, whatever a daemon says."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._ipr: Any = None
        self._table = -1
        self._turn = asyncio.Lock()
        """One question at a time: the kernel refuses a second dump on a socket."""

    async def open(self) -> None:
        self._ipr = _opened(self.host)
        await self._ipr.setup_endpoint()
        self._table = inside(self.host, lambda: os.open("/proc/thread-self/net/ip_vs", os.O_RDONLY))

    async def close(self) -> None:
        """Both handles keep the namespace alive: close them before it is removed."""
        async with self._turn:
            if self._ipr is not None:
                self._ipr.close()
                self._ipr = None
            if self._table >= 0:
                os.close(self._table)
                self._table = -1

    async def addresses(self) -> set[str]:
        """The director's IPv4 addresses; nothing while it is without power."""
        async with self._turn:
            if self._ipr is None:
                return set()
            return {str(a.get("address")) async for a in await self._ipr.get_addr(family=socket.AF_INET)}

    def pool(self) -> dict[str, Destination]:
        """The service's destinations in IPVS, by address."""
        if self._table < 0:
            return {}
        return parse_table(os.pread(self._table, 1 << 16, 0).decode())


def parse_table(text: str) -> dict[str, Destination]:
    """Destinations of the lab's service in /proc/net/ip_vs, where addresses and ports are hexadecimal."""
    service = f"{socket.inet_aton(VIP).hex().upper()}:{PORT:04X}"
    found: dict[str, Destination] = {}
    ours = False
    for line in text.splitlines():
        match line.split():
            case ["TCP" | "UDP" | "SCTP" | "FWM" as protocol, address, *_]:
                ours = protocol == "TCP" and address == service
            case ["->", address, _, weight, active, inactive] if ours:
                ip = socket.inet_ntoa(bytes.fromhex(address.partition(":")[0]))
                found[ip] = Destination(int(weight), int(active), int(inactive))
    return found


# ---- processes


def processes(hosts: Iterable[str]) -> list[int]:
    """All processes in the namespaces of these hosts."""
    inodes = set()
    for host in hosts:
        with contextlib.suppress(FileNotFoundError):
            inodes.add(os.stat(os.path.join(NETNS, namespace(host))).st_ino)
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{entry}/ns/net").st_ino in inodes:
                    found.append(int(entry))
    return found


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _until_gone(hosts: list[str], wait: float, again: Callable[[list[int]], None]) -> list[int]:
    """Processes that are still there after `wait` seconds; `again` gets those found at each look."""
    deadline = time.monotonic() + wait
    while (pids := processes(hosts)) and time.monotonic() < deadline:
        again(pids)
        time.sleep(0.02)
    return pids


def kill(hosts: Iterable[str]) -> list[int]:
    """kill -9 of everything that runs in these namespaces; answers what is left.

    All are stopped before the first is killed: nobody may see another one die, and say goodbye or replace it.
    """
    hosts = list(hosts)
    _signal(processes(hosts), signal.SIGSTOP)
    return _until_gone(hosts, 5.0, lambda pids: _signal(pids, signal.SIGKILL))


def demolish() -> list[str]:
    """Remove whatever is left of a lab: politely first, so that the daemons take their sockets along.

    Answers what could not be removed.
    """
    hosts = [name.removeprefix(PREFIX) for name in exists()]
    _signal(processes(hosts), signal.SIGTERM)
    _until_gone(hosts, 3.0, lambda _: None)
    still = [f"process {pid}" for pid in kill(hosts)]
    for host in hosts:
        remove(host)
    shutil.rmtree(RUN, ignore_errors=True)
    return still + [f"namespace {name}" for name in exists()]
