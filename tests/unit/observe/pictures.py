"""Pictures to render, and a daemon's side of the control socket to serve them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pyvrrp.core.lvs.snapshot import (
    CheckerSnapshot,
    Difference,
    LvsSnapshot,
    RealServerSnapshot,
    Traffic,
    VirtualServerSnapshot,
)
from pyvrrp.core.vrrp.snapshot import (
    AddressSnapshot,
    Cause,
    DeviceSnapshot,
    GroupSnapshot,
    InstanceSnapshot,
    RoutingSnapshot,
    TrackerSnapshot,
    Transition,
    VrrpSnapshot,
)
from pyvrrp.core.vrrp.stats import Stats
from pyvrrp.observe.control import REQUEST_LIMIT, picture_line
from pyvrrp.observe.picture import DaemonSnapshot, Picture, WorkerSnapshot
from pyvrrp.units import MINUTE, SECOND

NOW = 1_000_000 * SECOND
EPOCH = 1_790_000_000 * SECOND
"""2026-09-21 13:33:20 UTC."""

MASTER = InstanceSnapshot(
    name="NC-MAIN-API-PUB",
    state="MASTER",
    since=NOW - 192 * SECOND,
    cause=Cause.MASTER_DOWN,
    detail="last one 3.61 s before, from 192.0.2.2 (priority 90)",
    interface="bond1",
    virtual_router_id=222,
    version=2,
    priority=100,
    effective_priority=100,
    priority_sum=(("priority", 100),),
    advert_int=SECOND,
    master_advert_int=SECOND,
    preempt=False,
    master_address="192.0.2.1",
    master_priority=100,
    last_advert=NOW - 195 * SECOND,
    last_reject=None,
    faults=(),
    sync_group="NC-MAIN-API",
    addresses=(
        AddressSnapshot(address="192.0.2.10/25", dev="bond1", advertised=True, present=True),
        AddressSnapshot(address="10.71.12.1/24", dev="eth1", advertised=False, present=True),
    ),
    routing=(
        RoutingSnapshot(text="route 198.51.100.0/24 via 10.71.12.254 dev eth1 table 100", present=True),
        RoutingSnapshot(text="rule from 10.71.12.0/24 table 100", present=True),
    ),
    stats=Stats(advert_rcvd=4, advert_sent=192, become_master=1),
    auth_marks=(("192.0.2.3", 1),),
    transitions=(
        Transition(
            instance="NC-MAIN-API-PUB",
            at=NOW - 200 * SECOND,
            old="INIT",
            new="BACKUP",
            cause=Cause.STARTUP,
            priority=100,
        ),
        Transition(
            instance="NC-MAIN-API-PUB",
            at=NOW - 192 * SECOND,
            old="BACKUP",
            new="MASTER",
            cause=Cause.MASTER_DOWN,
            detail="last one 3.61 s before, from 192.0.2.2 (priority 90)",
            priority=100,
        ),
    ),
)
BACKUP = replace(
    MASTER,
    name="VI_6",
    state="BACKUP",
    since=NOW - 5 * 60 * MINUTE,
    cause=Cause.PREEMPTED,
    detail="from fe80::5054:ff:fe12:3456 (priority 200)",
    interface="eth2",
    virtual_router_id=6,
    version=3,
    effective_priority=80,
    priority_sum=(("priority", 100), ("track_interface eth7", -20)),
    preempt=True,
    master_address="fe80::5054:ff:fe12:3456",
    master_priority=200,
    last_advert=NOW - 400_000,
    last_reject="bad checksum, from fe80::dead:beef",
    sync_group=None,
    addresses=(AddressSnapshot(address="2001:db8:0:1::10/64", dev="eth2", advertised=True, present=False),),
    routing=(RoutingSnapshot(text="route 2001:db8:9::/64 dev eth2", present=True),),
    stats=Stats(advert_rcvd=18_000_123, advert_sent=3, chk_err=12, vers_err=1),
    transitions=(),
)
FAULT = replace(
    MASTER,
    name="a-very-long-instance-name-as-people-write-them",
    state="FAULT",
    cause=Cause.INTERFACE_DOWN,
    detail="eth3",
    interface="eth3",
    master_address=None,
    master_priority=None,
    last_advert=None,
    faults=("eth3 is down", "eth4 (tracked) does not exist"),
    routing=(),
    addresses=tuple(
        AddressSnapshot(address=f"198.51.100.{i}/24", dev="eth3", advertised=True, present=False) for i in range(10, 30)
    ),
)
GROUP = GroupSnapshot(
    name="NC-MAIN-API", state="MASTER", since=NOW - 192 * SECOND, members=("NC-MAIN-API-PUB", "NC-MAIN-API-GW")
)
TRACKERS = (
    TrackerSnapshot(
        kind="track_script", name="chk_nginx", state="fails", detail="exit status 1 after 0.02 s: no process found"
    ),
    TrackerSnapshot(kind="track_file", name="maintenance", state="0", detail="/etc/pyvrrp/maintenance"),
    TrackerSnapshot(kind="track_process", name="haproxy", state="runs", detail="2 run"),
)
STATIC = (
    RoutingSnapshot(text="address 10.71.13.1/24 dev eth1", present=True),
    RoutingSnapshot(text="route 203.0.113.0/24 via 10.71.12.253 dev eth1", present=False),
)
DEVICES = DeviceSnapshot(made=("vrrp.222",), sysctls=(("net/ipv4/conf/bond1/arp_ignore", "0"),))
CHECK = CheckerSnapshot(
    kind="TCP_CHECK",
    target="10.71.12.69:15000",
    up=True,
    checked=True,
    last_error=None,
    last_run=NOW - 2 * SECOND,
)
SERVER = RealServerSnapshot(
    address="10.71.12.69:15000",
    forwarding="NAT",
    alive=True,
    since=NOW - 192 * SECOND,
    in_pool=True,
    weight=100,
    checkers=(CHECK,),
    in_kernel=True,
    active_connections=12,
    inactive_connections=340,
    traffic=Traffic(connections=123_456, in_packets=1_234_567, out_packets=987_654, in_bytes=98_765_432, out_bytes=5),
)
DEAD = replace(
    SERVER,
    address="10.71.12.76:15000",
    alive=False,
    since=NOW - 12 * SECOND,
    in_pool=False,
    in_kernel=False,
    checkers=(replace(CHECK, target="10.71.12.76:15000", up=False, last_error="connect timed out"),),
    traffic=None,
    active_connections=0,
    inactive_connections=0,
)
SERVICE = VirtualServerSnapshot(
    name="[192.0.2.10]:tcp:15000",
    address="192.0.2.10:15000",
    protocol="TCP",
    scheduler="rr",
    persistence_timeout=0,
    quorum=1,
    quorum_up=True,
    in_kernel=True,
    real_servers=(SERVER, DEAD),
    traffic=SERVER.traffic,
)
DAEMON = DaemonSnapshot(
    pid=4711,
    version="0.1.0",
    started=NOW - 200 * SECOND,
    config_file="/etc/keepalived/keepalived.conf",
    pid_file="/run/keepalived.pid",
    instance=None,
    net_namespace=None,
    net_namespace_id=4026531840,
    router_id="director1",
    workers=(
        WorkerSnapshot(role="vrrp", pid=4712, restarts=0, problem=None),
        WorkerSnapshot(role="checkers", pid=4713, restarts=0, problem=None),
    ),
    last_reload=None,
    problems=(),
)
PICTURE = Picture(
    taken=NOW,
    taken_epoch=EPOCH,
    daemon=DAEMON,
    vrrp=VrrpSnapshot(instances=(MASTER,), sync_groups=(GROUP,)),
    lvs=LvsSnapshot(ipvs_ready=True, ipvs_problem=None, virtual_servers=(SERVICE,)),
)
ACTIVE_SORRY = replace(SERVER, address="10.71.12.99:15000", sorry=True, checkers=(), weight=1)
SERVICE6 = VirtualServerSnapshot(
    name="[2001:db8:0:1::10]:udp:53",
    address="[2001:db8:0:1::10]:53",
    protocol="UDP",
    scheduler="wlc",
    persistence_timeout=360,
    quorum=2,
    quorum_up=False,
    in_kernel=False,
    real_servers=(
        replace(
            SERVER,
            address="[2001:db8:1234:5678:9abc:def0:1234:5678]:53",
            forwarding="TUN",
            in_kernel=False,
            checkers=(replace(CHECK, last_error="connection refused"),),
            active_connections=4_294_967_295,
            traffic=Traffic(
                connections=2**63, in_packets=2**64 - 1, out_packets=2**64 - 1, in_bytes=2**64 - 1, out_bytes=2**64 - 1
            ),
        ),
        replace(
            SERVER, address="[2001:db8::2]:53", forwarding="DR", weight=65535, checkers=(replace(CHECK, checked=False),)
        ),
        replace(DEAD, in_kernel=True),
        ACTIVE_SORRY,
    ),
    traffic=None,
    drift=(
        Difference(service="UDP [2001:db8:0:1::10]:53", destination=None, wanted="wlc", present=None),
        Difference(
            service="UDP [2001:db8:0:1::10]:53", destination="[2001:db8::2]:53", wanted="DR weight 65535", present=None
        ),
        Difference(
            service="UDP [2001:db8:0:1::10]:53",
            destination="10.71.12.76:15000",
            wanted=None,
            present="NAT weight 100",
        ),
        Difference(
            service="UDP [2001:db8:0:1::10]:53",
            destination="[2001:db8::99]:53",
            wanted=None,
            present="DR weight 1",
        ),
        Difference(
            service="UDP [2001:db8:0:1::10]:53",
            destination="10.71.12.99:15000",
            wanted="NAT weight 1",
            present="NAT weight 0",
        ),
    ),
)
OF_GROUP = replace(
    SERVICE,
    name="[WEB]:0",
    address="[WEB]:0",
    services=("TCP 192.0.2.20:80", "TCP 192.0.2.21:80", "FWM 7"),
    drift=(Difference(service="FWM 7", destination="10.71.12.69:0", wanted="DR weight 1", present=None),),
)
MARK = replace(
    SERVICE, name="FWM 7", address="FWM 7", protocol="FWM", real_servers=(), traffic=Traffic(), quorum_up=False
)
WORST = replace(
    PICTURE,
    daemon=replace(
        DAEMON,
        instance="blue",
        net_namespace="director1",
        workers=(
            WorkerSnapshot(role="vrrp", pid=4712, restarts=0, problem=None),
            WorkerSnapshot(role="checkers", pid=None, restarts=3, problem="killed by signal 9"),
        ),
        last_reload="2 instances changed, 1 real server added",
        problems=("keepalived.conf:3:1: unknown keyword", "keepalived.conf:9:1: not active yet"),
    ),
    vrrp=VrrpSnapshot(
        instances=(MASTER, BACKUP, FAULT), sync_groups=(GROUP,), trackers=TRACKERS, static=STATIC, devices=DEVICES
    ),
    lvs=LvsSnapshot(
        ipvs_ready=False,
        ipvs_problem="this kernel has no IPVS (load the module ip_vs)",
        virtual_servers=(SERVICE, SERVICE6, MARK, OF_GROUP),
    ),
)


class FakeDaemon:
    """Answers at a Unix socket like a supervisor; `respond` may be replaced to misbehave."""

    def __init__(self, path: Path, picture: Picture) -> None:
        self.picture = picture
        self.asked = 0
        self.respond: Callable[[bytes], bytes | None] = lambda request: picture_line(self.picture)
        """None: say nothing and keep the connection."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._silent: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            request = b""
            while not request.endswith(b"\n") and (chunk := connection.recv(REQUEST_LIMIT)):
                request += chunk
            reply = self.respond(request) if request else b""
            if reply is None:
                self._silent.append(connection)
                continue
            if request:
                self.asked += 1
            with suppress(OSError):  # the caller gave up
                connection.sendall(reply)
            connection.close()

    def close(self) -> None:
        # shutdown wakes the thread in accept(); close alone would not
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        for connection in self._silent:
            connection.close()


@contextmanager
def serving(path: Path, picture: Picture = PICTURE) -> Iterator[FakeDaemon]:
    """A daemon that answers at `path` with `picture`."""
    daemon = FakeDaemon(path, picture)
    try:
        yield daemon
    finally:
        daemon.close()


def envelope(**members: object) -> bytes:
    """An answer of the protocol with other members than a good daemon's."""
    return json.dumps({"version": 1, "pyvrrp": "9.9", **members}).encode() + b"\n"
