"""The Vagrant lab's story on five kernels, made by the very scripts that make the virtual machines."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kernels import ROOT, Kernels
from tests.topology.daemons import BIN, OURS

sys.path.insert(0, str(ROOT / "examples/lab"))

import play  # type: ignore[import-not-found]
import remote  # type: ignore[import-not-found]

pytestmark = [pytest.mark.root, pytest.mark.timeout(420)]

PYVRRPD = str(BIN / OURS)
KEEPALIVED = "keepalived -G"
PAIRS = {
    "ours with keepalived": {"director1": PYVRRPD, "director2": KEEPALIVED},
    "keepalived with ours": {"director1": KEEPALIVED, "director2": PYVRRPD},
}
if os.environ.get("PYVRRP_CONTROL"):  # two of ours play the same in tests/lab, in one kernel
    PAIRS["ours"] = {"director1": PYVRRPD, "director2": PYVRRPD}


@pytest.fixture(params=list(PAIRS))
def kernels(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kernels]:
    kernels = Kernels(tmp_path, PAIRS[request.param])
    try:
        yield kernels
    finally:
        kernels.close()


class Told(remote.RemoteStage):  # type: ignore[misc]
    """Keeps what it would print."""

    def __init__(self, machines: Kernels) -> None:
        super().__init__(machines)
        self.events: list[dict[str, Any]] = []

    def emit(self, event: str, **members: object) -> None:
        self.events.append({"event": event, **members})


def test_the_story(kernels: Kernels) -> None:
    async def run() -> tuple[int, list[dict[str, Any]]]:
        await kernels.start()
        stage = Told(kernels)
        return await play.run(stage, remote.RemoteStory(stage)), stage.events

    status, events = asyncio.run(run())
    acts = {event["key"]: event for event in events if event["event"] == "done"}
    story = "\n".join(f"{'' if act['ok'] else 'NOT '}held: {act['title']}: {act['text']}" for act in acts.values())
    assert [key for key, act in acts.items() if not act["ok"]] == [], story
    assert set(acts) == {act.key for act in remote.REMOTE_ACTS}, story
    assert status == 0
