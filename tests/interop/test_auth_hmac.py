"""auth_hmac between two directors: who believes whom, and who ends up master."""

from __future__ import annotations

import itertools
import re
import socket

import pytest

from tests.interop.conftest import Pair
from tests.interop.test_pairs import start_backup, start_master
from tests.interop.test_protocols import GLOBAL, LINK_LOCAL, own, peer, until_usable
from tests.topology.daemons import OURS
from tests.topology.lab import SLACK, VIP, Lab, instance, master_down
from tests.topology.net import inside

pytestmark = pytest.mark.root

KEYS = {1: "0123456789abcdef0123456789abcdef", 2: f"hex:{bytes(range(64)).hex()}"}
SENDS, ACCEPTS_PLAIN, ACCEPTS_SIGNED = {"permissive", "enforce"}, {"", "receive-only", "permissive"}, {"enforce"}
MODES = ("", "receive-only", "permissive", "enforce")
"""The first one: without auth_hmac."""


def hmac(*keys: int, active: int = 1, more: str = "") -> str:
    lines = "".join(f"key {number} {KEYS[number]}\n" for number in keys or (1,))
    return f"auth_hmac {{\n{lines}active_key {active}\n{more}\n}}\n"


@pytest.mark.parametrize(("version", "interval"), [(2, 1), (3, 0.1)], ids=["v2", "v3"])
@pytest.mark.parametrize("cast", ["multicast", "unicast"])
def test_over_ipv4(peaceful: Lab, pair_2_4: Pair, version: int, interval: float, cast: str) -> None:
    """d2 believes d1, takes over from it, and yields to it when it is back."""
    lab = peaceful

    def conf(name: str, priority: int) -> str:
        more = hmac() + (peer(lab, name) if cast == "unicast" else "")
        return instance(priority=priority, version=version, interval=interval, more=more)

    start_master(lab, "d1", pair_2_4.d1, conf("d1", 150))
    start_backup(lab, "d2", pair_2_4.d2, conf("d2", 100))
    seen = len(lab.adverts("d1"))
    lab.until(lambda: len(lab.adverts("d1")) >= seen + 5, within=5 * interval + 2, what="d1 advertises")
    assert not lab.adverts("d2")
    stopped = lab.stop("d1")
    lab.until_master("d2", within=1 + 2 * SLACK)
    lab.start("d1", pair_2_4.d1, conf("d1", 150))
    lab.until_master("d1")
    assert all(advert.signed and advert.version == version for advert in lab.tap.adverts())
    assert {a.priority for a in lab.adverts("d2", since=stopped)} == {100}


@pytest.mark.parametrize("cast", ["multicast", "unicast"])
def test_over_ipv6(peaceful: Lab, pair_2_4: Pair, cast: str) -> None:
    lab = peaceful
    until_usable(lab)

    def conf(name: str, priority: int) -> str:
        mine, others = (own(1), own(2)) if name == "d1" else (own(2), own(1))
        more = hmac(2, active=2)
        if cast == "unicast":
            more += f"unicast_src_ip {mine}\nunicast_peer {{\n{others}\n}}\n"
        return instance(priority=priority, vips=(f"{LINK_LOCAL}/64", f"{GLOBAL}/64"), more=more)

    lab.start("d1", pair_2_4.d1, conf("d1", 150))
    lab.until_master("d1", GLOBAL)
    lab.start("d2", pair_2_4.d2, conf("d2", 100))
    lab.until_backup("d2")
    lab.holds_for(lambda: not lab.tap.adverts(source=own(2)), seconds=3 * master_down(100), what="d2 believes d1")
    lab.stop("d1")
    lab.until_master("d2", GLOBAL)
    assert all(advert.signed for advert in lab.tap.adverts())


