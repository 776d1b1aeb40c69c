"""keepalived.conf: text in, typed configuration and problems out.

In two steps:

    source = expand(path, Files(), config_id, os.environ)
    loaded = load(source)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pyvrrp.config.expand import expand
from pyvrrp.config.load import Loaded, exit_status, interfaces_named, load
from pyvrrp.config.source import FileReader, Source
from pyvrrp.errors import UnreadableError

if TYPE_CHECKING:
    from pyvrrp.config.hosts import HostUse, unknown_hosts
    from pyvrrp.config.interfaces import InterfaceUse, absent_interfaces
    from pyvrrp.config.scripts import ScriptUse, script_problems

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

_HOMES: Final[Mapping[str, str]] = {
    "HostUse": "hosts",
    "InterfaceUse": "interfaces",
    "ScriptUse": "scripts",
    "absent_interfaces": "interfaces",
    "script_problems": "scripts",
    "unknown_hosts": "hosts",
}
"""Of what is loaded when it is asked for: few files need it, and -t is to be quick."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"pyvrrp.config.{_HOMES[name]}"), name)
