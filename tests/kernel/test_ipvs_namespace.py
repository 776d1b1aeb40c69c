"""net_namespace_ipvs: the daemon in one namespace, the IPVS table in another; ours and keepalived."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.topology.daemons import BIN, KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, Net
from tests.waiting import until

pytestmark = [pytest.mark.uml, pytest.mark.root]

RULES = ["-A -t 10.77.0.1:80 -s rr", "-a -t 10.77.0.1:80 -r 10.71.12.11:80 -m -w 3"]


def conf(place: str) -> str:
    return (
        f"net_namespace_ipvs {place}\nvirtual_server 10.77.0.1 80 {{\n lvs_sched rr\n lvs_method NAT\n protocol TCP\n"
        " real_server 10.71.12.11 80 {\n  weight 3\n }\n}\n"
    )


def rules(host: Host) -> list[str]:
    return [" ".join(line.split()) for line in host.run("ipvsadm", "-Sn").splitlines()]


@pytest.fixture
def net() -> Iterator[Net]:
    with contextlib.closing(Net()) as made:
        yield made


@pytest.fixture
def table(net: Net) -> Host:
    return net.add_host("table")


class Nested(Host):
    """What runs here has the namespace `first` for that of process 1."""

    def __init__(self, name: str, first: Host) -> None:
        self.first = first
        super().__init__(name, f"{first.namespace}-{name}")

    def command(self, *argv: str) -> list[str]:
        inner = ["sh", "-c", '"$@"; exit $?', "sh", *super().command(*argv)]
        return self.first.command("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *inner)


@pytest.mark.parametrize("program", [OURS, KEEPALIVED])
def test_the_table_is_filled_in_the_named_namespace_and_nowhere_else(
    net: Net, table: Host, tmp_path: Path, program: str
) -> None:
    director = net.add_host("director")
    daemon = Daemon(program, director, tmp_path, conf(table.namespace))
    until(lambda: rules(table) == RULES, "the table is filled")
    assert rules(director) == []
    assert daemon.stop() == 0
    assert rules(table) == []


@pytest.mark.parametrize("program", [OURS, KEEPALIVED])
def test_without_a_name_it_is_the_namespace_of_process_1(net: Net, table: Host, tmp_path: Path, program: str) -> None:
    director = Nested("director", table)
    net.hosts.append(director)
    daemon = Daemon(program, director, tmp_path, conf(""))
    try:
        until(lambda: rules(table) == RULES, "the table is filled")
        assert rules(director) == []
    finally:
        daemon.kill()


def test_what_others_do_there_is_seen_shown_and_undone(net: Net, table: Host, tmp_path: Path) -> None:
    director = net.add_host("director")
    daemon = Daemon(OURS, director, tmp_path, conf(table.namespace))
    until(lambda: rules(table) == RULES, "the table is filled")

    def drift() -> list[dict[str, object]]:
        ran = subprocess.run(
            [BIN / "pyvrrp", "lvs", "diff", "--json", "--socket", f"/run/pyvrrp/{daemon.pid}.sock"],
            capture_output=True,
            text=True,
            check=False,
        )
        found: list[dict[str, object]] = json.loads(ran.stdout)
        return found

    def seen() -> bool:
        table.run("ipvsadm", "-e", "-t", "10.77.0.1:80", "-r", "10.71.12.11:80", "-m", "-w", "9")
        return [(one["wanted"], one["present"]) for one in drift()] == [("NAT weight 3", "NAT weight 9")]

    assert drift() == []
    until(seen, "the difference is told")
    until(lambda: rules(table) == RULES, "it is undone")
    (service,) = daemon.show()["lvs"]["virtual_servers"]
    assert service["drift"] == []
    # A reload goes there, too; one that names another place is refused.
    daemon.reload(conf(table.namespace).replace("weight 3", "weight 4"))
    until(lambda: rules(table)[1].endswith("-w 4"), "the reload counts")
    daemon.reload(conf(director.namespace))
    until(lambda: "net_namespace_ipvs" in daemon.log(), "the reload is refused")
    assert (rules(table)[1][-4:], rules(director)) == ("-w 4", [])
    assert daemon.stop() == 0
