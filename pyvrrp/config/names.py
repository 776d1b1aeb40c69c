"""Names of routing tables, scopes, protocols and the like, as iproute2 keeps them in files.

This room reads no files: it is given the reader that the configuration was read with, and uses it when the first name
comes up, which in most configurations is never.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from pyvrrp.errors import UnreadableError

DIRECTORY: Final = "/etc/iproute2/"
PROTOCOL_FILE: Final = "/etc/protocols"
C_NUMBER: Final = r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)"
ULONG: Final = 2**64


class Kind(NamedTuple):
    """One kind of names."""

    file: str
    most: int
    """The largest number."""
    builtin: Mapping[str, int]
    """Where the file gives a number no other name."""


TABLES: Final = Kind("rt_tables", 2**32 - 1, {"default": 253, "main": 254, "local": 255})
DSFIELDS: Final = Kind("rt_dsfield", 255, {})
REALMS: Final = Kind("rt_realms", 255, {})
GROUPS: Final = Kind("group", 2**31 - 1, {})
SCOPES: Final = Kind("rt_scopes", 255, {"global": 0, "nowhere": 255, "host": 254, "link": 253, "site": 200})
PROTOCOLS: Final = Kind(
    "rt_protos",
    255,
    {
        "none": 0,
        "redirect": 1,
        "kernel": 2,
        "boot": 3,
        "static": 4,
        "gated": 8,
        "ra": 9,
        "mrt": 10,
        "zebra": 11,
        "bird": 12,
        "dnrouted": 13,
        "xorp": 14,
        "ntk": 15,
        "dhcp": 16,
        "babel": 42,
    },
)


class Names:
    """The names on this machine."""

    def __init__(self, read: Callable[[str], bytes] | None = None) -> None:
        """`read` as in `FileReader`; without it there are the built-in names only."""
        self._read = read
        self._directories: tuple[str, ...] = (DIRECTORY,)
        self._known: dict[str, dict[str, int]] = {}

    def look_in(self, usual: str | None, own: str | None) -> None:
        """iproute_usr_dir and iproute_etc_dir: what the second one says counts for more. None: not said."""
        self._directories = tuple(f"{place.rstrip('/')}/" for place in (usual, own or DIRECTORY) if place)
        self._known.clear()

    def number(self, kind: Kind, name: str) -> int | None:
        """The number that a name, or a number, stands for; None if there is no such name, or the number is too big."""
        number = c_integer(name)
        if number is not None:
            number &= 2**32 - 1
            return number if number <= kind.most else None
        if kind.file not in self._known:
            self._known[kind.file] = self._names(kind)
        return self._known[kind.file].get(name)

    def ip_protocol(self, name: str) -> int | None:
        """The number of an IP protocol, as /etc/protocols has it."""
        if PROTOCOL_FILE not in self._known:
            found: dict[str, int] = {}
            for line in self._lines(PROTOCOL_FILE):
                if len(line) > 1 and line[1].isdecimal():
                    found |= {alias: int(line[1]) for alias in (line[0], *line[2:]) if alias not in found}
            self._known[PROTOCOL_FILE] = found
        return self._known[PROTOCOL_FILE].get(name)

    def _lines(self, path: str) -> Iterator[list[str]]:
        """The words of each line; of none if the file cannot be read."""
        try:
            content = self._read(path) if self._read is not None else b""
        except UnreadableError:
            return
        for line in content.decode("utf-8", "replace").splitlines():
            yield line.partition("#")[0].split()

    def _names(self, kind: Kind) -> dict[str, int]:
        found: dict[str, int] = {}
        for directory in reversed(self._directories):
            for words in self._lines(directory + kind.file):
                number = c_integer(words[0]) if len(words) == 2 else None
                if number is not None and number <= kind.most:
                    found.setdefault(words[1], number)
        numbers = set(found.values())
        return {name: number for name, number in kind.builtin.items() if number not in numbers} | found


def c_integer(text: str) -> int | None:
    """As strtoul(3) with base 0 reads the whole text: 10, 0x0a, 012; None if it is none."""
    match = re.fullmatch(C_NUMBER, text)
    if match is None:
        return None
    digits = match[2]
    octal = digits[0] == "0" and digits[1:2] not in ("x", "X")
    number = min(int(digits, 8) if octal else int(digits, 0), ULONG - 1)
    return -number % ULONG if match[1] == "-" else number
