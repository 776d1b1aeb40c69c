"""The reference configuration does its job: failover and balancing under traffic, step by step, on one bed.

The steps build on one another, as a day in the life of two directors does. Times that the protocol promises are
asserted with room for a busy machine; what was measured is said (pytest -rP). PYVRRP_CONTROL=1 plays it with
keepalived too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.kernel.bed import NOBODY, PORT, RATE, SERVERS, VIP, Bed, reference
from tests.topology.daemons import KEEPALIVED, OURS

pytestmark = [pytest.mark.uml, pytest.mark.root]
COST = 7

PROGRAMS = [OURS, KEEPALIVED] if os.environ.get("PYVRRP_CONTROL") else [OURS]
MASTER_DOWN = 3 + 156 / 256
"""Seconds, for priority 100 and an advertisement a second."""
FULL = dict.fromkeys(SERVERS.values(), 100)


@pytest.fixture(scope="module", params=PROGRAMS)
def bed(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Bed]:
    stage = Bed(tmp_path_factory.mktemp(request.param), request.param)
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture
def settled(bed: Bed) -> Bed:
    """Both directors run, one is master, both pools are full, the client is served."""
    assert sorted(bed.daemons) == ["d1", "d2"]
    bed.until(lambda: len(bed.holders()) == 1, within=10, what="one master")
    bed.until(lambda: bed.pool("d1") == bed.pool("d2") == FULL, within=40, what="both pools are full")
    bed.until_flowing(0)
    return bed


def test_election(bed: Bed) -> None:
    bed.start("d1")
    took = bed.until(lambda: bed.holders() == ["d1"], within=MASTER_DOWN + 8, what="d1 takes the VIP")
    bed.say(f"d1 is master {took:.2f} s after its start ({MASTER_DOWN:.2f} s by the protocol)")
    # One after the other: their skews differ by 0.04 s only, and nopreempt leaves it with the first.
    bed.start("d2")
    bed.until(lambda: "Entering BACKUP STATE" in bed.daemons["d2"].log(), within=15, what="d2 listens")
    end = time.monotonic() + 1.2 * MASTER_DOWN
    bed.until(lambda: time.monotonic() > end or bed.holders() != ["d1"], within=10, what="time passes")
    assert bed.master() == "d1"


def test_both_pools_fill(bed: Bed) -> None:
    bed.until(lambda: bed.pool("d1") == bed.pool("d2") == FULL, within=30, what="both pools are full")


def test_connections_are_spread_evenly(settled: Bed) -> None:
    answers = settled.until_answers(3 * RATE, time.monotonic())
    settled.say(str({name: answers.count(name) for name in sorted(set(answers))}))
    assert NOBODY not in answers
    assert abs(answers.count("rs1") - answers.count("rs2")) <= 4
    assert len(answers) == answers.count("rs1") + answers.count("rs2")


def test_a_lost_bond_slave_changes_nothing(settled: Bed) -> None:
    bed = settled
    master = bed.master()
    slave = bed.active_slave(master)
    lost = bed.set_cables(master, [slave], up=False)
    bed.until(lambda: bed.active_slave(master) != slave, within=3, what="the bond goes over to its other slave")
    bed.until_answers(2 * RATE, time.monotonic())
    assert bed.master() == master
    outage = bed.outage(lost)
    bed.say(str(outage))
    assert outage.gap < 2
    bed.set_cables(master, [slave], up=True)


def test_a_dead_real_server_leaves_both_pools(settled: Bed) -> None:
    bed = settled
    bed.kill_server("rs1")
    without = {SERVERS["rs2"]: 100}
    # delay_loop 6, then 3 retries, 3 s apart; a refused connection fails at once.
    took = bed.until(lambda: bed.pool(bed.master()) == without, within=25, what="rs1 leaves the master's pool")
    later = bed.until(lambda: bed.pool(bed.backup()) == without, within=15, what="rs1 leaves the backup's pool")
    bed.say(f"out of the master's pool after {took:.1f} s, of the backup's {later:.1f} s later")
    assert set(bed.until_answers(2 * RATE, time.monotonic())) == {"rs2"}


def test_a_healed_real_server_returns(bed: Bed) -> None:
    bed.start_server("rs1")
    took = bed.until(lambda: bed.pool("d1") == bed.pool("d2") == FULL, within=20, what="rs1 is back in both pools")
    bed.say(f"back in both pools after {took:.1f} s")
    assert set(bed.until_answers(2 * RATE, time.monotonic())) == {"rs1", "rs2"}


def test_a_reload_goes_unnoticed(settled: Bed) -> None:
    bed = settled
    master = bed.master()
    entered = bed.daemons[master].log().count("Entering MASTER STATE")
    since = time.monotonic()
    bed.daemons[master].reload()
    bed.until_answers(5 * RATE, since)
    outage = bed.outage(since)
    bed.say(str(outage))
    assert outage.failed == 0
    assert outage.gap < 1
    assert bed.master() == master
    assert bed.daemons[master].log().count("Entering MASTER STATE") == entered
    assert bed.pool(master) == FULL


def test_takeover_when_the_master_is_killed(settled: Bed) -> None:
    bed = settled
    master, backup = bed.master(), bed.backup()
    since = bed.kill(master)
    took = bed.until(lambda: backup in bed.holders(), within=MASTER_DOWN + 1.5, what=f"{backup} takes over")
    assert took > 2, "sooner than the protocol allows"
    assert bed.holders() == ["d1", "d2"], "what was killed left its VIP behind"
    bed.until_flowing(since)
    bed.say(f"{backup} is master after {took:.2f} s; {bed.outage(since)}")
    assert bed.outage(since).gap < 5

    since = bed.start(master)
    bed.until(lambda: bed.holders() == [backup], within=10, what="the VIP that was left behind is removed")
    bed.until(lambda: "Entering BACKUP STATE" in bed.daemons[master].log(), within=10, what=f"{master} listens")
    bed.until_answers(4 * RATE, time.monotonic())
    assert bed.master() == backup, "nopreempt"
    assert bed.outage(since).gap < 2


def test_takeover_when_the_master_loses_its_links(settled: Bed) -> None:
    bed = settled
    master, backup = bed.master(), bed.backup()
    since = bed.set_cables(master, up=False)
    took = bed.until(lambda: bed.holders() == [backup], within=MASTER_DOWN + 2, what=f"{backup} takes over")
    bed.until_flowing(since)
    bed.say(f"{backup} is master after {took:.2f} s; failover time at the client {bed.outage(since).gap:.2f} s")
    assert bed.outage(since).gap < 5.5

    since = bed.set_cables(master, up=True)
    bed.until_answers(5 * RATE, since)
    assert bed.master() == backup, "nopreempt"
    bed.until_flowing(0)


def test_takeover_when_the_master_stops(settled: Bed) -> None:
    bed = settled
    master, backup = bed.master(), bed.backup()
    since = time.monotonic()
    bed.daemons[master].process.terminate()
    took = bed.until(lambda: backup in bed.holders(), within=2, what=f"{backup} takes over within the skew time")
    bed.stop(master)
    assert bed.master() == backup
    assert bed.pool(master) == {}, "the pool is gone"
    bed.until_flowing(since)
    bed.say(f"{backup} is master after {took:.2f} s; {bed.outage(since)}")
    assert bed.outage(since).gap < 2.5
    bed.start(master)


def test_show_agrees_with_the_kernel(settled: Bed) -> None:
    bed = settled
    if bed.program != OURS:
        pytest.skip("keepalived has no such command")
    master = bed.master()
    before = counters(bed, master)
    picture = bed.daemons[master].show()
    after = counters(bed, master)
    (service,) = picture["lvs"]["virtual_servers"]
    assert (service["address"], service["scheduler"], service["quorum_up"]) == (f"{VIP}:{PORT}", "rr", True)
    told = {server["address"].partition(":")[0]: server for server in service["real_servers"]}
    assert {address: server["weight"] for address, server in told.items()} == FULL
    for address, server in told.items():
        assert server["alive"]
        assert server["in_kernel"]
        assert server["forwarding"].upper() in {"NAT", "MASQ"}
        assert before[address] <= server["traffic"]["connections"] <= after[address]
        assert server["traffic"]["in_bytes"] > 0
        assert server["traffic"]["out_bytes"] > 0


def counters(bed: Bed, name: str) -> dict[str, int]:
    """Connections of each real server, as ipvsadm counts them."""
    counted = {}
    for line in bed.directors[name].run("ipvsadm", "-Ln", "--stats", "--exact").splitlines():
        match line.split():
            case ["->", server, connections, *_] if connections.isdecimal():
                counted[server.partition(":")[0]] = int(connections)
    return counted


def test_without_nopreempt_the_higher_priority_takes_back(settled: Bed) -> None:
    bed = settled
    if bed.master() == "d1":
        bed.kill("d1")
        bed.until(lambda: "d2" in bed.holders(), within=MASTER_DOWN + 2, what="d2 takes over")
        bed.start("d1")
        bed.until(lambda: bed.holders() == ["d2"], within=10, what="d1 is back")
    since = time.monotonic()
    bed.daemons["d1"].reload(reference("d1").replace("nopreempt\n", ""))
    took = bed.until(lambda: bed.holders() == ["d1"], within=MASTER_DOWN + 3, what="d1 takes the VIP back")
    bed.until_flowing(since)
    bed.say(f"d1 is master after {took:.2f} s; {bed.outage(since)}")
    assert bed.master() == "d1"
    assert bed.outage(since).gap < 2
