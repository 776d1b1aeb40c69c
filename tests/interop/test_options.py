"""Keywords of an instance that show on the wire: the same of ours and of keepalived, one against forged packets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.interop.conftest import Pair
from tests.interop.forging import Forged
from tests.interop.test_pairs import EARLY, silence, start_backup, start_master
from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down
from tests.topology.net import inside

pytestmark = pytest.mark.root

ANY = pytest.mark.parametrize("program", [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)])
QUIET = "garp_master_delay 0\n"
STRANGER = "192.0.2.77"
"""An address of d2 that is nobody's peer."""


def entered(lab: Lab, state: str, name: str = "d1") -> int:
    return lab.daemons[name].log().count(f"Entering {state} STATE")


def yields_to(lab: Lab, forged: Forged) -> bool:
    """Does d1, MASTER, believe what d2 says ten times? Whoever does not says so by going on."""
    for _ in range(10):
        seen = len(lab.adverts("d1"))
        forged.send(lab.hosts["d2"])
        lab.until(
            lambda n=seen: len(lab.adverts("d1")) > n or lab.holders() == [],  # type: ignore[misc]
            within=2,
            what="d1 goes on, or lets go",
        )
        if lab.holders() == []:
            return True
    return False


# ---- whom to believe


def unicast(lab: Lab, more: str = "", limits: str = "") -> str:
    peer = f"unicast_src_ip {lab.address('d1')}\nunicast_peer {{\n{lab.address('d2')} {limits}\n}}\n"
    return instance(priority=100, more=peer + more)


@ANY
@pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
def test_check_unicast_src(lab: Lab, program: str, checked: bool) -> None:
    lab.hosts["d2"].add_address("eth0", f"{STRANGER}/24")
    lab.start("d1", program, unicast(lab, "check_unicast_src\n" if checked else ""))
    lab.until_master("d1")
    stranger = Forged(priority=200, source=STRANGER, destination=lab.address("d1"))
    assert yields_to(lab, stranger) is not checked
    if checked:
        assert yields_to(lab, Forged(priority=200, source=lab.address("d2"), destination=lab.address("d1")))


@ANY
def test_limits_of_a_peer_s_ttl(lab: Lab, program: str) -> None:
    lab.start("d1", program, unicast(lab, limits="min_ttl 100 max_ttl 120"))
    lab.until_master("d1")
    for ttl, believed in ((255, False), (99, False), (121, False), (100, True)):
        forged = Forged(priority=200, source=lab.address("d2"), destination=lab.address("d1"), ttl=ttl)
        assert yields_to(lab, forged) is believed, ttl


@ANY
@pytest.mark.parametrize("fault", [True, False], ids=["fault", "multicast"])
def test_unicast_without_peers(lab: Lab, program: str, fault: bool) -> None:
    """It is multicast, unless unicast_fault_no_peer says that this is a fault."""
    more = f"unicast_src_ip {lab.address('d1')}\n" + ("unicast_fault_no_peer\n" if fault else "")
    lab.start("d1", program, instance(priority=100, more=more))
    if fault:
        lab.until(lambda: "fault state" in lab.daemons["d1"].log().lower(), within=5, what="a fault")
        lab.holds_for(lambda: not lab.adverts("d1"), seconds=3 * master_down(100), what="nothing is said")
    else:
        lab.until_master("d1")
        assert {advert.destination for advert in lab.adverts("d1")} == {"224.0.0.18"}


@ANY
def test_multicast_must_not_have_passed_a_router(lab: Lab, program: str) -> None:
    lab.start("d1", program, instance(priority=100))
    lab.until_master("d1")
    assert not yields_to(lab, Forged(priority=200, source=lab.address("d2"), ttl=254))
    assert yields_to(lab, Forged(priority=200, source=lab.address("d2")))


@ANY
@pytest.mark.parametrize("skip", [True, False], ids=["skip", "compare"])
def test_skip_check_adv_addr(lab: Lab, program: str, skip: bool) -> None:
    """The list is compared when the sender is another than before. 2.2.7 drops what differs, ours names it."""
    lab.start("d1", program, instance(priority=100, more="skip_check_adv_addr\n" if skip else ""))
    lab.until_backup("d1")
    same = Forged(priority=200, source=lab.address("d2"))
    other = Forged(priority=200, source=lab.address("d2"), vips=("192.0.2.99",))

    def speak(forged: Forged) -> bool:
        forged.send(lab.hosts["d2"])
        return lab.holders() == []

    lab.holds_for(lambda: speak(same), seconds=2 * master_down(100), what="d1 believes what is as its own")
    if program == KEEPALIVED and not skip:
        lab.until(lambda: not speak(other), within=5, what="d1 takes over")
        return
    lab.holds_for(lambda: speak(other), seconds=2 * master_down(100), what="d1 believes the same sender")
    if program == OURS:
        assert bool(lab.daemons["d1"].instance("VI_1")["stats"]["addr_list_err"]) is not skip


