from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyvrrp.core.lvs.snapshot import LvsSnapshot, Traffic
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.observe.codec import MismatchError, from_json, in_pieces, to_json
from pyvrrp.observe.picture import DaemonSnapshot, Picture
from tests.unit.observe.pictures import PICTURE, WORST


class Number(IntEnum):
    ONE = 1
    TWO = 2


@dataclass(frozen=True, slots=True)
class Leaf:
    raw: bytes
    number: Number


@dataclass(frozen=True, slots=True)
class Other:
    yes: bool


@dataclass(frozen=True, slots=True)
class Tree:
    either: Leaf | Other | None
    many: tuple[Leaf | Other, ...]
    pair: tuple[str, int]
    children: tuple[Tree, ...] = ()


TREE = Tree(Other(True), (Leaf(b"\x00\xff", Number.TWO), Other(False)), ("a", 1), (Tree(None, (), ("", 0)),))


@pytest.mark.parametrize("cls", [DaemonSnapshot, VrrpSnapshot, LvsSnapshot, Picture, Tree])
def test_everything_comes_back_as_it_went(cls: type[Any]) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.from_type(cls))
    def check(value: object) -> None:
        assert from_json(cls, json.loads(json.dumps(to_json(value)))) == value

    check()


@pytest.mark.parametrize("count", [0, 1, 16, 17, 32, 100])
def test_in_pieces_it_is_the_same_text(count: int) -> None:
    value = replace(TREE, many=TREE.many[:1] * count, children=(TREE,) * count)
    pieces = list(in_pieces(value))
    assert json.loads("".join(pieces)) == to_json(value)
    assert max(piece.count('"kind":"Leaf"') for piece in pieces) <= 16 * 2, "none is long"


def test_the_form_is_the_one_documented() -> None:
    assert to_json(TREE) == {
        "either": {"kind": "Other", "yes": True},
        "many": [{"kind": "Leaf", "raw": "00ff", "number": 2}, {"kind": "Other", "yes": False}],
        "pair": ["a", 1],
        "children": [{"either": None, "many": [], "pair": ["", 0], "children": []}],
    }


def test_whole_pictures() -> None:
    assert from_json(Picture, json.loads(json.dumps(to_json(WORST)))) == WORST


def changed(path: str, value: object) -> Any:
    """The picture's JSON with one value replaced; ``del`` removes the key."""
    document: Any = json.loads(json.dumps(to_json(PICTURE)))
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = document
    for step in way:
        place = place[step]
    if value == "del":
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("taken", "del", "top level: Picture lacks taken"),
        ("news", 1, "top level: Picture has no news"),
        ("vrrp.instances.0.stats.chk_err", "del", "vrrp.instances[0].stats: Stats lacks chk_err"),
        ("vrrp.instances.0.priority", True, "vrrp.instances[0].priority: expected an integer, found True"),
        ("vrrp.instances.0.priority", 1.0, "vrrp.instances[0].priority: expected an integer, found 1.0"),
        ("vrrp.instances.0.preempt", 0, "vrrp.instances[0].preempt: expected a boolean, found 0"),
        ("vrrp.instances.0.name", None, "vrrp.instances[0].name: expected a string, found None"),
        ("vrrp.instances.0.cause", "boredom", "vrrp.instances[0].cause: 'boredom' is no Cause"),
        ("vrrp.instances.0.priority_sum.0", ["a"], "vrrp.instances[0].priority_sum[0]: expected 2 elements, found 1"),
        ("lvs.virtual_servers", {}, "lvs.virtual_servers: expected an array, found {}"),
        ("lvs", [], "lvs: expected an object, found []"),
        ("daemon", "x" * 99, "daemon: expected an object, found 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"),
    ],
)
def test_what_differs_is_named_with_its_place(path: str, value: object, message: str) -> None:
    with pytest.raises(MismatchError) as caught:
        from_json(Picture, changed(path, value))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"either": {"kind": "Tree"}}, "either.kind: expected one of Leaf, Other, found 'Tree'"),
        ({"either": {"yes": True}}, "either.kind: expected one of Leaf, Other, found None"),
        (
            {"many": [{"kind": "Leaf", "raw": "0", "number": 1}]},
            "many[0].raw: expected bytes in hexadecimal, found '0'",
        ),
        ({"many": [{"kind": "Leaf", "raw": "", "number": 3}]}, "many[0].number: 3 is no Number"),
        ({"many": [{"kind": "Leaf", "raw": "", "number": True}]}, "many[0].number: True is no Number"),
    ],
)
def test_unions_bytes_and_numbers_are_strict_too(members: dict[str, object], message: str) -> None:
    document = to_json(TREE)
    assert isinstance(document, dict)
    with pytest.raises(MismatchError) as caught:
        from_json(Tree, {**document, **members})
    assert str(caught.value) == message


@dataclass(frozen=True)
class Unknown:
    value: dict[str, int]


@dataclass(frozen=True)
class Undecidable:
    value: int | str


@pytest.mark.parametrize("value", [Unknown({}), Undecidable(1)])
def test_hints_without_a_json_form_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no JSON form"):
        to_json(value)
    with pytest.raises(TypeError, match="no JSON form"):
        from_json(type(value), {"value": 1})


def test_a_large_picture_takes_a_fraction_of_a_second() -> None:
    assert PICTURE.lvs is not None
    service = PICTURE.lvs.virtual_servers[0]
    server = replace(service.real_servers[0], traffic=Traffic(connections=1))
    many = replace(service, real_servers=(server,) * 10_000)
    picture = replace(PICTURE, lvs=replace(PICTURE.lvs, virtual_servers=(many,)))
    assert from_json(Picture, to_json(picture)) == picture
