"""Clients get answers through IPVS, spread as the scheduler says, whatever happens to configuration and servers."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from pyvrrp.kernel.ipvs import LinuxIpvs
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Protocol, ServiceKey
from tests.kernel.traffic_bed import NAMES, PORT, VIP, TrafficBed, pool, private, server, virtual
from tests.topology.net import inside

pytestmark = [pytest.mark.uml, pytest.mark.root]
COST = 3

KEY = ServiceKey.of(Endpoint(ip_address(VIP), PORT), Protocol.TCP)


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[TrafficBed]:
    with contextlib.closing(TrafficBed(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def nat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrafficBed]:
    """One daemon for all plays with NAT; each begins with a reload."""
    with contextlib.closing(TrafficBed(tmp_path_factory.mktemp("nat"))) as made:
        made.hold_vip()
        made.answer_through("NAT")
        made.start(virtual(pool()))
        made.until(lambda: len(made.table()) == 4, what="the table is filled")
        yield made


def reloaded(bed: TrafficBed, conf: str) -> None:
    """Reload and wait for its end."""
    done = bed.daemons["d1"].log().count("Reload ")
    bed.daemons["d1"].reload(conf)
    bed.until(lambda: bed.daemons["d1"].log().count("Reload ") > done, what="the reload is over")


def renewed(bed: TrafficBed) -> None:
    """Take the service away for a moment: what plays before left in the connection table does not count any more."""
    reloaded(bed, virtual(pool(family="inet6"), family="inet6"))
    bed.until(lambda: not any(VIP in rule for rule in bed.table()), what="the service is gone")


@pytest.mark.parametrize(
    ("scheduler", "weights", "expected"),
    [
        ("rr", (1, 1, 1), {"rs1": 4, "rs2": 4, "rs3": 4}),
        ("rr", (1, 0, 1), {"rs1": 6, "rs3": 6}),
        ("wrr", (3, 2, 1), {"rs1": 6, "rs2": 4, "rs3": 2}),
        ("fo", (3, 5, 1), {"rs2": 12}),
        ("ovf", (3, 9, 1), {"rs2": 12}),
    ],
)
def test_closed_connections_are_spread_exactly(
    nat: TrafficBed, scheduler: str, weights: tuple[int, ...], expected: dict[str, int]
) -> None:
    reloaded(nat, virtual(pool(weights=weights), scheduler=scheduler))
    assert Counter(nat.asked(12)) == expected, nat.play()


@pytest.mark.parametrize(
    ("scheduler", "weights", "expected"),
    [
        ("lc", (1, 1, 1), {"rs1": 4, "rs2": 4, "rs3": 4}),
        ("wlc", (3, 2, 1), {"rs1": 6, "rs2": 4, "rs3": 2}),
        ("sed", (3, 2, 1), {"rs1": 6, "rs2": 4, "rs3": 2}),
        ("nq", (3, 2, 1), {"rs1": 6, "rs2": 4, "rs3": 2}),
        ("ovf", (1, 9, 2), {"rs2": 10, "rs3": 2}),  # it overflows when there are more than the weight
    ],
)
def test_open_connections_are_spread_by_how_many_each_has(
    nat: TrafficBed, scheduler: str, weights: tuple[int, ...], expected: dict[str, int]
) -> None:
    renewed(nat)
    reloaded(nat, virtual(pool(weights=weights), scheduler=scheduler))
    with contextlib.ExitStack() as stack:
        told = Counter(stack.enter_context(contextlib.closing(nat.connect())).ask() for _ in range(12))
    exact = scheduler == "ovf" or sum(abs(told[name] - expected[name]) for name in NAMES) <= 2
    assert exact, (told, nat.play())
    assert scheduler != "ovf" or told == expected


@pytest.mark.parametrize("scheduler", ["sh", "dh", "mh", "lblc", "lblcr"])
def test_sticky_schedulers_keep_to_one_server(nat: TrafficBed, scheduler: str) -> None:
    reloaded(nat, virtual(pool(), scheduler=scheduler))
    assert len(set(nat.asked(6))) == 1, nat.play()


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_hashes_with_ports_spread_one_client(nat: TrafficBed, scheduler: str) -> None:
    reloaded(nat, virtual(pool(), scheduler=scheduler, more=f"{scheduler}-port"))
    assert len(set(nat.asked(24))) > 1


def test_the_better_of_two_takes_turns_of_chance(nat: TrafficBed) -> None:
    reloaded(nat, virtual(pool(), scheduler="twos"))
    told = set(nat.asked(24))
    assert "-" not in told
    assert len(told) > 1


def test_a_hash_that_leads_to_a_drained_server_falls_back_where_asked(nat: TrafficBed) -> None:
    reloaded(nat, virtual(pool(), scheduler="sh"))
    (chosen,) = set(nat.asked(3))
    drained = pool(weights=(int(chosen != "rs1"), int(chosen != "rs2"), int(chosen != "rs3")))
    reloaded(nat, virtual(drained, scheduler="sh"))
    assert set(nat.asked(3)) == {"-"}
    reloaded(nat, virtual(drained, scheduler="sh", more="sh-fallback"))
    assert set(nat.asked(3)) <= {*NAMES} - {chosen}


def test_persistence_keeps_a_client_with_its_server(nat: TrafficBed) -> None:
    reloaded(nat, virtual(pool(), more="persistence_timeout 60"))
    assert len(set(nat.asked(6))) == 1


def test_persistence_granularity_makes_a_client_of_a_network(nat: TrafficBed) -> None:
    sources = ("10.77.0.100", "10.77.0.101", "10.77.0.102")
    for source in sources[1:]:
        nat.client.add_address("eth0", f"{source}/24")
        for host in nat.servers.values():
            host.run("ip", "route", "replace", source, "via", "10.71.12.2")

    def told() -> list[str]:
        asked = []
        for source in sources:
            with contextlib.closing(nat.connect(source=source)) as connection:
                asked.append(connection.ask())
        return asked

    for mask, together in (("255.255.255.255", False), ("255.255.255.0", True)):
        renewed(nat)
        reloaded(nat, virtual(pool(), more=f"persistence_timeout 60\n persistence_granularity {mask}"))
        before = told()
        assert (len(set(before)) == 1) is together, (mask, nat.play())
        assert told() == before, (mask, nat.play())


def test_one_packet_scheduling_spreads_the_datagrams_of_one_client(nat: TrafficBed) -> None:
    reloaded(nat, virtual(pool(), protocol="UDP"))
    with nat.datagrams() as ask:
        assert len({ask() for _ in range(6)}) == 1
    reloaded(nat, virtual(pool(), protocol="UDP", more="ops"))
    before = connections(nat)
    # The kernel forgets a connection of one packet at once: with NAT the answer does not find its way back.
    with nat.datagrams(patience=0.1) as ask:

        def all_were_hit() -> bool:
            ask()
            return all(now > then for now, then in zip(connections(nat), before, strict=True))

        nat.until(all_were_hit, what="each server gets a datagram of the same client")


def connections(bed: TrafficBed) -> list[int]:
    """How many each real server has had."""
    (service,) = bed.daemons["d1"].show()["lvs"]["virtual_servers"]
    return [server["traffic"]["connections"] for server in service["real_servers"]]


def test_a_full_server_gets_no_more(nat: TrafficBed) -> None:
    # An address of its own: closed connections count as well, for two minutes.
    address = "10.77.0.8"
    nat.directors["d1"].add_address("eth0", f"{address}/32")
    limited = server("rs1", more="uthreshold 2") + server("rs2")
    reloaded(nat, virtual(limited).replace(VIP, address, 1))
    with contextlib.ExitStack() as stack:
        told = [stack.enter_context(contextlib.closing(nat.connect(address=address))).ask() for _ in range(8)]
    assert told.count("rs1") == 2, nat.play()


def test_a_drained_server_keeps_its_connections_and_gets_no_new_ones(nat: TrafficBed) -> None:
    reloaded(nat, virtual(pool()))
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(contextlib.closing(nat.connect())) for _ in range(3)]
        before = [connection.ask() for connection in opened]
        assert sorted(before) == list(NAMES)
        reloaded(nat, virtual(pool(weights=(0, 1, 1))))
        assert [connection.ask() for connection in opened] == before
        assert set(nat.asked(6)) == {"rs2", "rs3"}


def test_a_failed_server_loses_new_connections_within_its_check_time_and_its_end_is_known(nat: TrafficBed) -> None:
    checked = pool(more="TCP_CHECK {\n connect_timeout 1\n}\n inhibit_on_failure")
    reloaded(nat, virtual(checked))
    nat.until(
        lambda: nat.daemons["d1"].show()["lvs"]["virtual_servers"][0]["real_servers"][0]["checkers"][0]["checked"],
        what="it was checked",
    )
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(contextlib.closing(nat.connect())) for _ in range(3)]
        before = [connection.ask() for connection in opened]
        nat.answers.die("rs1", "inet")
        # delay_loop 1, then one more attempt at once.
        took = nat.until(lambda: any("10.71.12.11:80 -m -w 0" in rule for rule in nat.table()), what="rs1 is out")
        assert took < 1 + 2, "and two seconds for a busy machine"
        assert [connection.ask() for connection in opened] == before, "inhibited, its connections live on"
        assert set(nat.asked(6)) == {"rs2", "rs3"}
    nat.answers.serve(nat.servers["rs1"], "inet")
    nat.until(lambda: any("10.71.12.11:80 -m -w 1" in rule for rule in nat.table()), what="rs1 is back")
    assert Counter(nat.asked(6)) == dict.fromkeys(NAMES, 2)


class Watch:
    """Looks at the services as often as it can: any moment at which one is gone or has no server is seen."""

    def __init__(self, bed: TrafficBed) -> None:
        self.looks = 0
        self.bad: list[str] = []
        with inside(bed.directors["d1"].namespace):
            self._ipvs = LinuxIpvs()
            self._ipvs.ready()
        self._open = True
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while self._open:
            self.looks += 1
            held = self._ipvs.table([KEY]).get(KEY)
            if held is None:
                self.bad.append("no service")
            elif not held[1]:
                self.bad.append("no server")

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._ipvs.close()


def test_no_reload_makes_a_service_vanish_or_ends_a_connection(nat: TrafficBed) -> None:
    reloaded(nat, virtual(pool()))
    with contextlib.closing(nat.connect()) as connection:
        who = connection.ask()
        with contextlib.closing(Watch(nat)) as watch:
            for conf in (
                virtual(pool()),
                virtual(pool(), scheduler="wrr"),
                virtual(pool(weights=(5, 5, 5)), scheduler="wrr"),
                virtual(pool()) + virtual(pool(family="inet6"), family="inet6"),
                "\n" + virtual(pool(), more="quorum 2"),
            ):
                reloaded(nat, conf)
                assert connection.ask() == who
                assert "-" not in nat.asked(3)
        assert watch.looks > 20
        assert watch.bad == []


def test_a_checkers_worker_that_is_killed_is_not_noticed_by_clients(nat: TrafficBed) -> None:
    daemon = nat.daemons["d1"]
    pid_file = daemon.conf.with_suffix(".checkers.pid")

    def has(server: str) -> bool:
        return any(server in rule for rule in nat.table())

    reloaded(nat, virtual(pool(more="TCP_CHECK {\n connect_timeout 1\n}\n")))
    nat.answers.die("rs1", "inet")
    nat.until(lambda: not has(private("rs1")), what="rs1 is out")
    with contextlib.closing(nat.connect()) as connection, contextlib.closing(Watch(nat)) as watch:
        who = connection.ask()
        before, worker = nat.table(), pid_file.read_text()
        os.kill(int(worker), signal.SIGKILL)
        nat.until(lambda: pid_file.exists() and pid_file.read_text() not in ("", worker), what="another one is there")
        (service,) = daemon.show()["lvs"]["virtual_servers"]
        assert [server["alive"] for server in service["real_servers"]] == [False, True, True]
        assert nat.table() == before
        nat.answers.serve(nat.servers["rs1"], "inet")
        nat.until(lambda: has(private("rs1")), what="the other one checks")
        assert connection.ask() == who
        assert "-" not in nat.asked(6)
    assert watch.looks > 20
    assert watch.bad == []


@pytest.mark.parametrize("damage", ["cut", "prose", "include"])
def test_a_damaged_file_changes_nothing(nat: TrafficBed, damage: str) -> None:
    good = virtual(pool()) + virtual(pool(family="inet6"), family="inet6")
    reloaded(nat, good)
    before = nat.table()
    damaged = {
        "cut": good[: len(good) // 2],
        "prose": "Dear colleague,\nthis { is no configuration.\n" + good,
        "include": "includer /nowhere/at/all.conf\n" + good,
    }[damage]
    with contextlib.closing(nat.connect()) as connection:
        who = connection.ask()
        reloaded(nat, damaged)
        assert nat.table() == before
        assert connection.ask() == who
    assert "the running configuration stays" in nat.daemons["d1"].log()


def test_what_others_do_to_our_services_is_told_and_undone_and_theirs_are_left_alone(nat: TrafficBed) -> None:
    reloaded(nat, virtual(pool()))
    wanted = sorted(nat.table())
    run = nat.directors["d1"].run
    run("ipvsadm", "-A", "-t", "10.77.0.9:81", "-s", "lc")
    run("ipvsadm", "-E", "-t", f"{VIP}:{PORT}", "-s", "wlc")
    run("ipvsadm", "-d", "-t", f"{VIP}:{PORT}", "-r", f"{private('rs1')}:{PORT}")
    run("ipvsadm", "-a", "-t", f"{VIP}:{PORT}", "-r", "10.71.12.99:80", "-m")
    (service,) = nat.daemons["d1"].show()["lvs"]["virtual_servers"]
    assert {(d["destination"], d["wanted"], d["present"]) for d in service["drift"]} <= {
        (None, "rr", "wlc"),
        (f"{private('rs1')}:{PORT}", "NAT weight 1", None),
        ("10.71.12.99:80", None, "NAT weight 1"),
    }
    theirs = "-A -t 10.77.0.9:81 -s lc"
    nat.until(lambda: sorted(nat.table()) == sorted([*wanted, theirs]), within=20, what="it is as it was")
    assert "IPVS was changed by somebody else: TCP 10.77.0.1:80 is wlc, not rr" in nat.daemons["d1"].log()
    run("ipvsadm", "-D", "-t", "10.77.0.9:81")


def test_a_group_of_addresses_and_a_mark_share_a_pool(nat: TrafficBed) -> None:
    director = nat.directors["d1"]
    for address in ("10.77.0.5", "10.77.0.6", "10.77.0.7"):
        director.add_address("eth0", f"{address}/32")
    # What comes to .7 gets the mark.
    director.run("tc", "qdisc", "add", "dev", "eth0", "ingress")
    director.run(
        *[
            "tc",
            "filter",
            "add",
            "dev",
            "eth0",
            "ingress",
            "protocol",
            "ip",
            "u32",
            "match",
            "ip",
            "dst",
            "10.77.0.7/32",
            "action",
            "skbedit",
            "mark",
            "7",
        ]
    )
    group = "virtual_server_group G {\n 10.77.0.5-6 80\n fwmark 7\n}\n"
    one = virtual(pool()).replace(f"virtual_server {VIP} {PORT}", "virtual_server group G")
    reloaded(nat, group + one)
    assert [rule for rule in nat.table() if rule.startswith("-A")] == [
        "-A -t 10.77.0.5:80 -s rr",
        "-A -t 10.77.0.6:80 -s rr",
        "-A -f 7 -s rr",
    ]
    for address in ("10.77.0.5", "10.77.0.6", "10.77.0.7"):
        assert Counter(nat.asked(3, address=address)) == dict.fromkeys(NAMES, 1), (address, nat.play())
    with contextlib.closing(nat.connect(address="10.77.0.6")) as connection:
        who = connection.ask()
        reloaded(nat, group.replace("5-6", "6-7") + one)
        assert "-A -t 10.77.0.5:80 -s rr" not in nat.table()
        assert connection.ask() == who


def test_timeouts_and_both_synchronisation_daemons_last_as_long_as_the_daemon(bed: TrafficBed) -> None:
    director = bed.directors["d1"]
    with inside(director.namespace):
        ipvs = LinuxIpvs()
        ipvs.ready()
    before = ipvs.settings()
    daemon = bed.start(
        "global_defs {\n lvs_timeouts tcp 77 udp 33\n"
        " lvs_sync_daemon eth1 id 5 maxlen 1200 port 9999 ttl 3 group 224.0.0.99\n}\n" + virtual(pool())
    )
    bed.until(lambda: len(ipvs.settings().daemons) == 2, what="both run")
    during = ipvs.settings()
    assert (during.timeouts.tcp, during.timeouts.tcpfin, during.timeouts.udp) == (77, before.timeouts.tcpfin, 33)
    said = director.run("ipvsadm", "-L", "--daemon")
    for role in ("master", "backup"):
        assert f"{role} sync daemon (mcast=eth1, syncid=5, maxlen=1200, group=224.0.0.99, port=9999, ttl=3)" in said
    assert daemon.stop() == 0
    assert ipvs.settings() == before
    ipvs.close()
    del bed.daemons["d1"]


def test_established_connections_survive_a_failover(tmp_path: Path) -> None:
    def conf(priority: int) -> str:
        return (
            "global_defs {\n lvs_sync_daemon eth1 inst VI\n}\n"
            "vrrp_instance VI {\n version 3\n interface eth0\n virtual_router_id 5\n advert_int 0.1\n"
            f" priority {priority}\n virtual_ipaddress {{\n  {VIP}/24\n }}\n}}\n"
            + virtual(pool(method="DR"), method="DR")
        )

    with contextlib.closing(TrafficBed(tmp_path, directors=2)) as bed:
        bed.answer_through("DR")
        for director in bed.directors.values():
            director.run("sysctl", "-qw", "net.ipv4.vs.sync_threshold=1 3", "net.ipv4.vs.sync_refresh_period=0")
        bed.start(conf(150), "d1")
        bed.until(lambda: bed.directors["d1"].holds(VIP), what="d1 is master")
        bed.start(conf(100), "d2")
        bed.until(lambda: "backup sync" in bed.directors["d2"].run("ipvsadm", "-L", "--daemon"), what="d2 listens")
        assert "master sync daemon (mcast=eth1, syncid=5" in bed.directors["d1"].run("ipvsadm", "-L", "--daemon")
        bed.until(lambda: len(bed.table("d2")) == 4, what="d2's table is filled")
        with contextlib.closing(bed.connect()) as connection:
            who = connection.ask()
            # Told after some packets, in a message that leaves within two seconds.
            bed.until(
                lambda: connection.ask() == who and "ESTABLISHED" in bed.directors["d2"].run("ipvsadm", "-Lnc"),
                what="d2 knows of the connection",
            )
            for device in ("eth0", "eth1"):
                bed.net.set_cable(bed.directors["d1"], device, up=False)
            bed.until(lambda: bed.directors["d2"].holds(VIP), what="d2 takes over")
            assert [connection.ask() for _ in range(3)] == [who] * 3
            bed.until(
                lambda: "master sync" in bed.directors["d2"].run("ipvsadm", "-L", "--daemon"), what="d2 tells its peers"
            )
            assert "backup sync" not in bed.directors["d2"].run("ipvsadm", "-L", "--daemon")
        assert "-" not in bed.asked(3)
