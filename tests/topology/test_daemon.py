"""The daemon's processes, as an operator meets them: started, reloaded, stopped, refused."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.topology.daemons import BIN, OURS
from tests.topology.lab import VIP, Lab, instance

pytestmark = pytest.mark.root

PYVRRPD = str(BIN / OURS)


def files(lab: Lab, name: str = "d1") -> list[str]:
    """Flags for a configuration and pid files of its own."""
    base = str(lab.directory / name)
    return ["-G", "-f", f"{base}.conf", "-p", f"{base}.pid", "-r", f"{base}.vrrp.pid", "-c", f"{base}.checkers.pid"]


def pid(lab: Lab, name: str, role: str = "") -> int:
    return int((lab.directory / f"{name}.{role}{'.' if role else ''}pid").read_text())


def write(lab: Lab, *conf: str, name: str = "d1") -> None:
    (lab.directory / f"{name}.conf").write_text("".join(conf))


def call(lab: Lab, *arguments: str, inside: bool = True) -> subprocess.CompletedProcess[str]:
    """Run pyvrrpd to its end (or to that of the process that launched it)."""
    command = [PYVRRPD, *arguments]
    if inside:
        command = lab.hosts["d1"].command(*command)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


def started(lab: Lab, name: str = "d1") -> None:
    lab.until(lambda: "Startup complete" in lab.daemons[name].log(), within=10, what=f"{name} has started")


def test_from_start_to_stop(lab: Lab) -> None:
    lab.start("d1", OURS, instance())
    started(lab)
    supervisor, worker = pid(lab, "d1"), pid(lab, "d1", "vrrp")
    assert supervisor == lab.daemons["d1"].pid
    assert sorted(lab.hosts["d1"].processes()) == sorted([supervisor, worker])
    assert not (lab.directory / "d1.checkers.pid").exists(), "nothing to check, no worker"
    lab.until_master("d1")
    began = time.monotonic()
    lab.stop("d1")
    assert time.monotonic() - began < 1, "keepalived needs 1 s"
    assert not lab.hosts["d1"].processes()
    assert not lab.hosts["d1"].holds(VIP)
    assert not list(lab.directory.glob("*.pid"))
    assert not Path(f"/run/pyvrrp/{supervisor}.sock").exists()


def test_neither_process_loads_what_vrrp_does_not_need(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python itself reports every import of both processes on their standard error."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    lab.start("d1", OURS, instance())
    started(lab)
    loaded = set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", lab.daemons["d1"].log(), re.MULTILINE))
    assert {"asyncio", "pyvrrp.daemon.vrrp_role", "pyvrrp.daemon.supervisor"} <= loaded
    roots = {module.partition(".")[0] for module in loaded}
    # asyncio tries to import ssl and is refused; _ssl would be the real thing.
    assert not roots & {"typer", "click", "rich", "scapy", "pyroute2", "_ssl", "asyncio_dgram"}
    assert "pyvrrp.daemon.checkers_role" not in loaded


def test_a_broken_file_does_not_replace_a_good_configuration(lab: Lab) -> None:
    lab.start("d1", OURS, instance())
    lab.until_master("d1")
    worker = pid(lab, "d1", "vrrp")
    cut = instance().rsplit("}", 2)[0]
    lab.reload("d1", cut)
    lab.until(lambda: "Reload refused" in lab.daemons["d1"].log(), within=10, what="the refusal")
    said = lab.daemons["d1"].show()["daemon"]
    assert "the running configuration stays" in said["last_reload"]
    assert lab.hosts["d1"].holds(VIP)
    assert pid(lab, "d1", "vrrp") == worker
    lab.reload("d1", instance(priority=120))
    lab.until(lambda: "Reload complete" in lab.daemons["d1"].log(), within=10, what="the repaired file")
    assert lab.daemons["d1"].instance("VI_1")["priority"] == 120
    assert lab.hosts["d1"].holds(VIP)


def test_an_interface_that_comes_later_is_waited_for(lab: Lab) -> None:
    """Created late, deleted, created again under another index, and renamed away and back."""
    host = lab.hosts["d1"]
    lab.start("d1", OURS, instance(device="late0", vips=(f"{VIP}/24",)))
    lab.until(lambda: "Entering FAULT STATE" in lab.daemons["d1"].log(), within=10, what="it waits")
    assert "interface missing: late0" in lab.daemons["d1"].log()

    def create() -> None:
        lab.net.plug(host, "late0", "br0")
        host.add_address("late0", "203.0.113.1/24")
        host.set_link("late0", up=True)
        lab.until_master("d1")

    create()
    host.netlink.link("del", index=host.index("late0"))
    lab.until(lambda: not host.holds(VIP), within=5, what="it is gone")
    create()
    index = host.index("late0")
    for name in ("other0", "late0"):
        host.netlink.link("set", index=index, state="down")
        host.netlink.link("set", index=index, ifname=name)
        host.netlink.link("set", index=index, state="up")
        if name == "other0":
            lab.until(lambda: lab.daemons["d1"].instance("VI_1")["state"] == "FAULT", within=5, what="renamed away")
    lab.until_master("d1")
    lab.reload("d1", instance(device="late0", priority=120))
    lab.until(
        lambda: "Reload complete" in lab.daemons["d1"].log(), within=10, what="a reload that changes the priority"
    )


def test_a_reload_does_not_name_a_device_that_is_not_there(lab: Lab) -> None:
    lab.start("d1", OURS, instance())
    lab.until_master("d1")
    lab.reload("d1", instance(device="eth7"))
    lab.until(lambda: "Reload refused" in lab.daemons["d1"].log(), within=10, what="the refusal")
    assert "eth7 does not exist" in lab.daemons["d1"].show()["daemon"]["last_reload"]
    assert lab.hosts["d1"].holds(VIP)


def test_a_killed_worker_is_replaced_and_stays_master(lab: Lab) -> None:
    lab.start("d1", OURS, instance())
    lab.until_master("d1")
    old = pid(lab, "d1", "vrrp")
    os.kill(old, signal.SIGKILL)
    lab.until(lambda: _worker(lab) not in (None, old), within=10, what="a new worker")
    lab.until(lambda: _restarts(lab) == 1, within=10, what="one restart told")
    lab.until_master("d1")
    lab.until(lambda: lab.daemons["d1"].instance("VI_1")["state"] == "MASTER", within=10, what="MASTER")


def _worker(lab: Lab) -> int | None:
    text = (lab.directory / "d1.vrrp.pid").read_text().strip()
    return int(text) if text else None


def _restarts(lab: Lab) -> int:
    return int(lab.daemons["d1"].show()["daemon"]["workers"][0]["restarts"])


def test_a_second_daemon_on_the_same_pid_file_is_refused(lab: Lab) -> None:
    lab.start("d1", OURS, instance())
    started(lab)
    second = call(lab, "-n", *files(lab))
    assert second.returncode == 0  # keepalived's status
    assert "daemon is already running" in second.stderr
    assert str(pid(lab, "d1")) in second.stderr
    third = call(lab, "-n", *files(lab), "-p", str(lab.directory / "other.pid"))
    assert third.returncode == 0
    assert f"d1.vrrp.pid belongs to process {pid(lab, 'd1', 'vrrp')}" in third.stderr
    assert lab.daemons["d1"].process.poll() is None


def test_two_daemons_side_by_side(lab: Lab) -> None:
    for number, name in enumerate(("d1", "d2")):
        lab.start(name, OURS, instance(vrid=51 + number, vips=(f"192.0.2.{100 + number}/24",)))
    lab.until_master("d1", "192.0.2.100")
    lab.until_master("d2", "192.0.2.101")
    lab.stop("d1")
    assert lab.holders("192.0.2.101") == ["d2"]
    assert lab.daemons["d2"].show()["daemon"]["pid"] == pid(lab, "d2")


def test_as_a_daemon_the_launching_process_waits_until_all_runs(lab: Lab) -> None:
    write(lab, instance())
    launched = call(lab, *files(lab))
    assert (launched.returncode, launched.stderr) == (0, "")
    daemon = pid(lab, "d1")
    assert os.readlink(f"/proc/{daemon}/cwd") == "/"
    assert os.readlink(f"/proc/{pid(lab, 'd1', 'vrrp')}/fd/2") == "/dev/null"
    assert os.getsid(daemon) == daemon
    os.kill(daemon, signal.SIGTERM)
    lab.until(lambda: not lab.hosts["d1"].processes(), within=10, what="the end")


def test_the_namespace_may_be_named(lab: Lab) -> None:
    """From outside, with keepalived's default pid files: they have a directory named after the namespace."""
    namespace = lab.hosts["d1"].namespace
    write(lab, instance())
    launched = call(lab, "-G", "-f", str(lab.directory / "d1.conf"), "-s", namespace, inside=False)
    assert launched.returncode == 0, launched.stderr
    pids = Path("/run/keepalived", namespace)
    assert {file.name for file in pids.iterdir()} == {"keepalived.pid", "vrrp.pid"}
    assert sorted(lab.hosts["d1"].processes()) == sorted(int(file.read_text()) for file in pids.iterdir())
    lab.until_master("d1")
    os.kill(int((pids / "keepalived.pid").read_text()), signal.SIGTERM)
    lab.until(lambda: not lab.hosts["d1"].processes() and not pids.exists(), within=10, what="the end")


