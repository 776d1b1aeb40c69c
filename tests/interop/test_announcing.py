"""Gratuitous ARP and unsolicited neighbor advertisements on the wire: how many, when, and how far apart."""

from __future__ import annotations

import itertools

import pytest

from tests.interop.forging import Forged
from tests.interop.test_pairs import EARLY
from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import SLACK, VIP, Lab, instance
from tests.topology.tap import Garp

pytestmark = pytest.mark.root

ANY = pytest.mark.parametrize("program", [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)])
OTHER = "192.0.2.101"
MAC4 = "00:00:5e:00:01:33"


def defs(text: str) -> str:
    return f"global_defs {{\n{text}\n}}\n"


def least(program: str, all_of_them: int) -> int:
    """2.2.7 loses some of those that have to wait; their distance is right."""
    return all_of_them if program == OURS else 3


def gaps(garps: list[Garp]) -> list[float]:
    return [later.at - earlier.at for earlier, later in itertools.pairwise(garps)]


@ANY
def test_repeats_and_refreshes(lab: Lab, program: str) -> None:
    """Two at once, two after a second, and one each second from then on."""
    more = "garp_master_repeat 2\n garp_master_delay 1\n garp_master_refresh 1\n garp_master_refresh_repeat 1\n"
    lab.start("d1", program, instance(priority=150, more=more))
    lab.until_master("d1")
    lab.until(lambda: len(lab.garps("d1")) >= 6, within=6, what="bursts and refreshes")
    found = lab.garps("d1")[:6]
    first = found[0].at
    assert found[1].at - first < SLACK
    assert found[2].at - first > 1 - EARLY
    assert found[5].at - found[4].at > 1 - EARLY if program == OURS else found[5].at > found[4].at
    assert all(garp.broadcast for garp in found)


BOTH = f"{VIP}/24", f"{OTHER}/24"
AWAY = "198.51.100.100"
PLAYS = {
    "two bursts": ("", "garp_master_repeat 2\n garp_master_delay 1", BOTH, False),
    "for all": ("vrrp_garp_master_repeat 3\nvrrp_garp_master_delay 1\nvrrp_garp_master_refresh 4", "", BOTH, False),
    "refreshed": ("", "garp_master_delay 0\n garp_master_refresh 1\n garp_master_refresh_repeat 2", BOTH, False),
    "least": ("vrrp_min_garp", "", BOTH, False),
    "least but": ("vrrp_min_garp", "garp_master_repeat 3\n garp_master_delay 1", BOTH, False),
    "least, for all but": ("vrrp_min_garp\nvrrp_garp_master_repeat 3", "", BOTH, False),
    "no repeats": ("", "garp_master_repeat 0\n garp_master_delay 1", BOTH, False),
    "elsewhere": ("", "garp_master_delay 0\n garp_extra_if all 1", (f"{VIP}/24", f"{AWAY}/24 dev eth1"), False),
    "weaker": ("", "garp_master_delay 0\n garp_lower_prio_repeat 2\n garp_lower_prio_delay 1", BOTH, True),
    "weaker, for all": (
        "vrrp_garp_lower_prio_repeat 1\nvrrp_garp_lower_prio_delay 1",
        "garp_master_delay 0",
        BOTH,
        True,
    ),
    "weaker, as ever": ("", "garp_master_repeat 3\n garp_master_delay 1", BOTH, True),
    "weaker, never": ("", "garp_master_delay 0\n garp_lower_prio_repeat 0", BOTH, True),
}


@pytest.mark.keepalived
@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)
def test_as_often_and_when_as_keepalived(lab: Lab, play: str) -> None:
    """Each alone on its side of the switch, which both hear: bursts of each address, from the first advertisement on or
    from that of a weaker master."""
    definitions, more, vips, weaker = PLAYS[play]
    lab.set_isolated(True)
    for name, program in (("d1", OURS), ("d2", KEEPALIVED)):
        lab.start(name, program, defs(definitions), instance(priority=150, vips=vips, more=more))
    lab.until(lambda: lab.adverts("d1") and lab.adverts("d2"), within=10, what="both are masters")
    if weaker:
        lab.net.switch.add_address("br0", "192.0.2.99/24")
        wait = 2.5  # the bursts of the beginning are over
        lab.until(
            lambda: all(lab.adverts(n)[-1].at - lab.adverts(n)[0].at > wait for n in lab.hosts), within=5, what=""
        )
        Forged(priority=50, source="192.0.2.99", vips=(VIP, OTHER)).send(lab.net.switch, "br0")
    since = {n: lab.adverts(n)[-1].at if weaker else lab.adverts(n)[0].at for n in lab.hosts}
    span = 2.5
    lab.until(
        lambda: all(lab.adverts(n)[-1].at - since[n] > span + SLACK for n in lab.hosts), within=9, what="its time"
    )

    def bursts(name: str, segment: int, address: str) -> list[list[float]]:
        found: list[list[float]] = []
        for garp in lab.garps(name, address, since=since[name], segment=segment):
            at = garp.at - since[name]
            if found and at - found[-1][-1] < SLACK:
                found[-1].append(at)
            elif at < span:
                found.append([at])
        return found

    for segment, address in ((0, VIP), (0, OTHER), (1, AWAY)):
        ours, theirs = bursts("d1", segment, address), bursts("d2", segment, address)
        assert list(map(len, ours)) == list(map(len, theirs)), f"{address}: {ours} {theirs}"
        for mine, other in zip(ours, theirs, strict=True):
            assert abs(mine[0] - other[0]) < SLACK, f"{address}: {ours} {theirs}"


