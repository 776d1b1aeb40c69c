"""The ledger of what was changed: taken over from the dead only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyvrrp.errors import KernelError
from pyvrrp.kernel.ledger import LinuxLedger, files


def die(ledger: LinuxLedger) -> None:
    """As the kernel lets go of a process's files."""
    assert ledger._fd is not None
    os.close(ledger._fd)
    ledger._fd = None


def test_the_first_entry_counts_and_what_was_undone_is_forgotten(tmp_path: Path) -> None:
    first = LinuxLedger(str(tmp_path))
    first.enter("net/a", "1\t2")
    first.enter("net/a", "3")
    first.enter("net/b", "")
    first.enter("net/c", "7")
    first.strike("net/b")
    first.strike("net/unknown")
    die(first)
    assert files(str(tmp_path))
    assert LinuxLedger(str(tmp_path)).inherit() == {"net/a": "1\t2", "net/c": "7"}


def test_what_was_taken_over_outlives_the_next_death_too(tmp_path: Path) -> None:
    first = LinuxLedger(str(tmp_path))
    first.enter("net/a", "1")
    die(first)
    second = LinuxLedger(str(tmp_path))
    second.inherit()
    second.enter("net/a", "changed by the first")
    die(second)
    assert len(list(tmp_path.iterdir())) == 1
    assert LinuxLedger(str(tmp_path)).inherit() == {"net/a": "1"}


def test_nothing_is_taken_from_the_living(tmp_path: Path) -> None:
    first = LinuxLedger(str(tmp_path))
    first.enter("net/a", "1")
    assert LinuxLedger(str(tmp_path)).inherit() == {}
    first.strike("net/a")
    assert not list(tmp_path.iterdir()), "an empty ledger leaves no file"
    first.enter("net/a", "2")
    die(first)
    assert LinuxLedger(str(tmp_path)).inherit() == {"net/a": "2"}


def test_other_namespaces_and_cut_off_lines(tmp_path: Path) -> None:
    (tmp_path / "ffffffffffff.1.before").write_text('["net/other", "1"]\n')
    assert not files(str(tmp_path))
    first = LinuxLedger(str(tmp_path))
    first.enter("net/a", "1")
    assert first._fd is not None
    os.write(first._fd, b'["net/b", "')
    die(first)
    assert LinuxLedger(str(tmp_path)).inherit() == {"net/a": "1"}
    assert (tmp_path / "ffffffffffff.1.before").exists()


def test_a_directory_that_cannot_be_had_is_a_refusal(tmp_path: Path) -> None:
    assert LinuxLedger(str(tmp_path / "none" / "there")).inherit() == {}
    with pytest.raises(KernelError, match="write down what is changed"):
        LinuxLedger(str(tmp_path / "none" / "there")).enter("net/a", "1")