@pytest.mark.parametrize("foreground", [True, False])
def test_a_start_that_fails_says_why(lab: Lab, foreground: bool) -> None:
    write(lab, instance(vrid=0))
    failed = call(lab, *(["-n"] if foreground else []), *files(lab))
    assert failed.returncode == 2
    assert "virtual_router_id" in failed.stderr
    assert f"{lab.directory}/d1.conf:" in failed.stderr
    lab.until(lambda: not lab.hosts["d1"].processes(), within=5, what="its end")
    assert not list(lab.directory.glob("*.pid"))


def test_a_missing_file(lab: Lab) -> None:
    failed = call(lab, "-n", *files(lab))
    assert failed.returncode == 6
    assert "d1.conf" in failed.stderr


def test_a_missing_namespace(lab: Lab) -> None:
    write(lab, instance())
    failed = call(lab, "-n", *files(lab), "-s", "no-such-namespace")
    assert failed.returncode == 0  # keepalived's status
    assert "no-such-namespace" in failed.stderr


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs util-linux' setpriv")
def test_missing_privileges(lab: Lab) -> None:
    write(lab, instance())
    drop = ["setpriv", "--bounding-set=-net_admin,-net_raw", "--inh-caps=-net_admin,-net_raw"]
    failed = subprocess.run(
        lab.hosts["d1"].command(*drop, PYVRRPD, "-n", *files(lab)), capture_output=True, text=True, check=False
    )
    assert failed.returncode == 4
    assert "CAP_NET_ADMIN is missing" in failed.stderr
    assert "CAP_NET_RAW is missing" in failed.stderr


def test_scripts_before_the_workers_and_after_them(lab: Lab, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    say = f"/bin/sh -c 'ip -br address show eth0 | grep -c {VIP}/ >> {notes}; echo $0 >> {notes}'"
    scripts = f'startup_script "{say} first"\n    shutdown_script "{say} last"'
    lab.start("d1", OURS, f"global_defs {{\n    script_user root\n    {scripts}\n}}\n", instance())
    lab.until_master("d1")
    assert notes.read_text().split() == ["0", "first"]
    lab.stop("d1")
    assert notes.read_text().split() == ["0", "first", "0", "last"]
