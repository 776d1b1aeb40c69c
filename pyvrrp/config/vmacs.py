"""use_vmac, use_ipvlan and what belongs to them: which devices an instance wants, and their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import IFNAME_MAX, parse_address, parse_integer
from pyvrrp.config.source import Line
from pyvrrp.config.tree import Statement
from pyvrrp.model.vmac import Kind, Mode, Vmac, virtual_mac
from pyvrrp.model.vrrp import VirtualAddress
from pyvrrp.net import Interface

_MAC: Final = re.compile(r"[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){4,5}")
_RFC: Final = (virtual_mac(0, 4)[:5], virtual_mac(0, 6)[:5])
_GROUP_MAX: Final = 0xFFFFFFFF
_PLAIN: Final = "netlink_notify_msg"
"""A word that keepalived needs for its log and that means nothing to us."""


@dataclass(slots=True)
class Wish:
    """What the lines of an instance ask for."""

    kind: Kind = Kind.MACVLAN
    name: str | None = None
    mac: bytes = b""
    """Six bytes, or five to which the virtual router id is added; empty: the RFC's."""
    mode: Mode | None = None
    address: Interface | None = None
    group: int | None = None


@dataclass(slots=True)
class DeviceNames:
    """Names given so far, in the order of the file."""

    prefix: str = "vrrp"
    address_prefix: str = "vrrp"
    given: set[str] = field(default_factory=set)
    written: frozenset[str] = frozenset()
    """Names that stand in the file: no device that is not called so gets one of them."""

    def choose(self, prefix: str, virtual_router_id: int, family: int) -> str:
        """``vrrp.5``; where that is taken ``vrrp6.5`` for IPv6, and then ``vrrp1.5``."""
        name = next(n for n in candidates(prefix, virtual_router_id, family) if n not in self.given | self.written)
        self.given.add(name)
        return name


def candidates(prefix: str, virtual_router_id: int, family: int) -> Iterator[str]:
    """Names that keepalived would try, the best first."""
    numbers = [""] + (["6"] if family == 6 else []) + [str(number) for number in range(1, 100_000)]
    for number in numbers:
        tail = f"{number}.{virtual_router_id}"
        yield prefix[: IFNAME_MAX - len(tail)] + tail


def read_use_vmac(statement: Statement, problems: Problems) -> Wish:
    """[[name] IFNAME] [MAC] [group GROUP] [netlink_notify_msg]."""
    wish = Wish()
    for at, word in _plain_words(wish, statement, problems):
        if ":" in word:
            _mac(wish, word, statement.line, at, problems)
        elif word != _PLAIN or len(statement.words) == 2:
            _name(wish, word, statement.line, at, problems)
    return wish


def read_use_ipvlan(statement: Statement, problems: Problems) -> Wish:
    """[[name] IFNAME] [ADDRESS] [bridge|private|vepa] [group GROUP]."""
    from pyvrrp.config.addresses import read_interface

    wish, line = Wish(kind=Kind.IPVLAN), statement.line
    for at, word in _plain_words(wish, statement, problems):
        if word in Mode._value2member_map_:
            if wish.mode is not None:
                problems.error(line, f"the ipvlan is {wish.mode.value} already", f"`{word}` is ignored", word=at)
            else:
                wish.mode = Mode(word)
        elif parse_address(word.partition("/")[0]) is not None:
            wish.address = read_interface(replace(statement, words=[word]), problems)
        else:
            _name(wish, word, line, at, problems)
    return wish


def _plain_words(wish: Wish, statement: Statement, problems: Problems) -> Iterator[tuple[int, str]]:
    """The words that are read by what they look like, with their places; those behind name and group are read here."""
    words = statement.words
    at = 1
    while at < len(words):
        word, more = words[at], at + 1 < len(words)
        if word == "name" and more and wish.name is None:
            at += 1
            _name(wish, words[at], statement.line, at, problems)
        elif word == "group" and more and (wish.kind is Kind.MACVLAN or wish.name is None):
            at += 1
            wish.group = _group(words[at], statement.line, at, problems)
        else:
            yield at, word
        at += 1


