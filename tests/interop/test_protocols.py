"""What else two directors may have agreed on: AH, unicast, version 2 over IPv6, delays, limits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.interop.conftest import Pair
from tests.interop.test_pairs import EARLY, silence, start_backup, start_master
from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down, skew

pytestmark = pytest.mark.root

AH = "authentication {\nauth_type AH\nauth_pass ahpasswd\n}\n"
LINK_LOCAL, GLOBAL = "fe80::55", "2001:db8::100"


def peer(lab: Lab, name: str, options: str = "") -> str:
    other = "d2" if name == "d1" else "d1"
    return f"unicast_src_ip {lab.address(name)}\nunicast_peer {{\n{lab.address(other)} {options}\n}}\n"


def test_ah(peaceful: Lab, pair: Pair) -> None:
    """One number for both: the successor goes on where the master stopped, and who comes back learns it first."""
    lab = peaceful
    conf = {"version": 2, "interval": 1, "more": AH}
    start_master(lab, "d1", pair.d1, instance(priority=150, **conf))  # type: ignore[arg-type]
    start_backup(lab, "d2", pair.d2, instance(priority=100, **conf))  # type: ignore[arg-type]
    lab.until(lambda: len(lab.adverts("d1")) >= 2, within=3, what="d1 advertises")
    lab.stop("d1")
    lab.until_master("d2", within=skew(100, version=2) + 2 * SLACK)
    farewell = lab.adverts("d1")[-1]
    assert (farewell.priority, farewell.auth_type) == (0, 2)
    lab.until(lambda: len(lab.adverts("d2")) >= 2, within=3, what="d2 advertises")
    again = lab.start("d1", pair.d1, instance(priority=150, **conf))  # type: ignore[arg-type]
    lab.until_master("d1", within=master_down(150, version=2, interval=1) + 3)
    lab.until(lambda: len(lab.adverts("d1", since=again)) >= 2, within=3, what="d1 advertises again")
    sequences = [advert.sequence for advert in lab.tap.adverts()]
    assert sequences == sorted(set(sequences)), "each number once, upwards"
    assert sequences[0] == 1
    assert len(lab.adverts("d2", since=lab.adverts("d1", since=again)[0].at)) <= 1


def test_ah_takeover_when_the_master_dies(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    conf = {"version": 2, "interval": 1, "more": AH}
    start_master(lab, "d1", pair.d1, instance(priority=150, **conf))  # type: ignore[arg-type]
    start_backup(lab, "d2", pair.d2, instance(priority=200, **conf | {"more": AH + "nopreempt"}))  # type: ignore[arg-type]
    seen = len(lab.adverts("d1"))
    lab.until(lambda: len(lab.adverts("d1")) >= seen + 2, within=4, what="d1 advertises and d2 hears it")
    lab.kill("d1")
    expected = master_down(200, version=2, interval=1)
    lab.until(lambda: lab.adverts("d2"), within=expected + SLACK, what="d2 advertises")
    assert expected - EARLY <= silence(lab, "d1", "d2") <= expected + SLACK
    assert lab.adverts("d2")[0].sequence == lab.adverts("d1")[-1].sequence + 1


@pytest.mark.parametrize(
    ("version", "interval", "more"),
    [(2, 1, ""), (2, 1, "authentication {\nauth_type PASS\nauth_pass uni12345\n}"), (2, 1, AH), (3, 0.1, "")],
    ids=["v2", "v2-pass", "v2-ah", "v3"],
)
def test_unicast(peaceful: Lab, pair: Pair, version: int, interval: float, more: str) -> None:
    lab = peaceful
    common = {"version": version, "interval": interval}
    d1 = instance(priority=150, more=peer(lab, "d1") + more, **common)  # type: ignore[arg-type]
    d2 = instance(priority=100, more=peer(lab, "d2") + more, **common)  # type: ignore[arg-type]
    start_master(lab, "d1", pair.d1, d1)
    start_backup(lab, "d2", pair.d2, d2)
    lab.until(lambda: len(lab.adverts("d1")) >= 3, within=3 * interval + 1, what="d1 advertises")
    assert {(a.destination, a.ttl, a.tos) for a in lab.adverts("d1")} == {(lab.address("d2"), 255, 0xC0)}
    lab.stop("d1")
    lab.until_master("d2", within=skew(100, version=version, interval=interval) + 2 * SLACK)
    assert lab.adverts("d1")[-1].priority == 0
    lab.until(lambda: len(lab.adverts("d2")) >= 2, within=interval + 1, what="d2 advertises")
    assert {advert.destination for advert in lab.adverts("d2")} == {lab.address("d1")}


def test_unicast_with_limits_of_the_ttl(peaceful: Lab, pair: Pair) -> None:
    """TTL 10 is what d1 sends and what d2 asks for; of others than peers nothing is believed."""
    lab = peaceful
    d1 = instance(priority=150, more=peer(lab, "d1") + "unicast_ttl 10")
    d2 = instance(priority=100, more=peer(lab, "d2", "min_ttl 9 max_ttl 10"))
    start_master(lab, "d1", pair.d1, d1)
    start_backup(lab, "d2", pair.d2, d2)
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=4 * master_down(100), what="d2 believes d1")
    assert {advert.ttl for advert in lab.adverts("d1")} == {10}
    assert not lab.adverts("d2")


def test_unicast_with_the_checksum_of_old(lab: Lab, pair: Pair) -> None:
    """Both forced to what keepalived did until 1.3.6: its pseudo header has the group in the peer's place."""
    more = "old_unicast_checksum"
    start_master(lab, "d1", pair.d1, instance(priority=150, more=peer(lab, "d1") + more))
    start_backup(lab, "d2", pair.d2, instance(priority=100, more=peer(lab, "d2") + more))
    lab.holds_for(lambda: lab.holders() == ["d1"], seconds=4 * master_down(100), what="d2 believes d1")
    assert not lab.adverts("d2")
    assert not any(advert.sound for advert in lab.adverts("d1")), "no RFC knows this checksum"


