from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyvrrp.errors import UnreadableError
from pyvrrp.kernel.files import Files


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "k.conf"
    path.write_bytes(b"a\xff\r\n")
    assert Files().read(str(path)) == b"a\xff\r\n"


def test_what_is_no_configuration_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "k.conf"
    path.write_text("x")
    path.chmod(0o755)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for name, reason in (
        (path, "executable"),
        (tmp_path, "directory|regular"),
        (fifo, "regular"),
        (tmp_path / "no", "No such"),
    ):
        with pytest.raises(UnreadableError, match=reason):
            Files().read(str(name))


def test_glob(tmp_path: Path) -> None:
    for name in ("b.conf", "a.conf", "c.txt"):
        (tmp_path / name).touch()
    files = Files()
    assert files.glob(f"{tmp_path}/*.conf") == [f"{tmp_path}/a.conf", f"{tmp_path}/b.conf"]
    assert files.glob(f"{tmp_path}/c.txt") == [f"{tmp_path}/c.txt"]
    assert files.glob(f"{tmp_path}/no") == []
    assert files.directory() == os.getcwd()
