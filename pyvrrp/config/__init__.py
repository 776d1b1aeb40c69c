"""keepalived.conf: text in, typed configuration and problems out.

In two steps:

    source = expand(path, Files(), config_id, os.environ)
    loaded = load(source)
"""

from __future__ import annotations

from pyvrrp.config.expand import expand
from pyvrrp.config.load import Loaded, exit_status, load

__all__ = ["Loaded", "exit_status", "expand", "load"]
