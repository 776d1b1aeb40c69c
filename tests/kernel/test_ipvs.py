"""The IPVS table of a real kernel, read back by ipvsadm: another program's idea of what we sent."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest
from pyroute2 import netns

from pyvrrp.core.lvs.ipvs_table import (
    AddDestination,
    AddService,
    Destination,
    Flush,
    Operation,
    RemoveDestination,
    RemoveService,
    Service,
    SetDestination,
    SetService,
    Table,
    plan,
)
from pyvrrp.core.lvs.snapshot import Traffic
from pyvrrp.errors import KernelFault
from pyvrrp.kernel.ipvs import LinuxIpvs
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Forwarding, Protocol, ServiceFlag, ServiceKey
from tests.topology.net import Host, inside
from tests.waiting import until

pytestmark = pytest.mark.uml


def at(host: str, port: int) -> Endpoint:
    return Endpoint(ip_address(host), port)


VIP = ServiceKey.of(at("10.77.0.1", 80), Protocol.TCP)
VIP6 = ServiceKey.of(at("fd77::1", 80), Protocol.TCP)
MARK = ServiceKey(2, None, None, 7)
MARK6 = ServiceKey(10, None, None, 7)


def destination(host: str, port: int, forwarding: Forwarding = Forwarding.NAT, weight: int = 1) -> Destination:
    return Destination(endpoint=at(host, port), forwarding=forwarding, weight=weight)


class Director:
    """A network namespace, its IPVS table as we see it, and as ipvsadm does."""

    def __init__(self) -> None:
        self.host = Host("director", f"ipvs-{os.getpid()}")
        with inside(self.host.namespace):
            self.ipvs = LinuxIpvs()
            self.ipvs.ready()

    def ipvsadm(self, *arguments: str) -> list[str]:
        command = ["ip", "netns", "exec", self.host.namespace, "ipvsadm", *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        return [" ".join(line.split()) for line in ran.stdout.splitlines()]

    @property
    def rules(self) -> list[str]:
        """The table in ipvsadm's own words, as commands."""
        return self.ipvsadm("-S", "-n")

    def close(self) -> None:
        self.ipvs.close()
        self.host.netlink.close()
        netns.remove(self.host.namespace)


@pytest.fixture
def director() -> Iterator[Director]:
    made = Director()
    yield made
    made.close()


def test_nat_direct_routing_and_tunnel(director: Director) -> None:
    service = Service(key=VIP, scheduler="rr")
    refused = director.ipvs.apply(
        [
            AddService(service),
            AddDestination(VIP, destination("10.71.12.69", 8080, Forwarding.NAT, 100)),
            AddDestination(VIP, destination("10.71.12.76", 80, Forwarding.DR, 0)),
            AddDestination(
                VIP,
                Destination(
                    endpoint=at("10.71.12.77", 80),
                    forwarding=Forwarding.TUN,
                    weight=65535,
                    upper_threshold=20,
                    lower_threshold=10,
                ),
            ),
        ]
    )
    assert refused == []
    assert sorted(director.rules) == [
        "-A -t 10.77.0.1:80 -s rr",
        "-a -t 10.77.0.1:80 -r 10.71.12.69:8080 -m -w 100",
        "-a -t 10.77.0.1:80 -r 10.71.12.76:80 -g -w 0",
        "-a -t 10.77.0.1:80 -r 10.71.12.77:80 -i -w 65535 --tun-type ipip",
    ]
    assert "-> 10.71.12.77:80 20 10 0 0" in director.ipvsadm("-L", "-n", "--thresholds")