@ANY
def test_min_garp(lab: Lab, program: str) -> None:
    """One for each address, and none after that."""
    lab.start("d1", program, defs("vrrp_min_garp"), instance(priority=150, vips=(f"{VIP}/24", f"{OTHER}/24")))
    lab.until_master("d1", OTHER)
    lab.until(lambda: lab.garps("d1", OTHER), within=3, what="they are announced")
    lab.holds_for(
        lambda: len(lab.garps("d1")) == len(lab.garps("d1", OTHER)) == 1, seconds=1, what="no more than one each"
    )


@ANY
def test_an_interval_between_any_two(lab: Lab, program: str) -> None:
    vips = (f"{VIP}/24", f"{OTHER}/24")
    more = "garp_master_repeat 3\n garp_master_delay 0\n"
    lab.start("d1", program, defs("vrrp_garp_interval 0.1"), instance(priority=150, vips=vips, more=more))
    lab.until_master("d1")
    lab.until(lambda: len(lab.tap.garps(mac=lab.mac("d1"))) >= least(program, 6), within=5, what="three of each")
    found = lab.tap.garps(mac=lab.mac("d1"))
    assert {garp.address for garp in found} == {VIP, OTHER}
    assert all(gap > 0.1 - EARLY for gap in gaps(found))


@ANY
@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)
def test_a_group_of_interfaces_has_one_interval(lab: Lab, program: str) -> None:
    group = "garp_group {\ngarp_interval 0.2\ninterfaces {\neth0\neth1\n}\n}\n"
    more = "garp_master_repeat 2\n garp_master_delay 0\n"
    lab.start(
        "d1",
        program,
        group,
        instance(priority=150, more=more),
        instance("VI_2", priority=150, vrid=52, device="eth1", vips=("198.51.100.100/24",), more=more),
    )

    def announced() -> list[Garp]:
        found = [garp for segment, tap in enumerate(lab.taps) for garp in tap.garps(mac=lab.mac("d1", segment))]
        return sorted(found, key=lambda garp: garp.at)

    lab.until(lambda: len(announced()) >= least(program, 4), within=6, what="two of each")
    assert {garp.address for garp in announced()} == {VIP, "198.51.100.100"}
    assert all(gap > 0.2 - EARLY for gap in gaps(announced()))


@ANY
def test_neighbor_advertisements_have_their_own(lab: Lab, program: str) -> None:
    def usable() -> bool:
        return "fe80" in lab.hosts["d1"].run("ip", "-6", "addr", "show", "dev", "eth0", "scope", "link", "-tentative")

    lab.until(usable, within=10, what="a link-local address")
    vips = ("fe80::55/64", "2001:db8::100/64")
    more = "garp_master_repeat 2\n garp_master_delay 0\n"
    lab.start("d1", program, defs("vrrp_gna_interval 0.1"), instance(priority=150, vips=vips, more=more))
    lab.until_master("d1", "2001:db8::100")
    lab.until(lambda: len(lab.tap.garps(mac=lab.mac("d1"))) >= least(program, 4), within=5, what="two of each")
    assert all(gap > 0.1 - EARLY for gap in gaps(lab.tap.garps(mac=lab.mac("d1"))))


def test_of_addresses_by_which_no_advertisement_goes(lab: Lab) -> None:
    """With vmac_xmit_base none comes from the VMAC: switches would forget where it is. (2.2.7 sends none here.)"""
    more = "use_vmac\n vmac_xmit_base\n garp_master_repeat 1\n garp_master_delay 0\n"
    more += " garp_extra_if all 1\n"
    lab.start("d1", OURS, instance(priority=150, more=more))
    lab.until(lambda: len(lab.tap.garps(VIP, mac=MAC4)) >= 4, within=8, what="one each second")
    assert all(gap > 1 - 0.1 for gap in gaps(lab.tap.garps(VIP, mac=MAC4))[1:])
