from __future__ import annotations

from pyvrrp.config.interfaces import absent_interfaces
from pyvrrp.config.load import interfaces_named
from pyvrrp.errors import ProblemClass, Severity
from tests.unit.config.files import loaded, only

TEXT = """\
vrrp_instance V {
  interface bond1
  virtual_router_id 5
  virtual_ipaddress {
    10.0.0.1/24 dev eth2
    10.0.0.2/24
  }
  track_interface {
    eth3
  }
}
linkbeat_interfaces {
  eth4
}
"""


def test_every_use_has_its_place() -> None:
    uses = interfaces_named(loaded(TEXT))
    assert [(use.name, use.span.line, use.span.column, use.user, use.needed) for use in uses] == [
        ("eth3", 9, 5, "track_interface of V", True),
        ("bond1", 2, 13, "V", True),
        ("eth2", 5, 21, "address 10.0.0.1/24", True),
        ("eth4", 13, 3, "linkbeat_interfaces", False),
    ]


def test_a_device_that_is_not_there_is_told() -> None:
    uses = interfaces_named(loaded(TEXT))
    present = {"bond1", "eth2", "eth3", "eth4"}
    assert absent_interfaces(uses, present, dynamic=False) == ()
    problem = only(absent_interfaces(uses, present - {"bond1"}, dynamic=False))
    assert (problem.severity, problem.kind) == (Severity.ERROR, ProblemClass.GENERAL)
    assert problem.message == "interface bond1 does not exist (for V)"
    assert problem.suggestion is not None
    assert "dynamic_interfaces" in problem.suggestion


def test_it_is_waited_for_where_devices_come_and_go() -> None:
    uses = interfaces_named(loaded(TEXT))
    problem = only(absent_interfaces(uses, {"eth2", "eth3", "eth4"}, dynamic=True))
    assert (problem.severity, problem.kind) == (Severity.NOTICE, ProblemClass.OK)


def test_what_keepalived_can_do_without_is_only_told() -> None:
    uses = interfaces_named(loaded(TEXT))
    problem = only(absent_interfaces(uses, {"eth2", "eth3", "bond1"}, dynamic=False))
    assert (problem.severity, problem.kind) == (Severity.ERROR, ProblemClass.FATAL)
