from __future__ import annotations

import pytest

from pyvrrp.config.forwarding import Method, read_forwarding
from pyvrrp.config.problems import Problems
from pyvrrp.config.source import Line
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ConfigProblem
from pyvrrp.model.lvs import Forwarding, Tunnel, TunnelChecksum, TunnelType
from tests.unit.config.files import only, source


def read(text: str) -> tuple[Method | None, list[ConfigProblem]]:
    line = f"lb_kind {text}"
    problems = Problems(source(line))
    return read_forwarding(Statement(None, line.split(), Line(0, 1, 1, line, line)), problems), problems.found


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("NAT", Method(Forwarding.NAT)),
        ("DR", Method(Forwarding.DR)),
        ("TUN", Method(Forwarding.TUN)),
        ("TUN type ipip nocsum", Method(Forwarding.TUN)),
        (
            "TUN type gue port 5555 remcsum",
            Method(Forwarding.TUN, Tunnel(type=TunnelType.GUE, port=5555, checksum=TunnelChecksum.REMCSUM)),
        ),
        ("TUN type gre csum", Method(Forwarding.TUN, Tunnel(type=TunnelType.GRE, checksum=TunnelChecksum.CSUM))),
    ],
)
def test_methods(text: str, method: Method) -> None:
    assert read(text) == (method, [])


@pytest.mark.parametrize(
    "text",
    [
        *("dr", "FNAT", "DR foo", "NAT type ipip", "TUN type foo", "TUN type", "TUN port 55", "TUN type gue"),
        *("TUN type gue port x", "TUN csum", "TUN type gre remcsum"),
    ],
)
def test_what_cannot_be_used(text: str) -> None:
    method, problems = read(text)
    assert method is None
    assert only(problems).effect


def test_small_letters_are_recognised() -> None:
    assert only(read("dr")[1]).suggestion == "write `DR`, in capitals"
