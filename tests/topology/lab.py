"""A play on a small stage: directors on a bridge, daemons on the directors, a tap on the bridge.

    def test_election(lab):
        lab.start("d1", OURS, instance(priority=150))
        lab.until(lambda: lab.holders() == ["d1"], within=3, what="d1 takes the VIP")

When a test fails, `play()` tells what was done, what was on the wire, what the daemons logged and what they say of
themselves; tests/conftest.py adds it to the report.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from tests.topology.daemons import Daemon
from tests.topology.net import Host, Net
from tests.topology.tap import Advert, Garp, Tap
from tests.waiting import until

VIP = "192.0.2.100"
VIP_2 = "198.51.100.100"
PREFIXES = ("192.0.2.", "198.51.100.", "203.0.113.", "198.18.0.")
PATIENCE = 0.005
"""Seconds between two looks."""
SLACK = 0.5
"""Seconds that a busy machine may add to what the protocol says. Generous on purpose: tests/bench is about speed."""


def instance(
    name: str = "VI_1",
    *,
    priority: int = 100,
    vrid: int = 51,
    device: str = "eth0",
    version: int = 3,
    interval: float = 0.1,
    vips: tuple[str, ...] = (f"{VIP}/24",),
    password: str | None = None,
    more: str = "",
) -> str:
    """A vrrp_instance in keepalived's words; `more` goes into it as it is."""
    lines = [
        f"vrrp_instance {name} {{",
        f"    version {version}",
        "    state BACKUP",
        f"    interface {device}",
        f"    virtual_router_id {vrid}",
        f"    priority {priority}",
        f"    advert_int {interval:g}",
        *(
            ["    authentication {", "        auth_type PASS", f"        auth_pass {password}", "    }"]
            if password
            else []
        ),
        *([f"    {more}"] if more else []),
        "    virtual_ipaddress {",
        *(f"        {vip}" for vip in vips),
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def sync_group(name: str, *members: str) -> str:
    return f"vrrp_sync_group {name} {{\n    group {{\n        {' '.join(members)}\n    }}\n}}\n"


def skew(priority: int, *, version: int = 3, interval: float = 0.1) -> float:
    """RFC 3768 and RFC 9568, section 6.1; seconds."""
    return (256 - priority) / 256 * (1 if version == 2 else interval)


def master_down(priority: int, *, version: int = 3, interval: float = 0.1) -> float:
    return 3 * interval + skew(priority, version=version, interval=interval)


class Lab:
    """Directors d1, d2 ...: 192.0.2.1, .2 ... on eth0; where there are two segments, 198.51.100.1 ... on eth1."""

    def __init__(self, directory: Path, *, directors: int = 2, segments: int = 1) -> None:
        self.directory = directory
        self.daemons: dict[str, Daemon] = {}
        self.hosts: dict[str, Host] = {}
        self._began = time.time()
        self._acts: list[tuple[float, str]] = []
        self._stack = contextlib.ExitStack()
        with self._stack:  # leaves nothing behind if the building fails
            self.net = Net()
            self._stack.callback(self.net.close)
            self.taps = [self._add_segment(number) for number in range(segments)]
            for number in range(1, directors + 1):
                self._add_director(number, segments)
            self._stack = self._stack.pop_all()

    def _add_segment(self, number: int) -> Tap:
        bridge = f"br{number}"
        self.net.add_bridge(bridge)
        tap = Tap(self.net.switch, bridge)
        self._stack.callback(tap.close)
        return tap

    def _add_director(self, number: int, segments: int) -> None:
        host = self.net.add_host(f"d{number}")
        self.hosts[host.name] = host
        for segment in range(segments):
            device = f"eth{segment}"
            self.net.plug(host, device, f"br{segment}", mac=self.mac(host.name, segment))
            host.set_link(device, up=True)
            host.add_address(device, f"{self.address(host.name, segment)}/24")

    # ---- what is what

    @property
    def tap(self) -> Tap:
        return self.taps[0]

    def address(self, name: str, segment: int = 0) -> str:
        return PREFIXES[segment] + name.removeprefix("d")

    def mac(self, name: str, segment: int = 0) -> str:
        return f"02:00:00:00:{segment:02x}:{int(name.removeprefix('d')):02x}"

    def holders(self, vip: str = VIP) -> list[str]:
        """Who has the address, in its kernel."""
        return [name for name, host in self.hosts.items() if host.holds(vip)]

    def adverts(self, name: str, *, since: float = 0, vrid: int | None = None, segment: int = 0) -> list[Advert]:
        """What the director has sent."""
        return self.taps[segment].adverts(vrid, source=self.address(name, segment), since=since)

    def garps(self, name: str, vip: str = VIP, *, since: float = 0, segment: int = 0) -> list[Garp]:
        return self.taps[segment].garps(vip, mac=self.mac(name, segment), since=since)

    # ---- what a test does; each answers the moment, in seconds of CLOCK_REALTIME, just before

    def start(self, name: str, program: str, *conf: str) -> float:
        at = self._act(f"start {program} on {name}")
        self.daemons[name] = Daemon(program, self.hosts[name], self.directory, "".join(conf))
        return at

    def kill(self, name: str) -> float:
        at = self._act(f"kill -9 everything on {name}")
        self.daemons[name].kill()
        return at

    def stop(self, name: str) -> float:
        """An orderly stop, which must succeed."""
        at = self._act(f"stop {name}")
        status = self.daemons[name].stop()
        assert status == 0, f"{name} ended with status {status}"
        return at

    def reload(self, name: str, *conf: str) -> float:
        at = self._act(f"reload {name}")
        self.daemons[name].reload("".join(conf) if conf else None)
        return at

    def set_cable(self, name: str, segment: int = 0, *, up: bool) -> float:
        at = self._act(f"cable of {name} eth{segment} {'back' if up else 'pulled'}")
        self.net.set_cable(self.hosts[name], f"eth{segment}", up=up)
        return at

    def set_isolated(self, isolated: bool) -> float:
        """All directors keep their carrier, and hear nothing of each other (or do again)."""
        at = self._act("the network is cut in two" if isolated else "the network heals")
        for host in self.hosts.values():
            for segment in range(len(self.taps)):
                self.net.set_isolated(host, f"eth{segment}", isolated=isolated)
        return at

    def _act(self, what: str) -> float:
        at = time.time()
        self._acts.append((at, what))
        return at

    # ---- waiting

    def until(self, condition: Callable[[], object], *, within: float, what: str) -> float:
        """Poll until it is so; how many seconds that took. AssertionError where it is not, after `within` seconds."""
        return until(condition, what, within=within)

    def holds_for(self, condition: Callable[[], object], *, seconds: float, what: str) -> None:
        """It must stay so all that time: for what must not happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert condition(), f"no longer: {what}"
            time.sleep(PATIENCE)

    def until_master(self, name: str, vip: str = VIP, *, within: float = 10) -> float:
        """The director holds the VIP and nobody else does."""
        return self.until(lambda: self.holders(vip) == [name], within=within, what=f"{name} alone holds {vip}")

    def until_started(self, name: str, *, within: float = 10) -> float:
        daemon = self.daemons[name]
        return self.until(lambda: "Startup complete" in daemon.log(), within=within, what=f"{name} has started")

    def until_backup(self, name: str, *, within: float = 10) -> float:
        """Its log says that it listens."""
        daemon = self.daemons[name]
        return self.until(
            lambda: "Entering BACKUP STATE" in daemon.log(), within=within, what=f"{name} has entered BACKUP"
        )

    # ---- afterwards

    def play(self) -> str:
        """The whole story, for whoever reads a failure."""
        events = self._acts + [
            (packet.at, f"{tap.bridge}: {packet}") for tap in self.taps for packet in tap.seen(self._began)
        ]
        lines: list[str] = []
        repeated = 0
        for at, text in sorted(events):
            if lines and lines[-1].endswith(text):
                repeated += 1
                continue
            if repeated:
                lines.append(f"{'':9}    ... {repeated} more of these")
                repeated = 0
            lines.append(f"{at - self._began:9.4f}  {text}")
        if repeated:
            lines.append(f"{'':9}    ... {repeated} more of these")
        for name, host in self.hosts.items():
            lines.append(f"--- {name}: addresses {' '.join(host.addresses())}")
        accounts = [daemon.account() for daemon in self.daemons.values()]
        return "\n".join([*lines, *accounts])

    def close(self) -> None:
        with self._stack:
            for daemon in self.daemons.values():
                daemon.kill()
