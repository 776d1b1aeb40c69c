"""`pyvrrp config`: the configuration as the daemon takes it, and where each value comes from."""

from __future__ import annotations

import sys

from pyvrrp.config import exit_status, load
from pyvrrp.config.render import render
from pyvrrp.errors import Severity
from pyvrrp.kernel.files import expanded

NO_START_STATUS = 6


def config(path: str, *, show_secrets: bool = False, origins: bool = False, config_id: str | None = None) -> int:
    """Print the effective configuration; the status of ``keepalived -t``, never 0 where the daemon would not start."""
    source = expanded(path, config_id)
    loaded = load(source)
    text = render(source, show_secrets=show_secrets, origins=origins)
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()
    told = [problem for problem in loaded.problems if problem.severity is not Severity.NOTICE]
    if told:
        more = "s" * (len(told) > 1)
        sys.stderr.write(f"pyvrrp config: {len(told)} problem{more}; see `pyvrrp check {path}`\n")
    return exit_status(loaded.problems) or (NO_START_STATUS if loaded.fatal else 0)