def test_the_table_read_back_is_the_table_sent(director: Director) -> None:
    wanted: Table = {
        key: (Service(key=key, scheduler="rr"), {one.endpoint: one for one in pool})
        for key, pool in {
            VIP: [destination("10.71.12.69", 8080), destination("10.71.12.76", 8080, weight=3)],
            VIP6: [destination("fd71::69", 80), destination("fd71::76", 80, Forwarding.DR)],
            MARK: [destination("10.71.12.69", 0)],
            MARK6: [destination("fd71::69", 0)],
            ServiceKey.of(at("10.77.0.1", 53), Protocol.UDP): [destination("10.71.12.69", 53)],
            ServiceKey.of(at("10.77.0.1", 99), Protocol.SCTP): [],
            # A tunnel may lead to the other family.
            ServiceKey.of(at("10.77.0.2", 80), Protocol.TCP): [destination("fd71::77", 80, Forwarding.TUN)],
        }.items()
    }
    assert director.ipvs.apply(plan(wanted, {}, ())) == []
    assert director.ipvs.table() == wanted
    assert list(director.ipvs.table()[VIP][1]) == list(wanted[VIP][1])
    assert {"-A -t [fd77::1]:80 -s rr", "-A -f 7 -s rr", "-A -f 7 -6 -s rr", "-A -u 10.77.0.1:53 -s rr"} <= set(
        director.rules
    )


@pytest.mark.parametrize(
    ("service", "rule"),
    [
        (Service(key=VIP, scheduler="wlc", flags=1, timeout=50), "-A -t 10.77.0.1:80 -s wlc -p 50"),
        (
            Service(key=VIP, scheduler="rr", flags=1, timeout=50, netmask=IPv4Address("255.255.255.0")),
            "-A -t 10.77.0.1:80 -s rr -p 50 -M 255.255.255.0",
        ),
        (Service(key=VIP6, scheduler="rr", flags=1, timeout=50, netmask=64), "-A -t [fd77::1]:80 -s rr -p 50 -M 64"),
        (
            Service(key=VIP, scheduler="sh", flags=ServiceFlag.SCHED_1 | ServiceFlag.SCHED_2),
            "-A -t 10.77.0.1:80 -s sh -b sh-fallback,sh-port",
        ),
        (
            Service(key=ServiceKey.of(at("10.77.0.1", 53), Protocol.UDP), scheduler="rr", flags=ServiceFlag.ONE_PACKET),
            "-A -u 10.77.0.1:53 -s rr -o",
        ),
    ],
)
def test_flags_and_persistence(director: Director, service: Service, rule: str) -> None:
    assert director.ipvs.apply([AddService(service)]) == []
    assert director.rules == [rule]
    assert director.ipvs.table() == {service.key: (service, {})}
    plain = Service(key=service.key, scheduler="rr")
    assert director.ipvs.apply([SetService(plain)]) == []
    assert director.ipvs.table() == {service.key: (plain, {})}


@pytest.mark.parametrize(
    "scheduler", ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "nq", "sed"]
)
def test_schedulers_load_by_themselves(director: Director, scheduler: str) -> None:
    assert director.ipvs.apply([AddService(Service(key=VIP, scheduler=scheduler))]) == []
    assert director.rules == [f"-A -t 10.77.0.1:80 -s {scheduler}"]


def test_a_server_comes_changes_and_goes(director: Director) -> None:
    director.ipvs.apply(
        [AddService(Service(key=VIP, scheduler="rr")), AddDestination(VIP, destination("10.71.12.69", 80))]
    )
    director.ipvs.apply([SetDestination(VIP, destination("10.71.12.69", 80, Forwarding.DR, 5))])
    assert director.rules[1:] == ["-a -t 10.77.0.1:80 -r 10.71.12.69:80 -g -w 5"]
    director.ipvs.apply([RemoveDestination(VIP, at("10.71.12.69", 80))])
    assert director.rules == ["-A -t 10.77.0.1:80 -s rr"]
    director.ipvs.apply([RemoveService(VIP)])
    assert director.rules == []


