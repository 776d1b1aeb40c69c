"""What we write for IPVS we also read: a dump has the attributes of a request, and counters besides."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from sys import byteorder

from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.core.lvs.ipvs_table import Destination, Service, services_of
from pyvrrp.core.lvs.snapshot import Traffic
from pyvrrp.kernel.ipvs_messages import decode_destination, decode_service, encode_destination, encode_service
from pyvrrp.kernel.netlink import attribute, attributes
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Forwarding, Protocol, ServiceFlag, ServiceKey, VirtualServer

ports = st.integers(0, 65535)
addresses = st.builds(IPv4Address, st.integers(0, 2**32 - 1)) | st.builds(IPv6Address, st.integers(0, 2**128 - 1))
endpoints = st.builds(Endpoint, addresses, ports)
keys = st.builds(ServiceKey.of, endpoints, st.sampled_from(Protocol)) | st.builds(
    ServiceKey, st.sampled_from([2, 10]), st.none(), st.none(), st.integers(1, 2**32 - 1)
)


@st.composite
def services(draw: st.DrawFn) -> Service:
    key = draw(keys)
    masks: st.SearchStrategy[IPv4Address | int] = (
        st.builds(IPv4Address, st.integers(1, 2**32 - 1)) if key.family == 2 else st.integers(1, 128)
    )
    (service,) = services_of(
        VirtualServer(
            key=key,
            scheduler=draw(st.sampled_from(["rr", "wlc", "sh", "lblcr"])),
            flags=draw(st.sampled_from([0, ServiceFlag.ONE_PACKET, ServiceFlag.SCHED_1 | ServiceFlag.SCHED_2])),
            persistence_timeout=draw(st.integers(0, 2**31 - 1)),
            persistence_netmask=draw(st.none() | masks),
            persistence_engine=draw(st.sampled_from([None, "sip"])),
        )
    ).values()
    return service


destinations = st.builds(
    Destination,
    endpoint=endpoints,
    forwarding=st.sampled_from(Forwarding),
    weight=st.integers(0, 65535),
    upper_threshold=st.integers(0, 2**32 - 1),
    lower_threshold=st.integers(0, 2**32 - 1),
)
counters = st.lists(st.integers(0, 2**64 - 1), min_size=5, max_size=5)


@given(service=services(), counted=counters)
def test_a_service(service: Service, counted: list[int]) -> None:
    numbers = b"".join(attribute(kind, value.to_bytes(8, byteorder)) for kind, value in enumerate(counted, 1))
    # STATS64.
    state = decode_service(attributes(encode_service(service) + attribute(12, numbers)))
    assert state is not None
    assert state.service == service
    assert state.traffic == Traffic(
        connections=counted[0],
        in_packets=counted[1],
        out_packets=counted[2],
        in_bytes=counted[3],
        out_bytes=counted[4],
    )


@given(key=keys, destination=destinations, active=st.integers(0, 2**32 - 1))
def test_a_destination(key: ServiceKey, destination: Destination, active: int) -> None:
    told = encode_destination(key, destination) + attribute(7, active.to_bytes(4, byteorder)) + attribute(8, bytes(4))
    state = decode_destination(attributes(told), key.family)
    assert state.destination == destination
    assert (state.active_connections, state.inactive_connections) == (active, 0)


def test_a_service_of_a_protocol_we_do_not_serve_is_passed_over() -> None:
    service = Service(key=ServiceKey.of(Endpoint(IPv4Address("10.0.0.1"), 1), Protocol.TCP), scheduler="rr")
    raw = attributes(encode_service(service))
    assert decode_service(raw | {2: (47).to_bytes(2, byteorder)}) is None
