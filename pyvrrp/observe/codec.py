"""Frozen dataclasses as JSON and back, strictly: what one side did not write, the other does not read.

The type hints are the schema. Dataclasses become objects, tuples arrays, enums their values, bytes hexadecimal
text; where a hint allows several dataclasses, ``"kind"`` names the class. The work on the hints is
done once a type, so that a picture of thousands of real servers costs a function call a value.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Encoder: TypeAlias = Callable[[Any], JSON]
Decoder: TypeAlias = Callable[[object, str], Any]
"""Takes the JSON value and its path, which only errors need."""

_PIECE: Final = 16
_KIND: Final = "kind"
_PLAIN: Final = {bool: "a boolean", int: "an integer", str: "a string", type(None): "null"}


class MismatchError(ValueError):
    """JSON that is not what the type says; the message begins with the path (``vrrp.instances[3].state: …``)."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'top level'}: {message}")
        self.path = path


def to_json(value: object) -> JSON:
    """The dataclass as values that `json.dumps` takes; TypeError where its hints are not ones this file knows."""
    hint: Any = type(value)
    return _encoder(hint)(value)


def whole(value: object) -> str:
    """The JSON text of a dataclass."""
    return _compact(to_json(value))


def in_pieces(value: object, **made: Iterable[Iterable[str]]) -> Iterator[str]:
    """The JSON text of a dataclass, a piece at a time: none is more than _PIECE elements of a long tuple.

    Whoever has other things to do can do them between two pieces. `made`: for fields whose elements are to be made only
    when their turn comes, the pieces of each.
    """
    lead = "{"
    cls: type = type(value)
    for name, encode in _field_encoders(cls):
        member = getattr(value, name)
        yield f'{lead}"{name}":'
        lead = ","
        if (elements := made.get(name)) is not None:
            yield "["
            for number, element in enumerate(elements):
                if number:
                    yield ","
                yield from element
            yield "]"
        elif isinstance(member, tuple) and len(member) > _PIECE:
            for start in range(0, len(member), _PIECE):
                text = _compact(encode(member[start : start + _PIECE]))
                yield ("," if start else "[") + text[1:-1]
            yield "]"
        else:
            yield _compact(encode(member))
    yield "}" if lead == "," else "{}"


def _compact(value: JSON) -> str:
    return json.dumps(value, separators=(",", ":"))


def from_json(wanted: type[T], obj: object) -> T:
    """The `wanted` dataclass from what `json.loads` gave; MismatchError where it is not just that."""
    hint: Any = wanted
    decoded: T = _decoder(hint)(obj, "")
    return decoded


def _members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union, one for everything else."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _split(hint: Any) -> tuple[bool, list[Any]]:
    """Whether None is allowed, and the other alternatives."""
    members = _members(hint)
    others = [member for member in members if member is not type(None)]
    if len(others) > 1 and not all(is_dataclass(member) for member in others):
        raise TypeError(f"no JSON form for {hint}: only dataclasses can be told apart")
    return len(others) < len(members), others


def _element(hint: Any) -> Any:
    """X of a ``tuple[X, ...]``; None for a tuple of fixed length."""
    arguments = get_args(hint)
    return arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else None


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


@cache
def _encoder(hint: Any) -> Encoder:
    optional, others = _split(hint)
    if optional or len(others) > 1:
        if len(others) == 1:
            inner = _encoder(others[0])
            return lambda value: None if value is None else inner(value)
        by_class = {cls: _encoder(cls) for cls in others}
        return lambda value: (
            None if value is None else {_KIND: type(value).__name__, **_object(by_class[type(value)](value))}
        )
    if hint in _PLAIN:
        return lambda value: value
    if hint is bytes:
        return lambda value: value.hex()
    if get_origin(hint) is tuple:
        if (element := _element(hint)) is not None:
            each = _encoder(element)
            return lambda value: [each(item) for item in value]
        parts = [_encoder(part) for part in get_args(hint)]
        return lambda value: [part(item) for part, item in zip(parts, value, strict=True)]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: value.value
    if is_dataclass(hint) and isinstance(hint, type):
        # A class may contain itself: its fields are looked up at the first value, not here.
        return lambda value: {name: encode(getattr(value, name)) for name, encode in _field_encoders(hint)}
    raise TypeError(f"no JSON form for {hint}")