def test_every_mode_beside_every_mode(lab: Lab, pair_2_4: Pair) -> None:
    """Sixteen virtual routers, one for each pair of modes. Who is not believed stays a second master."""
    cases = list(enumerate(itertools.product(MODES, MODES), start=1))

    def conf(side: int, priority: int) -> str:
        text = ""
        for number, modes in cases:
            more = hmac(more=f"mode {modes[side]}") if modes[side] else ""
            vips = (f"192.0.2.{100 + number}/24",)
            text += instance(f"V{number}", vrid=number, priority=priority, vips=vips, more=more)
        return text

    def believes(listener: str, speaker: str) -> bool:
        return listener != "" if speaker in SENDS else listener in ACCEPTS_PLAIN

    lab.start("d1", pair_2_4.d1, conf(0, 150))
    for number, _ in cases:
        lab.until_master("d1", f"192.0.2.{100 + number}")
    lab.start("d2", pair_2_4.d2, conf(1, 100))
    wanted = {
        number: ["d1"] if believes(listener=mine, speaker=others) else ["d1", "d2"] for number, (others, mine) in cases
    }
    assert sum(len(holders) == 2 for holders in wanted.values()) == 4

    def found() -> dict[int, list[str]]:
        return {number: lab.holders(f"192.0.2.{100 + number}") for number, _ in cases}

    lab.until(lambda: found() == wanted, within=5, what=f"{wanted}")
    lab.holds_for(lambda: found() == wanted, seconds=3 * master_down(100), what=f"{wanted}")
    signed = {advert.vrid: advert.signed for advert in lab.adverts("d1")}
    assert signed == {number: modes[0] in SENDS for number, modes in cases}


def test_keys_change_while_it_runs(lab: Lab, pair_2_4: Pair) -> None:
    """Known to both first, then used by one after the other, then the old one forgotten: never two masters."""

    def conf(priority: int, *keys: int, active: int) -> str:
        return instance(priority=priority, more=hmac(*keys, active=active))

    steps = [
        ("d2", (1, 2), 1),
        ("d1", (1, 2), 1),
        ("d1", (1, 2), 2),
        ("d2", (1, 2), 2),
        ("d1", (2,), 2),
        ("d2", (2,), 2),
    ]
    start_master(lab, "d1", pair_2_4.d1, conf(150, 1, active=1))
    start_backup(lab, "d2", pair_2_4.d2, conf(100, 1, active=1))
    for name, keys, active in steps:
        lab.reload(name, conf(150 if name == "d1" else 100, *keys, active=active))
        lab.holds_for(
            lambda: lab.holders() == ["d1"], seconds=2 * master_down(100), what=f"d1 is master: {name} {keys}"
        )
    assert not lab.adverts("d2")
    # And one that d2 has not: it must not hear it any more.
    lab.reload("d1", conf(150, 1, active=1))
    lab.until(lambda: lab.holders() == ["d1", "d2"], within=5, what="both are masters")
    if pair_2_4.d2 == OURS:
        lab.until(lambda: lab.daemons["d2"].instance("VI_1")["stats"]["auth_ext_unknown_key"], within=3, what="counted")


