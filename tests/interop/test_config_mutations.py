"""Damaged configurations, judged by keepalived and by us: the exit status of -t must be the same.

A seed fixes which; PYVRRP_MUTATIONS says how many (300), PYVRRP_SEED where to begin. What differs on purpose is in
KNOWN, with the reason, and in docs/compatibility.md.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pyvrrp.cli.check import examine
from pyvrrp.config import exit_status
from pyvrrp.config.schema import schema
from tests.interop.test_config_verdict import theirs
from tests.topology.net import Host, inside
from tests.unit.config.reference import TEXT

pytestmark = [pytest.mark.root, pytest.mark.keepalived]

SAMPLES: Final = Path("/usr/share/doc/keepalived/samples")
NUMBER: Final = int(os.environ.get("PYVRRP_MUTATIONS", "300"))
SEED: Final = int(os.environ.get("PYVRRP_SEED", "1"))
VALUES: Final = ("0", "-1", "abc", "4294967296", "1.5", "10.0.0.1", "fe80::1", "on", "eth1", '""', '"', "{", "}", "#")

KNOWN: Final = {
    "crash or hang": "keepalived dies or does not end",
    "newer": "keepalived 2.4 knows the keyword",
    "device": "a line whose device is not there is not read to its end, where an argument is missing",
    "swallowed": "a list that is not closed swallows keywords; keepalived takes them for data and says nothing",
    "nb_get_retry": "in TCP_CHECK and UDP_CHECK it is taken as retry",
}
NEWER: Final = "|".join(
    {word for words in schema().values() for word, row in words.items() if row.newer or row.ours}
    | {"vrrp_ipsets", "no_virtual_ipaddress", "tls_compliant"}
)


def bases() -> list[str]:
    files = sorted(path for path in SAMPLES.glob("keepalived.conf*") if path.is_file()) if SAMPLES.is_dir() else []
    texts = [path.read_text(errors="surrogateescape") for path in files]
    return [TEXT, *(text for text in texts if not re.search(r"^\s*(?:include|~SEQ|~LST)", text, re.MULTILINE))]


def mutations(seed: int) -> Iterator[str]:
    """One damage each."""
    chance = random.Random(seed)
    texts = bases()
    while True:
        lines = chance.choice(texts).splitlines()
        places = [at for at, line in enumerate(lines) if line.strip() and line.strip()[0] not in "!#"]
        at = chance.choice(places)
        words = lines[at].split()
        match chance.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(chance.choice(places), lines.pop(at))
            case 2:
                lines.insert(at, lines[at])
            case 3:
                braces = [n for n in places if "{" in lines[n] or "}" in lines[n]]
                at = chance.choice(braces)
                brace = "{" if "{" in lines[at] else "}"
                lines[at] = lines[at].replace(brace, "", 1)
                if chance.random() < 0.5:
                    lines.insert(chance.choice(places), brace)
            case 4:
                letter = chance.randrange(len(words[0]))
                words[0] = words[0][:letter] + words[0][letter + 1 :]
                lines[at] = " ".join(words)
            case 5:
                words[-1] = chance.choice(VALUES)
                lines[at] = " ".join(words)
            case _:
                lines[at] = " ".join(words[:-1])
        yield "\n".join(lines) + "\n"


def reason(status: int | None, said: str, told: str, text: str) -> str | None:
    """The row of KNOWN that explains a difference."""
    if status is None or status < 0 or status > 128:
        return "crash or hang"
    if re.search(f"unknown keyword '(?:{NEWER})'", said, re.IGNORECASE):
        return "newer"
    if "nb_get_retry" in said:
        return "nb_get_retry"
    if "doesn't exist" in said and "lacks its argument" in told:
        return "device"
    if status == 0 and "seems not to be closed" in told:
        return "swallowed"
    return None


def test_damaged_configurations_are_judged_alike(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    differ, explained, agree = [], 0, 0
    damaged = mutations(SEED)
    for _ in range(NUMBER):
        text = next(damaged)
        file.write_text(text, errors="surrogateescape")
        status: int | None = None
        said = ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            status, said = theirs(host, file)
        with inside(host.namespace):
            problems = examine(str(file))
        own = exit_status(problems)
        told = "\n".join(f"{problem.span.line}: {problem.message}" for problem in problems if problem.kind)
        if own == status:
            agree += 1
        elif reason(status, said, told, text) in KNOWN:
            explained += 1
        else:
            differ.append(f"keepalived {status}, we {own}\n{text}\n--- keepalived\n{said}\n--- we\n{told}")
    sys.stderr.write(f"{NUMBER} files: {agree} judged alike, {explained} differ on purpose, {len(differ)} differ\n")
    assert not differ, ("\n" + "=" * 80 + "\n").join(differ[:10])
    assert explained <= NUMBER // 10
