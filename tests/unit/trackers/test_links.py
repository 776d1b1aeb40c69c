"""Links that are asked for, with devices that answer as a test wants."""

from __future__ import annotations

import errno

import pytest

from pyvrrp.core.log import Level
from pyvrrp.kernel.linkbeat import Method
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.tracked import LinkBeat
from pyvrrp.trackers import links
from pyvrrp.trackers.links import LinkTracker
from tests.waiting import eventually


class Beats:
    """`kernel.api.LinkBeats`: knows one way to ask."""

    def __init__(self) -> None:
        self.up = {"eth0": True}

    def best(self, name: str) -> Method:
        if name not in self.up:
            raise kernel_error(errno.ENODEV, f"ask {name}")
        return Method.ETHTOOL

    def is_up(self, name: str, method: Method) -> bool:
        if name not in self.up:
            raise kernel_error(errno.ENODEV, f"ask {name}")
        if method is Method.MII:
            raise kernel_error(errno.EOPNOTSUPP, f"ask {name} ({method})")
        return self.up[name]


async def test_changes_are_told_and_netlink_is_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "PERIOD", 0.01)
    beats, changes, lines = Beats(), list[tuple[str, bool]](), list[tuple[Level, str]]()
    tracker = LinkTracker(beats, lambda *line: lines.append(line), lambda *change: changes.append(change))
    tracker.watch([LinkBeat(interface="eth0", method="MII"), LinkBeat(interface="eth9")])
    assert changes == [("eth0", True), ("eth9", False)]
    assert [level for level, _ in lines] == [Level.WARNING, Level.INFO], "MII is not to be had, so the best is used"
    beats.up["eth0"] = False
    await eventually(lambda: changes[2:] == [("eth0", False)])
    assert tracker.is_up("eth0", True) is False
    assert tracker.is_up("eth5", True) is True
    beats.up["eth9"] = True
    await eventually(lambda: changes[3:] == [("eth9", True)])
    tracker.watch([])
    assert tracker.is_up("eth0", True) is True
    tracker.close()