def _object(encoded: JSON) -> dict[str, JSON]:
    assert isinstance(encoded, dict)
    return encoded


@cache
def _field_encoders(cls: type) -> list[tuple[str, Encoder]]:
    return [(name, _encoder(hint)) for name, hint in _hints(cls).items()]


@cache
def _field_decoders(cls: type) -> dict[str, Decoder]:
    return {name: _decoder(hint) for name, hint in _hints(cls).items()}


@cache
def _decoder(hint: Any) -> Decoder:
    optional, others = _split(hint)
    if optional or len(others) > 1:
        inner = _decoder(others[0]) if len(others) == 1 else _tagged({cls.__name__: cls for cls in others})
        if not optional:
            return inner
        return lambda obj, path: None if obj is None else inner(obj, path)
    if hint in _PLAIN:
        return _plain(hint)
    if hint is bytes:
        return _hexadecimal
    if get_origin(hint) is tuple:
        element = _element(hint)
        return _array(_decoder(element)) if element is not None else _fixed([_decoder(p) for p in get_args(hint)])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return lambda obj, path: _dataclass(hint, _mapping(obj, path), path)
    raise TypeError(f"no JSON form for {hint}")


def _plain(cls: type) -> Decoder:
    def decode(obj: object, path: str) -> object:
        if type(obj) is not cls:  # exactly: True is an int to isinstance
            raise MismatchError(path, f"expected {_PLAIN[cls]}, found {_shown(obj)}")
        return obj

    return decode


def _hexadecimal(obj: object, path: str) -> bytes:
    if isinstance(obj, str):
        try:
            return bytes.fromhex(obj)
        except ValueError:
            pass
    raise MismatchError(path, f"expected bytes in hexadecimal, found {_shown(obj)}")


def _array(each: Decoder) -> Decoder:
    return lambda obj, path: tuple([each(item, f"{path}[{i}]") for i, item in enumerate(_list(obj, path))])


def _fixed(parts: list[Decoder]) -> Decoder:
    def decode(obj: object, path: str) -> tuple[Any, ...]:
        items = _list(obj, path)
        if len(items) != len(parts):
            raise MismatchError(path, f"expected {len(parts)} elements, found {len(items)}")
        return tuple(part(item, f"{path}[{i}]") for i, (part, item) in enumerate(zip(parts, items, strict=True)))

    return decode


def _enum(cls: type[Enum]) -> Decoder:
    values = {(type(member.value), member.value): member for member in cls}

    def decode(obj: object, path: str) -> Enum:
        member = values.get((type(obj), obj)) if isinstance(obj, str | int) else None
        if member is None:
            raise MismatchError(path, f"{_shown(obj)} is no {cls.__name__}")
        return member

    return decode


def _tagged(classes: Mapping[str, type]) -> Decoder:
    def decode(obj: object, path: str) -> object:
        members = dict(_mapping(obj, path))
        kind = members.pop(_KIND, None)
        cls = classes.get(kind) if isinstance(kind, str) else None
        if cls is None:
            raise MismatchError(
                f"{path}.{_KIND}".lstrip("."), f"expected one of {', '.join(classes)}, found {_shown(kind)}"
            )
        return _dataclass(cls, members, path)

    return decode


def _dataclass(cls: type, members: Mapping[str, object], path: str) -> object:
    decoders = _field_decoders(cls)
    if members.keys() != decoders.keys():
        if missing := [name for name in decoders if name not in members]:
            raise MismatchError(path, f"{cls.__name__} lacks {', '.join(missing)}")
        unknown = [name for name in members if name not in decoders]
        raise MismatchError(path, f"{cls.__name__} has no {', '.join(unknown)}")
    prefix = f"{path}." if path else ""
    return cls(**{name: decode(members[name], prefix + name) for name, decode in decoders.items()})


def _mapping(obj: object, path: str) -> Mapping[str, object]:
    if not isinstance(obj, dict):
        raise MismatchError(path, f"expected an object, found {_shown(obj)}")
    return obj


def _list(obj: object, path: str) -> list[object]:
    if not isinstance(obj, list):
        raise MismatchError(path, f"expected an array, found {_shown(obj)}")
    return obj


def _shown(obj: object) -> str:
    text = repr(obj)
    return text if len(text) <= 40 else f"{text[:40]}…"
