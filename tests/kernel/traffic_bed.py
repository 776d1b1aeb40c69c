"""A director between a client and three real servers, all in namespaces of a kernel that has IPVS, and traffic.

    client 10.77.0.100 ── public ── eth0 of d1 (.2), d2 (.3) and of the real servers (.11 …)
    real servers 10.71.12.11 … ── private ── eth1 of the directors (10.71.12.2, .3)

and likewise in fd77:: and fd71::. Real servers answer over the private network with NAT, else at once. They are
threads of the test: each line that a client sends (TCP, SCTP), or each datagram, is answered with the name of the
server.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.topology.daemons import OURS, Daemon
from tests.topology.net import Host, Net, inside
from tests.waiting import until

VIP, VIP6 = "10.77.0.1", "fd77::1"
CLIENT, CLIENT6 = "10.77.0.100", "fd77::100"
PORT = 80
IP_PKTINFO = 8
"""linux/in.h; Python 3.11 does not know it."""
NAMES = ("rs1", "rs2", "rs3")
DIRECTORS = {"d1": 2, "d2": 3}
FAMILIES = {"inet": VIP, "inet6": VIP6}
METHODS = {
    "NAT": "NAT",
    "DR": "DR",
    "ipip": "TUN",
    "gre": "TUN type gre",
    "gue": "TUN type gue port 6080",
}


def public(name: str, family: str = "inet") -> str:
    number = int(name[2:])
    return f"10.77.0.{10 + number}" if family == "inet" else f"fd77::{10 + number}"


def private(name: str, family: str = "inet") -> str:
    number = int(name[2:])
    return f"10.71.12.{10 + number}" if family == "inet" else f"fd71::{10 + number}"


def server(name: str, family: str = "inet", *, method: str = "NAT", weight: int = 1, more: str = "") -> str:
    address = (private if method == "NAT" else public)(name, family)
    return f"real_server {address} {PORT} {{\n weight {weight}\n {more}\n}}\n"


def virtual(
    servers: str,
    *,
    family: str = "inet",
    protocol: str = "TCP",
    scheduler: str = "rr",
    method: str = "NAT",
    more: str = "",
) -> str:
    return (
        f"virtual_server {FAMILIES[family]} {PORT} {{\n lvs_sched {scheduler}\n lvs_method {METHODS[method]}\n"
        f" protocol {protocol}\n delay_loop 1\n warmup 0\n retry 1\n delay_before_retry 0\n {more}\n{servers}}}\n"
    )


def pool(*, method: str = "NAT", family: str = "inet", weights: tuple[int, ...] = (1, 1, 1), more: str = "") -> str:
    return "".join(
        server(name, family, method=method, weight=weight, more=more)
        for name, weight in zip(NAMES, weights, strict=True)
    )


class Answers:
    """What the real servers run: one thread for all of them."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._sockets: dict[tuple[str, str], list[socket.socket]] = {}
        self._lock = threading.Lock()
        self._open = True
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def serve(self, host: Host, family: str) -> None:
        """Listen in the namespace; TCP and UDP."""
        kind = socket.AF_INET if family == "inet" else socket.AF_INET6
        with inside(host.namespace):
            listener = socket.socket(kind, socket.SOCK_STREAM)
            datagrams = socket.socket(kind, socket.SOCK_DGRAM)
        for made in (listener, datagrams):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if kind == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(("0.0.0.0" if family == "inet" else "::", PORT))
            made.setblocking(False)
        # The answer must come from the address that was asked, which is not the first one of the host.
        if kind == socket.AF_INET:
            datagrams.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        else:
            datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        listener.listen(64)
        with self._lock:
            self._sockets[host.name, family] = [listener, datagrams]
            self._selector.register(listener, selectors.EVENT_READ, (self._accept, host.name))
            self._selector.register(datagrams, selectors.EVENT_READ, (self._answer, host.name))

    def serve_sctp(self, host: Host, family: str, address: str) -> None:
        """Listen there, and at that address only: an association is told of all addresses that either side has."""
        kind = socket.AF_INET if family == "inet" else socket.AF_INET6
        with inside(host.namespace):
            listener = socket.socket(kind, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
        listener.bind((address, PORT))
        listener.setblocking(False)
        listener.listen(64)
        with self._lock:
            self._sockets.setdefault((host.name, family), []).append(listener)
            self._selector.register(listener, selectors.EVENT_READ, (self._accept, host.name))

    def die(self, name: str, family: str) -> None:
        """Take no more connections; those there are go on."""
        with self._lock:
            for one in self._sockets.pop((name, family)):
                self._selector.unregister(one)
                one.close()

    def _accept(self, listener: socket.socket, name: str) -> None:
        accepted, _ = listener.accept()
        accepted.setblocking(False)
        self._selector.register(accepted, selectors.EVENT_READ, (self._reply, name))

    def _reply(self, connection: socket.socket, name: str) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = connection.recv(4096)
        if not data:
            self._selector.unregister(connection)
            connection.close()
            return
        connection.sendall(f"{name}\n".encode() * data.count(b"\n"))

    def _answer(self, datagrams: socket.socket, name: str) -> None:
        _, ((level, kind, asked),), _, sender = datagrams.recvmsg(4096, 256)
        # The destination becomes the source; not through the device it came from, which may be a tunnel.
        source = bytes(4) + asked[8:12] + bytes(4) if kind == IP_PKTINFO else asked[:16] + bytes(4)
        datagrams.sendmsg([name.encode()], [(level, kind, source)], 0, sender)

    def _run(self) -> None:
        while self._open:
            for key, _ in self._selector.select(0.05):
                with self._lock, contextlib.suppress(OSError, KeyError):
                    act, name = key.data
                    act(key.fileobj, name)

    def close(self) -> None:
        self._open = False
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()


class Connection:
    """A client's connection that stays open."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def ask(self) -> str:
        """Who answers the next line."""
        self._socket.sendall(b"who\n")
        return self._socket.recv(100).decode().strip()

    def close(self) -> None:
        self._socket.close()


class TrafficBed:
    def __init__(self, directory: Path, directors: int = 1) -> None:
        self.directory = directory
        self.daemons: dict[str, Daemon] = {}
        self.answers = Answers()
        self.net = Net()
        try:
            for bridge in ("public", "private"):
                self.net.add_bridge(bridge)
            self.client = self._add("client", {"eth0": (CLIENT, CLIENT6)})
            self.directors = {name: self._director(name) for name in list(DIRECTORS)[:directors]}
            self.servers = {name: self._server(name) for name in NAMES}
        except BaseException:
            self.close()
            raise

    def _add(self, name: str, devices: dict[str, tuple[str, str]]) -> Host:
        host = self.net.add_host(name)
        host.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0")
        host.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        for device, (address, address6) in devices.items():
            self.net.plug(host, device, "public" if device == "eth0" else "private")
            host.set_link(device, up=True)
            host.add_address(device, f"{address}/24")
            host.add_address(device, f"{address6}/64")
        return host

    def _director(self, name: str) -> Host:
        number = DIRECTORS[name]
        host = self._add(
            name,
            {"eth0": (f"10.77.0.{number}", f"fd77::{number}"), "eth1": (f"10.71.12.{number}", f"fd71::{number}")},
        )
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        host.run("sysctl", "-qw", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0")
        return host

    def _server(self, name: str) -> Host:
        host = self._add(
            name,
            {"eth0": (public(name), public(name, "inet6")), "eth1": (private(name), private(name, "inet6"))},
        )
        host.run("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2")
        for family in FAMILIES:
            self.answers.serve(host, family)
        return host

    def hold_vip(self, director: str = "d1") -> None:
        """The director has the addresses, without VRRP."""
        self.directors[director].add_address("eth0", f"{VIP}/32")
        # Deprecated, lest a tunnel's outer packets come from an address that the real servers have too.
        self.directors[director].run("ip", "address", "add", f"{VIP6}/128", "dev", "eth0", "preferred_lft", "0")

    def answer_through(self, method: str) -> None:
        """Prepare the real servers for NAT, DR, ipip, gre or gue."""
        for name, host in self.servers.items():
            if method == "NAT":
                # With both on one wire the answer would not pass the director.
                host.run("ip", "route", "replace", f"{CLIENT}/32", "via", "10.71.12.2")
                host.run("ip", "-6", "route", "replace", f"{CLIENT6}/128", "via", "fd71::2")
                continue
            if method != "DR":
                self._add_tunnels(host, name, method)
            host.run("ip", "address", "add", f"{VIP}/32", "dev", "lo")
            host.run("ip", "address", "add", f"{VIP6}/128", "dev", "lo", "nodad")

    def _add_tunnels(self, host: Host, name: str, method: str) -> None:
        for family, kind in (("inet", "ipip"), ("inet6", "ip6tnl")):
            local = public(name, family)
            extra: list[str] = ["mode", "ip6ip6"] if kind == "ip6tnl" else []
            if method == "gre":
                kind, extra = ("gre" if family == "inet" else "ip6gre"), []
            if method == "gue":
                host.run("modprobe", "fou" if family == "inet" else "fou6")
                host.run("ip", *(["-6"] if family == "inet6" else []), "fou", "add", "port", "6080", "gue")
            tunnel = f"tun{family[4:]}"
            host.run("ip", "link", "add", tunnel, "type", kind, *extra, "local", local, "remote", "any")
            host.run("ip", "link", "set", tunnel, "up")

    # ---- what a test does

    def start(self, conf: str, director: str = "d1") -> Daemon:
        daemon = self.daemons[director] = Daemon(OURS, self.directors[director], self.directory, conf)
        return daemon

    def connect(
        self,
        family: str = "inet",
        address: str | None = None,
        protocol: int = socket.IPPROTO_TCP,
        source: str | None = None,
    ) -> Connection:
        """A new connection to the VIP."""
        with inside(self.client.namespace):
            made = socket.socket(socket.AF_INET if family == "inet" else socket.AF_INET6, socket.SOCK_STREAM, protocol)
        made.settimeout(3)
        try:
            if source is not None:
                made.bind((source, 0))
            made.connect((address or FAMILIES[family], PORT))
        except BaseException:
            made.close()
            raise
        return Connection(made)

    def ask(self, family: str = "inet", address: str | None = None, protocol: int = socket.IPPROTO_TCP) -> str:
        """Who answers a new connection; "-" for nobody."""
        try:
            connection = self.connect(family, address, protocol)
        except OSError:
            return "-"
        with contextlib.closing(connection):
            try:
                return connection.ask()
            except OSError:
                return "-"

    def asked(self, times: int, family: str = "inet", address: str | None = None) -> list[str]:
        return [self.ask(family, address) for _ in range(times)]

    @contextlib.contextmanager
    def datagrams(self, family: str = "inet", patience: float = 3) -> Iterator[Callable[[], str]]:
        """Call it to send a datagram, always from the same port: who answers."""
        with inside(self.client.namespace):
            made = socket.socket(socket.AF_INET if family == "inet" else socket.AF_INET6, socket.SOCK_DGRAM)
        with made:
            made.settimeout(patience)
            made.connect((FAMILIES[family], PORT))

            def ask() -> str:
                made.send(b"who\n")
                try:
                    return made.recv(100).decode()
                except OSError:
                    return "-"

            yield ask

    def asked_by_udp(self, times: int, family: str = "inet") -> list[str]:
        """Each from another port."""
        found = []
        for _ in range(times):
            with self.datagrams(family) as ask:
                found.append(ask())
        return found

    def table(self, director: str = "d1") -> list[str]:
        """In ipvsadm's words, as commands."""
        return [" ".join(line.split()) for line in self.directors[director].run("ipvsadm", "-Sn").splitlines()]

    def until(self, truth: Callable[[], object], *, within: float = 60, what: str) -> float:
        """Poll until it is so; how many seconds that took."""
        return until(truth, what, within=within, told=self.play)

    def play(self) -> str:
        tables = [f"--- {name}\n" + "\n".join(self.table(name)) for name in self.directors]
        return "\n".join([*tables, *(daemon.account() for daemon in self.daemons.values())])

    def close(self) -> None:
        for daemon in self.daemons.values():
            daemon.kill()
        self.answers.close()
        self.net.close()
