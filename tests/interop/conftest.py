"""Who plays whom. Each play is written once and played by every pair of programs.

d1 is the first of the pair, d2 the second. PYVRRP_CONTROL=1 adds keepalived against itself: a play that the original
does not pass is wrong.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.topology.daemons import KEEPALIVED, OURS, keepalived_version
from tests.topology.lab import Lab
from tests.topology.net import Host, Net

# keepalived's words for an advertisement that it will not believe.
COMPLAINT = re.compile(
    r"invalid|mismatch|wrong|too long|too short|unexpected|expected \d+ VIP|Expected unicast|not present|expecting",
    re.IGNORECASE,
)


class Pair(NamedTuple):
    d1: str
    d2: str


def _pairs(*, since: tuple[int, ...] = ()) -> list[object]:
    pairs = [Pair(OURS, OURS)]
    if keepalived_version() >= since:
        pairs += [Pair(OURS, KEEPALIVED), Pair(KEEPALIVED, OURS)]
        if os.environ.get("PYVRRP_CONTROL"):
            pairs.append(Pair(KEEPALIVED, KEEPALIVED))
    return [
        pytest.param(pair, id="-".join(pair), marks=[pytest.mark.keepalived] if KEEPALIVED in pair else [])
        for pair in pairs
    ]


@pytest.fixture(params=_pairs())
def pair(request: pytest.FixtureRequest) -> Pair:
    chosen: Pair = request.param
    return chosen


@pytest.fixture(params=_pairs(since=(2, 4)))
def pair_2_4(request: pytest.FixtureRequest) -> Pair:
    """For what Debian's keepalived does not know: ours alone, unless PYVRRP_KEEPALIVED names one that does."""
    chosen: Pair = request.param
    return chosen


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """With the devices that the configurations name; for judging them with ``-t``."""
    net = Net()
    try:
        made = net.add_host("verdict")
        for device in ("eth0", "eth1", "bond1"):
            made.netlink.link("add", ifname=device, kind="bridge")
            made.set_link(device, up=True)
        made.add_address("eth0", "192.0.2.2/24")
        made.add_address("bond1", "192.0.2.3/25")
        yield made
    finally:
        net.close()


@pytest.fixture
def peaceful(lab: Lab) -> Iterator[Lab]:
    """The lab, for a play in which keepalived must believe all that it hears, and all on the wire must be sound."""
    yield lab
    complaints = [
        line
        for daemon in lab.daemons.values()
        if daemon.program == KEEPALIVED
        for line in daemon.log().splitlines()
        if COMPLAINT.search(line)
    ]
    assert not complaints, "\n".join(complaints)
    for tap in lab.taps:
        assert [str(advert) for advert in tap.adverts() if not advert.sound] == []
