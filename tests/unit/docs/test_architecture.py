"""What the documents say of the code is what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_state_diagram_is_the_table() -> None:
    tool = runpy.run_path(str(DOCS / "state_diagram.py"))
    text = (DOCS / "architecture.md").read_text()
    assert tool["diagram"]() in text, "run: python docs/state_diagram.py --write"
    assert tool["written"](text) == text
