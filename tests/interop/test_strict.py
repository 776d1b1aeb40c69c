"""strict_mode on the wire, beside keepalived's. What it makes of each keyword: tests/unit/config/test_strict.py."""

from __future__ import annotations

import pytest

from tests.interop.forging import Forged
from tests.interop.test_firewall import reaches
from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import VIP, Lab, instance

pytestmark = pytest.mark.root

ANY = pytest.mark.parametrize("program", [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)])
STRICT = "strict_mode on\n"
QUIET = "garp_master_delay 0\n"


def start(lab: Lab, program: str, priority: int, more: str, interval: float = 0.1) -> None:
    text = instance(priority=priority, interval=interval, more=more).replace("    state BACKUP\n", "")
    lab.start("d1", program, text)
    lab.until_master("d1")


@ANY
@pytest.mark.parametrize(
    ("priority", "more", "open_"),
    [(100, "", False), (100, "accept", True), (255, "", True), (100, "use_vmac", False)],
    ids=["other", "accept", "owner", "vmac"],
)
def test_whose_addresses_answer(lab: Lab, program: str, priority: int, more: str, open_: bool) -> None:
    start(lab, program, priority, STRICT + more)
    assert reaches(lab.hosts["d2"], lab.address("d1"))
    assert reaches(lab.hosts["d2"], VIP) is open_


@ANY
def test_advertisements_come_from_the_virtual_mac_address(lab: Lab, program: str) -> None:
    start(lab, program, 100, STRICT + "use_vmac\n vmac_xmit_base")
    lab.until(lambda: len(lab.adverts("d1")) >= 3, within=3, what="d1 advertises")
    assert {advert.mac for advert in lab.adverts("d1")} == {"00:00:5e:00:01:33"}


@ANY
@pytest.mark.parametrize("more", [STRICT, ""], ids=["strict", "plain"])
def test_a_weaker_master_is_left_alone(lab: Lab, program: str, more: str) -> None:
    """Without it, it is answered with an advertisement and with gratuitous ARP at once."""
    start(lab, program, 100, more + QUIET, interval=1)
    lab.until(lambda: len(lab.adverts("d1")) >= 2, within=5, what="d1 advertises")
    lab.until(lambda: len(lab.garps("d1")) == 5, within=3, what="it has told the neighbours")
    last = lab.adverts("d1")[-1].at
    Forged(priority=50, source=lab.address("d2"), interval=1).send(lab.hosts["d2"])
    lab.until(lambda: "lower priority" in lab.daemons["d1"].log(), within=3, what="d1 has heard it")
    lab.until(lambda: lab.adverts("d1", since=last + 0.001), within=3, what="d1 advertises again")
    after = lab.adverts("d1", since=last + 0.001)[0].at - last
    if more == STRICT:
        assert after > 0.7, "in its rhythm"
        assert len(lab.garps("d1")) == 5
    else:
        assert after < 0.7
        lab.until(lambda: len(lab.garps("d1")) == 10, within=3, what="it tells the neighbours again")


@pytest.mark.parametrize(
    ("more", "ignores"),
    [(STRICT, True), ("owner_ignore_adverts\n", True), (STRICT + "owner_ignore_adverts off\n", False), ("", False)],
    ids=["strict", "word", "strict-off", "plain"],
)
def test_the_owner_ignores_another_owner(lab: Lab, more: str, ignores: bool) -> None:
    """2.2.7 does not know owner_ignore_adverts. Else the one with the lower address yields."""
    start(lab, OURS, 255, more)
    for _ in range(5):
        seen = len(lab.adverts("d1"))
        Forged(priority=255, source=lab.address("d2")).send(lab.hosts["d2"])
        if not ignores:
            lab.until(lambda: lab.holders() == [], within=3, what="it yields")
            return
        lab.until(lambda n=seen: len(lab.adverts("d1")) > n, within=1, what="d1 goes on")  # type: ignore[misc]
    assert lab.holders() == ["d1"]
    assert lab.daemons["d1"].log().count("Entering MASTER STATE") == 1
