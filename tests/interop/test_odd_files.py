"""Files as people write them, mistakes and all: what comes of them is what keepalived makes of them.

The first line of a file in `odd` names the virtual routers that advertise in the end. NOTIFY is a script that notes its
arguments, FILE a file that holds 5.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import Lab

pytestmark = [pytest.mark.root, pytest.mark.keepalived]

FILES = sorted((Path(__file__).parent / "odd").glob("*.conf"))
KERNELS = re.compile(r"proto kernel|^(local|broadcast|multicast|anycast|fe80|ff00|0:|3276[67]:)")


def addresses(lab: Lab, name: str) -> list[str]:
    """All but the director's own."""
    own = {"127.0.0.1", "::1", lab.address(name), lab.address(name, 1)}
    found = []
    for device in json.loads(lab.hosts[name].run("ip", "-d", "-j", "addr")):
        for info in device["addr_info"]:
            if info["local"] not in own and not info["local"].startswith("fe80::ff:fe00"):
                keys = ("local", "prefixlen", "label", "broadcast", "scope", "deprecated", "nodad")
                found.append(" ".join([device["ifname"], *(str(info.get(key, "")) for key in keys)]))
    return sorted(found)


def routing(lab: Lab, name: str) -> list[str]:
    run = lab.hosts[name].run
    lines = [line for v in "46" for line in run("ip", f"-{v}", "route", "show", "table", "all").splitlines()]
    lines += [line for v in "46" for line in run("ip", f"-{v}", "rule").splitlines()]
    return sorted(line.strip() for line in lines if not KERNELS.search(line))


def wire(lab: Lab, name: str) -> dict[int, set[str]]:
    """What each virtual router says last, on each segment."""
    said: dict[int, set[str]] = {}
    for segment, tap in enumerate(lab.taps):
        own = {lab.address(name, segment), f"fe80::ff:fe00:{(segment << 8) + int(name[1:]):x}"}
        last = {(a.vrid, a.source): a for a in tap.adverts() if a.source in own}
        for (vrid, source), a in last.items():
            text = f"{segment} v{a.version} {a.priority} {a.interval} {a.auth_type} {a.password!r} {a.destination}"
            said.setdefault(vrid, set()).add(f"{text} {a.ttl} {a.addresses} {':' in source}")
    return said


@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_comes_of_it(lab: Lab, file: Path, tmp_path: Path) -> None:
    def usable(name: str) -> bool:
        return lab.hosts[name].run("ip", "-6", "-o", "addr", "show", "scope", "link", "-tentative").count("fe80") == 2

    lab.until(lambda: all(map(usable, lab.hosts)), within=10, what="link-local addresses")
    lab.set_isolated(True)
    script, number = tmp_path / "note", tmp_path / "number"
    script.write_text('#!/bin/sh\nto=$1\nshift\necho "$@" >> "$to"\n')
    script.chmod(0o755)
    number.write_text("5")
    text = file.read_text().replace("FILE", str(number))
    masters = set(map(int, text.partition("\n")[0].partition(":")[2].split()))
    for name, program in (("d1", OURS), ("d2", KEEPALIVED)):
        lab.start(name, program, text.replace("NOTIFY", f"{script} {tmp_path}/{name}.notes"))

    def notes(name: str) -> list[str]:
        path = tmp_path / f"{name}.notes"
        return sorted(path.read_text().splitlines()) if path.exists() else []

    def found(name: str) -> dict[str, object]:
        return {
            "addresses": addresses(lab, name),
            "routing": routing(lab, name),
            "wire": wire(lab, name),
            "notes": notes(name),
        }

    def same() -> bool:
        return all(set(wire(lab, name)) == masters for name in lab.hosts) and found("d1") == found("d2")

    try:
        lab.until(same, within=15, what="both have come to the same")
    finally:
        ours, theirs = found("d1"), found("d2")
        for what, told in theirs.items():
            assert ours[what] == told, what
    lab.stop("d1")
    lab.daemons["d2"].stop()
    lab.until(lambda: notes("d1") == notes("d2"), within=3, what="the end is told alike")
    assert (addresses(lab, "d1"), routing(lab, "d1")) == ([], [])
