"""The provisioning scripts of vagrant/, run as they are: a director, two real servers and a client of one kernel."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.topology.net import Host, Net

pytestmark = [pytest.mark.uml, pytest.mark.root]

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "vagrant" / "provision"
VENV = Path(sys.prefix)
SERVERS = {"rs1": "10.71.12.69", "rs2": "10.71.12.76"}
PATIENCE = 30.0
MACS = {"eth1": "02:00:c0:01:00:01", "eth2": "02:00:c0:01:01:01", "eth3": "02:00:c0:01:02:01"}


def provision(host: Host, script: str, *arguments: str) -> str:
    """What it said on both outputs."""
    done = subprocess.run(
        host.command(str(SCRIPTS / script), *arguments), capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, f"{script}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def director(host: Host, **more: str) -> str:
    """By hardware addresses, as the Vagrantfile does."""
    return provision(
        host,
        "director.sh",
        *("--public", f"{MACS['eth1']},{MACS['eth2']}", "--public-address", "192.0.2.2/25"),
        *("--private", MACS["eth3"], "--private-address", "10.71.12.2/24"),
        *("--config", str(ROOT / "vagrant/director1/keepalived.conf"), "--venv", str(VENV)),
        *(word for name, value in more.items() for word in (f"--{name}", value)),
    )


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    net = Net()
    try:
        for bridge in ("public", "private"):
            net.add_bridge(bridge)
        first = net.add_host("director1")
        for device, bridge in (("eth1", "public"), ("eth2", "public"), ("eth3", "private")):
            net.plug(first, device, bridge, mac=MACS[device])
        for name in SERVERS:
            net.plug(net.add_host(name), "eth1", "private")
        net.plug(net.add_host("client"), "eth1", "public")
        yield net
    finally:
        pid = Path("/run/keepalived.pid")
        if pid.exists():
            subprocess.run(["kill", "-s", str(int(signal.SIGTERM)), pid.read_text().strip()], check=False)
        net.close()


def host(net: Net, name: str) -> Host:
    return next(host for host in net.hosts if host.name == name)


def answer(net: Net) -> str:
    """Who answers the client at the virtual address; nothing where nobody does."""
    script = "timeout 2 bash -c 'cat </dev/tcp/192.0.2.10/15000' 2>/dev/null"
    return host(net, "client").run("bash", "-c", script, check=False).strip()


def test_machines_become_a_lab(net: Net) -> None:
    for name, address in SERVERS.items():
        arguments = ("--name", name, "--device", "eth1", "--address", f"{address}/24", "--gateway", "10.71.12.1")
        assert f"{name} answers at {address}:15000" in provision(host(net, name), "real-server.sh", *arguments)
    provision(host(net, "client"), "client.sh", "--device", "eth1", "--address", "192.0.2.100/25")
    said = director(host(net, "director1"))
    assert "NC-MAIN-API-PUB" in said, "it shows what the daemon says"
    deadline = time.monotonic() + PATIENCE
    answers: set[str] = set()
    while answers < set(SERVERS):
        assert time.monotonic() < deadline, answers
        answers.add(answer(net))
        answers.discard("")
    director1 = host(net, "director1")
    assert director1.run("cat", "/proc/sys/net/ipv4/ip_forward").strip() == "1"
    assert director1.run("cat", "/sys/class/net/bond1/bonding/slaves").split() == ["eth1", "eth2"]
    assert "192.0.2.10/25" in director1.addresses("bond1")
    assert "10.71.12.1/24" in director1.addresses("eth3")


def test_a_second_time_nothing_changes_and_nothing_stops(net: Net) -> None:
    before = Path("/run/keepalived.pid").read_text()
    said = [line for line in director(host(net, "director1")).splitlines() if line.startswith("provision:")]
    assert said == []
    assert Path("/run/keepalived.pid").read_text() == before
    assert answer(net) in SERVERS


def test_what_was_there_is_kept() -> None:
    net = Net()
    try:
        first = net.add_host("other")
        for device in ("eth1", "eth3"):
            first.netlink.link("add", ifname=device, kind="dummy")
        configuration = Path("/etc/keepalived/keepalived.conf")
        configuration.write_text("# mine\n")
        configuration.with_name("keepalived.conf.before-pyvrrp").unlink(missing_ok=True)
        provision(
            first,
            "director.sh",
            *("--public", "eth1", "--public-address", "192.0.2.2/25", "--private", "eth3"),
            *("--private-address", "10.71.12.2/24", "--config", str(ROOT / "vagrant/director2/keepalived.conf")),
            *("--venv", str(VENV), "--start", "no"),
        )
        assert configuration.with_name("keepalived.conf.before-pyvrrp").read_text() == "# mine\n"
        assert "priority 90" in configuration.read_text()
    finally:
        net.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--public is missing"),
        (("--public", "eth9"), "--public-address is missing"),
        (("--what", "x"), "unknown option --what"),
        (("--public",), "--public wants a value"),
    ],
)
def test_a_mistake_is_told(arguments: tuple[str, ...], said: str) -> None:
    done = subprocess.run([SCRIPTS / "director.sh", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert said in done.stderr
