from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from pyvrrp.kernel import system


@pytest.mark.parametrize(
    ("effective", "names"),
    [
        ("0000000000000000", ["CAP_NET_ADMIN", "CAP_NET_RAW"]),
        ("0000000000002000", ["CAP_NET_ADMIN"]),
        ("0000000000001000", ["CAP_NET_RAW"]),
        ("000001ffffffffff", []),
    ],
)
def test_each_missing_capability_is_named_with_what_to_do(effective: str, names: list[str]) -> None:
    told = system._missing(f"Name:\tpyvrrpd\nCapPrm:\t000001ffffffffff\nCapEff:\t{effective}\nSeccomp:\t0\n")
    assert [sentence.split()[0] for sentence in told] == names
    assert all("start as root" in sentence for sentence in told)


def test_our_own() -> None:
    assert all("CAP_NET_" in sentence for sentence in system.missing_privileges())


def test_freeze_garbage() -> None:
    code = (
        "import gc; from pyvrrp.kernel.system import freeze_garbage; freeze_garbage(); freeze_garbage();"
        "print(gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    assert gc.isenabled(), "our own collector goes on"