def test_what_is_there_is_changed_and_what_is_gone_is_gone(director: Director) -> None:
    director.ipvsadm("-A", "-t", "10.77.0.1:80", "-s", "lc")
    director.ipvsadm("-a", "-t", "10.77.0.1:80", "-r", "10.71.12.69:80", "-g", "-w", "9")
    again: list[Operation] = [
        AddService(Service(key=VIP, scheduler="rr")),
        AddDestination(VIP, destination("10.71.12.69", 80, weight=2)),
        RemoveDestination(VIP, at("10.71.12.99", 80)),
        RemoveDestination(VIP6, at("fd71::69", 80)),
        RemoveService(VIP6),
    ]
    assert director.ipvs.apply(again) == []
    assert director.rules == ["-A -t 10.77.0.1:80 -s rr", "-a -t 10.77.0.1:80 -r 10.71.12.69:80 -m -w 2"]


def test_adoption_corrects_ours_and_leaves_foreign_services_alone(director: Director) -> None:
    director.ipvsadm("-A", "-t", "10.77.0.1:80", "-s", "wlc", "-p", "60")
    director.ipvsadm("-a", "-t", "10.77.0.1:80", "-r", "10.71.12.69:80", "-m", "-w", "9")
    director.ipvsadm("-a", "-t", "10.77.0.1:80", "-r", "10.71.12.99:80", "-g")
    director.ipvsadm("-A", "-t", "10.77.9.9:80", "-s", "lc")
    director.ipvsadm("-a", "-t", "10.77.9.9:80", "-r", "10.71.12.69:80", "-i")
    foreign = [rule for rule in director.rules if "10.77.9.9" in rule]
    assert len(foreign) == 2
    pool = [destination("10.71.12.69", 80), destination("10.71.12.76", 80)]
    wanted: Table = {VIP: (Service(key=VIP, scheduler="rr"), {one.endpoint: one for one in pool})}
    assert director.ipvs.apply(plan(wanted, director.ipvs.table(), {VIP})) == []
    assert sorted(rule for rule in director.rules if rule not in foreign) == [
        "-A -t 10.77.0.1:80 -s rr",
        "-a -t 10.77.0.1:80 -r 10.71.12.69:80 -m -w 1",
        "-a -t 10.77.0.1:80 -r 10.71.12.76:80 -m -w 1",
    ]
    assert director.ipvs.apply(plan({}, director.ipvs.table(), {VIP})) == []
    assert director.rules == foreign
    assert director.ipvs.apply([Flush()]) == []
    assert director.rules == []


def test_a_refusal_names_the_operation_and_does_not_stop_the_others(director: Director) -> None:
    bad = Destination(endpoint=at("10.71.12.70", 80), forwarding=Forwarding.NAT, weight=1, lower_threshold=10)
    operations: list[Operation] = [
        AddService(Service(key=VIP, scheduler="rr")),
        AddDestination(VIP, bad),
        AddDestination(VIP, destination("10.71.12.69", 80)),
        AddService(Service(key=VIP6, scheduler="nosuch")),
        SetDestination(VIP, destination("10.71.12.71", 80)),
        SetDestination(MARK, destination("10.71.12.71", 80)),
        AddDestination(VIP, destination("fd71::69", 80)),
    ]
    absent, other = KernelFault.ABSENT, KernelFault.OTHER
    refused = {operations.index(operation): error for operation, error in director.ipvs.apply(operations)}
    assert {number: (error.fault, error.operation) for number, error in refused.items()} == {
        1: (other, f"add destination 10.71.12.70:80 to {VIP}, weight 1"),
        3: (absent, f"add service {VIP6} (nosuch)"),
        4: (absent, f"change destination 10.71.12.71:80 of {VIP}, weight 1"),
        5: (absent, "change destination 10.71.12.71:80 of FWM 7, weight 1"),
        6: (other, f"add destination [fd71::69]:80 to {VIP}, weight 1"),
    }
    meanings = {1: "weight or thresholds", 3: "no scheduler nosuch", 4: "no such destination", 5: "no such service"}
    for number, meaning in meanings.items():
        assert meaning in str(refused[number])
    assert director.rules == ["-A -t 10.77.0.1:80 -s rr", "-a -t 10.77.0.1:80 -r 10.71.12.69:80 -m -w 1"]