def _name(wish: Wish, word: str, line: Line, at: int, problems: Problems) -> None:
    if wish.name is not None:
        problems.error(line, f"the device is called {wish.name} already", f"`{word}` is ignored", word=at)
    elif len(word) > IFNAME_MAX or "/" in word:
        message = f"`{word}` is no name for a network device (at most {IFNAME_MAX} characters)"
        problems.error(line, message, "the usual name is used", word=at)
    else:
        wish.name = word


def _group(word: str, line: Line, at: int, problems: Problems) -> int | None:
    if word == "default":
        return 0
    number = parse_integer(word, 0, _GROUP_MAX)
    if isinstance(number, int):
        return number
    problems.error(line, f"`{word}` is no interface group", "the parent's group is used", word=at)
    return None


def _mac(wish: Wish, word: str, line: Line, at: int, problems: Problems) -> None:
    effect = "the RFC's address for the virtual router is used"
    if _MAC.fullmatch(word) is None:
        problems.error(line, f"`{word}` is not a MAC address", effect, word=at)
        return
    mac = bytes(int(octet, 16) for octet in word.split(":"))
    if mac[0] & 1:
        problems.error(line, f"{word} is a multicast address", effect, word=at)
    elif mac[:5] in _RFC:
        problems.error(line, f"{word} is another virtual router's address (RFC 9568)", effect, word=at)
    else:
        wish.mac = mac


@dataclass(frozen=True, slots=True)
class Devices:
    """The outcome: what an instance has of its own, and where its addresses lie."""

    vmac: Vmac | None
    """For the advertisements and most addresses."""
    address_vmacs: tuple[Vmac, ...]
    """On other interfaces, for addresses there."""
    on: dict[str, str]
    """By interface: the device that takes its place for addresses of the instance's family."""
    chosen: bool = False
    """On other interfaces for those only that say so (use_vmac in their line)."""


def make_devices(
    wish: Wish | None,
    interface: str,
    virtual_router_id: int,
    family: int,
    others: list[str],
    names: DeviceNames,
    line: Line,
    problems: Problems,
    *,
    chosen: bool,
) -> Devices:
    """`others`: interfaces that are to have a VMAC for addresses."""
    vmac = None
    if wish is not None:
        vmac = _make(wish, interface, virtual_router_id, family, names, names.prefix, line, problems)
    on = {interface: vmac.name} if vmac is not None else {}
    extra = []
    for parent in dict.fromkeys(others):
        if parent in on:
            continue
        made = _make(Wish(), parent, virtual_router_id, family, names, names.address_prefix, line, problems)
        on[parent] = made.name
        extra.append(made)
    return Devices(vmac, tuple(extra), on, chosen)


def _make(
    wish: Wish,
    parent: str,
    virtual_router_id: int,
    family: int,
    names: DeviceNames,
    prefix: str,
    line: Line,
    problems: Problems,
) -> Vmac:
    name = wish.name
    if name is not None and name in names.given:
        message = f"another instance has a device {name} already"
        problems.error(line, message, "the usual name is used")
        name = None
    if name is None:
        chosen = names.choose(prefix, virtual_router_id, family)
    else:
        chosen = name
        names.given.add(name)
    mac = b""
    if wish.kind is Kind.MACVLAN:
        mac = (wish.mac + bytes((virtual_router_id,)))[:6] if wish.mac else virtual_mac(virtual_router_id, family)
    mode = wish.mode or (Mode.BRIDGE if wish.kind is Kind.IPVLAN else Mode.PRIVATE)
    return Vmac(
        name=chosen,
        parent=parent,
        family=family,
        kind=wish.kind,
        mode=mode,
        mac=mac,
        address=wish.address,
        group=wish.group,
        named=name is not None,
    )


def on_devices(addresses: tuple[VirtualAddress, ...], family: int, devices: Devices) -> tuple[VirtualAddress, ...]:
    """Addresses of the family move from an interface to the VMAC there."""
    usual = None if devices.vmac is None else devices.vmac.parent

    def moves(address: VirtualAddress) -> bool:
        wished = address.use_vmac or not devices.chosen or address.dev == usual
        return wished and address.dev in devices.on and address.address.version == family

    return tuple(replace(address, dev=devices.on[address.dev]) if moves(address) else address for address in addresses)
