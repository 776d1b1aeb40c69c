"""The rarer rules: two owners, stalls, delays, limits, unicast."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from pyvrrp.core.vrrp.actions import SendAdvert, SendGratuitousArps
from pyvrrp.core.vrrp.events import DatagramReceived, InterfaceChanged, Started, TimePassed
from pyvrrp.core.vrrp.reasons import Reason
from pyvrrp.core.vrrp.stats import Stats
from pyvrrp.model.config import GlobalDefs
from pyvrrp.model.globals import VrrpGlobals
from pyvrrp.model.vrrp import Authentication, AuthType, PeerTtl, UnicastChecksum
from pyvrrp.net import VRRP_GROUP4
from pyvrrp.wire.vrrp import AdvertV3, decode_v2, decode_v3, encode_v3
from tests.conformance.play import Director, director, instance, master, us, vip

PEER, OWN = IPv4Address("192.0.2.2"), IPv4Address("192.0.2.1")


# ---- two owners


def owner(address: str = "192.0.2.9") -> Director:
    d = director(instance(priority=255))
    d.address = address
    d.interfaces["eth0"] = replace(d.interfaces["eth0"], addresses=(IPv4Address(address),))
    d.start()
    assert d.state() == "MASTER"
    return d


def test_of_two_owners_the_lower_address_yields_and_says_why() -> None:
    d = owner("192.0.2.1")
    d.hear(1, 255, "192.0.2.2")
    assert d.state() == "BACKUP"
    assert any("CONFIGURATION ERROR" in line for line in d.logs)


def test_the_higher_one_gives_way_to_one_that_does_not_listen() -> None:
    d = owner()
    for second in range(1, 4):
        d.run(second + 0.4)
        d.hear(second + 0.5, 255)
        assert d.state() == "MASTER", "the other one may not have heard us yet"
    d.run(4.4)
    d.hear(5, 255)
    assert (d.state(), d.view().effective_priority) == ("BACKUP", 254)
    for second in range(6, 12):
        assert d.run(second - 0.1) == []
        d.hear(second, 255)
    lines = d.run(20)
    assert lines[0] == "14.0039 V advertises 255", "silent at last: it owns its addresses again, without a longer wait"
    assert d.view().effective_priority == 255


def test_one_that_yields_costs_the_higher_one_nothing() -> None:
    d = owner()
    d.hear(1.2, 255)
    d.run(30)
    d.hear(30.5, 255)
    d.run(60)
    assert (d.state(), d.view().effective_priority) == ("MASTER", 255)


def test_owner_ignore_adverts_spares_it_all() -> None:
    d = director(instance(priority=255, owner_ignore_adverts=True))
    d.start()
    for second in range(1, 20):
        d.run(second)
        assert d.hear(second + 0.5, 255) == []
    assert d.state() == "MASTER"
    assert d.view().last_reject == "we are the address owner (priority 255), from 192.0.2.2"


# ---- a stalled master


def stalled(**changes: Any) -> Director:
    d = master(instance(preempt=False, timer_expired_backup=254, **changes))
    d.run(61)
    return d


def test_a_stalled_master_steps_back() -> None:
    d = stalled()
    assert d.sleep(63.5) == ["V advertises 100"], "nobody can have taken over"
    lines = d.sleep(67)
    assert set(lines) == {"V MASTER->BACKUP: stalled while MASTER", "V removes 192.0.2.100/24"}, "and says nothing"


def test_it_steps_back_before_it_answers_whoever_took_over() -> None:
    d = stalled()
    lines = d.hear(66, 90)
    assert "V MASTER->BACKUP: stalled while MASTER" in lines
    assert "V advertises 100" not in lines
    assert d.state() == "BACKUP"
    assert d.view().master_address == "192.0.2.2"


def test_without_it_a_stalled_master_speaks() -> None:
    d = master(instance(preempt=False))
    d.run(61)
    assert d.sleep(70) == ["V advertises 100"]


# ---- delays


def test_delays_after_start_and_after_boot() -> None:
    """CLOCK_MONOTONIC is the time since the boot; the later of the two ends counts."""
    defs = GlobalDefs(vrrp_startup_delay=us(4), vrrp=VrrpGlobals(vrrp_delay_after_boot=us(30)))
    for began, first in ((10, 33.609375), (28, 35.609375)):
        d = Director(replace(director().config, global_defs=defs))
        d.start(began)
        assert d.hear(began + 1, 200) == []
        lines = d.run(60)
        assert lines[0].startswith(f"{first:g} V advertises")


# ---- what is not ours


def test_adverts_for_unknown_virtual_routers() -> None:
    d = master()
    assert d.hear(61, 100, virtual_router_id=77) == []
    d.hear(61.1, 100, virtual_router_id=77)
    d.hear(61.2, 100, virtual_router_id=78)
    assert d.logs[-2:] == [
        "(unknown virtual router) 77 in an advertisement of 192.0.2.2 on eth0",
        "(unknown virtual router) 78 in an advertisement of 192.0.2.2 on eth0",
    ]
    assert d.view().stats.vrid_err == 3


# ---- addresses and packets


def test_as_many_addresses_as_a_packet_holds() -> None:
    """The others come and go with them, and a director with the same limits does not complain."""
    vips = tuple(vip(f"198.51.100.{n}/32") for n in range(1, 101))
    d = director(instance(virtual_ipaddress=vips))
    d.interfaces["eth0"] = replace(d.interfaces["eth0"], mtu=20 + 16 + 4 * 60)
    d.start()
    sent = [a for a in d.actions(TimePassed(us(3.609375))) if isinstance(a, SendAdvert)]
    assert len(decode_v2(sent[0].message).addresses) == 60
    assert any("only 60 of 100 addresses fit" in line for line in d.logs)
    assert [a.advertised for a in d.view().addresses] == [True] * 60 + [False] * 40
    assert all(a.present for a in d.view().addresses)
    d.hear(4, 50, addresses=tuple(f"198.51.100.{n}" for n in range(1, 61)))
    assert d.view().stats.addr_list_err == 0
    d.do(InterfaceChanged(us(5), "eth0", replace(d.interfaces["eth0"], mtu=1500)))
    sent = [a for a in d.actions(TimePassed(us(5.2))) if isinstance(a, SendAdvert)]
    assert len(decode_v2(sent[0].message).addresses) == 100


@pytest.mark.parametrize(("kind", "overhead"), [(AuthType.PASS, 0), (AuthType.AH, 24)])
def test_ah_needs_room_too(kind: AuthType, overhead: int) -> None:
    vips = tuple(vip(f"198.51.100.{n}/32") for n in range(1, 101))
    d = director(instance(virtual_ipaddress=vips, authentication=Authentication(type=kind, password=b"x")))
    d.interfaces["eth0"] = replace(d.interfaces["eth0"], mtu=20 + 16 + overhead + 4 * 7)
    d.start()
    assert sum(a.advertised for a in d.view().addresses) == 7


# ---- unicast


def unicast(**changes: Any) -> Director:
    d = director(instance(unicast_peer=(PEER,), **changes))
    d.start()
    return d


def test_unicast_peers_are_told_where_we_are_after_a_fault() -> None:
    d = unicast()
    d.link(1, "eth0", False)
    facts = replace(d.interfaces["eth0"], up=True)
    told = [a for a in d.actions(InterfaceChanged(us(2), "eth0", facts)) if isinstance(a, SendGratuitousArps)]
    assert [(str(a.addresses[0].address), a.addresses[0].dev, a.repeat) for a in told] == [("192.0.2.1", "eth0", 1)]


@pytest.mark.parametrize(
    ("changes", "source", "ttl", "reason"),
    [
        ({}, "192.0.2.77", 1, None),
        ({"check_unicast_src": True}, "192.0.2.77", 255, Reason.NOT_A_PEER),
        ({"check_unicast_src": True}, "192.0.2.2", 1, None),
        ({"peer_ttl": (PeerTtl(peer=PEER, min_ttl=254),)}, "192.0.2.2", 253, Reason.TTL_RANGE),
        ({"peer_ttl": (PeerTtl(peer=PEER, min_ttl=254),)}, "192.0.2.2", 254, None),
        ({"peer_ttl": (PeerTtl(peer=PEER, max_ttl=9),)}, "192.0.2.2", 10, Reason.TTL_RANGE),
    ],
)
def test_whom_to_believe(changes: dict[str, Any], source: str, ttl: int, reason: Reason | None) -> None:
    d = unicast(**changes)
    due = d.router.deadline()
    d.hear(1, 200, source, ttl=ttl, destination=OWN)
    assert (d.view().last_reject is None) == (reason is None)
    if reason is not None:
        assert str(d.view().last_reject).startswith(reason.value)
        assert d.router.deadline() == due, "what is refused moves no timer"
        counter = reason.counter
        assert counter is None or getattr(d.view().stats, counter) == 1


def test_multicast_to_a_unicast_instance() -> None:
    d = unicast()
    d.hear(1, 200)
    assert "wrong destination" in str(d.view().last_reject)


def test_unicast_without_peers_is_a_fault_where_that_was_asked_for() -> None:
    d = director(instance(no_peer=True))
    d.start()
    assert d.state() == "FAULT"
    assert d.view().faults == ("no unicast peer: unicast_peer names nobody",)


def test_unicast_without_an_interface() -> None:
    """It goes wherever the routes lead; with track_src_ip only while its address is on any device."""
    vips = (vip("198.51.100.1/32", "eth1"),)
    config = instance(interface="", mcast_src_ip=OWN, unicast_peer=(PEER,), virtual_ipaddress=vips, track_src_ip=True)
    d = director(config)
    for name in ("", "eth0"):
        d.interfaces.pop(name)
    facts = d.interfaces["eth1"]
    d.start()
    assert d.state() == "BACKUP"
    d.hear(1, 200, interface="", destination=OWN, addresses=("198.51.100.1",))
    assert d.view().master_address == "192.0.2.2"
    assert d.run(5)[0].endswith("V advertises 100")
    d.do(InterfaceChanged(us(6), "eth1", replace(facts, addresses=())))
    assert d.view().faults == ("no source address: 192.0.2.1 is not on any interface",)
    d.do(InterfaceChanged(us(7), "eth1", facts))
    assert d.state() == "BACKUP"


def test_a_source_address_that_is_watched() -> None:
    for watched in (False, True):
        d = director(instance(mcast_src_ip=IPv4Address("192.0.2.50"), track_src_ip=watched))
        d.start()
        assert d.state() == ("FAULT" if watched else "BACKUP")


def third(source: str, covered: IPv4Address | None, priority: int = 200) -> DatagramReceived:
    advert = AdvertV3(virtual_router_id=51, priority=priority, advert_int=100, addresses=(IPv4Address("192.0.2.100"),))
    message = encode_v3(advert, IPv4Address(source), covered)
    return DatagramReceived(us(1), "eth0", IPv4Address(source), OWN, 255, message)


@pytest.mark.parametrize(
    ("way", "as_v2", "believed"),
    [
        (UnicastChecksum.AUTO, False, {"new", "old"}),
        (UnicastChecksum.OLD, False, {"old"}),
        (UnicastChecksum.NEVER, False, {"new"}),
        (UnicastChecksum.AUTO, True, {"new", "none"}),
    ],
)
def test_checksums_that_are_believed(way: UnicastChecksum, as_v2: bool, believed: set[str]) -> None:
    forms = {"new": OWN, "old": VRRP_GROUP4, "none": None}
    for form, covered in forms.items():
        d = unicast(version=3, old_unicast_checksum=way, v3_checksum_as_v2=as_v2)
        d.do(third("192.0.2.2", covered))
        assert (d.view().last_reject is None) is (form in believed), form
        if form not in believed:
            assert "damaged" not in str(d.view().last_reject), "it is no damage"


def test_each_peer_is_answered_as_it_speaks() -> None:
    """And when it has been brought up to date, in the present way again."""
    other = IPv4Address("192.0.2.3")
    d = director(instance(version=3, priority=250, unicast_peer=(PEER, other)))
    d.start()
    d.run(60)

    def ways(at: float) -> dict[str, bool]:
        sent = [a for a in d.actions(TimePassed(us(at))) if isinstance(a, SendAdvert)]
        old = {}
        for action in sent:
            for destination in action.destinations:
                try:
                    decode_v3(action.message, 4, OWN, destination)
                    old[str(destination)] = False
                except ValueError:
                    decode_v3(action.message, 4, OWN, VRRP_GROUP4)
                    old[str(destination)] = True
        return old

    assert ways(61.1) == {"192.0.2.2": False, "192.0.2.3": False}
    d.actions(replace(third("192.0.2.2", VRRP_GROUP4, 1), at=us(61.5)))
    assert ways(63) == {"192.0.2.2": True, "192.0.2.3": False}
    d.actions(replace(third("192.0.2.2", OWN, 1), at=us(63.5)))
    assert ways(65) == {"192.0.2.2": False, "192.0.2.3": False}


# ---- AH across a worker's death


def test_ah_goes_on_above_what_may_have_been_sent() -> None:
    """The last snapshot of a MASTER is as old as its last change of state."""
    config = instance(authentication=Authentication(type=AuthType.AH, password=b"x"))
    d = master(config)
    snapshot = d.router.snapshot()
    d.run(160)
    sent = snapshot.instances[0].auth_number
    successor = director(config)
    masters = successor.router.resume(snapshot)
    assert masters == {"V"}
    for name, facts in successor.interfaces.items():
        successor.router.handle(InterfaceChanged(us(161), name, facts))
    successor.router.handle(Started(us(161), masters))
    lines = [a for a in successor.actions(TimePassed(us(162))) if isinstance(a, SendAdvert)]
    assert int.from_bytes(lines[0].message[8:12]) > sent + 100
    assert successor.state() == "MASTER"


def test_every_reason_is_counted_in_a_counter_that_is_there() -> None:
    assert {reason.counter for reason in Reason if reason.counter} <= set(Stats.__slots__)
