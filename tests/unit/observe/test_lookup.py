from __future__ import annotations

from dataclasses import replace

import pytest

from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.observe.lookup import Part, UnknownNameError, names, part_of
from pyvrrp.observe.picture import Picture
from tests.unit.observe.pictures import BACKUP, FAULT, GROUP, MASTER, PICTURE, WORST


def parts(picture: Picture) -> list[str]:
    """What is left, by name."""
    left = []
    if picture.vrrp is not None:
        left += [f"group {group.name}" for group in picture.vrrp.sync_groups]
        left += [instance.name for instance in picture.vrrp.instances]
    if picture.lvs is not None:
        for service in picture.lvs.virtual_servers:
            left += [service.address, *(f"- {server.address}" for server in service.real_servers)]
    return left


SERVICE = ["192.0.2.10:15000", "- 10.71.12.69:15000", "- 10.71.12.76:15000"]
OF_GROUP = ["[WEB]:0", *SERVICE[1:]]
SERVICE6 = [
    "[2001:db8:0:1::10]:53",
    "- [2001:db8:1234:5678:9abc:def0:1234:5678]:53",
    "- [2001:db8::2]:53",
    "- 10.71.12.76:15000",
    "- 10.71.12.99:15000",
]


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("VI_6", ["VI_6"]),
        ("NC-MAIN-API", ["group NC-MAIN-API", "NC-MAIN-API-PUB"]),
        ("192.0.2.10:15000", SERVICE),
        ("[192.0.2.10]:tcp:15000", SERVICE),
        ("192.0.2.10", ["NC-MAIN-API-PUB", *SERVICE]),
        ("192.0.2.10/25", ["NC-MAIN-API-PUB"]),
        ("198.51.100.29", [FAULT.name]),
        ("10.71.12.76", [*SERVICE[:1], SERVICE[2], SERVICE6[0], SERVICE6[3], OF_GROUP[0], OF_GROUP[2]]),
        ("10.71.12.69:15000", [*SERVICE[:2], *OF_GROUP[:2]]),
        ("2001:db8::2", [SERVICE6[0], SERVICE6[2]]),
        ("[2001:db8:0:1::10]:53", SERVICE6),
        ("2001:db8:0:1::10", ["VI_6", *SERVICE6]),
        ("FWM 7", ["FWM 7"]),
    ],
)
def test_a_name_stands_for(name: str, left: list[str]) -> None:
    part, narrowed = part_of(WORST, name)
    assert part is Part.NAMED
    assert parts(narrowed) == left
    assert narrowed.daemon == WORST.daemon


@pytest.mark.parametrize(
    "name", ["", "10.71.12", "10.71.12.7", "15000", ":53", "nc-main-api", "10.71.12.76:1500", "[", "]"]
)
def test_less_than_a_name_is_none(name: str) -> None:
    with pytest.raises(UnknownNameError):
        part_of(WORST, name)


def test_halves() -> None:
    assert part_of(WORST, None) == (Part.ALL, WORST)
    assert part_of(WORST, "vrrp") == (Part.VRRP, replace(WORST, lvs=None))
    assert part_of(WORST, "lvs") == (Part.LVS, replace(WORST, vrrp=None))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("VI_7", "called VI_7; did you mean VI_6?"),
        ("nc-main-api-pub", "called nc-main-api-pub; did you mean NC-MAIN-API-PUB or NC-MAIN-API?"),
        ("10.71.12.70:15000", "called 10.71.12.70:15000; did you mean 10.71.12.7"),
        ("zzz", "called zzz"),
    ],
)
def test_unknown_names_bring_suggestions(name: str, message: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        part_of(WORST, name)
    assert f"no instance, sync group or server {message}" in str(caught.value)
    assert ("did you mean" in str(caught.value)) == (name != "zzz")


def test_a_daemon_without_vrrp_or_lvs() -> None:
    neither = replace(PICTURE, vrrp=None, lvs=None)
    assert names(neither) == []
    with pytest.raises(UnknownNameError):
        part_of(neither, "VI_6")
    only = replace(PICTURE, lvs=None, vrrp=VrrpSnapshot(instances=(MASTER, BACKUP), sync_groups=(GROUP,)))
    assert parts(part_of(only, "VI_6")[1]) == ["VI_6"]
    assert part_of(only, "VI_6")[1].lvs is None
