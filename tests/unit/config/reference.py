"""The reference configuration, as an operator wrote it: brace style, and no indentation at all."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from pyvrrp.model.checkers import CheckTiming, ConnectOptions, TcpCheck
from pyvrrp.model.config import Config
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Forwarding, Protocol, RealServer, ServiceKey, VirtualServer
from pyvrrp.model.vrrp import Authentication, AuthType, State, SyncGroup, VirtualAddress, VrrpInstance
from pyvrrp.units import SECOND

TEXT = """\
vrrp_sync_group NC-MAIN-API {
group {
NC-MAIN-API-PUB
}
}
vrrp_instance NC-MAIN-API-PUB {
state BACKUP
interface bond1
virtual_router_id 222
priority 100
advert_int 1
nopreempt
authentication {
auth_type PASS
auth_pass 1111
}
virtual_ipaddress {
192.0.2.10/25 dev bond1
}
virtual_ipaddress_excluded {
10.71.12.1/24 dev eth1
}
}
virtual_server 192.0.2.10 15000 {
delay_loop 6
lb_algo rr
lb_kind NAT
protocol TCP
real_server 10.71.12.69 15000 {
weight 100
TCP_CHECK {
connect_timeout 3
nb_get_retry 3
delay_before_retry 3
connect_port 15000
}
}
real_server 10.71.12.76 15000 {
weight 100
TCP_CHECK {
connect_timeout 3
nb_get_retry 3
delay_before_retry 3
connect_port 15000
}
}
}
"""


def _server(address: str) -> RealServer:
    endpoint = Endpoint(IPv4Address(address), 15000)
    return RealServer(
        endpoint=endpoint,
        weight=100,
        forwarding=Forwarding.NAT,
        checkers=(
            TcpCheck(
                timing=CheckTiming(delay_loop=6 * SECOND, retry=3, delay_before_retry=3 * SECOND, warmup=6 * SECOND),
                connect=ConnectOptions(target=endpoint, connect_timeout=3 * SECOND),
            ),
        ),
    )


CONFIG = Config(
    vrrp_sync_groups=(SyncGroup(name="NC-MAIN-API", members=("NC-MAIN-API-PUB",)),),
    vrrp_instances=(
        VrrpInstance(
            name="NC-MAIN-API-PUB",
            interface="bond1",
            virtual_router_id=222,
            version=2,
            state=State.BACKUP,
            priority=100,
            advert_int=SECOND,
            preempt=False,
            authentication=Authentication(type=AuthType.PASS, password=b"1111"),
            virtual_ipaddress=(VirtualAddress(interface=IPv4Interface("192.0.2.10/25"), dev="bond1"),),
            virtual_ipaddress_excluded=(VirtualAddress(interface=IPv4Interface("10.71.12.1/24"), dev="eth1"),),
        ),
    ),
    virtual_servers=(
        VirtualServer(
            key=ServiceKey.of(Endpoint(IPv4Address("192.0.2.10"), 15000), Protocol.TCP),
            scheduler="rr",
            real_servers=(_server("10.71.12.69"), _server("10.71.12.76")),
        ),
    ),
)