def own(number: int) -> str:
    return f"fe80::ff:fe00:{number}"


def until_usable(lab: Lab, addresses: Sequence[str] = ()) -> None:
    """The kernel first makes sure that an address is unique."""

    def usable(name: str) -> bool:
        wanted = own(int(name[1:]))
        return wanted in lab.hosts[name].run("ip", "-6", "addr", "show", "dev", "eth0", "-tentative")

    lab.until(lambda: all(map(usable, lab.hosts)), within=10, what="link-local addresses")


def test_unicast_over_ipv6(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    for number, name in enumerate(lab.hosts, 1):
        lab.hosts[name].run("ip", "addr", "add", f"2001:db8::{number}/64", "dev", "eth0", "nodad")
    until_usable(lab)

    def conf(number: int, priority: int) -> str:
        more = f"unicast_src_ip 2001:db8::{number}\nunicast_peer {{\n2001:db8::{3 - number}\n}}"
        return instance(priority=priority, vips=(f"{GLOBAL}/64",), more=more)

    lab.start("d1", pair.d1, conf(1, 150))
    lab.until_master("d1", GLOBAL)
    lab.start("d2", pair.d2, conf(2, 100))
    lab.until_backup("d2")
    lab.until(lambda: len(lab.tap.adverts(source="2001:db8::1")) >= 3, within=3, what="d1 advertises")
    sent = lab.tap.adverts(source="2001:db8::1")
    assert {(a.version, a.destination, a.ttl) for a in sent} == {(3, "2001:db8::2", 64)}
    lab.stop("d1")
    lab.until_master("d2", GLOBAL)
    assert lab.tap.adverts(source="2001:db8::1")[-1].priority == 0


def test_version_2_over_ipv6(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    until_usable(lab)
    vips = (f"{LINK_LOCAL}/64", f"{GLOBAL}/64")
    lab.start("d1", pair.d1, instance(priority=150, version=2, interval=1, vips=vips))
    lab.until_master("d1", GLOBAL)
    lab.start("d2", pair.d2, instance(priority=100, version=2, interval=1, vips=vips))
    lab.until_backup("d2")
    lab.until(lambda: len(lab.tap.adverts(source=own(1))) >= 3, within=4, what="d1 advertises")
    assert {(a.version, a.destination, a.ttl) for a in lab.tap.adverts(source=own(1))} == {(2, "ff02::12", 255)}
    assert not lab.tap.adverts(source=own(2))
    lab.stop("d1")
    lab.until_master("d2", GLOBAL)


def test_preempt_delay(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    start_master(lab, "d2", pair.d2, instance(priority=100))
    began = lab.start("d1", pair.d1, instance(priority=150, more="preempt_delay 1"))
    lab.until_backup("d1")
    lab.until_master("d1", within=1 + master_down(150) + 3)
    taken = lab.adverts("d1", since=began)[0].at
    assert taken - began >= 1 + master_down(150) - 0.1, "at least the delay and a wait after what was believed last"


def test_a_hundred_adverts_a_second(peaceful: Lab, pair: Pair) -> None:
    lab = peaceful
    start_master(lab, "d1", pair.d1, instance(priority=150, interval=0.01))
    start_backup(lab, "d2", pair.d2, instance(priority=100, interval=0.01))
    lab.until(lambda: len(lab.adverts("d1")) >= 100, within=5, what="d1 advertises")
    lab.kill("d1")
    lab.until(lambda: lab.hosts["d2"].holds(VIP), within=master_down(100, interval=0.01) + SLACK, what="d2 takes over")
    assert lab.adverts("d2")[-1].interval == 0.01


def test_priority_0_makes_the_best_one_answer_first(peaceful: Lab, pair: Pair) -> None:
    """And nobody else: the other backup hears it in time."""
    lab = peaceful
    start_master(lab, "d1", pair.d1, instance(priority=200))
    start_backup(lab, "d2", pair.d2, instance(priority=100))
    stopped = lab.stop("d1")
    lab.until_master("d2", within=2 * SLACK)
    goodbye = lab.adverts("d1")[-1]
    first = lab.adverts("d2", since=stopped)[0]
    assert goodbye.priority == 0
    assert skew(100) - EARLY <= first.at - goodbye.at <= skew(100) + SLACK


def test_the_owner_of_the_addresses(peaceful: Lab, pair: Pair) -> None:
    """Priority 255 waits for nobody, and whoever was master yields."""
    lab = peaceful
    start_master(lab, "d2", pair.d2, instance(priority=100))
    began = lab.start("d1", pair.d1, instance(priority=255).replace("    state BACKUP\n", "    state MASTER\n"))
    lab.until_master("d1")
    first = lab.adverts("d1", since=began)[0]
    assert first.priority == 255
    assert len(lab.adverts("d2", since=first.at)) <= 1
    lab.until(lambda: len(lab.adverts("d1")) >= 3, within=2, what="the owner advertises")
    lab.kill("d1")
    lab.until(lambda: lab.hosts["d2"].holds(VIP), within=master_down(100) + SLACK, what="d2 takes over")


@pytest.mark.parametrize("first", ["d1", "d2"])
def test_two_owners(lab: Lab, pair: Pair, first: str) -> None:
    """One yields, whoever they are: the lower address, or (2.2.7) whoever hears the other one. Then they are a pair."""

    def start(name: str) -> None:
        text = instance(priority=255).replace("    state BACKUP\n", "    state MASTER\n")
        lab.start(name, getattr(pair, name), text)
        lab.until(lambda: lab.adverts(name), within=5, what=f"{name} advertises")

    other = "d2" if first == "d1" else "d1"
    start(first)
    start(other)

    def yielded() -> bool:
        return any("Entering BACKUP STATE" in daemon.log() for daemon in lab.daemons.values())

    lab.until(lambda: yielded() and len(lab.holders()) == 1, within=3, what="one of them yields")
    (master,) = lab.holders()
    lab.holds_for(lambda: lab.holders() == [master], seconds=1, what="and no more of it")
    if pair == (OURS, OURS):
        assert master == "d2", "the higher address"
    for name, daemon in lab.daemons.items():
        if daemon.program == OURS and name != master:
            assert "has priority 255 too" in daemon.log()
    lab.stop(master)
    lab.until_master("d1" if master == "d2" else "d2", within=2)


@pytest.mark.parametrize(("mine", "words"), [(AH, "AH"), ("", "none")], ids=["ah", "none"])
def test_another_authentication_is_named(lab: Lab, pair: Pair, mine: str, words: str) -> None:
    """Both are masters, whoever they are; ours says what the other one does."""
    common = {"version": 2, "interval": 1}
    theirs = "authentication {\nauth_type PASS\nauth_pass 1111\n}\n"
    lab.start("d1", pair.d1, instance(priority=150, more=mine, **common))  # type: ignore[arg-type]
    lab.start("d2", pair.d2, instance(priority=100, more=theirs, **common))  # type: ignore[arg-type]
    lab.until(lambda: lab.holders() == ["d1", "d2"], within=9, what="both are masters")
    for name, daemon in lab.daemons.items():
        if daemon.program == OURS:
            lab.until(lambda d=daemon: d.instance("VI_1")["stats"]["authtype_mismatch"], within=3, what="it is counted")  # type: ignore[misc]
            reject = daemon.instance("VI_1")["last_reject"]
            assert "authentication type differs" in reject, name
            assert words in reject or "no authentication header" in reject