def test_ah_that_is_said_again(lab: Lab, pair: Pair) -> None:
    """Whoever records the last words of a master cannot keep it alive with them."""
    ah = "authentication {\nauth_type AH\nauth_pass ahpasswd\n}\n"
    conf = {"version": 2, "interval": 1, "more": ah}
    frames: list[bytes] = []
    lab.tap.keep = lambda frame: frames.append(frame[1]) if frame[1][23:24] == b"\x33" else None
    start_master(lab, "d1", pair.d1, instance(priority=150, **conf))  # type: ignore[arg-type]
    start_backup(lab, "d2", pair.d2, instance(priority=100, **conf))  # type: ignore[arg-type]
    seen = len(lab.adverts("d1"))
    lab.until(lambda: len(lab.adverts("d1")) >= seen + 2, within=4, what="d2 hears d1")
    lab.kill("d1")
    lab.adverts("d1")
    *_, last = frames
    d1 = lab.hosts["d1"]
    with inside(d1.namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as recorder:
        recorder.bind(("eth0", 0x800))

        def replay() -> bool:
            recorder.send(last)
            return lab.hosts["d2"].holds(VIP)  # what died on d1 has left it there

        expected = master_down(100, version=2, interval=1)
        lab.until(replay, within=expected + 2 * SLACK, what="d2 takes over all the same")
        # A master does not yield to it either, though its priority is higher.
        lab.holds_for(replay, seconds=1, what="d2 keeps it")
    if pair.d2 == OURS:
        assert lab.daemons["d2"].instance("VI_1")["stats"]["auth_failure"]
        assert "seen already" in str(lab.daemons["d2"].instance("VI_1")["last_reject"])


# ---- when to speak


@ANY
@pytest.mark.parametrize("word", ["higher_prio_send_advert", ""], ids=["word", "plain"])
def test_higher_prio_send_advert(lab: Lab, program: str, word: str) -> None:
    """One advertisement more, so that the other one tells the neighbours again."""
    lab.start("d1", program, instance(priority=100, interval=1, more=word))
    lab.until_master("d1")
    lab.until(lambda: len(lab.adverts("d1")) >= 2, within=5, what="d1 advertises")
    last = lab.adverts("d1")[-1].at
    Forged(priority=200, source=lab.address("d2"), interval=1).send(lab.hosts["d2"])
    lab.until(lambda: lab.holders() == [], within=3, what="d1 yields")
    more = lab.adverts("d1", since=last + 0.001)
    assert [advert.priority for advert in more] == ([100] if word else [])
    if word:
        assert more[0].at - last < 0.9, "not in its rhythm"


@ANY
def test_lower_prio_no_advert(lab: Lab, program: str) -> None:
    """It goes on in its rhythm, and tells the neighbours all the same."""
    more = QUIET + "lower_prio_no_advert\n garp_lower_prio_repeat 2\n"
    lab.start("d1", program, instance(priority=100, interval=1, more=more))
    lab.until_master("d1")
    lab.until(lambda: len(lab.adverts("d1")) >= 2 and len(lab.garps("d1")) == 5, within=5, what="d1 has settled")
    last = lab.adverts("d1")[-1].at
    Forged(priority=50, source=lab.address("d2"), interval=1).send(lab.hosts["d2"])
    lab.until(lambda: len(lab.garps("d1")) == 7, within=0.8, what="two gratuitous ARPs")
    lab.until(lambda: lab.adverts("d1", since=last + 0.001), within=3, what="d1 advertises again")
    assert lab.adverts("d1", since=last + 0.001)[0].at - last > 0.7


@ANY
def test_vrrp_startup_delay(lab: Lab, program: str) -> None:
    """So long it hears nothing, and its timers count from the end of it: the owner's, too."""
    began = lab.start("d1", program, "global_defs {\nvrrp_startup_delay 1\n}\n" + instance(priority=100))
    Forged(priority=200, source=lab.address("d2")).send(lab.hosts["d2"])
    lab.until_master("d1")
    assert lab.adverts("d1")[0].at - began > 1 + master_down(100) - EARLY
    assert "192.0.2.2" not in lab.daemons["d1"].log(), "it was deaf"


def test_down_timer_adverts(lab: Lab, pair: Pair) -> None:
    more = "down_timer_adverts 8\n"
    start_master(lab, "d1", pair.d1, instance(priority=150, more=more))
    start_backup(lab, "d2", pair.d2, instance(priority=100, more=more))
    seen = len(lab.adverts("d1"))
    lab.until(lambda: len(lab.adverts("d1")) >= seen + 2, within=3, what="d2 hears d1")
    lab.kill("d1")
    expected = master_down(100) + 5 * 0.1
    lab.until(lambda: lab.adverts("d2"), within=expected + SLACK, what="d2 takes over")
    assert expected - EARLY <= silence(lab, "d1", "d2") <= expected + SLACK


def test_a_master_that_was_stopped_steps_back(lab: Lab, pair_2_4: Pair) -> None:
    """timer_expired_backup, which 2.2.7 lacks: it says nothing before it has listened."""
    more = "nopreempt\n timer_expired_backup\n"
    start_master(lab, "d1", pair_2_4.d1, instance(priority=150, more=more))
    start_backup(lab, "d2", pair_2_4.d2, instance(priority=100, more=more))
    host = lab.hosts["d1"]
    for pid in host.processes():
        host.run("kill", "-STOP", str(pid))
    lab.until(lambda: lab.adverts("d2"), within=master_down(100) + SLACK, what="d2 takes over")
    stopped = lab.adverts("d2")[0].at
    for pid in host.processes():
        host.run("kill", "-CONT", str(pid))
    lab.until_master("d2", within=2)
    lab.holds_for(lambda: lab.holders() == ["d2"], seconds=4 * master_down(150), what="d2 keeps the VIP")
    assert not lab.adverts("d1", since=stopped + 0.001)


# ---- where to and where from


@pytest.mark.parametrize(
    ("definitions", "more"),
    [("global_defs {\nvrrp_mcast_group4 224.0.0.77\n}\n", ""), ("", "mcast_dst_ip 224.0.0.77\n")],
    ids=["global", "instance"],
)
def test_another_group(lab: Lab, pair: Pair, definitions: str, more: str) -> None:
    start_master(lab, "d1", pair.d1, definitions, instance(priority=150, more=more))
    start_backup(lab, "d2", pair.d2, definitions, instance(priority=100, more=more))
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=3 * master_down(100), what="d2 hears d1 there")
    assert {advert.destination for advert in lab.adverts("d1")} == {"224.0.0.77"}
    lab.stop("d1")
    lab.until_master("d2", within=2 * SLACK)


