"""keepalived.conf: text in, typed configuration and problems out.

    source = expand(path, Files(), config_id, os.environ)
    loaded = load(source)

`Source.to_text` and `Source.from_text` carry the expanded text from the supervisor to its workers.
"""

from pyvrrp.config.expand import expand
from pyvrrp.config.hosts import HostUse, unknown_hosts
from pyvrrp.config.interfaces import InterfaceUse, absent_interfaces
from pyvrrp.config.load import Loaded, exit_status, interfaces_named, load
from pyvrrp.config.scripts import ScriptUse, script_problems
from pyvrrp.config.source import FileReader, Source
from pyvrrp.errors import UnreadableError

__all__ = [
    "FileReader",
    "HostUse",
    "InterfaceUse",
    "Loaded",
    "ScriptUse",
    "Source",
    "UnreadableError",
    "absent_interfaces",
    "exit_status",
    "expand",
    "interfaces_named",
    "load",
    "script_problems",
    "unknown_hosts",
]
