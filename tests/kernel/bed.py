"""The reference bed: two LVS-NAT directors, two real servers and a client, in namespaces of a kernel that has IPVS.

    client 192.0.2.100 ── public ── bond1 of d1 (.2) and d2 (.3), VIP 192.0.2.10
    rs1 10.71.12.69, rs2 10.71.12.76 ── private ── eth1 of d1 (.2) and d2 (.3), gateway VIP 10.71.12.1

The directors' configurations are those of examples/lvs-nat, word for word; the traffic is the lab's.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.topology.daemons import Daemon
from tests.topology.net import Host, Net
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
TRAFFIC = ROOT / "examples" / "lab" / "traffic.py"

VIP, PORT, GATEWAY = "192.0.2.10", 15000, "10.71.12.1"
SERVERS = {"rs1": "10.71.12.69", "rs2": "10.71.12.76"}
CABLES = {"pub0": "public", "pub1": "public", "eth1": "private"}
RATE = 20
"""The client's connections a second."""
NOBODY = "-"


def reference(director: str) -> str:
    """The reference configuration."""
    return (ROOT / "examples" / "lvs-nat" / f"director{director[1:]}" / "keepalived.conf").read_text()


@dataclass(frozen=True, slots=True)
class Outage:
    """What the client noticed."""

    gap: float
    """Seconds: the longest wait from one answer to the next."""
    failed: int
    """Connections without an answer."""


