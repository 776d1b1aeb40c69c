"""Values, and whole machines, as JSON and back.

`observe.codec` writes what a type's hints promise; here nothing is promised: a machine is whatever its attributes hold,
with cycles and with objects that several others share. An object becomes ``{"~": "core.vrrp.machine.Machine", …}``; one
that is met again in the same text carries ``"#": N`` the first time and is ``{"~ref": N}`` from then on.

Reading makes objects of our own pure rooms only and runs none of their code, so that a file from a stranger can do no
harm. What has no form here is an error: better when it is written than when it is needed.
"""

from __future__ import annotations

import importlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from itertools import count
from random import Random
from typing import Any, Final, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Substitute: TypeAlias = Callable[[object], object]
"""What to write in place of an object of our own; the object itself where nothing is to be hidden."""

_ROOMS: Final = ("pyvrrp.core.", "pyvrrp.model.")
_PACKAGE: Final = "pyvrrp."
_PLAIN: Final = (bool, int, float, str, type(None))
_LEAVES: Final[dict[type, tuple[str, Callable[[Any], JSON]]]] = {
    bytes: ("~bytes", bytes.hex),
    count: ("~count", lambda value: int(repr(value)[len("count(") : -1])),
    IPv4Address: ("~ip", str),
    IPv6Address: ("~ip", str),
    IPv4Interface: ("~interface", str),
    IPv6Interface: ("~interface", str),
    IPv4Network: ("~network", str),
    IPv6Network: ("~network", str),
}
"""What has nothing in it."""
_ITEMS: Final[dict[type, str]] = {tuple: "~tuple", frozenset: "~frozenset"}
"""What never changes and is its items."""
_FILLED: Final[dict[type, str]] = {dict: "~dict", Counter: "~counter", set: "~set", deque: "~deque"}
"""What its items are put into: machines of one router share a dict that it goes on to change."""


class GraphError(ValueError):
    """A value without a form, or JSON that is none of ours."""


def to_graph(value: object, substitute: Substitute | None = None) -> JSON:
    """With everything that is shared in it written once. GraphError."""
    return _Writer(substitute or _itself).write(value)


def from_graph(graph: JSON) -> Any:
    """GraphError."""
    return _Reader().read(graph)


def _itself(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Altered:
    """What a `Substitute` may give: an object with some of its attributes written otherwise."""

    value: object
    members: dict[str, Any]


@cache
def attributes(cls: type[Any]) -> tuple[str, ...] | None:
    """The names of its slots; None: it has a dict."""
    if any("__slots__" not in base.__dict__ for base in cls.__mro__[:-1]):
        return None
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        slots: str | Iterable[str] = base.__dict__.get("__slots__", ())
        names |= dict.fromkeys((slots,) if isinstance(slots, str) else slots)
    return tuple(names)


def _state(value: object) -> dict[str, Any]:
    cls: Any = type(value)
    names = attributes(cls)
    if names is None:
        return dict(vars(value))
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


class _Writer:
    def __init__(self, substitute: Substitute) -> None:
        self._substitute = substitute
        self._written: dict[int, tuple[object, dict[str, JSON]]] = {}
        """By identity: the object (kept alive, lest its identity be another's) and what was written for it."""
        self._numbers = 0

    def write(self, value: Any) -> JSON:
        kind = type(value)
        if kind in _PLAIN:
            return value  # type: ignore[no-any-return]
        if kind is list:
            return self._items(value)
        if kind in _LEAVES:
            tag, write = _LEAVES[kind]
            return {tag: write(value)}
        if kind in _ITEMS:
            return {_ITEMS[kind]: self._items(value)}
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return {"~named": _name(kind), "items": self._items(value)}
        if isinstance(value, Enum):
            return {"~enum": _name(kind), "value": self.write(value.value)}
        if kind is Random:
            return {"~random": self.write(value.getstate())}
        return self._once(value, self._filled if kind in _FILLED else self._object)

    def _items(self, items: Iterable[object]) -> list[JSON]:
        return [self.write(item) for item in items]

    def _filled(self, value: Any) -> dict[str, JSON]:
        pairs = map(list, value.items()) if isinstance(value, dict) else value
        written: dict[str, JSON] = {_FILLED[type(value)]: self._items(pairs)}
        return {**written, "maxlen": value.maxlen} if isinstance(value, deque) else written

    def _once(self, value: object, write: Callable[[Any], dict[str, JSON]]) -> JSON:
        known = self._written.get(id(value))
        if known is not None:
            written = known[1]
            if "#" not in written:
                self._numbers += 1
                written["#"] = self._numbers
            return {"~ref": written["#"]}
        # It stands in the table before it is written: it may contain itself.
        written = {}
        self._written[id(value)] = (value, written)
        written.update(write(value))
        return written

    def _object(self, value: object) -> dict[str, JSON]:
        cls = type(value)
        if not cls.__module__.startswith(_ROOMS):
            raise GraphError(f"{cls.__module__}.{cls.__qualname__} has no form in a recording")
        shown = self._substitute(value)
        state = {**_state(shown.value), **shown.members} if isinstance(shown, Altered) else _state(shown)
        return {"~": _name(cls), **{name: self.write(member) for name, member in state.items()}}


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}".removeprefix(_PACKAGE)