def test_large_tables_go_out_in_batches(director: Director) -> None:
    """Three batches' worth, with more refusals than a receive buffer holds."""
    keys = [ServiceKey.of(at("10.77.0.1", port), Protocol.TCP) for port in range(1, 301)]
    pool = destination("10.71.12.69", 80)
    wanted: Table = {key: (Service(key=key, scheduler="rr"), {pool.endpoint: pool}) for key in keys}
    assert director.ipvs.apply(plan(wanted, {}, ())) == []
    assert director.ipvs.table() == wanted
    unknown: list[Operation] = [SetDestination(key, destination("10.71.12.70", 80)) for key in keys]
    assert [operation for operation, _ in director.ipvs.apply(unknown)] == unknown


def test_counters_are_those_of_ipvsadm(director: Director) -> None:
    for address in ("10.77.0.1/32", "10.77.0.2/32"):
        director.host.add_address("lo", address)
    director.ipvs.apply(
        [AddService(Service(key=VIP, scheduler="rr")), AddDestination(VIP, destination("10.77.0.2", 8080))]
    )
    with inside(director.host.namespace), socket.socket() as server:
        server.bind(("10.77.0.2", 8080))
        server.listen()
        for _ in range(3):
            with socket.create_connection(("10.77.0.1", 80), timeout=5) as client:
                accepted, _ = server.accept()
                with accepted:
                    accepted.sendall(b"x" * 1000)
                    accepted.shutdown(socket.SHUT_WR)
                    received = b""
                    while data := client.recv(4096):
                        received += data
                    assert len(received) == 1000

    def counted() -> Traffic:
        return director.ipvs.dump([VIP])[VIP][0].traffic

    until(lambda: counted().connections == 3 and counted().in_bytes > 0)
    service, pool = director.ipvs.dump([VIP])[VIP]
    (state,) = pool.values()
    assert state.traffic == service.traffic
    assert state.active_connections + state.inactive_connections == 3
    seen = service.traffic
    assert seen.in_packets >= 3 * 3
    figures = [seen.connections, seen.in_packets, seen.out_packets, seen.in_bytes, seen.out_bytes]
    assert f"TCP 10.77.0.1:80 {' '.join(map(str, figures))}" in director.ipvsadm("-L", "-n", "--stats", "--exact")


@pytest.fixture
def here() -> Iterator[LinuxIpvs]:
    """In the namespace the tests run in: nothing is put into this table."""
    ipvs = LinuxIpvs()
    yield ipvs
    ipvs.close()


@pytest.fixture
def unloaded() -> Iterator[None]:
    """This kernel with its IPVS modules taken out."""
    loaded = [line.split()[0] for line in Path("/proc/modules").read_text().splitlines() if line.startswith("ip_vs")]
    subprocess.run(["modprobe", "-r", *(name for name in loaded if name != "ip_vs"), "ip_vs"], check=True)
    yield
    subprocess.run(["modprobe", "ip_vs"], check=True)


@pytest.mark.usefixtures("unloaded")
def test_the_module_is_loaded_if_need_be(here: LinuxIpvs) -> None:
    assert not Path("/sys/module/ip_vs").exists()
    here.ready()
    assert Path("/sys/module/ip_vs").exists()


@pytest.mark.usefixtures("unloaded")
def test_a_module_that_was_loaded_again_is_found_again(here: LinuxIpvs) -> None:
    here.ready()
    subprocess.run(["modprobe", "-r", "ip_vs"], check=True)
    assert not Path("/sys/module/ip_vs").exists()
    here.ready()
    assert here.table() == {}
