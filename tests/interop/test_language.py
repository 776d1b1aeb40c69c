"""The rules of the language, asked of keepalived: which words does it call unknown keywords?"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.config.language import RULES

pytestmark = [pytest.mark.root, pytest.mark.keepalived]

UNKNOWN = re.compile(r"^\(Line [0-9]+\) Unknown keyword '(.*)'$", re.MULTILINE)
"""As the first of its four passes says it: the others name the file."""


@pytest.mark.parametrize("rule", RULES)
def test_keepalived_agrees(rule: str, tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    command = ["unshare", "--pid", "--fork", "keepalived", "-t", "-l", "-n", "-i", "host", "-f", str(file)]
    for text, words in RULES[rule]:
        file.write_bytes(f"{text}\n".encode())
        done = subprocess.run(command, capture_output=True, check=False, timeout=30)
        said = (done.stdout + done.stderr).decode("utf-8", "surrogateescape")
        assert UNKNOWN.findall(said) == words, text
