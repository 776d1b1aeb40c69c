"""Statements into dataclasses whose fields are named as the keywords: for all that needs no more than its reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from pyvrrp.config.readers import BARE
from pyvrrp.config.tree import Statement

T = TypeVar("T")


def fill(cls: type[T], statements: Iterable[Statement], **given: Any) -> T | None:
    """One of `cls` from the statements that it has fields for, the last use of a keyword and `given` before all;
    None where there is nothing for it, or not all that it must have.

    A field of a tuple type takes all words of the line, or of the block; one for a keyword that stands alone takes
    what its metadata call `bare`.
    """
    members = {member.name: member for member in fields(cls)}  # type: ignore[arg-type]
    found: dict[str, Any] = {}
    for statement in statements:
        row = statement.row
        if row is None:
            continue
        name = row.instead if row.instead in members else row.word
        member = members.get(name)
        if member is None:
            continue
        value = _value(statement, plural=str(member.type).startswith("tuple"))
        if value is BARE:
            value = member.metadata.get("bare")
        if value is not None:
            found[name] = value
    found |= {name: value for name, value in given.items() if value not in (None, ())}
    needed = (m.name for m in members.values() if m.default is MISSING and m.default_factory is MISSING)
    return cls(**found) if found and all(name in found for name in needed) else None


def _value(statement: Statement, *, plural: bool) -> object:
    row = statement.row
    assert row is not None
    if row.data:
        return tuple(word for child in statement.children for word in child.words)
    if plural and statement.value not in (None, BARE):
        return tuple(statement.words[1:])
    return statement.value
