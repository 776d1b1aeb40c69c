"""Services and destinations in words."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from pyvrrp.core.lvs.drift import destination_text, service_name, service_text
from pyvrrp.core.lvs.ipvs_table import Destination, Service
from pyvrrp.model.lvs import Forwarding, ServiceFlag, ServiceKey, Tunnel, TunnelChecksum, TunnelType
from tests.unit.lvs.samples import RS1, VIP


@pytest.mark.parametrize(
    ("service", "text"),
    [
        (Service(key=VIP, scheduler="rr"), "rr"),
        (Service(key=VIP, scheduler="sh", flags=ServiceFlag.SCHED_2 | ServiceFlag.ONE_PACKET), "sh ops flag-2"),
        (
            Service(
                key=VIP,
                scheduler="wlc",
                flags=ServiceFlag.PERSISTENT,
                timeout=360,
                netmask=IPv4Address("255.255.255.0"),
                persistence_engine="sip",
            ),
            "wlc persistent 360 s mask 255.255.255.0 engine sip",
        ),
    ],
)
def test_services(service: Service, text: str) -> None:
    assert service_text(service) == text


def test_names() -> None:
    keys = [VIP, ServiceKey(2, None, None, 7), ServiceKey(10, None, None, 7)]
    assert [service_name(key) for key in keys] == ["TCP 192.0.2.10:80", "FWM 7", "FWM 7 inet6"]


@pytest.mark.parametrize(
    ("destination", "text"),
    [
        (Destination(endpoint=RS1, forwarding=Forwarding.DR, weight=3), "DR weight 3"),
        (Destination(endpoint=RS1, forwarding=1, weight=0), "LOCAL weight 0"),
        (Destination(endpoint=RS1, forwarding=5, weight=0), "method 5 weight 0"),
        (
            Destination(endpoint=RS1, forwarding=0, weight=1, upper_threshold=20, lower_threshold=10),
            "NAT weight 1 threshold 10 to 20",
        ),
        (
            Destination(
                endpoint=RS1,
                forwarding=Forwarding.TUN,
                weight=1,
                tunnel=Tunnel(type=TunnelType.GUE, port=6080, checksum=TunnelChecksum.REMCSUM),
            ),
            "TUN gue port 6080 remcsum weight 1",
        ),
    ],
)
def test_destinations(destination: Destination, text: str) -> None:
    assert destination_text(destination) == text
