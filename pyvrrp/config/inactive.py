"""What it means, in the words of an operator, that a known keyword is not active in this version.

{name} is the block in which it stands (``V``, ``10.0.0.2 80``), {value} its first argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

INACTIVE: Final[Mapping[str, str]] = {
    "bfd": "no BFD session {value} runs",
    "buffers": "netlink socket buffers keep their size",
    "check": "no BFD session runs: real server {name} counts as up, or with alpha as down",
    "dbus": "D-Bus is not served",
    "files": "files keep their usual names and places",
    "iproute": "names of tables, scopes and protocols are not read from there",
    "reload": "a reload follows SIGHUP only, and reads the file as it is then",
    "sched": "the processes run with the scheduling that they were started with",
    "seed": "random numbers stay random",
    "snmp": "SNMP is not served",
    "title": "processes keep their names",
    "track": "no BFD session runs, so for {name} it is neither up nor down",
    "umask": "only the command line's umask counts",
}
