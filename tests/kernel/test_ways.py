"""Every way from a director to its real servers: NAT, DR and the tunnels, IPv4 and IPv6, TCP, UDP and SCTP."""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.kernel.traffic_bed import FAMILIES, METHODS, NAMES, TrafficBed, pool, private, virtual

pytestmark = [pytest.mark.uml, pytest.mark.root]
COST = 3


@pytest.fixture(scope="module", params=METHODS)
def way(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[TrafficBed]:
    method: str = request.param
    with contextlib.closing(TrafficBed(tmp_path_factory.mktemp(method))) as bed:
        bed.hold_vip()
        bed.answer_through(method)
        for family, vip in FAMILIES.items():
            for name, host in bed.servers.items():
                bed.answers.serve_sctp(host, family, private(name, family) if method == "NAT" else vip)
        bed.start(
            "".join(
                virtual(pool(method=method, family=family), family=family, protocol=protocol, method=method)
                for family in FAMILIES
                for protocol in ("TCP", "UDP", "SCTP")
            )
        )
        bed.until(lambda: len(bed.table()) == 24, what="the table is filled")
        yield bed


@pytest.mark.parametrize("family", FAMILIES)
def test_tcp_and_udp_reach_all_real_servers_in_turn(way: TrafficBed, family: str) -> None:
    assert Counter(way.asked(6, family)) == dict.fromkeys(NAMES, 2), way.play()
    assert Counter(way.asked_by_udp(6, family)) == dict.fromkeys(NAMES, 2), way.play()


@pytest.mark.parametrize("family", FAMILIES)
def test_sctp_reaches_all_real_servers_in_turn(way: TrafficBed, family: str) -> None:
    asked = Counter(way.ask(family, protocol=socket.IPPROTO_SCTP) for _ in range(6))
    assert asked == dict.fromkeys(NAMES, 2), way.play()
