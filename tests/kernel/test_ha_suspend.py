"""ha_suspend, ours and keepalived's: the checks rest while no address of the virtual server is here."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, Net, inside
from tests.waiting import until

pytestmark = [pytest.mark.uml, pytest.mark.root]

CONF = """virtual_server {0} 80 {{
    lvs_sched rr
    lvs_method TUN
    protocol TCP
    ha_suspend
    real_server 127.0.0.1 80 {{
        TCP_CHECK {{
            connect_timeout 1
            delay_loop 1
            warmup 0
        }}
    }}
}}
"""
VIPS = {"inet": ("10.77.0.1", 32), "inet6": ("fd77::1", 128)}
HERE = "Activating healthchecker for service [127.0.0.1]:tcp:80 for VS "
GONE = "Suspending healthchecker for service [127.0.0.1]:tcp:80 for VS "


class Server:
    """Counts the checks that come."""

    def __init__(self, host: Host) -> None:
        with inside(host.namespace):
            self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 80))
        self._listener.listen(100)
        self._listener.setblocking(False)
        self._checks = 0

    def checks(self) -> int:
        """So far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                self._checks += 1
        return self._checks

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def host() -> Iterator[Host]:
    with contextlib.closing(Net()) as net:
        made = net.add_host("d1")
        made.netlink.link("add", ifname="dummy0", kind="dummy")
        made.set_link("dummy0", up=True)
        made.run("sysctl", "-qw", "net.ipv6.conf.dummy0.accept_dad=0")
        yield made


def rests(server: Server, daemon: Daemon) -> None:
    """No check comes while two were due, after those that were under way."""
    time_up = time.monotonic() + 2.5
    first = server.checks()
    while time.monotonic() < time_up:
        assert server.checks() <= first + (time.monotonic() < time_up - 2), daemon.account()
        time.sleep(0.05)


# keepalived counts an IPv6 address twice, as the kernel tells of it twice, and never rests again.
@pytest.mark.parametrize(("program", "family"), [(OURS, "inet"), (OURS, "inet6"), (KEEPALIVED, "inet")])
def test_checks_rest_while_the_address_is_elsewhere(host: Host, tmp_path: Path, program: str, family: str) -> None:
    vip, length = VIPS[family]
    name = f"[{vip}]:tcp:80"

    def move(what: str, address: str = vip) -> None:
        host.run("ip", "address", what, f"{address}/{length}", "dev", "dummy0")

    conf = CONF.format(vip)
    with contextlib.closing(Server(host)) as server, Daemon(program, host, tmp_path, conf) as daemon:
        until(lambda: "Startup complete" in daemon.log(), "it has started", told=daemon.account)
        rests(server, daemon)
        assert server.checks() == 0
        move("add", vip[:-1] + "2")  # of somebody else
        move("add")
        until(lambda: HERE + name in daemon.log(), "it is told", told=daemon.account)
        until(lambda: server.checks() >= 2, "the checks come", told=daemon.account)
        move("del")
        until(lambda: GONE + name in daemon.log(), "it is told", told=daemon.account)
        rests(server, daemon)
        # The same address from a device that goes down, and comes back.
        before = server.checks()
        move("add")
        until(lambda: server.checks() > before, "the checks come again", told=daemon.account)
        assert daemon.stop() == 0
