"""What instances are tied to, with real devices, files and processes."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

import pytest

from pyvrrp.kernel.linkbeat import LinkBeat, Method
from tests.topology.daemons import OURS
from tests.topology.lab import Lab, instance
from tests.topology.net import inside

pytestmark = pytest.mark.root


def test_a_device_is_asked_for_its_link(lab: Lab) -> None:
    host = lab.hosts["d1"]
    with inside(host.namespace):
        beat = LinkBeat()
    try:
        assert beat.best("eth0") is Method.ETHTOOL, "veth has no MII"
        for method in (Method.ETHTOOL, Method.IOCTL):
            assert beat.is_up("eth0", method)
        lab.set_cable("d1", up=False)
        for method in (Method.ETHTOOL, Method.IOCTL):
            lab.until(lambda method=method: not beat.is_up("eth0", method), within=5, what="no link")  # type: ignore[misc]
    finally:
        beat.close()


def test_link_polling_sees_a_pulled_cable(lab: Lab) -> None:
    lab.start("d1", OURS, "linkbeat_use_polling\n", instance())
    lab.until_master("d1")
    assert "its link is asked for once a second (ETHTOOL)" in lab.daemons["d1"].log()
    lab.set_cable("d1", up=False)
    lab.until(lambda: lab.holders() == [], within=5, what="the VIP goes")
    assert lab.daemons["d1"].instance("VI_1")["faults"] == ["interface down: eth0"]
    lab.set_cable("d1", up=True)
    lab.until_master("d1")


def test_a_cable_that_is_back_in_time_moves_nothing(lab: Lab) -> None:
    lab.start("d1", OURS, "interface_up_down_delays {\n    eth0 0.15\n}\n", instance())
    lab.until_master("d1")
    for _ in range(3):
        lab.set_cable("d1", up=False)
        lab.set_cable("d1", up=True)
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=0.5, what="d1 keeps the VIP")
    assert [t["new"] for t in lab.daemons["d1"].instance("VI_1")["transitions"]] == ["BACKUP", "MASTER"]
    lab.set_cable("d1", up=False)
    lab.until(lambda: lab.holders() == [], within=5, what="the VIP goes")


def test_why_it_is_in_fault_is_told(lab: Lab, tmp_path: Path) -> None:
    users = "global_defs {\n    script_user root\n}\n"
    script = "vrrp_script fit {\n    script \"/bin/sh -c 'echo too bad >&2; exit 3'\"\n}\n"
    lab.start("d1", OURS, users, script, instance(more="track_script {\n        fit\n    }"))
    daemon = lab.daemons["d1"]
    lab.until(lambda: "Entering FAULT STATE" in daemon.log(), within=10, what="FAULT")
    cause = "tracked script failed: fit: exit status 3 after "
    (fault,) = daemon.instance("VI_1")["faults"]
    assert fault.startswith(cause)
    assert fault.endswith(" s: too bad")
    assert f"(VI_1) {cause}" in daemon.log()
    (tracker,) = daemon.show()["vrrp"]["trackers"]
    assert (tracker["kind"], tracker["name"], tracker["state"]) == ("track_script", "fit", "fails")


def test_init_file_is_written_at_the_start_only(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "number"
    block = f"track_file number {{\n    file {file}\n    init_file 7 overwrite\n}}\n"
    file.write_text("1")
    conf = block + instance(more="track_file {\n        number\n    }")
    lab.start("d1", OURS, conf)
    lab.until_master("d1")
    assert file.read_text() == "7\n"
    daemon = lab.daemons["d1"]
    assert daemon.instance("VI_1")["effective_priority"] == 107
    file.write_text("9")
    lab.until(lambda: daemon.instance("VI_1")["effective_priority"] == 109, within=5, what="the number counts")
    lab.reload("d1")
    lab.until(lambda: "Reload complete" in daemon.log(), within=5, what="reloaded")
    assert file.read_text() == "9"


def test_a_bfd_session_that_does_not_run_is_said_so(lab: Lab) -> None:
    conf = "bfd_instance far {\n    neighbor_ip 192.0.2.9\n}\n" + instance(more="track_bfd {\n        far\n    }")
    lab.start("d1", OURS, conf)
    lab.until_master("d1")
    (tracker,) = lab.daemons["d1"].show()["vrrp"]["trackers"]
    assert tracker["state"] == "unknown"
    assert "no BFD session runs" in tracker["detail"]


def test_processes_count_in_a_network_namespace_too(lab: Lab, tmp_path: Path) -> None:
    program = tmp_path / "trackedprog"
    program.symlink_to("/bin/sleep")
    block = "vrrp_track_process p {\n    process trackedprog\n}\n"
    lab.start("d1", OURS, block, instance(more="track_process {\n        p\n    }"))
    daemon = lab.daemons["d1"]
    lab.until(lambda: "Entering FAULT STATE" in daemon.log(), within=10, what="FAULT")
    assert daemon.instance("VI_1")["faults"] == ["tracked process: p: none runs"]
    child = subprocess.Popen([program, "60"])
    try:
        lab.until_master("d1")
    finally:
        child.kill()
        child.wait()
    lab.until(lambda: lab.holders() == [], within=5, what="the VIP goes")


@pytest.mark.parametrize(
    ("limits", "good"),
    [("", {1, 2}), ("quorum 2", {2}), ("quorum_max 1", {1}), ("quorum_max 0", {0}), ("param_match partial", {1, 2})],
)
def test_how_many_processes_are_enough(lab: Lab, tmp_path: Path, limits: str, good: set[int]) -> None:
    """With 0, 1, 2, 1 and 0 of them the priority is what the limits make of it."""
    path = tmp_path / "tprogram"
    path.symlink_to("/bin/sleep")
    block = f"vrrp_track_process p {{\n    process {path} 60\n    {limits}\n    weight 50\n}}\n"
    more = "track_process {\n        p\n    }"
    lab.start("d1", OURS, block, instance(priority=100, more=more))
    lab.until_master("d1")
    children: list[subprocess.Popen[bytes]] = []
    try:
        for count in (0, 1, 2, 1, 0):
            while len(children) < count:
                children.append(subprocess.Popen([path, "60"]))
            while len(children) > count:
                end(children.pop())
            wanted = 150 if count in good else 100
            lab.until(partial(advertises, lab, wanted), within=5, what=f"{count} make {wanted}")
    finally:
        for child in children:
            end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


def advertises(lab: Lab, wanted: int) -> bool:
    return lab.adverts("d1")[-1].priority == wanted
