"""The configuration reference is what the schema says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from pyvrrp.config.describe import keywords

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_up_to_date() -> None:
    tool = runpy.run_path(str(DOCS / "configuration.py"))
    written = (DOCS / "configuration.md").read_text()
    assert written == tool["document"](), "run: python docs/configuration.py --write"


def test_every_keyword_has_an_entry_and_every_link_a_heading() -> None:
    page = (DOCS / "configuration.md").read_text()
    entries = set(re.findall(r"^- \*\*\[?`(\S+?)[ `]", page, re.MULTILINE))
    assert set(keywords()) <= entries
    headings = {line[3:].lower().replace("/", "").replace(" ", "-") for line in page.splitlines() if line[:3] == "## "}
    assert set(re.findall(r"\]\(#(\S+?)\)", page)) == headings
