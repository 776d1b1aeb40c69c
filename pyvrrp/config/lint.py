"""What keepalived is silent about and an operator would like to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyvrrp.config.problems import Problems
from pyvrrp.config.source import Line
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.net import Address

TUTORIAL_VRID = 51
TUTORIAL_PASSWORD = b"1111"


def lint(instances: Iterable[VrrpInstance], lines: Mapping[str, Line], problems: Problems) -> None:
    """Add notices about instances that are valid; `lines`: where each instance begins."""
    holders: dict[Address, str] = {}
    for instance in instances:
        line = lines[instance.name]
        password = instance.authentication.password if instance.authentication else b""
        if instance.virtual_router_id == TUTORIAL_VRID and password == TUTORIAL_PASSWORD:
            problems.notice(
                line,
                "virtual_router_id and auth_pass are those of a well-known example",
                "a second pair of directors made from it, on the same link, would take part in the elections",
            )
        for address in instance.addresses:
            holder = holders.setdefault(address.address, instance.name)
            if holder != instance.name:
                message = f"{address.address} is an address of {holder} and of {instance.name}"
                problems.notice(line, message, "whichever of them becomes master adds it, and takes it away")
