"""Five machines, each a kernel of its own, on two switches: `remote.Machines` of user-mode-linux guests.

What the guests are, the provisioning scripts of vagrant/ make them, unchanged. To lose power is to be killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
VENV = Path(sys.prefix)
PROVISION = ROOT / "vagrant" / "provision"
NUMBERS: Final = {"director1": 1, "director2": 2, "rs1": 3, "rs2": 4, "client": 5}
NETWORKS: Final = {"director": ("public", "public", "private"), "rs": ("private",), "client": ("public",)}
BOOT = 60.0
"""Seconds a guest may take to boot, several at a time on a busy machine."""
LIFE = 900

VERBS: Final = {
    # One at a time; and whoever was killed is not in the way.
    "start": "$(cat /run/lab-daemon)",
    "stop": (
        "p=$(cat /run/keepalived.pid 2>/dev/null) || exit 0; kill $p; while kill -0 $p 2>/dev/null; do sleep 0.05; done"
    ),
    # All of them stand still first: no worker is to see another's death, and say goodbye.
    "kill": "p=$(cat /run/keepalived.pid /run/vrrp.pid /run/checkers.pid); kill -STOP $p; kill -KILL $p",
    "status": "[ ! -e /run/keepalived.pid ] && echo 0",
    "log": "",  # of a syslog that nobody keeps
    # A second one finds the port taken and ends.
    "start-server": (
        "setsid python3 -I -S /usr/local/lib/pyvrrp-lab/traffic.py server {name} {port} </dev/null >/dev/null 2>&1 &"
    ),
    "stop-server": "pkill -9 -f '[t]raffic.py server'",
}


def mac(host: str, nic: int) -> str:
    return f"02:00:c0:{NUMBERS[host]:02x}:{nic:02x}:01"


def networks(host: str) -> tuple[str, ...]:
    return NETWORKS[host.rstrip("0123456789")]


class Kernels:
    """`daemons`: what runs on each director: a command that puts itself into the background."""

    def __init__(self, directory: Path, daemons: Mapping[str, str]) -> None:
        self.directory = directory
        self.daemons = daemons
        self._guests: dict[str, subprocess.Popen[bytes]] = {}
        # Sockets have short names.
        self._sockets = Path(tempfile.mkdtemp(prefix="pyvrrp-sw.", dir="/tmp"))
        self._switches = [self._switch(name) for name in ("public", "private")]

    def _switch(self, name: str) -> subprocess.Popen[bytes]:
        # It ends with its standard input.
        with (self.directory / f"{name}.log").open("wb") as log:
            switch = subprocess.Popen(
                ["uml_switch", "-unix", str(self._sockets / name)], stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 10
        while not (self._sockets / name).exists():
            assert time.monotonic() < deadline, "no uml_switch"
            time.sleep(0.01)
        return switch

    async def start(self) -> None:
        await asyncio.gather(*(self.power_on(host) for host in NUMBERS))

    def shared(self, host: str) -> Path:
        return self.directory / host

    def reach(self, host: str) -> list[str]:
        return [sys.executable, "-I", "-S", str(HERE / "reach.py"), str(self.shared(host))]

    def verb(self, name: str) -> str:
        return VERBS[name]

    async def power_off(self, host: str) -> None:
        guest = self._guests.pop(host)
        kernel = int((self.directory / f"{host}.pid").read_text())
        os.killpg(kernel, signal.SIGKILL)
        await asyncio.to_thread(guest.wait)

    async def power_on(self, host: str) -> None:
        """Boot it, and make it what it is."""
        shared = self.shared(host)
        shared.mkdir(exist_ok=True)
        for left in shared.iterdir():
            left.unlink()
        arguments = ["--timeout", str(LIFE), "--mem", "256M", "--rw", str(shared), "--rw", str(ROOT)]
        if not VENV.is_relative_to(ROOT):
            arguments += ["--rw", str(VENV)]
        arguments += ["--pid-file", str(self.directory / f"{host}.pid")]
        for nic, network in enumerate(networks(host)):
            arguments += ["--karg", f"eth{nic + 1}=daemon,{mac(host, nic)},unix,{self._sockets / network}"]
        self._guests[host] = self._boot(host, arguments)
        deadline = time.monotonic() + BOOT
        while not (shared / "ready").exists():
            if time.monotonic() > deadline or self._guests[host].poll() is not None:
                raise RuntimeError(f"{host} does not boot; see {self.directory}/{host}.log")
            await asyncio.sleep(0.1)
        await self._provision(host)

    def _boot(self, host: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        shared = self.shared(host)
        command = [str(ROOT / "tests/uml/run"), *arguments, "--", "python3", str(HERE / "guest.py"), str(shared)]
        with (self.directory / f"{host}.log").open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=shared)

    async def _provision(self, host: str) -> None:
        script = "director.sh" if host.startswith("director") else "real-server.sh" if host[:2] == "rs" else "client.sh"
        words = [str(PROVISION / script), *self._arguments(host)]
        daemon = self.daemons.get(host)
        text = f"hostname {host}\n" + (f"echo '{daemon}' >/run/lab-daemon\n" if daemon else "") + " ".join(words) + "\n"
        process = await asyncio.create_subprocess_exec(
            *self.reach(host),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate(text.encode())
        if process.returncode:
            raise RuntimeError(f"{host}: {out.decode(errors='replace')}")

    def _arguments(self, host: str) -> list[str]:
        if host == "client":
            return ["--device", mac(host, 0), "--address", "192.0.2.100/25"]
        if host.startswith("rs"):
            address = {"rs1": "10.71.12.69/24", "rs2": "10.71.12.76/24"}[host]
            return ["--name", host, "--device", mac(host, 0), "--address", address, "--gateway", "10.71.12.1"]
        own = NUMBERS[host] + 1
        return [
            *("--public", f"{mac(host, 0)},{mac(host, 1)}", "--public-address", f"192.0.2.{own}/25"),
            *("--private", mac(host, 2), "--private-address", f"10.71.12.{own}/24"),
            *("--config", str(ROOT / f"vagrant/{host}/keepalived.conf"), "--venv", str(VENV), "--start", "no"),
        ]

    def close(self) -> None:
        for host in list(self._guests):
            guest = self._guests.pop(host)
            guest.terminate()  # the runner ends its own guest
            guest.wait(20)
        for switch in self._switches:
            switch.kill()
            switch.communicate()
        for path in self._sockets.iterdir():
            path.unlink()
        self._sockets.rmdir()
