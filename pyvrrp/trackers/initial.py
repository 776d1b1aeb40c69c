"""init_file: a tracked file is made, or overwritten, when the daemon starts, and at no other time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from pyvrrp.core.log import Level
from pyvrrp.model.tracked import TrackFile


def write_first(files: Iterable[TrackFile], log: Callable[[Level, str], None]) -> None:
    """Those that ask for it. No symbolic link is followed: its maker could have root write anywhere."""
    for file in files:
        if file.init_file is None:
            continue
        mode = os.O_TRUNC if file.init_file.overwrite else os.O_EXCL
        try:
            descriptor = os.open(file.file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | mode, 0o644)
        except FileExistsError:
            continue
        except OSError as error:
            log(Level.WARNING, f"{file.file}: cannot be written (init_file): {error.strerror}")
            continue
        with open(descriptor, "w", encoding="ascii") as made:
            made.write(f"{file.init_file.value}\n")