def test_another_group_of_ipv6(lab: Lab, pair: Pair) -> None:
    def own(number: int) -> str:
        return f"fe80::ff:fe00:{number}"

    def usable(name: str) -> bool:
        return own(int(name[1:])) in lab.hosts[name].run("ip", "-6", "addr", "show", "dev", "eth0", "-tentative")

    lab.until(lambda: all(map(usable, lab.hosts)), within=10, what="link-local addresses")
    definitions = "global_defs {\nvrrp_mcast_group6 ff02::77\n}\n"
    vips = ("fe80::55/64", "2001:db8::100/64")
    lab.start("d1", pair.d1, definitions, instance(priority=150, vips=vips))
    lab.until_master("d1", "2001:db8::100")
    lab.start("d2", pair.d2, definitions, instance(priority=100, vips=vips))
    lab.until_backup("d2")
    lab.holds_for(lambda: not lab.tap.adverts(source=own(2)), seconds=3 * master_down(100), what="d2 hears d1 there")
    assert {advert.destination for advert in lab.tap.adverts(source=own(1))} == {"ff02::77"}


def test_mcast_src_ip(lab: Lab, pair: Pair) -> None:
    """It decides a tie, too: d1 has the lower address of its own."""
    for number, name in ((50, "d1"), (40, "d2")):
        lab.hosts[name].add_address("eth0", f"192.0.2.{number}/24")
    start_master(lab, "d1", pair.d1, instance(priority=100, more="mcast_src_ip 192.0.2.50\n"))
    lab.set_isolated(True)
    start_backup(lab, "d2", pair.d2, instance(priority=100, more="mcast_src_ip 192.0.2.40\n"))
    lab.until(lambda: lab.holders() == ["d1", "d2"], within=5, what="both are masters")
    lab.set_isolated(False)
    lab.until_master("d1", within=2 * SLACK)
    sources = {advert.source for advert in lab.tap.adverts(51)}
    assert sources == {"192.0.2.50", "192.0.2.40"}


