"""Files, processes and links that can be tracked: from text to the model."""

from __future__ import annotations

from typing import Any

import pytest

from pyvrrp.model.tracked import InitFile, LinkBeat, LinkDelay, TrackFile, TrackProcess
from pyvrrp.units import MILLISECOND, SECOND
from tests.unit.config.files import loaded

INSTANCE = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\n%s\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n"


@pytest.mark.parametrize(
    ("inside", "changes"),
    [
        ("", {}),
        ("weight 5 reverse", {"weight": 5, "reverse": True}),
        ("weight 5\nweight 6", {"weight": 5}),
        ("weight 1\nweight 6", {"weight": 6}),
        ("init_file", {"init_file": InitFile()}),
        ("init_file 7 overwrite", {"init_file": InitFile(value=7, overwrite=True)}),
        ("init_file overwrite", {"init_file": InitFile(overwrite=True)}),
        ("init_file 999", {"init_file": InitFile(value=999)}),
    ],
)
def test_track_file(inside: str, changes: dict[str, Any]) -> None:
    found = loaded(f"track_file f {{\nfile /x\n{inside}\n}}\n").config.track_files
    assert found == (TrackFile(name="f", file="/x", **changes),)


@pytest.mark.parametrize(
    ("inside", "changes"),
    [
        ("process a", {}),
        ("process a b c", {"process": ("a", "b", "c")}),
        ("process a\nparam_match", {"param_match": "exact"}),
        ("process a\nparam_match partial", {"param_match": "partial"}),
        ("process a\nparam_match foo", {}),
        ("process a\nquorum 2\nquorum_max 3", {"quorum": 2, "quorum_max": 3}),
        ("process a\nquorum 2\nquorum_max 1", {"quorum": 2}),
        ("process a\nquorum_max 0", {"quorum_max": 0}),
        ("process a\ndelay 2", {"fork_delay": 2 * SECOND, "terminate_delay": 2 * SECOND}),
        ("process a\ndelay 2\nfork_delay 1", {"fork_delay": SECOND, "terminate_delay": 2 * SECOND}),
        ("process a\nfull_command", {"full_command": True}),
    ],
)
def test_track_process(inside: str, changes: dict[str, Any]) -> None:
    found = loaded(f"vrrp_track_process p {{\n{inside}\n}}\n").config.track_processes
    assert found == (TrackProcess(**({"name": "p", "process": ("a",)} | changes)),)


def test_links() -> None:
    text = "linkbeat_interfaces {\neth0\neth1 MII\neth2 FOO\n}\n"
    assert loaded(text).config.linkbeat_interfaces == (
        LinkBeat(interface="eth0"),
        LinkBeat(interface="eth1", method="MII"),
        LinkBeat(interface="eth2"),
    )


@pytest.mark.parametrize(
    ("line", "options", "delay"),
    [
        ("eth1 1.5 0.5", "", LinkDelay(interface="eth1", down=1500 * MILLISECOND, up=500 * MILLISECOND)),
        ("eth1 200", "", LinkDelay(interface="eth1", down=200 * SECOND)),
        ("eth1", "", LinkDelay(interface="eth1", down=0)),
        ("eth1 x", "", None),
        ("eth0 1 200", "", LinkDelay(interface="eth0", down=SECOND, up=1999 * MILLISECOND)),
        ("eth0 5 1", "down_timer_adverts 7", LinkDelay(interface="eth0", down=5 * SECOND, up=SECOND)),
        ("eth0 5 1", "down_timer_adverts 1", LinkDelay(interface="eth0", down=0)),
    ],
)
def test_delays_and_how_long_they_may_be(line: str, options: str, delay: LinkDelay | None) -> None:
    found = loaded(f"interface_up_down_delays {{\n{line}\n}}\n" + INSTANCE % options)
    assert found.config.interface_up_down_delays == (() if delay is None else (delay,))
