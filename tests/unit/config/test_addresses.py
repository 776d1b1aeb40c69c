from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Interface

import pytest

from pyvrrp.config.addresses import read_virtual_address
from pyvrrp.config.problems import Problems
from pyvrrp.config.source import Line
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ConfigProblem, Severity
from pyvrrp.model.vrrp import Scope, VirtualAddress
from tests.unit.config.files import only, source


def read(text: str) -> tuple[VirtualAddress | None, list[ConfigProblem]]:
    problems = Problems(source(text))
    line = Line(0, 1, 1, text, text)
    return read_virtual_address(Statement(None, text.split(), line), problems), problems.found


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", VirtualAddress(interface=IPv4Interface("10.0.0.1/32"), dev="")),
        ("10.0.0.1/24 dev eth1", VirtualAddress(interface=IPv4Interface("10.0.0.1/24"), dev="eth1")),
        ("fe80::1", VirtualAddress(interface=IPv6Interface("fe80::1/128"), dev="")),
        (
            "10.0.0.1/24 label eth1:1 brd + scope link",
            VirtualAddress(
                interface=IPv4Interface("10.0.0.1/24"),
                dev="",
                label="eth1:1",
                broadcast=IPv4Address("10.0.0.255"),
                scope=Scope.LINK,
            ),
        ),
        (
            "10.0.0.1/24 broadcast - scope 200",
            VirtualAddress(
                interface=IPv4Interface("10.0.0.1/24"), dev="", broadcast=IPv4Address("10.0.0.0"), scope=Scope.SITE
            ),
        ),
        (
            "10.0.0.1/24 brd 10.0.0.7",
            VirtualAddress(interface=IPv4Interface("10.0.0.1/24"), dev="", broadcast=IPv4Address("10.0.0.7")),
        ),
    ],
)
def test_good_lines(text: str, address: VirtualAddress) -> None:
    assert read(text) == (address, [])


PLAIN = VirtualAddress(interface=IPv4Interface("10.0.0.1/24"), dev="")


@pytest.mark.parametrize(
    "text",
    [
        *("foo", "010.000.000.009", "10.0.9", "10.0.0.1/24 label abcdefghijklmnop", "10.0.0.1 brd foo", "dev eth0"),
        *("10.0.0.1/24 dev", "10.0.0.1/24 label", "10.0.0.1 dev a dev b", "fe80::1 brd +"),
    ],
)
def test_lines_that_are_left_out(text: str) -> None:
    address, problems = read(text)
    assert address is None
    assert only(problems).severity is Severity.ERROR
    assert "left out" in only(problems).effect


@pytest.mark.parametrize(
    ("options", "severity", "word"),
    [
        ("foo", Severity.ERROR, "foo"),
        ("dv", Severity.ERROR, "dv"),
        ("10.0.0.2/24", Severity.ERROR, "10.0.0.2/24"),
        ("scope foo", Severity.ERROR, "foo"),
        ("peer foo", Severity.ERROR, "foo"),
        ("peer fe80::1", Severity.ERROR, "fe80::1"),
        ("preferred_lft foo", Severity.ERROR, "foo"),
    ],
)
def test_options_that_do_not_count(options: str, severity: Severity, word: str) -> None:
    text = f"10.0.0.1/24 {options}"
    address, problems = read(text)
    assert address == PLAIN
    problem = only(problems)
    assert problem.severity is severity
    assert text[problem.span.column - 1 :].startswith(word)


def test_a_wrong_prefix_length_is_the_hosts() -> None:
    assert read("10.0.0.1/33")[0] == VirtualAddress(interface=IPv4Interface("10.0.0.1/32"), dev="")
    assert read("10.0.0.1/x")[1][0].severity is Severity.ERROR
    assert read("10.0.0.1/24;")[0] == VirtualAddress(interface=IPv4Interface("10.0.0.1/24"), dev="")
    assert read("10.0.0.1/24;")[1][0].severity is Severity.ERROR
    assert read("10.0.0.1/")[1][0].severity is Severity.NOTICE


def test_a_long_prefix_has_no_broadcast() -> None:
    address, problems = read("10.0.0.1/31 brd +")
    assert address is not None
    assert address.broadcast is None
    assert only(problems).message == "/31 has no broadcast address"


def test_a_device_with_an_impossible_name_is_fatal() -> None:
    assert only(read("10.0.0.1 dev abcdefghijklmnop")[1]).severity is Severity.FATAL


def test_ipv6_has_neither_label_nor_broadcast() -> None:
    address, problems = read("fe80::1 label x")
    assert address is not None
    assert address.label is None
    assert only(problems).severity is Severity.ERROR


def test_every_flag_and_a_peer() -> None:
    text = "10.0.0.1 peer 10.0.0.9 home -nodad mngtmpaddr noprefixroute autojoin no_track scope 77"
    address, problems = read(text)
    assert problems == []
    assert address == VirtualAddress(
        interface=IPv4Interface("10.0.0.1"),
        dev="",
        scope=77,
        peer=IPv4Address("10.0.0.9"),
        home=True,
        dad=True,
        mngtmpaddr=True,
        noprefixroute=True,
        autojoin=True,
        track=False,
    )


def test_use_vmac_is_kept() -> None:
    address, _ = read("10.0.0.1/24 use_vmac")
    assert address is not None
    assert address.use_vmac


def test_a_peer_takes_the_place_of_prefix_and_broadcast() -> None:
    address, problems = read("10.0.0.1/24 brd + peer 10.0.0.9")
    assert address == VirtualAddress(interface=IPv4Interface("10.0.0.1/32"), dev="", peer=IPv4Address("10.0.0.9"))
    assert len(problems) == 2


def test_preferred_lft_is_for_ipv6() -> None:
    expected = VirtualAddress(interface=IPv6Interface("fe80::1/64"), dev="", preferred_lft=5)
    assert read("fe80::1/64 preferred_lft 5") == (expected, [])
    address, problems = read("10.0.0.1/24 preferred_lft 5")
    assert address == PLAIN
    assert only(problems).severity is Severity.NOTICE
