"""VRRP version 3 over IPv6: the same election, other addresses."""

from __future__ import annotations

import socket

import pytest

from tests.interop.conftest import Pair
from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, Lab, instance, skew
from tests.topology.net import inside
from tests.topology.tap import Advert, Garp

pytestmark = pytest.mark.root

LINK_LOCAL, GLOBAL = "fe80::55", "2001:db8::100"
VRID = 55


def conf(priority: int) -> str:
    return instance(priority=priority, vrid=VRID, vips=(f"{LINK_LOCAL}/64", f"{GLOBAL}/64"))


def own(number: int) -> str:
    """The link-local address that the kernel makes of the host's MAC address."""
    return f"fe80::ff:fe00:{number}"


def adverts(lab: Lab, number: int, since: float = 0) -> list[Advert]:
    return lab.tap.adverts(VRID, source=own(number), since=since)


def announced(lab: Lab, name: str, since: float) -> list[Garp]:
    return lab.tap.garps(GLOBAL, mac=lab.mac(name), since=since)


def until_usable(lab: Lab) -> None:
    """The kernel first makes sure that a link-local address is unique; keepalived does not wait for that."""

    def usable(name: str) -> bool:
        return own(int(name[1:])) in lab.hosts[name].run("ip", "-6", "addr", "show", "dev", "eth0", "-tentative")

    lab.until(lambda: all(map(usable, lab.hosts)), within=10, what="link-local addresses")


def test_election_and_hand_over(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    until_usable(lab)
    lab.start("d2", pair.d2, conf(100))
    lab.until_master("d2", GLOBAL)
    began = lab.start("d1", pair.d1, conf(150))
    lab.until_master("d1", GLOBAL)
    assert lab.holders(LINK_LOCAL) == ["d1"]
    lab.until(lambda: len(adverts(lab, 1)) >= 4, within=5, what="d1 advertises")
    for advert in adverts(lab, 1):
        assert (advert.destination, advert.ttl, advert.tos) == ("ff02::12", 255, 0xC0)
        assert (advert.version, advert.vrid, advert.priority, advert.interval) == (3, VRID, 150, 0.1)
        assert advert.addresses == (LINK_LOCAL, GLOBAL)
        assert advert.mac == lab.mac("d1")
    assert not adverts(lab, 2, since=adverts(lab, 1)[1].at), "two masters"
    lab.until(lambda: len(announced(lab, "d1", began)) >= 5, within=2, what="neighbor advertisements of d1")
    assert all(garp.broadcast for garp in announced(lab, "d1", began))

    stopped = lab.stop("d1")
    lab.until_master("d2", GLOBAL)
    goodbye = adverts(lab, 1)[-1]
    assert goodbye.priority == 0
    assert skew(100) - 0.002 <= adverts(lab, 2, since=stopped)[0].at - goodbye.at <= skew(100) + SLACK
    lab.until(lambda: len(announced(lab, "d2", stopped)) >= 5, within=2, what="neighbor advertisements of d2")


def test_a_bad_checksum_is_named(lab: Lab) -> None:
    """The kernel leaves the checksum to us, so that `show` can tell of it."""
    lab.start("d1", OURS, conf(150))
    lab.until_master("d1", GLOBAL)
    other = lab.hosts["d2"]
    until_usable(lab)
    with inside(other.namespace), socket.socket(socket.AF_INET6, socket.SOCK_RAW, 112) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        index = other.index("eth0")

        def send() -> bool:
            sender.sendto(bytes((0x31, VRID, 200, 0, 0, 10, 0xDE, 0xAD)), ("ff02::12", 0, 0, index))
            return bool(lab.daemons["d1"].instance("VI_1")["stats"]["chk_err"])

        lab.until(send, within=5, what="the damaged advertisement is counted")
    view = lab.daemons["d1"].instance("VI_1")
    assert view["state"] == "MASTER"
    assert "checksum" in view["last_reject"]
