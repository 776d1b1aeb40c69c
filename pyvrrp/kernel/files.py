"""The file system, as reading a configuration needs it (`pyvrrp.config.source.FileReader`)."""

from __future__ import annotations

import glob
import os
import stat

from pyvrrp.config.expand import expand
from pyvrrp.config.source import SIZE_MAX, Source
from pyvrrp.errors import UnreadableError

_KEY_MAX = 1024


def expanded(path: str, config_id: str | None) -> Source:
    """The configuration at `path`, on this machine. `config_id`: None is the host's name up to the first dot."""
    identifier = os.uname().nodename.partition(".")[0] if config_id is None else config_id
    return expand(path, Files(), identifier, os.environ)


class Files:
    """The real one. No ownership is checked: keepalived does not either."""

    def glob(self, pattern: str) -> list[str]:
        if not glob.has_magic(pattern):
            return [pattern] if os.path.lexists(pattern) else []
        return sorted(glob.glob(pattern))

    def read(self, path: str) -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:
                mode = os.fstat(descriptor).st_mode
                if not stat.S_ISREG(mode):
                    raise UnreadableError("it is not a regular file")
                if mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH):
                    raise UnreadableError("it is executable, so it is probably no configuration")
                return file.read(SIZE_MAX + 1)  # too much is for the caller to tell
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error

    def read_key(self, path: str) -> tuple[str, bool] | str:
        """Its text, and whether others than the owner may read it; or why it cannot be read."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:
                mode = os.fstat(descriptor).st_mode
                if not stat.S_ISREG(mode):
                    return "it is not a regular file"
                return file.read(_KEY_MAX).decode("utf-8", "surrogateescape"), bool(
                    mode & (stat.S_IRGRP | stat.S_IROTH)
                )
        except (OSError, ValueError) as error:
            return error.strerror or str(error) if isinstance(error, OSError) else str(error)

    def directory(self) -> str:
        return os.getcwd()