@pytest.mark.parametrize("lab", [{"directors": 3}], indirect=True)
def test_several_peers(lab: Lab, pair: Pair) -> None:
    """Each gets a copy; the best of those that are left takes over."""

    def conf(name: str, priority: int) -> str:
        others = "\n".join(lab.address(other) for other in lab.hosts if other != name)
        return instance(priority=priority, more=f"unicast_src_ip {lab.address(name)}\nunicast_peer {{\n{others}\n}}\n")

    start_master(lab, "d1", pair.d1, conf("d1", 150))
    start_backup(lab, "d2", pair.d2, conf("d2", 120))
    start_backup(lab, "d3", OURS, conf("d3", 100))
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=3 * master_down(100), what="both believe d1")
    assert {advert.destination for advert in lab.adverts("d1")} == {lab.address("d2"), lab.address("d3")}
    stopped = lab.stop("d1")
    lab.until_master("d2", within=2 * SLACK)
    lab.holds_for(lambda: lab.holders() == ["d2"], seconds=2 * master_down(100), what="d3 heard d2")
    assert not lab.adverts("d3", since=stopped)


def test_version_3_with_the_checksum_of_version_2(lab: Lab, pair_2_4: Pair) -> None:
    """v3_checksum_as_v2, which 2.2.7 lacks: the pseudo header is left out."""
    more = "v3_checksum_as_v2\n"
    start_master(lab, "d1", pair_2_4.d1, instance(priority=150, more=more))
    start_backup(lab, "d2", pair_2_4.d2, instance(priority=100, more=more))
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=3 * master_down(100), what="d2 believes d1")
    assert not any(advert.sound for advert in lab.adverts("d1"))
    lab.stop("d2")
    plain = lab.start("d2", OURS, instance(priority=100))
    lab.until(lambda: lab.adverts("d2", since=plain), within=5, what="one without the keyword does not")
    assert "checksum" in str(lab.daemons["d2"].instance("VI_1")["last_reject"])
    assert lab.hosts["d1"].holds(VIP)


# ---- how they are written


@pytest.mark.keepalived
def test_numbers_with_something_behind_them(lab: Lab, tmp_path: Path) -> None:
    """As keepalived takes them: of most whole numbers the digits, of others and of seconds nothing."""
    file = tmp_path / "number"
    file.write_text("5")
    text = f"track_file five {{\nfile {file}\nweight 3;\n}}\nglobal_defs {{\nvrrp_garp_master_delay 1;\n}}\n"
    text += instance("A", vrid=1, vips=("192.0.2.101/24;",), more="track_file {\nfive\n}")
    text += instance("B", vrid=2, vips=("192.0.2.102/32,",), more="track_file {\nfive weight 4;\n}")
    text += instance("C", vrid=3, vips=("192.0.2.103/24",), more="garp_master_repeat 2,")
    text += instance("D", vrid=4, vips=("192.0.2.104/255.255.255.0",)).replace("priority 100", "priority 150;")
    text += instance("E", vrid=5, vips=("192.0.2.105/24",)).replace("advert_int 0.1", "advert_int 0.2s")
    lab.set_isolated(True)
    names = {"d1": OURS, "d2": KEEPALIVED}
    for name, program in names.items():
        lab.start(name, program, text)
    for name in names:
        lab.until(lambda n=name: lab.hosts[n].holds("192.0.2.105"), within=10, what="all are masters")  # type: ignore[misc]
        lab.until(lambda n=name: len(lab.garps(n, "192.0.2.103")) == 4, within=5, what="twice two")  # type: ignore[misc]

    def found(name: str) -> tuple[object, object]:
        adverts = {advert.vrid: (advert.priority, advert.interval) for advert in lab.adverts(name)}
        return adverts, sorted(held for held in lab.hosts[name].addresses("eth0") if held.startswith("192.0.2.10"))

    assert found("d1") == found("d2")
    assert found("d1")[0] == {1: (115, 0.1), 2: (120, 0.1), 3: (100, 0.1), 4: (100, 0.1), 5: (100, 1.0)}
