"""Hosts made of network namespaces, and the cables between them.

Nothing is ever made in the namespace the tests run in, and names carry the process id: several test runs at a time do
not meet. `Net.close` removes all of it, whatever a test has done.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute, netns

from pyvrrp.kernel import ledger

_serial = itertools.count(1)


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """What is opened in here belongs to the namespace."""
    netns.pushns(namespace)
    try:
        yield
    finally:
        netns.popns()


class Host:
    """One network namespace, looked at and changed by netlink."""

    def __init__(self, name: str, namespace: str) -> None:
        self.name = name
        self.namespace = namespace
        netns.create(namespace)
        with inside(namespace):
            self.netlink: Any = IPRoute()
            self._ledgers = f"{ledger.namespace()}.*"
        self.set_link("lo", up=True)

    def index(self, device: str) -> int:
        found = self.netlink.link_lookup(ifname=device)
        if not found:
            raise LookupError(f"{self.name} has no device {device}")
        return int(found[0])

    def set_link(self, device: str, *, up: bool) -> None:
        self.netlink.link("set", index=self.index(device), state="up" if up else "down")

    def add_address(self, device: str, address: str) -> None:
        """`address` with its prefix length."""
        host, _, length = address.partition("/")
        self.netlink.addr("add", index=self.index(device), address=host, prefixlen=int(length))

    def addresses(self, device: str | None = None) -> list[str]:
        """With prefix length, of one device or of all."""
        wanted = None if device is None else self.index(device)
        return [
            f"{message.get('address')}/{message['prefixlen']}"
            for message in self.netlink.get_addr()
            if wanted in (None, message["index"])
        ]

    def holds(self, address: str) -> bool:
        """`address` without prefix length."""
        return any(held.partition("/")[0] == address for held in self.addresses())

    def run(self, *argv: str, check: bool = True) -> str:
        """Standard output of a command run here."""
        done = subprocess.run(self.command(*argv), capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(
                f"{self.name}: {' '.join(argv)}: status {done.returncode}: {done.stderr or done.stdout}"
            )
        return done.stdout

    def command(self, *argv: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *argv]

    def processes(self) -> list[int]:
        """Everything that runs in this namespace, whoever its parent is."""
        inode = os.stat(f"/run/netns/{self.namespace}").st_ino
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdecimal():
                with contextlib.suppress(OSError):
                    if os.stat(f"/proc/{entry}/ns/net").st_ino == inode:
                        found.append(int(entry))
        return found

    def kill_all(self, within: float = 10) -> None:
        """End all processes at one moment, so that none learns of another's death; return when they are gone."""
        deadline = time.monotonic() + within
        while pids := self.processes():
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: processes {pids} do not die")
            time.sleep(0.001)

    def ledgers(self) -> list[Path]:
        """What daemons have written down here of what was before them."""
        return sorted(Path(ledger.DIRECTORY).glob(self._ledgers))

    def close(self) -> None:
        self.kill_all()
        for path in self.ledgers():
            path.unlink()
        self.netlink.close()
        netns.remove(self.namespace)


class Net:
    """Hosts and a switch that joins them."""

    def __init__(self) -> None:
        self.hosts: list[Host] = []
        self._prefix = f"vrrp{os.getpid()}-{next(_serial)}-"
        self.switch = self.add_host("switch")

    def add_host(self, name: str) -> Host:
        host = Host(name, self._prefix + name)
        self.hosts.append(host)
        return host

    def add_bridge(self, name: str) -> None:
        """Without multicast snooping: every port sees every frame."""
        self.switch.netlink.link("add", ifname=name, kind="bridge", br_mcast_snooping=0)
        self.switch.set_link(name, up=True)

    def plug(self, host: Host, device: str, bridge: str, *, mac: str | None = None) -> None:
        """A cable from a new device of the host, still down, to the bridge."""
        peer = {"ifname": device, "net_ns_fd": host.namespace} | ({"address": mac} if mac else {})
        self.switch.netlink.link("add", ifname=self.port(host, device), kind="veth", peer=peer)
        port = self.switch.index(self.port(host, device))
        self.switch.netlink.link("set", index=port, master=self.switch.index(bridge), state="up")

    def port(self, host: Host, device: str) -> str:
        """The switch's end of the cable."""
        return f"{host.name}-{device}"

    def set_cable(self, host: Host, device: str, *, up: bool) -> None:
        """Pull the cable out of the switch, or put it back: the host sees its carrier go and come."""
        self.switch.set_link(self.port(host, device), up=up)

    def set_isolated(self, host: Host, device: str, *, isolated: bool) -> None:
        """Isolated ports of a bridge do not reach each other."""
        port = self.switch.index(self.port(host, device))
        self.switch.netlink.brport("set", index=port, isolated=int(isolated))

    def close(self) -> None:
        with contextlib.ExitStack() as stack:  # all of them, whatever one says
            for host in self.hosts:
                stack.callback(host.close)
