"""What real plays led to, decided again (recordings/README.md)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pyvrrp.record.graph import from_graph, to_graph
from pyvrrp.record.reading import Recording
from pyvrrp.record.telling import lvs_action, vrrp_action

RECORDINGS = Path(__file__).parent / "recordings"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.jsonl"))
REWRITE = bool(os.environ.get("PYVRRP_REWRITE"))


def test_there_are_recordings() -> None:
    assert len(NAMES) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_same_decisions_again(name: str) -> None:
    """In words: a field that was added since is no other decision."""
    path = RECORDINGS / f"{name}.jsonl"
    lines = path.read_bytes().splitlines()
    recording = Recording(lines)
    tell: Any = vrrp_action if recording.header.role == "vrrp" else lvs_action
    written = [lines[0].decode()]
    for entry in recording.entries():
        actions = recording.header.machine.handle(entry.event)
        written.append(json.dumps({"event": to_graph(entry.event), "actions": [to_graph(one) for one in actions]}))
        if not REWRITE:
            assert entry.actions is not None
            then = [tell(from_graph(action)) for action in entry.actions]
            assert [tell(action) for action in actions] == then, (
                f"event {entry.number}: if that is meant, see recordings/README.md"
            )
    assert recording.end == "the worker stopped"
    if REWRITE:
        path.write_text("\n".join([*written, lines[-1].decode()]) + "\n")
