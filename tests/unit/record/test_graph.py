"""Every event and every action of both machines can be recorded and read again; so can whole machines."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, ip_address, ip_interface
from itertools import count
from random import Random
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

import pyvrrp.core.lvs.actions
import pyvrrp.core.lvs.events
import pyvrrp.core.vrrp.actions
import pyvrrp.core.vrrp.events
from pyvrrp.core.lvs import ipvs_table
from pyvrrp.core.vrrp.router import Router
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.model.config import Config
from pyvrrp.model.lvs import VirtualServer
from pyvrrp.model.routing import Route, Rule
from pyvrrp.model.vrrp import State, VirtualAddress, VrrpInstance
from pyvrrp.record.graph import GraphError, from_graph, to_graph
from tests.conformance.play import director, instance

UNIONS = {
    "vrrp events": pyvrrp.core.vrrp.events.Event,
    "vrrp actions": pyvrrp.core.vrrp.actions.Action,
    "lvs events": pyvrrp.core.lvs.events.Event,
    "lvs actions": pyvrrp.core.lvs.actions.Action,
}


def round_trip(value: Any) -> Any:
    return from_graph(json.loads(json.dumps(to_graph(value))))


def sample(hint: Any, depth: int = 0) -> Any:
    """Some value of a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return sample(next(a for a in arguments if a is not type(None)), depth)
    if origin in (tuple, frozenset):
        inner = sample(arguments[0], depth)
        return origin((inner,)) if len(arguments) < 2 or arguments[1] is Ellipsis else tuple(map(sample, arguments))
    if origin is not None:  # a Mapping
        return {}
    if hint in SAMPLES:
        return SAMPLES[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if is_dataclass(hint) and isinstance(hint, type):
        return made(hint, depth + 1)
    raise AssertionError(f"no sample of {hint}")


SAMPLES: dict[Any, Any] = {
    bool: True,
    int: 5,
    str: "text é\n",
    bytes: b"\0\xff",
    float: 0.5,
    IPv4Address: IPv4Address("192.0.2.1"),
    IPv6Address: IPv6Address("2001:db8::1"),
    IPv4Interface: IPv4Interface("192.0.2.1/24"),
    IPv6Interface: IPv6Interface("2001:db8::1/64"),
    Config: Config(vrrp_instances=(instance(),)),
}


def made(cls: type[Any], depth: int = 0) -> Any:
    """An object of a dataclass; beyond what must be given, only at the top."""
    try:
        hints = get_type_hints(cls, None, NAMES)
    except NameError as error:
        raise AssertionError(f"{cls}: {error}") from error
    values = {
        f.name: sample(hints[f.name], depth)
        for f in fields(cls)
        if f.init and (depth < 2 or (f.default is MISSING and f.default_factory is MISSING))
    }
    return cls(**values)


NAMES: dict[str, Any] = {one.__name__: one for one in (VirtualServer, VrrpInstance, VirtualAddress, Route, Rule)}


@pytest.mark.parametrize(
    "cls",
    [cls for union in UNIONS.values() for cls in get_args(union)],
    ids=lambda cls: f"{cls.__module__}.{cls.__name__}",
)
def test_each_event_and_action_comes_back(cls: type[Any]) -> None:
    value = made(cls)
    assert round_trip(value) == value


@pytest.mark.parametrize("cls", get_args(ipvs_table.Operation))
def test_each_operation_comes_back(cls: type[Any]) -> None:
    value = made(cls)
    assert round_trip(value) == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "é\ud800",
        (1, (2,), [3]),
        {("a", 1): b"x"},
        {1, 2},
        frozenset({State.MASTER}),
        ip_interface("10.0.0.1/8"),
        ip_address("::1"),
        IPv4Network("10.0.0.0/8"),
    ],
)
def test_values_come_back(value: object) -> None:
    assert round_trip(value) == value
    assert type(round_trip(value)) is type(value)


def test_what_counts_and_what_draws_goes_on_where_it_was() -> None:
    numbers, random = count(7), Random(3)
    random.random()
    numbers_again, random_again = round_trip(numbers), round_trip(random)
    assert next(numbers_again) == 7
    assert random_again.random() == random.random()
    assert round_trip(deque([1, 2], maxlen=2)) == deque([1, 2], maxlen=2)


def test_a_whole_router_goes_on_as_the_other_does() -> None:
    d = director(instance(), instance("W", virtual_router_id=52, priority=200))
    d.start()
    d.run(3.5)
    other = director(instance())
    other.router, other.now = round_trip(d.router), d.now
    assert isinstance(other.router, Router)
    assert other.router.snapshot() == d.router.snapshot()
    assert other.run(20) == d.run(20)
    assert other.hear(21, 250) == d.hear(21, 250)
    assert other.router.snapshot() == d.router.snapshot()


def test_what_has_no_form_is_said_when_it_is_written() -> None:
    with pytest.raises(GraphError, match=r"fractions\.Fraction has no form"):
        to_graph((Fraction(1, 2),))


@pytest.mark.parametrize(
    "graph",
    [
        {"~": "daemon.supervisor.Supervisor"},
        {"~": "os.system"},
        {"~": "core.vrrp.snapshot.nothing"},
        {"~": "core.vrrp.timing.skew_time"},
        {"~enum": "core.vrrp.snapshot.Transition", "value": 1},
        {"~enum": "core.vrrp.snapshot.Cause", "value": "x"},
        {"~what": 1},
        {"~ref": 5},
        {"~tuple": 5},
        {"~bytes": "xy"},
        {"~ip": "nowhere"},
        {"plain": 1},
    ],
)
def test_what_is_none_of_ours_is_refused(graph: Any) -> None:
    with pytest.raises(GraphError):
        from_graph(graph)


def test_a_field_that_an_earlier_release_did_not_know_has_its_default() -> None:
    graph = to_graph(VrrpSnapshot())
    assert isinstance(graph, dict)
    del graph["sync_groups"]
    assert from_graph(graph) == VrrpSnapshot()
