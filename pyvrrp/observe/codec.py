"""Frozen dataclasses as JSON and back, strictly: what one side did not write, the other does not read.

The type hints are the schema. Dataclasses become objects, tuples arrays, enums their values, bytes hexadecimal
text; where a hint allows several dataclasses, ``"kind"`` names the class. The work on the hints is
done once a type, so that a picture of thousands of real servers costs a function call a value.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Encoder: TypeAlias = "Callable[[Any], JSON]"
JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

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
    return _form(hint).encode(value)


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
    for name, encode in _encoders(cls):
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
    decoded: T = _form(hint).decode(obj, "")
    return decoded


class _Form(NamedTuple):
    """How the values of a type are written and read."""

    encode: Encoder
    decode: Callable[[object, str], Any]
    """Takes the JSON value and its path, which only errors need."""


@cache
def _form(hint: Any) -> _Form:
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    others = tuple(member for member in members if member is not type(None))
    if 0 < len(others) < len(members):
        return _optional(_form(Union[others]))  # noqa: UP007  # made here, not written
    if len(others) > 1:
        return _tagged(hint, others)
    if hint in _PLAIN:
        return _Form(lambda value: value, _plain(hint))
    if hint is bytes:
        return _Form(lambda value: value.hex(), _hexadecimal)
    if get_origin(hint) is tuple:
        arguments = get_args(hint)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return _array(_form(arguments[0]))
        return _fixed([_form(part) for part in arguments])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _Form(lambda value: value.value, _enum(hint))
    if is_dataclass(hint) and isinstance(hint, type):
        # A class may contain itself: its fields are looked up at the first value, not here.
        return _Form(
            lambda value: {name: encode(getattr(value, name)) for name, encode in _encoders(hint)},
            lambda obj, path: _dataclass(hint, _mapping(obj, path), path),
        )
    raise TypeError(f"no JSON form for {hint}")


@cache
def _fields(cls: type) -> dict[str, _Form]:
    hints = get_type_hints(cls)
    return {field.name: _form(hints[field.name]) for field in fields(cls)}


@cache
def _encoders(cls: type) -> list[tuple[str, Encoder]]:
    return [(name, form.encode) for name, form in _fields(cls).items()]


def _optional(form: _Form) -> _Form:
    encode, decode = form
    return _Form(
        lambda value: None if value is None else encode(value),
        lambda obj, path: None if obj is None else decode(obj, path),
    )


def _tagged(hint: Any, classes: Iterable[type]) -> _Form:
    """Of one of several dataclasses."""
    if not all(is_dataclass(cls) for cls in classes):
        raise TypeError(f"no JSON form for {hint}: only dataclasses can be told apart")
    by_name = {cls.__name__: cls for cls in classes}

    def encode(value: Any) -> JSON:
        cls: type = type(value)
        return {_KIND: cls.__name__, **{name: encode(getattr(value, name)) for name, encode in _encoders(cls)}}

    def decode(obj: object, path: str) -> object:
        members = dict(_mapping(obj, path))
        kind = members.pop(_KIND, None)
        cls = by_name.get(kind) if isinstance(kind, str) else None
        if cls is None:
            where = f"{path}.{_KIND}".lstrip(".")
            raise MismatchError(where, f"expected one of {', '.join(by_name)}, found {_shown(kind)}")
        return _dataclass(cls, members, path)

    return _Form(encode, decode)


def _plain(cls: type) -> Callable[[object, str], object]:
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


def _array(each: _Form) -> _Form:
    encode, decode = each
    return _Form(
        lambda value: [encode(item) for item in value],
        lambda obj, path: tuple([decode(item, f"{path}[{i}]") for i, item in enumerate(_list(obj, path))]),
    )


def _fixed(parts: Sequence[_Form]) -> _Form:
    def decode(obj: object, path: str) -> tuple[Any, ...]:
        items = _list(obj, path)
        if len(items) != len(parts):
            raise MismatchError(path, f"expected {len(parts)} elements, found {len(items)}")
        return tuple(part.decode(item, f"{path}[{i}]") for i, (part, item) in enumerate(zip(parts, items, strict=True)))

    return _Form(lambda value: [part.encode(item) for part, item in zip(parts, value, strict=True)], decode)


def _enum(cls: type[Enum]) -> Callable[[object, str], Enum]:
    values = {(type(member.value), member.value): member for member in cls}

    def decode(obj: object, path: str) -> Enum:
        member = values.get((type(obj), obj)) if isinstance(obj, str | int) else None
        if member is None:
            raise MismatchError(path, f"{_shown(obj)} is no {cls.__name__}")
        return member

    return decode


def _dataclass(cls: type, members: Mapping[str, object], path: str) -> object:
    forms = _fields(cls)
    if members.keys() != forms.keys():
        if missing := [name for name in forms if name not in members]:
            raise MismatchError(path, f"{cls.__name__} lacks {', '.join(missing)}")
        unknown = [name for name in members if name not in forms]
        raise MismatchError(path, f"{cls.__name__} has no {', '.join(unknown)}")
    prefix = f"{path}." if path else ""
    return cls(**{name: form.decode(members[name], prefix + name) for name, form in forms.items()})


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
