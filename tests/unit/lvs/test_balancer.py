"""All virtual servers together: deadlines, IPVS coming and going, reload, adoption, stop."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pyvrrp.core.lvs.actions import (
    ApplyTable,
    CancelCheck,
    ReadTable,
    ReportIpvs,
    ReportRealServer,
    ReportVirtualServer,
    StartCheck,
)
from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.lvs.events import (
    CheckFinished,
    CheckNotStarted,
    IpvsCame,
    IpvsFailed,
    IpvsRefused,
    Refusal,
    Started,
    StopRequested,
    TableRead,
    TimePassed,
)
from pyvrrp.core.lvs.ipvs_table import (
    AddDestination,
    AddService,
    Destination,
    DestinationState,
    Flush,
    RemoveDestination,
    RemoveService,
    Service,
    ServiceState,
    SetDestination,
    SetService,
    Table,
)
from pyvrrp.core.lvs.keeper import RETRY
from pyvrrp.core.lvs.snapshot import LvsSnapshot, Traffic
from pyvrrp.model.config import FlushOnStop
from pyvrrp.model.lvs import Forwarding, Protocol, ServiceKey
from pyvrrp.observe.codec import from_json, to_json
from pyvrrp.units import SECOND
from tests.unit.lvs.samples import NAME, RS1, RS2, RS3, SORRY, VIP, Play, config, endpoint, real_server, virtual_server

PAIR = config(virtual_server(real_server(RS1), real_server(RS2)))
OTHER = ServiceKey.of(endpoint("192.0.2.11:80"), Protocol.TCP)


# Checks and their deadlines


def test_first_checks_are_spread_over_the_warmup() -> None:
    servers = [real_server(endpoint(f"10.1.{n // 250}.{n % 250 + 1}:80")) for n in range(500)]
    play = Play(config(virtual_server(*servers)))
    starts: list[int] = []
    while len(starts) < 500:
        deadline = play.balancer.deadline()
        assert deadline is not None
        starts += [deadline for action in play.told(TimePassed(deadline)) if isinstance(action, StartCheck)]
    assert starts[0] >= 101 * SECOND
    assert starts[-1] <= 105 * SECOND
    assert len(set(starts)) > 450


def test_the_same_seed_and_events_give_the_same_actions() -> None:
    assert Play(PAIR).next_check() == Play(PAIR).next_check()


def test_a_check_under_way_has_no_deadline_and_is_not_started_again() -> None:
    play = Play(config(virtual_server(real_server(RS1))))
    check = play.next_check()
    assert play.balancer.deadline() is None
    assert play.told(TimePassed(play.at + 3600 * SECOND)) == []
    play.told(CheckFinished(play.at, check.id, None))
    assert play.balancer.deadline() == play.at + 6 * SECOND


def test_nothing_happens_before_the_deadline() -> None:
    play = Play(PAIR)
    deadline = play.balancer.deadline()
    assert deadline is not None
    assert play.told(TimePassed(deadline - 1)) == []


def test_a_check_that_could_not_be_made_changes_nothing() -> None:
    play = Play(config(virtual_server(real_server(RS1))), table={})
    check = play.next_check()
    play.told(CheckNotStarted(play.at, check.id, "cannot bind to 10.9.9.9:0"))
    assert play.logs == ["TCP connection to [10.0.0.1]:tcp:80 cannot be checked: cannot bind to 10.9.9.9:0"]
    assert play.weights == {"10.0.0.1:80": 1}
    before = play.at
    play.next_check()
    assert play.at == before + 6 * SECOND


@pytest.mark.parametrize("event", [CheckFinished(1, 99, "refused"), CheckNotStarted(1, 99, "no")])
def test_a_result_nobody_waits_for(event: CheckFinished | CheckNotStarted) -> None:
    assert Play(PAIR).told(event) == []


# IPVS


def test_the_table_is_read_first_and_then_filled() -> None:
    play = Play(PAIR)
    assert play.actions[-1] == ReadTable()
    assert play.operations == []
    play.told(TableRead(play.at, {}))
    assert [type(operation) for operation in play.operations] == [AddService, AddDestination, AddDestination]
    assert play.balancer.ready


def test_without_virtual_servers_ipvs_is_not_touched() -> None:
    assert Play(config()).actions == []


def test_a_table_left_behind_is_corrected_and_strangers_are_left_alone() -> None:
    play = Play(PAIR)
    left: Table = {
        VIP: (
            Service(key=VIP, scheduler="lc"),
            {
                RS1: Destination(endpoint=RS1, forwarding=Forwarding.NAT, weight=9),
                RS3: Destination(endpoint=RS3, forwarding=Forwarding.DR, weight=1),
            },
        ),
        OTHER: (Service(key=OTHER, scheduler="lc"), {}),
    }
    play.told(TableRead(play.at, left))
    assert [type(operation) for operation in play.operations] == [
        SetService,
        AddDestination,
        SetDestination,
        RemoveDestination,
    ]
    assert play.logs == [
        f"VS {NAME} is in IPVS already with other settings: changing them",
        f"Removing destination 10.0.0.3:80 from VS {NAME}: it is none of its real servers",
    ]


def test_lvs_flush_empties_the_table_once_at_start() -> None:
    left: Table = {OTHER: (Service(key=OTHER, scheduler="lc"), {})}
    play = Play(replace(PAIR, global_defs=replace(PAIR.global_defs, lvs_flush=True)), table=left)
    assert [type(operation) for operation in play.operations][:2] == [Flush, AddService]
    play.told(TableRead(play.at, play.balancer.wanted()))
    assert play.operations == []


def test_without_ipvs_nothing_is_tried_until_it_comes() -> None:
    play = Play(PAIR)
    first, *_ = sorted(due for due, _ in play.balancer._due)
    play.told(IpvsFailed(play.at, "initialize ipvs: this kernel has no IPVS", absent=True))
    assert "NOTHING IS BALANCED" in play.logs[1]
    assert play.balancer.deadline() == first  # a check
    assert play.told(TimePassed(first - 1)) == []
    assert play.told(IpvsCame(first - 1)) == [ReadTable()]
    play.told(TableRead(first - 1, {}))
    assert [type(operation) for operation in play.operations] == [AddService, AddDestination, AddDestination]
    # It was our own looking that loaded it: all is there.
    assert play.told(IpvsCame(first - 1)) == []
    play.told(IpvsFailed(first - 1, "use ipvs: its module was unloaded", absent=True))
    assert play.logs[0] == "IPVS: Can't use ipvs: its module was unloaded"
    assert play.balancer.deadline() == first


def test_where_nothing_is_to_be_balanced_nobody_hears_of_ipvs() -> None:
    play = Play(config())
    assert play.told(IpvsFailed(play.at, "use ipvs: its module was unloaded", absent=True)) == []
    assert play.told(IpvsCame(play.at)) == []


def test_without_ipvs_checks_go_on_and_what_is_not_mere_absence_is_tried_again() -> None:
    play = Play(PAIR)
    start = play.at
    play.told(IpvsFailed(play.at, "initialize ipvs: this kernel has no IPVS"))
    assert play.logs[0] == "IPVS: Can't initialize ipvs: this kernel has no IPVS"
    assert ReportIpvs("Can't initialize ipvs: this kernel has no IPVS") in play.actions
    play.take_down(RS1)
    assert not any(isinstance(action, ApplyTable) for action in play.actions)
    assert ReadTable() in play.told(TimePassed(start + RETRY))
    assert play.told(IpvsFailed(start + RETRY, "initialize ipvs: this kernel has no IPVS")) == []
    play.told(TableRead(start + 2 * RETRY, {}))
    assert play.logs == ["IPVS is there now"]
    assert ReportIpvs(None) in play.actions
    assert [type(operation) for operation in play.operations] == [AddService, AddDestination]
    assert play.balancer.snapshot(None).ipvs_problem is None


def test_a_refusal_is_told_once_and_the_table_is_read_at_once_and_then_every_30_seconds() -> None:
    play = Play(PAIR, table={})
    refused = play.operations[1]
    refusal = IpvsRefused(play.at, (Refusal(refused, "add destination: weight or thresholds out of range"),))
    present = {VIP: (Service(key=VIP, scheduler="rr"), {RS2: play.balancer.wanted()[VIP][1][RS2]})}

    assert play.told(refusal)[-1] == ReadTable()
    assert play.logs == ["IPVS: add destination: weight or thresholds out of range"]
    play.told(TableRead(play.at, present))
    assert (play.logs, play.operations) == ([], [refused])
    assert play.told(refusal) == []

    assert ReadTable() in play.told(TimePassed(play.at + RETRY))
    play.told(TableRead(play.at + RETRY, play.balancer.wanted()))
    assert play.logs == ["IPVS holds all that it should again"]
    assert ReadTable() not in play.told(TimePassed(play.at + 9 * RETRY))


# Reload


def test_an_unchanged_reload_disturbs_nothing() -> None:
    play = Play(PAIR, table={})
    play.take_down(RS1)
    deadline = play.balancer.deadline()
    assert play.reload(PAIR) == [ReadTable()]
    assert play.balancer.deadline() == deadline
    play.told(TableRead(play.at, play.balancer.wanted()))
    assert play.actions == []
    assert play.weights == {"10.0.0.2:80": 1}


def test_a_reload_repairs_what_somebody_else_changed() -> None:
    play = Play(PAIR, table={})
    play.reload(PAIR)
    play.told(TableRead(play.at, {}))
    assert len(play.operations) == 3
    assert play.logs == [
        "IPVS was changed by somebody else: TCP 192.0.2.10:80 (rr) is missing",
        "IPVS did not hold what we put there: 3 corrections",
    ]


def test_scheduler_and_weight_are_edited_in_place() -> None:
    play = Play(PAIR, table={})
    changed = replace(virtual_server(real_server(RS1, weight=5), real_server(RS2)), scheduler="wrr")
    play.reload(config(changed))
    assert play.logs == [f"Changing weight from 1 to 5 for active service [10.0.0.1]:tcp:80 of VS {NAME}"]
    assert [type(operation) for operation in play.operations] == [SetService, SetDestination]


def test_a_weight_alone_may_cost_the_quorum() -> None:
    play = Play(config(virtual_server(real_server(RS1, weight=3), quorum=3)), table={})
    play.reload(config(virtual_server(real_server(RS1, weight=2), quorum=3)))
    assert ReportVirtualServer(VIP, False) in play.actions


def test_a_real_server_that_is_taken_out_and_one_that_is_put_in() -> None:
    play = Play(PAIR, table={})
    check = play.next_check(RS1)
    play.reload(config(virtual_server(real_server(RS2), real_server(RS3))))
    assert f"service [10.0.0.1]:tcp:80 no longer exist in VS {NAME}" in play.logs
    assert ReportRealServer(VIP, RS1, False) in play.actions
    assert CancelCheck(check.id) in play.actions
    assert [type(operation) for operation in play.operations] == [AddDestination, RemoveDestination]
    assert play.told(CheckFinished(play.at, check.id, "refused")) == []
    play.take_down(RS3)


def test_a_virtual_server_that_is_taken_out_and_one_that_is_put_in() -> None:
    play = Play(PAIR, table={})
    play.reload(config(virtual_server(real_server(RS1), key=OTHER)))
    assert f"Removing Virtual Server {NAME}" in play.logs
    assert {ReportRealServer(VIP, RS1, False), ReportVirtualServer(VIP, False)} <= set(play.actions)
    assert [type(operation) for operation in play.operations] == [AddService, AddDestination, RemoveService]
    assert list(play.balancer.wanted()) == [OTHER]


def test_a_service_whose_removal_was_refused_is_removed_later() -> None:
    play = Play(PAIR, table={})
    held = play.balancer.wanted()[VIP]
    play.reload(config())
    play.told(TableRead(play.at, {VIP: held}))
    assert play.operations == [RemoveService(VIP)]
    play.told(IpvsRefused(play.at, (Refusal(RemoveService(VIP), "no"),)))
    play.told(TableRead(play.at, {VIP: held}))
    assert play.operations == [RemoveService(VIP)]


def test_a_sorry_server_that_is_exchanged_while_in_use() -> None:
    play = Play(config(virtual_server(real_server(RS1), sorry_server=SORRY)), table={})
    play.take_down(RS1)
    other = replace(SORRY, endpoint=endpoint("10.0.0.8:80"))
    play.reload(config(virtual_server(real_server(RS1), sorry_server=other)))
    assert play.weights == {"10.0.0.8:80": 1}
    assert [type(operation) for operation in play.operations] == [AddDestination, RemoveDestination]
    play.reload(config(virtual_server(real_server(RS1))))
    assert play.weights == {}


def test_inhibit_that_is_switched_on_and_off_while_the_server_is_down() -> None:
    play = Play(PAIR, table={})
    play.take_down(RS1)
    play.reload(config(virtual_server(real_server(RS1, inhibit_on_failure=True), real_server(RS2))))
    assert play.weights == {"10.0.0.2:80": 1, "10.0.0.1:80": 0}
    play.reload(PAIR)
    assert play.weights == {"10.0.0.2:80": 1}


def test_a_virtual_server_without_real_servers_and_a_second_one_of_the_same_identity_are_ignored() -> None:
    first, second = virtual_server(real_server(RS1)), virtual_server(real_server(RS2))
    play = Play(config(first, second, virtual_server(key=OTHER)), table={})
    assert list(play.balancer.wanted()) == [VIP]
    assert play.weights == {"10.0.0.1:80": 1}


# Adoption, stop, snapshot


def test_a_successor_carries_on_with_the_states_it_is_told() -> None:
    play = Play(PAIR, table={})
    play.take_down(RS1)
    told = from_json(LvsSnapshot, json.loads(json.dumps(to_json(play.balancer.snapshot(None)))))
    successor = Play(PAIR, previous=told)
    assert successor.weights == {"10.0.0.2:80": 1}
    assert not any("quorum" in text for text in successor.logs)
    assert successor.told(TableRead(0, play.balancer.wanted())) == []
    since = {server.address: server.since for server in told.virtual_servers[0].real_servers}
    now = successor.balancer.snapshot(None).virtual_servers[0].real_servers[0]
    assert (now.alive, now.since) == (False, since["10.0.0.1:80"])


def test_a_successor_does_not_flush() -> None:
    flushing = replace(PAIR, global_defs=replace(PAIR.global_defs, lvs_flush=True))
    told = Play(flushing, table={}).balancer.snapshot(None)
    assert not any(isinstance(op, Flush) for op in Play(flushing, previous=told, table={}).operations)


@pytest.mark.parametrize("how", [FlushOnStop.NO, FlushOnStop.SERVICES])
def test_a_stop_takes_our_services_away_and_cancels_what_is_under_way(how: FlushOnStop) -> None:
    play = Play(replace(PAIR, global_defs=replace(PAIR.global_defs, lvs_flush_on_stop=how)), table={})
    check = play.next_check(RS1)
    play.told(StopRequested(play.at))
    assert play.operations == [RemoveService(VIP)]
    assert CancelCheck(check.id) in play.actions
    assert (f"Shutting down service [10.0.0.2]:tcp:80 from VS {NAME}" in play.logs) == (how is FlushOnStop.NO)
    assert play.balancer.deadline() is None
    assert play.told(CheckFinished(play.at, check.id, "refused")) == []


def test_a_stop_may_empty_the_whole_table() -> None:
    play = Play(replace(PAIR, global_defs=replace(PAIR.global_defs, lvs_flush_on_stop=FlushOnStop.ALL)), table={})
    play.told(StopRequested(play.at))
    assert play.operations == [Flush()]


def test_a_stop_may_leave_everything() -> None:
    play = Play(PAIR, table={})
    assert play.told(StopRequested(play.at, release=False)) == []


def test_a_stop_without_ipvs_sends_nothing() -> None:
    play = Play(PAIR)
    play.told(IpvsFailed(play.at, "initialize ipvs: no"))
    play.told(StopRequested(play.at))
    assert play.operations == []


def test_what_a_stop_could_not_remove_is_said() -> None:
    play = Play(PAIR, table={})
    play.told(StopRequested(play.at))
    play.told(IpvsRefused(play.at, (Refusal(RemoveService(VIP), f"remove service {NAME}: no"),)))
    assert play.logs == [f"IPVS: left behind: remove service {NAME}: no"]
    play.told(IpvsFailed(play.at, "netlink: no"))
    assert play.logs == ["IPVS: our services are left behind: can't netlink: no"]


def test_the_snapshot_joins_what_we_know_and_what_the_kernel_counts() -> None:
    play = Play(config(virtual_server(real_server(RS1), real_server(RS2), sorry_server=SORRY)), table={})
    play.take_down(RS2)
    counted = Traffic(connections=3, in_packets=10, out_packets=9, in_bytes=1000, out_bytes=9000)
    service, pool = play.balancer.wanted()[VIP]
    kernel = {
        VIP: (
            ServiceState(service=service, traffic=counted),
            {
                RS1: DestinationState(
                    destination=pool[RS1], active_connections=2, inactive_connections=1, traffic=counted
                )
            },
        )
    }
    (virtual,) = play.balancer.snapshot(kernel).virtual_servers
    assert (virtual.name, virtual.address, virtual.protocol, virtual.scheduler) == (NAME, "192.0.2.10:80", "TCP", "rr")
    assert (virtual.in_kernel, virtual.traffic, virtual.quorum_up) == (True, counted, True)
    one, two, sorry = virtual.real_servers
    assert (one.alive, one.in_pool, one.in_kernel, one.active_connections) == (True, True, True, 2)
    assert (one.inactive_connections, one.traffic, one.forwarding) == (1, counted, "NAT")
    assert (two.alive, two.in_pool, two.in_kernel, two.traffic) == (False, False, False, None)
    assert two.checkers[0].last_error == "connection refused"
    assert (sorry.sorry, sorry.in_pool, sorry.in_kernel) == (True, False, False)
    assert play.balancer.snapshot(None).virtual_servers[0].in_kernel is None


def test_forty_thousand_checkers_are_no_burden_to_the_deadline() -> None:
    servers = [real_server(endpoint(f"10.{n // 250 // 250}.{n // 250 % 250}.{n % 250 + 1}:80")) for n in range(40_000)]
    balancer = Balancer(1)
    balancer.handle(Started(0, config(virtual_server(*servers))))
    checks: dict[int, int] = {}
    while len(checks) < 40_000:
        deadline = balancer.deadline()
        assert deadline is not None
        for action in balancer.handle(TimePassed(deadline)):
            assert isinstance(action, StartCheck)
            checks[action.id] = deadline
    # All servers of one pool die one by one: linear work, or this test does not end.
    for check in checks:
        balancer.handle(CheckFinished(6 * SECOND, check, "refused"))
    assert balancer.wanted()[VIP][1] == {}