class Bed:
    def __init__(self, directory: Path, program: str) -> None:
        self.directory = directory
        self.program = program
        self.daemons: dict[str, Daemon] = {}
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._client: subprocess.Popen[bytes] | None = None
        self.net = Net()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        for bridge in ("public", "private"):
            self.net.add_bridge(bridge)
        self.client = self._add("client", {"eth0": "public"}, {"eth0": "192.0.2.100/25"})
        self.directors = {name: self._add_director(name, number) for name, number in (("d1", 2), ("d2", 3))}
        self.servers = {
            name: self._add(name, {"eth0": "private"}, {"eth0": f"{address}/24"}) for name, address in SERVERS.items()
        }
        for name, host in self.servers.items():
            host.netlink.route("add", dst="default", gateway=GATEWAY)
            self.start_server(name)
        self._answers = self.directory / "answers.txt"
        self._client = self._traffic(self.client, self._answers, "client", VIP, str(PORT), str(RATE))

    def _add(self, name: str, cables: dict[str, str], addresses: dict[str, str]) -> Host:
        host = self.net.add_host(name)
        for device, bridge in cables.items():
            self.net.plug(host, device, bridge)
        for device, address in addresses.items():
            host.set_link(device, up=True)
            host.add_address(device, address)
        return host

    def _add_director(self, name: str, number: int) -> Host:
        host = self._add(name, CABLES, {"eth1": f"10.71.12.{number}/24"})
        host.netlink.link("add", ifname="bond1", kind="bond", bond_mode=1, bond_miimon=100)
        for slave in ("pub0", "pub1"):  # still down, as a bond wants them
            host.netlink.link("set", index=host.index(slave), master=host.index("bond1"))
        host.set_link("bond1", up=True)
        host.add_address("bond1", f"192.0.2.{number}/25")
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        return host

    def _traffic(self, host: Host, output: Path, *arguments: str) -> subprocess.Popen[bytes]:
        with output.open("a") as file:
            return subprocess.Popen(
                host.command(sys.executable, str(TRAFFIC), *arguments),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    # ---- what a test does; each answers the moment, by CLOCK_MONOTONIC, just before

    def start(self, name: str, conf: str | None = None) -> float:
        at = time.monotonic()
        self.daemons[name] = Daemon(self.program, self.directors[name], self.directory, conf or reference(name))
        return at

    def kill(self, name: str) -> float:
        at = time.monotonic()
        self.daemons.pop(name).kill()
        return at

    def stop(self, name: str) -> float:
        at = time.monotonic()
        status = self.daemons.pop(name).stop()
        assert status == 0, f"{name} ended with status {status}"
        return at

    def set_cables(self, name: str, devices: Sequence[str] = tuple(CABLES), *, up: bool) -> float:
        at = time.monotonic()
        for device in devices:
            self.net.set_cable(self.directors[name], device, up=up)
        return at

    def start_server(self, name: str) -> None:
        log = self.directory / f"{name}.log"
        self._servers[name] = self._traffic(self.servers[name], log, "server", name, str(PORT))

    def kill_server(self, name: str) -> None:
        self._servers[name].kill()
        self._servers.pop(name).wait()

    # ---- what is true

    def holders(self, address: str = VIP) -> list[str]:
        return [name for name, host in self.directors.items() if host.holds(address)]

    def master(self) -> str:
        """The one director that holds both VIPs."""
        (holder,) = self.holders()
        assert self.holders(GATEWAY) == [holder]
        return holder

    def backup(self) -> str:
        return "d2" if self.master() == "d1" else "d1"

    def pool(self, name: str) -> dict[str, int]:
        """Address and weight of the service's real servers, as ipvsadm tells it."""
        pool = {}
        for line in self.directors[name].run("ipvsadm", "-Ln").splitlines():
            match line.split():
                case ["->", server, "Masq", weight, *_]:
                    pool[server.partition(":")[0]] = int(weight)
        return pool

    def active_slave(self, name: str) -> str:
        return self.directors[name].run("cat", "/sys/class/net/bond1/bonding/active_slave").strip()

    def answers(self, since: float = 0) -> list[str]:
        """Who answered the connections begun since then, in order; NOBODY for a failed one."""
        return [name for begun, _, name in sorted(self._records()) if begun >= since]

    def outage(self, since: float) -> Outage:
        """From just before that moment until now."""
        records = [record for record in self._records() if record[0] >= since - 0.5]
        ends = sorted(end for _, end, name in records if name != NOBODY)
        gap = max((later - earlier for earlier, later in itertools.pairwise(ends)), default=float("inf"))
        return Outage(gap, sum(name == NOBODY for *_, name in records))

    def _records(self) -> list[tuple[float, float, str]]:
        lines = (line.split() for line in self._answers.read_text().splitlines())
        return [(float(line[0]), float(line[1]), line[2]) for line in lines if len(line) == 3]

    # ---- waiting

    def until(self, condition: Callable[[], object], *, within: float, what: str) -> float:
        """Poll until it is so; how many seconds that took."""
        return until(condition, what, within=within)

    def until_answers(self, number: int, since: float) -> list[str]:
        """That many answers to connections begun since then."""
        self.until(lambda: len(self.answers(since)) >= number, within=number / RATE + 5, what=f"{number} answers")
        return self.answers(since)

    def until_flowing(self, since: float) -> None:
        """The client is served again, for a second."""
        self.until(
            lambda: len(recent := self.answers(max(since, time.monotonic() - 1.2))) > RATE / 2 and NOBODY not in recent,
            within=10,
            what="the client is served",
        )

    def say(self, text: str) -> None:
        """A figure for whoever reads the report."""
        sys.stdout.write(f"{text}\n")

    def play(self) -> str:
        lines = []
        for name, host in self.directors.items():
            lines.append(f"--- {name}: addresses {' '.join(host.addresses())}")
            lines.append(host.run("ipvsadm", "-Ln", "--stats"))
        lines.append("--- the client's last connections ---\n" + "\n".join(map(str, self._records()[-30:])))
        return "\n".join([*lines, *(daemon.account() for daemon in self.daemons.values())])

    def close(self) -> None:
        for daemon in self.daemons.values():
            daemon.kill()
        for process in (self._client, *self._servers.values()):
            if process is not None:
                process.kill()
                process.wait()
        self.net.close()
