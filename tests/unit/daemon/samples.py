"""Small valid pieces of configuration and of a picture."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Protocol, ServiceKey, VirtualServer
from pyvrrp.model.vrrp import VirtualAddress, VrrpInstance

VRRP_INSTANCE = VrrpInstance(
    name="A",
    interface="eth0",
    virtual_router_id=51,
    virtual_ipaddress=(VirtualAddress(interface=IPv4Interface("192.0.2.10/24"), dev="eth1"),),
)
VIRTUAL_SERVER = VirtualServer(key=ServiceKey.of(Endpoint(IPv4Address("192.0.2.10"), 80), Protocol.TCP))
