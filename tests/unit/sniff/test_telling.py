from __future__ import annotations

from collections.abc import Iterable

import pytest

from pyvrrp.sniff.captures import read
from pyvrrp.sniff.census import Census, ranges
from pyvrrp.sniff.frames import Advert, decode
from pyvrrp.sniff.telling import HEAD, lines, summary
from pyvrrp.units import SECOND
from tests.golden.pcap import CAPTURES

NAMES = sorted(path.stem for path in CAPTURES.glob("*.pcap"))


def census(*names: str) -> tuple[Census, int]:
    found, now = Census(), 0
    for name in names:
        for frame in read((CAPTURES / f"{name}.pcap").read_bytes()):
            if isinstance(seen := decode(frame.data), Advert):
                found.note(frame.at, seen, refused=seen.priority == 0)
                now = frame.at
    return found, now


def all_lines(name: str) -> Iterable[str]:
    for frame in read((CAPTURES / f"{name}.pcap").read_bytes()):
        if (seen := decode(frame.data)) is not None:
            yield from lines(frame.at % SECOND, "bond1.1000", seen, "A_LONG_NAME", "password differs: " + "x" * 30)
    found, now = census(name)
    yield from summary(found, now)


@pytest.mark.parametrize("name", NAMES)
def test_lines_fit(name: str) -> None:
    assert max(map(len, (HEAD, *all_lines(name)))) <= 80


def test_a_master_and_its_goodbye() -> None:
    frames = list(read((CAPTURES / "priority0-shutdown.pcap").read_bytes()))
    seen = [decode(frame.data) for frame in frames]
    adverts = [one for one in seen if isinstance(one, Advert)]
    (line,) = lines(0, "", adverts[0], None, None)
    assert line == "    0.000000 v2     58  150     1s      192.0.2.1: 192.0.2.100"
    goodbye = next(one for one in adverts if one.priority == 0)
    assert "192.0.2.1 (stops)" in next(iter(lines(0, "", goodbye, None, None)))


def test_the_summary_names_masters_and_free_ids() -> None:
    found, now = census("priority0-shutdown", "v2-pass")
    text = " ".join("\n".join(summary(found, now)).split())
    assert "stopped (also heard: 192.0.2.1, 192.0.2.2; sender changed 1 times): 192.0.2.100" in text
    assert "Free virtual router ids here: 1-51, 53-57, 59-255" in text
    first = found.routers()[1]
    assert (first.virtual_router_id, first.priority, first.refused, first.changes) == (58, 0, 2, 1)


def test_nothing_seen() -> None:
    assert list(summary(Census(), 0)) == ["No VRRP was seen."]


def test_ranges() -> None:
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
    assert ranges([]) == "none"
