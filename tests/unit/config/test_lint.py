from __future__ import annotations

from pyvrrp.errors import Severity
from tests.unit.config.files import loaded, only

V = """\
vrrp_instance %s {
interface %s
virtual_router_id 51
authentication {
auth_type PASS
auth_pass %s
}
virtual_ipaddress {
10.0.0.%d
}
}
"""


def test_the_tutorials_id_and_password() -> None:
    problem = only(loaded(V % ("V", "eth0", "1111", 1)).problems)
    assert problem.severity is Severity.NOTICE
    assert "well-known example" in problem.message
    assert loaded(V % ("V", "eth0", "other", 1)).problems == ()


def test_an_address_of_two_instances() -> None:
    problem = only(loaded(V % ("V", "eth0", "x", 1) + V % ("W", "eth1", "x", 1)).problems)
    assert problem.message == "10.0.0.1 is an address of V and of W"
    assert problem.span.line == 12
    assert loaded(V % ("V", "eth0", "x", 1) + V % ("W", "eth1", "x", 2)).problems == ()
