"""What others change in IPVS is seen and put right; time-outs and synchronisation daemons are set and restored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyvrrp.core.lvs.actions import ApplyTable, ReadTable
from pyvrrp.core.lvs.audit import PERIOD, RATE, SLICE, Audit
from pyvrrp.core.lvs.events import IpvsFailed, IpvsRefused, Refusal, StopRequested, TableRead, TimePassed
from pyvrrp.core.lvs.ipvs_settings import SetTimeouts, Settings, StartSync, StopSync, SyncRole
from pyvrrp.core.lvs.ipvs_table import AddDestination, Destination, RemoveDestination, SetDestination, SetService, Table
from pyvrrp.model.config import Config
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.globals import IpvsGlobals, IpvsTimeouts, SyncDaemon
from pyvrrp.model.lvs import ServiceKey
from pyvrrp.units import SECOND
from tests.unit.lvs.samples import RS1, RS2, RS3, VIP, Play, config, real_server, virtual_server

SERVED = virtual_server(real_server(RS1, checks=0), real_server(RS2, checks=0))
BEFORE = IpvsTimeouts(tcp=900, tcpfin=120, udp=300)


def audited(play: Play) -> tuple[ServiceKey, ...]:
    """Let time pass until the audit asks for some services."""
    deadline = play.balancer.deadline()
    assert deadline is not None
    play.at = deadline
    (read,) = play.told(TimePassed(play.at))
    assert isinstance(read, ReadTable)
    assert read.keys is not None
    return read.keys


def changed(play: Play, *, without: tuple[Endpoint, ...] = (), **settings: Any) -> Table:
    """The wanted table, changed by somebody else."""
    service, pool = play.balancer.wanted()[VIP]
    return {VIP: (replace(service, **settings), {at: one for at, one in pool.items() if at not in without})}


def test_the_audit_finds_what_others_changed_and_puts_it_right() -> None:
    play = Play(config(SERVED), table={})
    keys = audited(play)
    assert keys == (VIP,)
    service, pool = play.balancer.wanted()[VIP]
    stranger = replace(pool[RS1], endpoint=RS3)
    theirs = {RS1: replace(pool[RS1], weight=9), RS3: stranger}
    play.told(TableRead(play.at, {VIP: (replace(service, scheduler="wlc"), theirs)}, keys=keys))
    assert play.operations == [
        SetService(service),
        AddDestination(VIP, pool[RS2]),
        SetDestination(VIP, pool[RS1]),
        RemoveDestination(VIP, RS3),
    ]
    assert play.logs == [
        "IPVS was changed by somebody else: TCP 192.0.2.10:80 is wlc, not rr",
        "IPVS was changed by somebody else: TCP 192.0.2.10:80 -> 10.0.0.1:80 is NAT weight 9, not NAT weight 1",
        "IPVS was changed by somebody else: TCP 192.0.2.10:80 -> 10.0.0.2:80 (NAT weight 1) is missing",
        "IPVS was changed by somebody else: TCP 192.0.2.10:80 -> 10.0.0.3:80 (NAT weight 1) does not belong there",
        "IPVS did not hold what we put there: 4 corrections",
    ]


def test_the_audit_is_silent_where_all_is_well_and_goes_on() -> None:
    play = Play(config(SERVED), table={})
    for _ in range(3):
        before = play.at
        keys = audited(play)
        assert play.at - before == PERIOD
        assert play.told(TableRead(play.at, play.balancer.wanted(), keys=keys)) == []


def test_while_ipvs_refuses_something_the_audit_leaves_it_to_the_next_try() -> None:
    play = Play(config(SERVED), table={})
    refusal = Refusal(AddDestination(VIP, play.balancer.wanted()[VIP][1][RS1]), "add destination: refused")
    play.told(IpvsRefused(play.at, (refusal,)))
    play.told(TableRead(play.at, changed(play, without=(RS1,))))
    play.told(IpvsRefused(play.at, (refusal,)))
    assert play.balancer.deadline() == play.at + 30 * SECOND
    assert play.told(TimePassed(play.at + 30 * SECOND)) == [ReadTable()]


def test_without_ipvs_nothing_is_audited() -> None:
    play = Play(config(SERVED), table={})
    play.told(IpvsFailed(play.at, "read the IPVS table: gone"))
    assert play.told(TimePassed(play.at + PERIOD)) == []


def test_an_audit_of_many_goes_round_in_slices_no_faster_than_allowed() -> None:
    audit = Audit()
    keys = [ServiceKey(2, None, None, number) for number in range(1, 5001)]
    audit.begin(0, dict.fromkeys(keys, 9))
    seen: list[ServiceKey] = []
    at = 0
    while len(seen) < len(keys):
        assert audit.due is not None
        at = audit.due
        slice_ = audit.slice(at)
        assert 0 < len(slice_) * 9 <= SLICE
        seen += slice_
    assert seen == keys
    assert at >= len(keys) * 9 * SECOND // RATE - SECOND
    assert audit.slice(at)[0] == keys[0]


def test_a_large_service_is_a_slice_of_its_own() -> None:
    audit = Audit()
    small, large = ServiceKey(2, None, None, 1), ServiceKey(2, None, None, 2)
    audit.begin(0, {small: 10, large: 20_000})
    assert audit.slice(0) == (small,)
    assert audit.slice(0) == (large,)
    assert audit.due == 40 * SECOND


# Time-outs and synchronisation daemons


def with_ipvs(**settings: Any) -> Config:
    return config(SERVED, ipvs=IpvsGlobals(**settings))


def test_timeouts_are_set_and_restored_at_stop() -> None:
    play = Play(with_ipvs(lvs_timeouts=IpvsTimeouts(tcp=60, udp=300)))
    play.told(TableRead(play.at, {}, Settings(timeouts=BEFORE)))
    assert play.operations[-1] == SetTimeouts(IpvsTimeouts(tcp=60))
    play.told(StopRequested(play.at))
    assert play.operations[-1] == SetTimeouts(BEFORE)


def test_a_reload_without_timeouts_brings_the_old_ones_back() -> None:
    play = Play(with_ipvs(lvs_timeouts=IpvsTimeouts(tcp=60)))
    play.told(TableRead(play.at, {}, Settings(timeouts=BEFORE)))
    play.reload(config(SERVED))
    play.told(TableRead(play.at, play.balancer.wanted(), Settings(timeouts=replace(BEFORE, tcp=60))))
    assert play.operations == [SetTimeouts(IpvsTimeouts(tcp=900))]
    play.told(StopRequested(play.at))
    assert not any(isinstance(operation, SetTimeouts) for operation in play.operations)


def test_a_successor_knows_the_timeouts_from_before_its_predecessor() -> None:
    configuration = with_ipvs(lvs_timeouts=IpvsTimeouts(tcp=60))
    first = Play(configuration)
    first.told(TableRead(first.at, {}, Settings(timeouts=BEFORE)))
    second = Play(configuration, previous=first.balancer.snapshot(None))
    second.told(TableRead(second.at, first.balancer.wanted(), Settings(timeouts=replace(BEFORE, tcp=60))))
    assert second.operations == []
    second.told(StopRequested(second.at))
    assert second.operations[-1] == SetTimeouts(BEFORE)


def test_both_synchronisation_daemons_run_from_start_to_stop() -> None:
    sync = SyncDaemon(interface="eth1", id=7)
    play = Play(with_ipvs(lvs_sync_daemon=sync))
    stray = SyncDaemon(interface="eth9", id=0)
    play.told(TableRead(play.at, {}, Settings(daemons={SyncRole.BACKUP: stray})))
    assert play.operations[-3:] == [
        StopSync(SyncRole.BACKUP),
        StartSync(SyncRole.MASTER, sync),
        StartSync(SyncRole.BACKUP, sync),
    ]
    running = {role: replace(sync, maxlen=1472, port=8848, ttl=1) for role in SyncRole}
    play.reload(with_ipvs(lvs_sync_daemon=sync))
    play.told(TableRead(play.at, play.balancer.wanted(), Settings(daemons=running)))
    assert play.actions == []
    play.told(StopRequested(play.at))
    assert play.operations[-2:] == [StopSync(SyncRole.MASTER), StopSync(SyncRole.BACKUP)]


def test_a_daemon_that_follows_an_instance_or_is_not_ours_is_left_alone() -> None:
    running = {SyncRole.MASTER: SyncDaemon(interface="eth1", id=0)}
    for sync in (SyncDaemon(interface="eth1", instance="VI_1"), None):
        play = Play(with_ipvs(lvs_sync_daemon=sync))
        play.told(TableRead(play.at, {}, Settings(daemons=running)))
        play.told(StopRequested(play.at))
        assert not any(isinstance(operation, (StartSync, StopSync)) for operation in play.operations)


def test_a_reload_without_the_daemon_stops_it() -> None:
    sync = SyncDaemon(interface="eth1")
    play = Play(with_ipvs(lvs_sync_daemon=sync))
    play.told(TableRead(play.at, {}, Settings()))
    play.reload(config(SERVED))
    running = {role: replace(sync, id=0) for role in SyncRole}
    play.told(TableRead(play.at, play.balancer.wanted(), Settings(daemons=running)))
    assert play.operations == [StopSync(SyncRole.MASTER), StopSync(SyncRole.BACKUP)]


def test_what_is_foreign_at_the_start_is_told_as_such() -> None:
    play = Play(config(SERVED))
    stranger = Destination(endpoint=RS3, forwarding=0, weight=1)
    service, _ = play.balancer.wanted()[VIP]
    play.told(TableRead(play.at, {VIP: (service, {RS3: stranger})}))
    assert play.logs == ["Removing destination 10.0.0.3:80 from VS [192.0.2.10]:tcp:80: it is none of its real servers"]
    assert any(isinstance(action, ApplyTable) for action in play.actions)