class _Reader:
    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def read(self, graph: JSON) -> Any:
        if isinstance(graph, list):
            return [self.read(item) for item in graph]
        if not isinstance(graph, dict):
            return graph
        tag = next((key for key in graph if key.startswith("~")), "")
        reader = _READERS.get(tag)
        if reader is None:
            raise GraphError(f"unknown form {tag or list(graph)[:3]}")
        try:
            return reader(self, graph)
        except GraphError:
            raise
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise GraphError(f"{tag}: {error}") from error

    def _remember(self, graph: dict[str, Any], value: Any) -> Any:
        if "#" in graph:
            self._known[graph["#"]] = value
        return value

    def items(self, items: Iterable[JSON]) -> Iterator[Any]:
        return map(self.read, items)

    def named_(self, graph: dict[str, Any]) -> Any:
        cls: Any = _class(graph["~named"])
        if not issubclass(cls, tuple):
            raise GraphError(f"{graph['~named']} is no tuple")
        return cls._make(self.items(graph["items"]))

    def fill(self, graph: dict[str, Any], made: Any, put: Callable[[Any, Iterator[Any]], None], tag: str) -> Any:
        put(self._remember(graph, made), self.items(graph[tag]))
        return made

    def random_(self, graph: dict[str, Any]) -> Any:
        random = Random()
        random.setstate(self.read(graph["~random"]))
        return random

    def enum_(self, graph: dict[str, Any]) -> Any:
        cls = _class(graph["~enum"])
        if not issubclass(cls, Enum):
            raise GraphError(f"{graph['~enum']} is no enumeration")
        return cls(self.read(graph["value"]))

    def ref_(self, graph: dict[str, Any]) -> Any:
        return self._known[graph["~ref"]]

    def object_(self, graph: dict[str, Any]) -> Any:
        cls = _class(graph["~"])
        made = self._remember(graph, object.__new__(cls))
        for name, member in graph.items():
            if name not in ("~", "#"):
                object.__setattr__(made, name, self.read(member))
        for name, default in _defaults(cls):
            if name not in graph:  # an earlier release did not know it
                object.__setattr__(made, name, default())
        return made


_READERS: Final[dict[str, Callable[[_Reader, dict[str, Any]], Any]]] = {
    "~": _Reader.object_,
    "~ref": _Reader.ref_,
    "~tuple": lambda reader, graph: tuple(reader.items(graph["~tuple"])),
    "~frozenset": lambda reader, graph: frozenset(reader.items(graph["~frozenset"])),
    "~named": _Reader.named_,
    "~dict": lambda reader, graph: reader.fill(graph, {}, dict.update, "~dict"),
    "~counter": lambda reader, graph: reader.fill(graph, Counter(), dict.update, "~counter"),
    "~set": lambda reader, graph: reader.fill(graph, set(), set.update, "~set"),
    "~deque": lambda reader, graph: reader.fill(graph, deque(maxlen=graph["maxlen"]), deque.extend, "~deque"),
    "~random": _Reader.random_,
    "~enum": _Reader.enum_,
    "~count": lambda reader, graph: count(graph["~count"]),
    "~bytes": lambda reader, graph: bytes.fromhex(graph["~bytes"]),
    "~ip": lambda reader, graph: _address(graph["~ip"], IPv4Address, IPv6Address),
    "~interface": lambda reader, graph: _address(graph["~interface"], IPv4Interface, IPv6Interface),
    "~network": lambda reader, graph: _address(graph["~network"], IPv4Network, IPv6Network),
}


@cache
def _defaults(cls: type) -> tuple[tuple[str, Callable[[], Any]], ...]:
    """The fields of a dataclass that have defaults, and what makes them."""
    if not is_dataclass(cls):
        return ()
    made = [(f.name, f.default_factory) for f in fields(cls) if f.default_factory is not MISSING]
    return (*made, *((f.name, partial(_itself, f.default)) for f in fields(cls) if f.default is not MISSING))


def _address(text: str, four: Callable[[str], Any], six: Callable[[str], Any]) -> Any:
    return (six if ":" in text else four)(text)


@cache
def _class(name: str) -> type:
    """A class of the pure rooms, by its module and name."""
    module, _, rest = f"{_PACKAGE}{name}".rpartition(".")
    # A nested class: its outer ones are no modules.
    parts = [rest]
    while module.rpartition(".")[2][:1].isupper():
        module, _, outer = module.rpartition(".")
        parts.insert(0, outer)
    if not f"{module}.".startswith(_ROOMS):
        raise GraphError(f"{name} is no class of a recording")
    try:
        found: Any = importlib.import_module(module)
        for part in parts:
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise GraphError(f"{name} is not known to this release") from error
    if not isinstance(found, type):
        raise GraphError(f"{name} is no class")
    return found
