"""The worker's side of the firewall, with a kernel that refuses what it is told to."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import ip_interface

from pyvrrp.core.log import Level
from pyvrrp.core.vrrp.actions import AddAddresses, RemoveAddresses
from pyvrrp.daemon.guard import Guard
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.globals import Firewall as FirewallDefs
from pyvrrp.model.vrrp import VirtualAddress, VrrpInstance
from tests.fakes.host import FakeHost

VIP = VirtualAddress(interface=ip_interface("192.0.2.100/24"), dev="eth0")


class FakeFirewall:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.refused: tuple[str, ...] = ()

    def apply(self, text: str) -> None:
        if any(word in text for word in self.refused):
            raise kernel_error(errno.ENOENT, "change the nftables rules")
        self.texts.append(text)

    def watch(self) -> int:
        return -1

    def read(self, table: str) -> bool:
        return True


def config(*, accept: bool = False) -> Config:
    instance = VrrpInstance(name="V", interface="eth0", virtual_router_id=5, virtual_ipaddress=(VIP,), accept=accept)
    return Config(vrrp_instances=(instance,))


def guard(firewall: FakeFirewall, host: FakeHost) -> Guard:
    made = Guard(lambda: firewall, host)
    made.configure(config(), None)
    return made


def test_addresses_come_and_go_as_elements() -> None:
    firewall, host = FakeFirewall(), FakeHost()
    made = guard(firewall, host)
    made.take([AddAddresses("V", (VIP,))])
    made.leave([RemoveAddresses("V", (VIP,))])
    assert "table ip keepalived {" in firewall.texts[0]
    assert firewall.texts[1:] == [
        "add element ip keepalived vips { 192.0.2.100 }\n",
        "delete element ip keepalived vips { 192.0.2.100 }\n",
    ]
    made.stop()
    assert firewall.texts[-1] == "add table ip keepalived\ndelete table ip keepalived\n"


def test_what_cannot_be_changed_is_replaced() -> None:
    firewall, host = FakeFirewall(), FakeHost()
    made = guard(firewall, host)
    firewall.refused = ("element ip",)
    made.take([AddAddresses("V", (VIP,))])
    assert "elements = { 192.0.2.100 }" in firewall.texts[-1]
    assert host.said == []


def test_a_reload_that_accepts_opens_what_was_closed() -> None:
    firewall, host = FakeFirewall(), FakeHost()
    made = guard(firewall, host)
    made.take([AddAddresses("V", (VIP,))])
    made.configure(config(accept=True), None)
    assert firewall.texts[-1] == "add table ip keepalived\ndelete table ip keepalived\n"


def test_without_nftables_that_is_said_once() -> None:
    host = FakeHost()

    def missing() -> FakeFirewall:
        raise kernel_error(errno.EOPNOTSUPP, "load libnftables.so.1", "install nftables")

    made = Guard(missing, host)
    made.configure(config(), None)
    made.take([AddAddresses("V", (VIP,))])
    made.stop()
    ((level, text),) = host.said
    assert level is Level.ERROR
    assert "packets to addresses with no_accept are accepted" in text


def test_keywords_of_iptables_are_mapped_and_that_is_said_once() -> None:
    firewall, host = FakeFirewall(), FakeHost()
    made = Guard(lambda: firewall, host)
    with_iptables = replace(config(), global_defs=GlobalDefs(firewall=FirewallDefs(vrrp_iptables=("IN", "OUT"))))
    made.configure(with_iptables, None)
    made.configure(with_iptables, None)
    assert [level for level, _ in host.said] == [Level.NOTICE]