@pytest.mark.parametrize("more", ["", "anti_replay monotonic"], ids=["time", "monotonic"])
def test_what_was_said_is_not_believed_again(lab: Lab, pair_2_4: Pair, more: str) -> None:
    """Whoever records the last words of a master neither keeps it alive with them nor makes its successor yield."""
    frames: list[bytes] = []
    lab.tap.keep = lambda frame: frames.append(frame[1]) if frame[1][23:24] == b"\x70" else None
    start_master(lab, "d1", pair_2_4.d1, instance(priority=150, more=hmac(more=more)))
    start_backup(lab, "d2", pair_2_4.d2, instance(priority=100, more=hmac(more=more)))
    seen = len(lab.adverts("d1"))
    lab.until(lambda: len(lab.adverts("d1")) >= seen + 4, within=3, what="d2 hears d1")
    lab.kill("d1")
    lab.adverts("d1")
    with inside(lab.hosts["d1"].namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as recorder:
        recorder.bind(("eth0", 0x800))
        said = frames[-5:]

        def replay() -> bool:
            for frame in said:
                recorder.send(frame)
            return lab.hosts["d2"].holds(VIP)  # what died on d1 has left it there

        lab.until(replay, within=master_down(100) + SLACK, what="d2 takes over all the same")
        lab.holds_for(replay, seconds=2 * master_down(100), what="d2 keeps it")
        if pair_2_4.d2 == OURS:
            assert lab.daemons["d2"].instance("VI_1")["stats"]["auth_ext_replay"]


def test_what_was_said_long_ago_is_stale_to_whoever_did_not_hear_it(lab: Lab, pair_2_4: Pair) -> None:
    """d2 has no mark, as it was not there; a second of window is what it has."""
    frames: list[bytes] = []
    lab.tap.keep = lambda frame: frames.append(frame[1]) if frame[1][23:24] == b"\x70" else None
    window = hmac(more="time_window 1")
    start_master(lab, "d1", pair_2_4.d1, instance(priority=150, more=window))
    lab.kill("d1")
    killed = lab.adverts("d1")[-1].at
    last = frames[-1]
    lab.start("d2", pair_2_4.d2, instance(priority=100, more=window))
    lab.until(lambda: lab.hosts["d2"].holds(VIP), within=10, what="d2 is master")
    with inside(lab.hosts["d1"].namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as recorder:
        recorder.bind(("eth0", 0x800))

        def replay() -> bool:
            recorder.send(last)
            return lab.hosts["d2"].holds(VIP)

        lab.until(lambda: lab.adverts("d2")[-1].at > killed + 2.1, within=5, what="the window is over")
        lab.holds_for(replay, seconds=2 * master_down(100), what="d2 keeps it")
        log = lab.daemons["d2"].log()
        assert re.search("stale|its clock is", log), log


def test_whoever_is_no_peer_is_not_believed(lab: Lab, pair_2_4: Pair) -> None:
    """Though it has the key."""
    lab.hosts["d2"].add_address("eth0", "192.0.2.77/24")
    start_master(lab, "d1", pair_2_4.d1, instance(priority=100, more=hmac() + peer(lab, "d1")))
    stranger = f"unicast_src_ip 192.0.2.77\nunicast_peer {{\n{lab.address('d1')}\n}}\n"
    lab.start("d2", pair_2_4.d2, instance(priority=200, more=hmac() + stranger))
    lab.until(lambda: lab.holders() == ["d1", "d2"], within=5, what="both are masters")
    lab.holds_for(lambda: lab.holders() == ["d1", "d2"], seconds=2 * master_down(100), what="d1 does not yield")


def test_one_that_signs_and_one_that_does_not_name_it(lab: Lab, pair_2_4: Pair) -> None:
    """Two masters, and a rejected advertisement delays nobody's own."""
    lab.start("d1", pair_2_4.d1, instance(priority=150))
    lab.start("d2", pair_2_4.d2, instance(priority=100, more=hmac()))
    lab.until(lambda: lab.holders() == ["d1", "d2"], within=5, what="both are masters")
    began = lab.tap.adverts()[-1].at
    for name, words in (("d1", "auth_hmac"), ("d2", "not signed")):
        if (daemon := lab.daemons[name]).program == OURS:
            lab.until(lambda d=daemon: d.instance("VI_1")["last_reject"], within=3, what="a reason")  # type: ignore[misc]
            assert words in daemon.instance("VI_1")["last_reject"]
    if pair_2_4.d2 == OURS:
        assert lab.daemons["d2"].instance("VI_1")["stats"]["auth_ext_missing"]
    if pair_2_4 == (OURS, OURS):
        for earlier, later in itertools.pairwise(lab.adverts("d1", since=began)):
            assert later.at - earlier.at < 0.1 + SLACK
