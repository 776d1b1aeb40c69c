"""Ours and FRR's vrrpd (Debian package frr), which shares no code with keepalived: each as master and as backup.

FRR keeps the virtual address on a macvlan with the virtual router's MAC address, and needs zebra beside it. Both run in
the director's namespace, with their sockets and files in a directory of their own; no service of the system is touched.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.test_protocols import own, until_usable
from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down, skew
from tests.topology.net import Host
from tests.topology.tap import Advert

FRR = Path("/usr/lib/frr")
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not (FRR / "vrrpd").exists(), reason="needs FRR's vrrpd (Debian package frr)"),
]

VRID = 51
LINK_LOCAL, GLOBAL = "fe80::55", "2001:db8::100"


@dataclass(frozen=True)
class Kind:
    version: int
    interval: float
    vips: tuple[str, ...] = (f"{VIP}/24",)

    @property
    def over_ipv6(self) -> bool:
        return ":" in self.vips[0]

    @property
    def vip(self) -> str:
        return self.vips[-1].split("/")[0]

    def ours(self, priority: int) -> str:
        return instance(version=self.version, interval=self.interval, priority=priority, vips=self.vips)

    def adverts(self, lab: Lab, number: int, since: float = 0) -> list[Advert]:
        """Of d1, or (2) of FRR, which speaks from whatever link-local address its macvlan has."""
        ours = own(1) if self.over_ipv6 else lab.address("d1")
        return [advert for advert in lab.tap.adverts(VRID, since=since) if (advert.source == ours) is (number == 1)]

    def silence(self, priority: int) -> float:
        return master_down(priority, version=self.version, interval=self.interval)


KINDS = {
    "v2": Kind(2, 1),
    "v3": Kind(3, 0.1),
    "v3-ipv6": Kind(3, 0.1, (f"{LINK_LOCAL}/64", f"{GLOBAL}/64")),
}


class Frr:
    """zebra and vrrpd on a host."""

    def __init__(self, host: Host, directory: Path, kind: Kind, priority: int) -> None:
        self._host = host
        self._processes: list[subprocess.Popen[bytes]] = []
        self._log = directory / "log"
        mac = f"00:00:5e:00:0{2 if kind.over_ipv6 else 1}:{VRID:02x}"
        if "vrrp-if" not in host.run("ip", "-o", "link"):
            host.run(
                "ip", "link", "add", "vrrp-if", "link", "eth0", "address", mac, "type", "macvlan", "mode", "bridge"
            )
            for vip in kind.vips:
                host.run("ip", "addr", "add", vip, "dev", "vrrp-if", "nodad")
        host.run("ip", "link", "set", "vrrp-if", "up")
        words = [
            f"version {kind.version}",
            f"priority {priority}",
            f"advertisement-interval {kind.interval * 1000:.0f}",
        ]
        words += [f"{'ipv6' if kind.over_ipv6 else 'ip'} {vip.split('/')[0]}" for vip in kind.vips]
        lines = "".join(f" vrrp {VRID} {word}\n" for word in words)
        (directory / "frr.conf").write_text(f"log stdout debugging\ndebug vrrp\ninterface eth0\n{lines}")
        for daemon in ("zebra", "vrrpd"):
            self._start(directory, daemon)
            if daemon == "zebra":
                self._until_there(directory / "zserv.sock")

    def _start(self, directory: Path, daemon: str) -> None:
        options = [
            "-u",
            "frr",
            "-g",
            "frr",
            "-P",
            "0",
            "-f",
            str(directory / "frr.conf"),
            "-i",
            f"{directory}/{daemon}.pid",
        ]
        options += ["-z", str(directory / "zserv.sock"), "--vty_socket", str(directory)]
        with self._log.open("a") as log:
            command = self._host.command(str(FRR / daemon), *options)
            self._processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    @staticmethod
    def _until_there(path: Path) -> None:
        deadline = time.monotonic() + 10
        while not path.exists():
            assert time.monotonic() < deadline, f"no {path}"
            time.sleep(0.01)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait(10)

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that FRR's user may enter."""
    made = Path(tempfile.mkdtemp(prefix="pyvrrp-frr-"))
    user = pwd.getpwnam("frr")
    os.chown(made, user.pw_uid, user.pw_gid)
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def test_ours_is_master_and_frr_takes_over(lab: Lab, directory: Path, kind: Kind) -> None:
    until_usable(lab)
    with ExitStack() as stack:
        lab.start("d1", OURS, kind.ours(150))
        lab.until(lambda: kind.adverts(lab, 1), within=8, what="ours is master")
        frr = Frr(lab.hosts["d2"], directory, kind, 100)
        stack.callback(frr.kill)
        lab.until(lambda: "-> Backup" in frr.log(), within=10, what="FRR listens")
        listening = kind.adverts(lab, 1)[-1].at
        lab.holds_for(lambda: not kind.adverts(lab, 2), seconds=2 * kind.silence(100), what="FRR believes us")
        assert all(advert.sound for advert in kind.adverts(lab, 1, since=listening))
        lab.stop("d1")
        lab.until(
            lambda: kind.adverts(lab, 2), within=skew(100, version=kind.version) + 2 * SLACK, what="FRR takes over"
        )
        goodbye = kind.adverts(lab, 1)[-1]
        assert goodbye.priority == 0
        assert kind.adverts(lab, 2)[0].at - goodbye.at < kind.silence(100), "it was told, and did not wait for silence"
        again = lab.start("d1", OURS, kind.ours(150))
        lab.until(lambda: kind.adverts(lab, 1, since=again), within=kind.silence(150) + 5, what="ours preempts")
        taken = kind.adverts(lab, 1, since=again)[0].at
        lab.until(lambda: len(kind.adverts(lab, 1, since=taken)) >= 4, within=6, what="ours advertises")
        assert len(kind.adverts(lab, 2, since=taken)) <= 1, "FRR yields"


def test_frr_is_master_and_ours_takes_over(lab: Lab, directory: Path, kind: Kind) -> None:
    until_usable(lab)
    with ExitStack() as stack:
        frr = Frr(lab.hosts["d2"], directory, kind, 200)
        stack.callback(frr.kill)
        lab.until(lambda: len(kind.adverts(lab, 2)) >= 2, within=15, what="FRR is master")
        lab.start("d1", OURS, kind.ours(150))
        lab.until_backup("d1")
        lab.holds_for(lambda: not kind.adverts(lab, 1), seconds=2 * kind.silence(150), what="we believe FRR")
        view = lab.daemons["d1"].instance("VI_1")
        assert (view["state"], view["master_priority"], view["last_reject"]) == ("BACKUP", 200, None)
        assert all(advert.sound for advert in kind.adverts(lab, 2))
        frr.kill()
        lab.until(lambda: kind.adverts(lab, 1), within=kind.silence(150) + SLACK, what="ours takes over")
        silence = kind.adverts(lab, 1)[0].at - kind.adverts(lab, 2)[-1].at
        assert kind.silence(150) - 0.002 <= silence <= kind.silence(150) + SLACK
        lab.until(lambda: lab.hosts["d1"].holds(kind.vip), within=SLACK, what="ours has the address")
        for earlier, later in itertools.pairwise(kind.adverts(lab, 1)):
            assert later.at - earlier.at < kind.interval + SLACK
